"""Who runs: one file per live or waiting run, under an operating-system lock while its process lives.

A file says whose it is; only the lock on it says that it counts, so a process that dies frees what it held.
Checking for conflicts and taking a lock happen under one sentinel. Nothing here looks at a run's folder, asks
whether a process number exists, or sleeps in order to look again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from little_loops.errors import ScopeHeld, UserError, WriteFailed
from little_loops.journal.waiting import Watched, await_release

SUFFIX = ".lock"
SENTINEL = ".sentinel"
DEFAULT_WAIT_S = 86_400.0
SIGNAL_EXITS = {"SIGINT": 130, "SIGTERM": 143}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a run wants to hold. ``scope``: absolute, resolved paths (see ``resolved_scope``)."""

    run_id: str
    loop: str
    scope: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """What a lock file says while its lock is held.

    Attributes:
        pid: process that holds it; 0 when the file could not be read.
        started: start time of that process as the system reports it; with ``boot`` it proves that the number
            still means the same process.
        since: epoch seconds at which the lock was taken or the wait began.
        waiting_for: run ids this run waits for; empty once it runs.
    """

    run_id: str
    loop: str
    scope: tuple[str, ...]
    pid: int
    started: str
    boot: str
    since: float
    waiting_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Patience:
    """How a run waits in the queue.

    Attributes:
        stop: token that ends the wait (``cause``, ``fileno()``); None = only the time does.
        seconds: longest wait.
        told: called with those waited for, each time they change.
    """

    stop: Watched | None = None
    seconds: float = DEFAULT_WAIT_S
    told: Callable[[tuple[Held, ...]], None] = lambda _holders: None


class RunHeld(ScopeHeld):
    """The run itself is live in another process."""


class WaitEnded(UserError):
    """The wait in the queue was ended by a stop request; nothing was started."""


def resolved_scope(scope: Sequence[str], folder: str) -> tuple[str, ...]:
    """Absolute paths of a loop's scope, links followed; the folder itself when it names none."""
    return tuple(os.path.realpath(os.path.join(folder, os.path.expanduser(path))) for path in scope or ["."])


def overlap(one: Sequence[str], other: Sequence[str]) -> tuple[str, str] | None:
    """The first two paths of which one is the other or lies below it, by whole path components."""
    for a in one:
        for b in other:
            if a == b or _is_below(a, b) or _is_below(b, a):
                return a, b
    return None


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(folder if folder.endswith("/") else folder + "/")


class RunLock:
    """A held lock. Freed by ``release``, by the end of a ``with`` block, or by the end of the process."""

    def __init__(self, locks: Locks, fd: int, held: Held) -> None:
        self._locks = locks
        self._fd = fd
        self.held = held

    def release(self) -> None:
        """Free the lock and remove its file; a second call does nothing."""
        if self._fd >= 0:
            self._locks.drop(self.held.run_id, self._fd)
            self._fd = -1

    def __enter__(self) -> RunLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Locks:
    """The locks of one folder of loops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    # --- looking ---------------------------------------------------------------------------------------

    def held(self) -> list[Held]:
        """Every live or waiting run, by run id."""
        with self._sentinel(shared=True) as there:
            return list(self._held()) if there else []

    def holder(self, run_id: str) -> Held | None:
        """What is said of a run while it is live or waiting; else None."""
        with self._sentinel(shared=True) as there:
            return self._read(run_id) if there else None

    def is_held(self, run_id: str) -> bool:
        """Whether a process lives that runs it or waits to."""
        return self.holder(run_id) is not None

    # --- taking ----------------------------------------------------------------------------------------

    def take(self, claim: Claim, patience: Patience | None = None) -> RunLock:
        """Take the lock of a run, waiting for conflicting runs if there is patience.

        Raises:
            RunHeld: another process has this very run.
            ScopeHeld: an overlapping run is live or was there earlier; or the wait took too long.
            WaitEnded: a stop was requested during the wait.
            WriteFailed: the folder of locks cannot be written.
        """
        from little_loops.process.table import identity

        me = identity(os.getpid())
        mine = Held(
            claim.run_id, claim.loop, claim.scope,
            os.getpid(), me.started if me else "", me.boot if me else "", time.time(),
        )  # fmt: skip
        self._prepare()
        with contextlib.ExitStack() as undo:
            with self._sentinel():
                fd = self._open(claim.run_id)
                undo.callback(self.drop, claim.run_id, fd)
                blockers = self._blockers(mine)
                self._settle(fd, mine, blockers, patience)
            if blockers and patience:
                mine = self._queue(fd, mine, blockers, patience)
            undo.pop_all()
        return RunLock(self, fd, mine)

    def _settle(self, fd: int, mine: Held, blockers: tuple[Held, ...], patience: Patience | None) -> None:
        if blockers and patience is None:
            raise _conflict(mine, blockers[0])
        _write(fd, replace(mine, waiting_for=tuple(other.run_id for other in blockers)))

    def _queue(self, fd: int, mine: Held, blockers: tuple[Held, ...], patience: Patience) -> Held:
        until = time.monotonic() + patience.seconds
        told: tuple[Held, ...] = ()
        while blockers:
            if blockers != told:
                told = blockers
                patience.told(blockers)
            self._sleep_on(blockers[0], mine, until, patience)
            with self._sentinel():
                blockers = self._blockers(mine)
                mine = mine if blockers else replace(mine, since=time.time())
                self._settle(fd, mine, blockers, patience)
        return mine

    def _sleep_on(self, other: Held, mine: Held, until: float, patience: Patience) -> None:
        freed = await_release(self._path(other.run_id), patience.stop, until - time.monotonic())
        if freed:
            return
        if patience.stop is not None and patience.stop.cause:
            cause = patience.stop.cause
            raise WaitEnded(
                f"stopped ({cause}) while waiting for {other.loop} ({other.run_id}); nothing was started",
                exit_code=SIGNAL_EXITS.get(cause, 130),
            )
        waited = f"{patience.seconds:g} s"
        raise ScopeHeld(
            f"{mine.loop} waited {waited} for {_described(other)}",
            f"ll-loop stop {other.run_id}, or wait longer: queue_wait_timeout_seconds",
        )

    def _blockers(self, mine: Held) -> tuple[Held, ...]:
        """Runs that are live, or that wait and came earlier, and whose scope overlaps."""
        return tuple(
            other
            for other in self._held(sweep=True)
            if other.run_id != mine.run_id
            and (not other.waiting_for or other.run_id < mine.run_id)
            and overlap(mine.scope, other.scope)
        )

    def drop(self, run_id: str, fd: int) -> None:
        """Remove a lock file and free its lock, in this order."""
        # A file without a lock means nothing; where it cannot be removed, the next run that starts does it.
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, fd)
            stack.enter_context(contextlib.suppress(OSError, WriteFailed))
            stack.enter_context(self._sentinel())
            self._path(run_id).unlink(missing_ok=True)

    # --- files -----------------------------------------------------------------------------------------

    def _path(self, run_id: str) -> Path:
        return self.folder / (run_id + SUFFIX)

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignored = self.folder / ".gitignore"
            if not ignored.exists():
                ignored.write_text("*\n", "ascii")
        except OSError as problem:
            raise _refused(self.folder, problem) from problem

    @contextlib.contextmanager
    def _sentinel(self, *, shared: bool = False) -> Iterator[bool]:
        """Hold the sentinel, for as long as a few small reads; yields whether there are any locks at all."""
        path = self.folder / SENTINEL
        try:
            if shared:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            else:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, NotADirectoryError):
            yield self.folder.is_dir()
            return
        except OSError as problem:
            raise _refused(path, problem) from problem
        try:
            fcntl.flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield True
        finally:
            os.close(fd)

    def _open(self, run_id: str) -> int:
        """Our own lock file, locked. Under the sentinel, so only a run that is live can be in the way."""
        path = self._path(run_id)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise _refused(path, problem) from problem
        with contextlib.ExitStack() as undo:
            undo.callback(os.close, fd)
            if not _is_free(fd):
                raise _live(_parsed(fd, run_id))
            # What a waking waiter holds for an instant is a shared lock; that is no reason to refuse.
            fcntl.flock(fd, fcntl.LOCK_EX)
            undo.pop_all()
        return fd

    def _held(self, *, sweep: bool = False) -> Iterator[Held]:
        """Every live or waiting run; ``sweep`` (under the exclusive sentinel) removes what the dead left."""
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(SUFFIX))
        for name in names:
            found = self._read(name.removesuffix(SUFFIX))
            if found is not None:
                yield found
            elif sweep:
                (self.folder / name).unlink(missing_ok=True)

    def _read(self, run_id: str) -> Held | None:
        try:
            fd = os.open(self._path(run_id), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return None if _is_free(fd) else _parsed(fd, run_id)
        finally:
            os.close(fd)


def _is_free(fd: int) -> bool:
    """Whether nobody holds this file for good; leaves it with a shared lock of ours when it is free."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(fd: int, held: Held) -> None:
    content = json.dumps(asdict(held)).encode() + b"\n"
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, content, 0)
    except OSError as problem:
        raise WriteFailed(f"cannot write the lock of {held.run_id}: {problem.strerror}") from problem


def _parsed(fd: int, run_id: str) -> Held:
    """What a held file says; one that says nothing readable holds everything, which is the safe guess."""
    try:
        return _from(json.loads(os.pread(fd, 1 << 20, 0)))
    except (ValueError, TypeError, KeyError, AttributeError):
        return Held(run_id, "an unknown loop", ("/",), 0, "", "", 0.0)


def _from(content: Any) -> Held:
    return Held(
        str(content["run_id"]),
        str(content["loop"]),
        tuple(map(str, content["scope"])),
        int(content["pid"]),
        str(content["started"]),
        str(content["boot"]),
        float(content["since"]),
        tuple(map(str, content.get("waiting_for", ()))),
    )


def _described(held: Held) -> str:
    return f"{held.loop} (run {held.run_id}, pid {held.pid})"


def _live(held: Held) -> RunHeld:
    doing = "already waits in the queue" if held.waiting_for else "is already running"
    return RunHeld(
        f"run {held.run_id} of {held.loop} {doing} in process {held.pid}",
        f"watch it: ll-loop history {held.run_id} --follow; end it: ll-loop stop {held.run_id}",
    )


def _conflict(mine: Held, other: Held) -> ScopeHeld:
    paths = overlap(mine.scope, other.scope) or ("", "")
    doing = "waits for" if other.waiting_for else "holds"
    return ScopeHeld(
        f"{_described(other)} {doing} {paths[1]}, and {mine.loop} needs {paths[0]}",
        f"wait for it with --queue, or end it: ll-loop stop {other.run_id}",
    )


def _refused(path: Path, problem: OSError) -> WriteFailed:
    return WriteFailed(
        f"cannot use {path}: {problem.strerror}",
        "make the folder writable, or set loops.loops_dir in .ll/ll-config.json",
    )
