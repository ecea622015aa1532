"""Bytes of a host's stream turned into its lines, in bounded memory. Pure: no file, no clock."""

from __future__ import annotations

RECORD = 16 << 20
"""Bytes of one line; a longer one is left out and counted."""


class Records:
    """Whole lines as they come.

    Args:
        limit: bytes of the longest line that is kept.
    """

    def __init__(self, limit: int = RECORD) -> None:
        self._limit = limit
        self._pending = bytearray()
        self._skipping = False
        self.left_out = 0
        """Lines that were too long."""

    def feed(self, data: bytes) -> list[str]:
        """Take the bytes of one read; the lines they completed, blank ones left out."""
        *ended, rest = data.split(b"\n")
        lines: list[str] = []
        for piece in ended:
            self._hold(piece)
            lines += self._take()
        self._hold(rest)
        return lines

    def finish(self) -> list[str]:
        """The stream has ended: an unfinished line counts as a line."""
        return self._take()

    def _hold(self, piece: bytes) -> None:
        if self._skipping:
            return
        self._pending += piece
        if len(self._pending) > self._limit:
            self._skipping = True
            self._pending.clear()

    def _take(self) -> list[str]:
        line = self._pending.decode("utf-8", "replace").strip("\r \t")
        self._pending.clear()
        self.left_out += self._skipping
        self._skipping = False
        return [line] if line else []
