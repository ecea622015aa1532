"""Starting one process in a session of its own, with both outputs on pipes. It starts; it must never wait.

Cost matters here: a step of a loop is one spawn. So the common case is one ``posix_spawn`` (no thread, no
code between fork and exec, descriptors closed by the kernel); only another working directory takes ``Popen``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from little_loops.process.exits import ExitWatch, watch_child
from little_loops.process.table import Identity, boot, row

MARKS = (b"LL_RUN_ID", b"LL_STEP", b"LL_ATTEMPT")
"""Environment variables that say which run, step and attempt a process belongs to."""

_PR_SET_CHILD_SUBREAPER = 36
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD)
_LOST_EXIT_CODE = -9

children: set[int] = set()
"""Processes that this module started and nobody has reaped yet."""


class SpawnFailed(Exception):
    """A process could not be started.

    Args:
        text: what could not be started and why, one line.
        exit_code: 127 when there is nothing to run, 126 when it may not be run.
    """

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.text = text
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Command:
    """What to start: arguments, whole environment (None: ours), directory (None: ours), bytes for stdin."""

    argv: tuple[str | bytes, ...]
    env: Mapping[str, str] | Mapping[bytes, bytes] | None = None
    cwd: str | None = None
    stdin: bytes | None = None


@dataclass(slots=True)
class Child:
    """A started process. ``out`` and ``err`` are read ends, ``feed`` the write end of stdin or -1."""

    identity: Identity
    out: int
    err: int
    feed: int
    ended: ExitWatch
    marks: frozenset[bytes]
    spawned: float
    reap: Callable[[], int]
    open: list[int] = field(default_factory=list)

    def collect(self) -> int:
        """Reap the ended process; its exit code, negative for a signal, -9 when nobody can tell."""
        try:
            return self.reap()
        except ChildProcessError:
            return _LOST_EXIT_CODE
        finally:
            children.discard(self.identity.pid)

    def close(self, fd: int) -> None:
        """Close one of our ends, once."""
        if fd in self.open:
            self.open.remove(fd)
            os.close(fd)

    def close_all(self) -> None:
        """Close every end and the watch."""
        for fd in tuple(self.open):
            self.close(fd)
        self.ended.close()


def launch(command: Command) -> Child:
    """Start ``command`` in its own session and process group.

    Raises:
        SpawnFailed: not found, not executable, too large, or no resources.
    """
    _prepare()
    spawned = time.monotonic()
    feed_end, feed = os.pipe() if command.stdin is not None else (_null(), -1)
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    ours = [fd for fd in (feed, out, err) if fd >= 0]
    theirs = [out_end, err_end] + ([feed_end] if feed >= 0 else [])
    try:
        pid, reap = _start(command, (feed_end, out_end, err_end))
    except (OSError, ValueError) as error:
        for fd in ours:
            os.close(fd)
        raise _failure(command, error) from error
    finally:
        for fd in theirs:
            os.close(fd)
    children.add(pid)
    if feed >= 0:
        os.set_blocking(feed, False)
    return Child(_identity(pid), out, err, feed, watch_child(pid), _marks(command.env), spawned, reap, ours)


def _start(command: Command, streams: tuple[int, int, int]) -> tuple[int, Callable[[], int]]:
    if command.cwd is None or os.path.realpath(command.cwd) == os.getcwd():
        with contextlib.suppress(NotImplementedError):  # a system whose posix_spawn makes no session
            return _posix_spawn(command, streams)
    import subprocess

    stdin, stdout, stderr = streams
    process = subprocess.Popen(
        command.argv,
        env=command.env,
        cwd=command.cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        close_fds=False,  # ours are all closed on exec; looking for strangers costs more than the spawn
    )
    return process.pid, process.wait


def _posix_spawn(command: Command, streams: tuple[int, int, int]) -> tuple[int, Callable[[], int]]:
    actions = [(os.POSIX_SPAWN_DUP2, fd, target) for target, fd in enumerate(streams)]
    pid = os.posix_spawn(
        _program(command),
        command.argv,
        os.environ if command.env is None else command.env,
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=_DEFAULT_SIGNALS,
    )
    return pid, lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _program(command: Command) -> str:
    name = os.fsdecode(command.argv[0])
    if "/" in name:
        return name
    return _located(name, _search_path(command.env))


@lru_cache(maxsize=64)
def _located(name: str, path: str) -> str:
    # shutil.which says the same and costs six milliseconds to import.
    for folder in path.split(os.pathsep):
        found = os.path.join(folder or ".", name)
        if os.access(found, os.X_OK) and not os.path.isdir(found):
            return found
    raise FileNotFoundError(2, f"no such command in PATH: {name}")


def _search_path(env: Mapping[str, str] | Mapping[bytes, bytes] | None) -> str:
    entries: Mapping[object, object] = os.environ if env is None else env  # type: ignore[assignment]
    value = entries.get("PATH") or entries.get(b"PATH") or os.defpath
    return os.fsdecode(value) if isinstance(value, str | bytes) else os.defpath


def _marks(env: Mapping[str, str] | Mapping[bytes, bytes] | None) -> frozenset[bytes]:
    if env is None:
        return frozenset()
    entries: Mapping[object, object] = env  # type: ignore[assignment]
    marks = set()
    for name in MARKS:
        value = entries.get(name) or entries.get(name.decode("ascii"))
        if isinstance(value, str | bytes):
            marks.add(name + b"=" + os.fsencode(value))
    return frozenset(marks)


def _identity(pid: int) -> Identity:
    # Not reaped yet, so the table still knows it even when it has ended already.
    found = row(pid)
    return Identity(pid, pid, found.started if found is not None else "", boot())


def _failure(command: Command, error: Exception) -> SpawnFailed:
    name = os.fsdecode(command.argv[0]) if command.argv else "(nothing)"
    if isinstance(error, FileNotFoundError):
        if command.cwd is not None and not os.path.isdir(command.cwd):
            return SpawnFailed(f"cannot start {name}: no such directory: {command.cwd}", 126)
        return SpawnFailed(f"cannot start {name}: command not found", 127)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SpawnFailed(f"cannot start {name}: {reason}", 126)


@lru_cache(maxsize=1)
def _null() -> int:
    return os.open(os.devnull, os.O_RDWR)


@lru_cache(maxsize=1)
def _prepare() -> None:
    """Once per process: orphans of our actions come to us, and exit codes are not thrown away."""
    for standard in range(3):
        try:
            os.fstat(standard)
        except OSError:
            # Started without it; a pipe end that got its number would be overwritten in the child.
            os.open(os.devnull, os.O_RDWR)
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        # Inherited from a careless parent; with it the kernel would reap our children itself.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
