"""Sleeping until another process frees its lock, or a stop is requested, or the time is over.

A thread blocks in the kernel on the other's lock file and says so through a pipe; the caller polls that pipe
and the stop token together. A wait that is given up leaves its thread behind, which holds nothing and ends
with the process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import threading
from pathlib import Path
from typing import Protocol

_LONGEST_POLL_S = 24 * 3600.0


class Watched(Protocol):
    """What a wait needs to know of a stop token."""

    @property
    def cause(self) -> str | None:
        """Name of what asked for the stop, or None."""

    def fileno(self) -> int:
        """A descriptor that is readable once a stop was requested."""


def await_release(lock_file: Path, stop: Watched | None, seconds: float) -> bool:
    """Block until the lock on ``lock_file`` is free or the file is gone; False: stopped, or too late."""
    try:
        fd = os.open(lock_file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return True
    reader, writer = os.pipe()
    threading.Thread(target=_block, args=(fd, writer), name="waits for a run", daemon=True).start()
    try:
        poller = select.poll()
        poller.register(reader, select.POLLIN)
        if stop is not None:
            poller.register(stop.fileno(), select.POLLIN)
        ready = poller.poll(min(max(seconds, 0.0), _LONGEST_POLL_S) * 1000)
        return any(fd == reader for fd, _ in ready) and (stop is None or stop.cause is None)
    finally:
        os.close(reader)


def _block(fd: int, writer: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)
        with contextlib.suppress(OSError):
            os.write(writer, b"!")
        os.close(writer)
