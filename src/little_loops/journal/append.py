"""The one writer of a journal: buffers, writes in one go, syncs as durable as was asked.

Only the holder of the run's lock may make one. It appends whole lines and cuts nothing but what a crash or a
full disk left of a line. A value's file is complete before the line that names it is written.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from little_loops.errors import JournalError, WriteFailed
from little_loops.events import (
    ActionOutput,
    ActionSpawned,
    ActionStart,
    Event,
    JudgeStart,
    Observation,
    PermissionAnsweredEvent,
    RateLimitWaiting,
    StateEnter,
    ToolCalledEvent,
    UsageSeenEvent,
)
from little_loops.journal.folder import RunFolder
from little_loops.journal.tail import last_records, whole_size
from little_loops.journal.values import Encoded, Stored, encode
from little_loops.machine.snapshot import FRESH, Snapshot

Durability = Literal["relaxed", "step", "strict"]

RESERVE = 1 << 20
"""Bytes kept free for the last records of a run whose disk fills up."""

_REPORTS = (
    ActionOutput, ActionSpawned, ToolCalledEvent, UsageSeenEvent, PermissionAnsweredEvent, RateLimitWaiting,
    Observation,
)  # fmt: skip
_INTENTS = (ActionStart, JudgeStart)

_sync_data = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class _Pending:
    event: Event
    encoded: Encoded


class Writer:
    """Appends to the journal of one run; the adapter of the port ``Journal``.

    Args:
        folder: the run's folder.
        snapshot: fold of what the journal holds; ``FRESH`` for a new run.
        durability: ``relaxed`` never syncs; ``step`` when asked to; ``strict`` also whenever something other
            than a report was written.

    Attributes:
        seq: number of the last record that is in the file. After ``WriteFailed`` it tells how much of the
            buffer got there; the rest is forgotten.

    Raises:
        WriteFailed: the folder cannot be written, or has no room for a run.
        JournalError: another process writes this journal, or it went on after ``snapshot`` was made.
    """

    def __init__(
        self, folder: RunFolder, snapshot: Snapshot = FRESH, *, durability: Durability = "step"
    ) -> None:
        self._folder = folder
        self._durability = durability
        self._pending: list[_Pending] = []
        self._named: set[str] = set()
        self._made: set[str] = set()
        self._dirty = False
        self._new = snapshot.seq == 0
        self._step = snapshot.steps
        self.seq = self._last = snapshot.seq
        try:
            self._fd = _open(folder.journal)
        except OSError as problem:
            raise self._refused(folder.journal, problem) from problem
        try:
            self._size = whole_size(self._fd)
            os.ftruncate(self._fd, self._size)
            self._check_end(snapshot)
            self._reserve = _reserve(folder.path)
        except OSError as problem:
            os.close(self._fd)
            raise self._refused(folder.journal, problem) from problem
        except JournalError:
            os.close(self._fd)
            raise

    def _check_end(self, snapshot: Snapshot) -> None:
        """A journal folded before the lock was taken may have been gone on with by somebody else."""
        last = last_records(self._folder.journal, 1)
        found = last[0].get("seq") if last else 0
        if found != snapshot.seq:
            raise JournalError(
                f"{self._folder.journal} went on to record {found} while record {snapshot.seq} was the last",
                "somebody else resumed the run in between: look at it with ll-loop status, then try again",
            )

    # --- the port --------------------------------------------------------------------------------------

    def append(self, event: Event) -> None:
        """Buffer one event; nothing is written yet.

        Raises:
            ValueError: its number does not follow the last one.
        """
        if event.seq != self._last + 1:
            raise ValueError(f"record {event.seq} cannot follow record {self._last}")
        if isinstance(event, StateEnter):
            self._step += 1
        self._pending.append(_Pending(event, encode(event, self._step)))
        self._last += event.records

    def write(self, *, sync: bool) -> None:
        """Write the buffer in one go, and sync it as far as the durability asks for.

        Raises:
            WriteFailed: the disk refused. The journal ends with a whole line, the buffer is empty, the room
                kept for the last records is free, and ``seq`` says what was written.
        """
        due = self._durability == "step" and sync
        if self._durability == "strict":
            due = sync or any(not isinstance(p.event, _REPORTS) for p in self._pending)
        if self._pending:
            self._write_out()
        if due and self._dirty:
            self._sync()

    def close(self) -> None:
        """Give the file back. What is still buffered is forgotten."""
        if self._fd >= 0:
            self._give_up_reserve()
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- writing ---------------------------------------------------------------------------------------

    def _write_out(self) -> None:
        pending, self._pending = self._pending, []
        try:
            for item in pending:
                self._store(item.encoded.stored)
            self._emit(b"".join(item.encoded.lines for item in pending), pending)
        except OSError as problem:
            self._rescue([item for item in pending if item.event.seq > self.seq])
            raise self._refused(self._folder.journal, problem) from problem

    def _emit(self, lines: bytes, pending: list[_Pending]) -> None:
        """All of ``lines``, or an error and as many whole events as fitted."""
        rest = memoryview(lines)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self._keep(len(lines) - len(rest), pending)
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._keep(len(lines), pending)

    def _keep(self, written: int, pending: list[_Pending]) -> None:
        for item in pending:
            written -= len(item.encoded.lines)
            if written < 0:
                break
            self._size += len(item.encoded.lines)
            self.seq = item.event.seq + item.event.records - 1
            self._named.update(item.encoded.named)
            self._named.update(stored.file for stored in item.encoded.stored)
            self._dirty = True

    def _rescue(self, pending: list[_Pending]) -> None:
        """With the reserve freed, save what has happened already; an intent to act is not worth keeping."""
        self._give_up_reserve()
        with contextlib.suppress(OSError):
            for item in pending:
                if isinstance(item.event, _INTENTS):
                    break
                self._store(item.encoded.stored)
                self._emit(item.encoded.lines, [item])
        self._last = self.seq

    def _store(self, files: Iterable[Stored]) -> None:
        for stored in files:
            path = self._folder.path / stored.file
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                rest = memoryview(stored.content)
                while rest:
                    rest = rest[os.write(fd, rest) :]
            except OSError:
                with contextlib.suppress(OSError):
                    path.unlink()
                raise
            finally:
                os.close(fd)

    # --- making durable --------------------------------------------------------------------------------

    def _sync(self) -> None:
        try:
            for name in sorted(self._named):
                _sync_path(self._folder.path / name)
            if self._named:
                _sync_path(self._folder.output)
            _sync_data(self._fd)
            if self._new:
                for place in (self._folder.loops, self._folder.path, self._folder.path.parent):
                    _sync_path(place)
        except OSError as problem:
            self._give_up_reserve()
            raise self._refused(self._folder.journal, problem) from problem
        self._named.clear()
        self._dirty = self._new = False

    def _give_up_reserve(self) -> None:
        if self._reserve >= 0:
            os.close(self._reserve)
            self._reserve = -1

    def _refused(self, path: Path, problem: OSError) -> WriteFailed:
        resume = f"ll-loop resume {self._folder.run_id}"
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"free some space, then: {resume}"
        else:
            hint = f"make the folder writable, then: {resume}"
        return WriteFailed(f"cannot write {path}: {problem.strerror} ({_room(path)})", hint)


def _open(journal: Path) -> int:
    fd = os.open(journal, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise JournalError(f"another process writes {journal}", "ll-loop status shows it") from None
    return fd


def _reserve(folder: Path) -> int:
    """A nameless file of ``RESERVE`` bytes: its room comes back when it is closed, even by a crash."""
    path = folder / f".reserve-{os.getpid()}"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, RESERVE)
        else:
            os.write(fd, bytes(RESERVE))
    except OSError:
        os.close(fd)
        raise
    finally:
        path.unlink(missing_ok=True)
    return fd


def _sync_path(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _room(path: Path) -> str:
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return "free space unknown"
    return f"{found.f_bavail * found.f_frsize / (1 << 20):.1f} MiB free"
