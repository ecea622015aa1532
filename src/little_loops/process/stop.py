"""The one stop token of a run: set by a signal or a command, watched by whatever is under way.

It only carries the wish. It must never end a process, raise, print or wait by looking again and again.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from typing import Protocol

_LONGEST_POLL_S = 24 * 3600.0  # poll takes a C int of milliseconds


class Stop(Protocol):
    """What a running effect needs to know of a stop token."""

    @property
    def cause(self) -> str | None:
        """Name of what asked for the stop (``SIGINT``), or None."""

    @property
    def hard(self) -> bool:
        """A second request came: no grace any more."""

    def fileno(self) -> int:
        """A descriptor: readable from the first request on, hung up from the second."""


class StopToken:
    """A stop request that threads and signal handlers may make and any number of readers may wait for.

    The descriptor is level-triggered: it stays readable after the first request (``POLLIN``) and reports
    ``POLLHUP`` after the second, so that a reader in its grace period can wait for the second alone.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        self._cause: str | None = None
        self._hard = False
        # Re-entrant, because a signal handler may interrupt a request of its own thread.
        self._lock = threading.RLock()

    @property
    def cause(self) -> str | None:
        """Name given by the first request, or None."""
        with self._lock:
            return self._cause

    @property
    def hard(self) -> bool:
        """True after a second request."""
        return self._hard

    def request(self, cause: str) -> None:
        """Ask for a stop; the first request names the cause, any later one takes the grace away.

        Args:
            cause: what asks, usually a signal name.
        """
        with self._lock:
            if self._cause is None:
                # The byte goes first: a handler that interrupts here counts as the first request, and
                # never closes the descriptor that is about to be written.
                os.write(self._writer, b"!")
                self._cause = cause
            elif not self._hard:
                self._hard = True
                os.close(self._writer)

    def fileno(self) -> int:
        """The descriptor to poll."""
        return self._reader

    def wait(self, seconds: float | None) -> bool:
        """Block until a stop is requested or ``seconds`` are over (None: for ever); True if requested."""
        return wait(self, seconds)

    def close(self) -> None:
        """Give the descriptors back; the token must not be used after that."""
        with self._lock:
            os.close(self._reader)
            if not self._hard:
                self._hard = True
                with contextlib.suppress(OSError):
                    os.close(self._writer)


def wait(stop: Stop, seconds: float | None) -> bool:
    """Block for ``seconds`` of the monotonic clock (None: for ever) or until a stop; True if requested."""
    poller = select.poll()
    poller.register(stop.fileno(), select.POLLIN)
    if seconds is None:
        return bool(poller.poll())
    until = time.monotonic() + seconds
    while True:
        rest = until - time.monotonic()
        if poller.poll(min(max(rest, 0.0), _LONGEST_POLL_S) * 1000):
            return True
        if rest <= _LONGEST_POLL_S:
            return False
