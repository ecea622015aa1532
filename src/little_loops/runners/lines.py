"""Bytes of an output turned into lines and into a value, both in bounded memory. Pure: no file, no clock.

A line ends at LF. What is shown of it has lost one CR and its trailing blanks, and is ``LINE`` characters at
most. A value is the whole text up to a limit in bytes, beyond it the beginning, a note and the end.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass, field
from typing import Literal

from little_loops.machine.effects import Marker, OutputRead

LINE = 16 * 1024
"""Characters of one line that are kept."""

LINES = 1 << 20
"""Characters of line text of one attempt that are recorded; the line that reaches it is the last one."""

_BLANKS = " \t"
_MARKERS: dict[str, Literal["handoff", "error", "stop"]] = {
    "CONTEXT_HANDOFF:": "handoff",
    "FATAL_ERROR:": "error",
    "LOOP_STOP:": "stop",
}
_MARKER_WORDS = tuple(_MARKERS)


class Value:
    """What an evaluator sees of one stream: everything, or head and tail around a note of what is left out.

    Args:
        limit: bytes up to which the value is the exact text.
    """

    def __init__(self, limit: int) -> None:
        self._limit = max(limit, 2)
        self._half = self._limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    @property
    def truncated(self) -> bool:
        """Whether more than ``limit`` bytes came."""
        return self._total > self._limit

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._total += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        keep = self._limit - self._half
        self._tail += data[-keep:]
        if len(self._tail) > 2 * keep:
            del self._tail[:-keep]

    def text(self) -> str:
        """The value; invalid UTF-8 is replaced."""
        if not self.truncated:
            return (self._head + self._tail).decode("utf-8", "replace")
        head = self._head[: len(self._head) - _unfinished_bytes(self._head)]
        tail = self._tail[self._half - self._limit :]
        tail = tail[_continuation_bytes(tail) :]
        note = f"[... {self._total - len(head) - len(tail)} bytes left out ...]\n".encode("ascii")
        glue = b"" if not head or head.endswith(b"\n") else b"\n"
        return (head + glue + note + tail).decode("utf-8", "replace")


def _unfinished_bytes(data: bytearray) -> int:
    """Bytes at the end that begin a character whose rest is missing."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return back if needed > back else 0
    return 0


def _continuation_bytes(data: bytearray) -> int:
    """Bytes at the beginning that end a character whose first byte is missing."""
    count = 0
    while count < min(3, len(data)) and data[count] & 0xC0 == 0x80:
        count += 1
    return count


@dataclass(slots=True)
class _Batch:
    """Lines of one read, in shown form, with the whole length of those that were cut."""

    lines: list[str]
    cut: dict[int, int] = field(default_factory=dict)


class Lines:
    """Lines of standard output as they come, how many of them are recorded, and the first control line.

    Args:
        more: name of the file that holds the lines which are not recorded.
        markers: whether control lines (handoff, error, stop) are looked for.
    """

    def __init__(self, more: str, *, markers: bool = False) -> None:
        self._more = more
        self._markers = markers
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._pending = ""
        self._pending_length = 0
        self._room = LINES
        self.count = 0
        """Lines so far."""
        self.recorded = 0
        """Lines so far that go into the journal."""
        self.marker: Marker | None = None
        """The first control line, when markers are looked for."""

    def feed(self, data: bytes) -> OutputRead | None:
        """Take bytes of one read; the lines they completed, or None."""
        text = self._decode(data)
        if "\n" not in text:
            self._hold(text)
            return None
        return self._report(self._complete(text))

    def partial(self) -> str:
        """What has come of an unfinished line, at most ``LINE`` characters; empty between lines."""
        return self._pending

    def finish(self) -> OutputRead | None:
        """The end of the stream: an unfinished line counts as a line."""
        self._hold(self._decode(b"", True))
        if not self._pending_length:
            return None
        batch = _Batch([_shown(self._pending)])
        if self._pending_length > LINE:
            batch.cut[0] = self._pending_length
        self._pending, self._pending_length = "", 0
        return self._report(batch)

    def _hold(self, text: str) -> None:
        if len(self._pending) < LINE:
            self._pending += text[: LINE - len(self._pending)]
        self._pending_length += len(text)

    def _complete(self, text: str) -> _Batch:
        lines = text.split("\n")
        held = lines.pop()
        if "\r\n" in text or " \n" in text or "\t\n" in text:
            lines[1:] = [_shown(line) for line in lines[1:]]
        batch = _Batch(lines)
        # The first line goes on with what was held, and its last blanks may stand there.
        self._hold(lines[0])
        if self._pending_length > LINE:
            batch.cut[0] = self._pending_length - (1 if lines[0].endswith("\r") else 0)
        lines[0] = _shown(self._pending)
        if max(map(len, lines)) > LINE:
            for index, line in enumerate(lines):
                if len(line) > LINE:
                    batch.cut[index] = len(line)
                    lines[index] = line[:LINE]
        self._pending, self._pending_length = "", 0
        self._hold(held)
        return batch

    def _report(self, batch: _Batch) -> OutputRead:
        if self._markers and self.marker is None:
            self.marker = _first_marker(batch.lines)
        recorded = self._take(batch.lines)
        self.count += len(batch.lines)
        self.recorded += recorded
        reached = recorded > 0 and self._room <= 0
        cut = {index: length for index, length in batch.cut.items() if index < recorded}
        return OutputRead(tuple(batch.lines), recorded, cut, self._more if reached else None)

    def _take(self, lines: list[str]) -> int:
        """How many of ``lines`` are recorded; the one that reaches the limit still is."""
        if self._room <= 0:
            return 0
        length = sum(map(len, lines))
        if length < self._room:
            self._room -= length
            return len(lines)
        for index, line in enumerate(lines):
            self._room -= len(line)
            if self._room <= 0:
                return index + 1
        return len(lines)


def _shown(line: str) -> str:
    return line.removesuffix("\r").rstrip(_BLANKS)


def _first_marker(lines: list[str]) -> Marker | None:
    for line in lines:
        if line.startswith(_MARKER_WORDS):
            word, _, rest = line.partition(":")
            kind, payload = _MARKERS[word + ":"], rest.strip()
            if payload or kind == "stop":
                return Marker(kind, payload)
    return None
