"""Running one command to its end: bytes as they come, exact deadlines, nothing left behind on a kill.

One poll waits for both pipes, the exit, the stop token and the nearest deadline.
The command is finished when the direct child has ended, whoever else still holds its pipes.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Literal

from little_loops.process.exits import ExitWatch
from little_loops.process.spawn import Child, Command, launch
from little_loops.process.stop import Stop
from little_loops.process.table import Identity
from little_loops.process.trees import KILL_WAIT_S, Tree, reap_strangers, watches

Cause = Literal["wall", "idle", "budget", "stop"]
StreamName = Literal["out", "err"]

READ_SIZE = 64 * 1024
TIMEOUT_EXIT_CODE = 124

_DRAIN_S = 2.0
_DRAIN_SILENCE_S = 0.1
_REAP_EVERY = 256
_FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits in seconds, None = none.

    ``wall_s`` and ``budget_s`` count from the start, ``idle_s`` from the last byte, ``grace_s`` from
    TERM to KILL.
    """

    wall_s: float | None = None
    idle_s: float | None = None
    budget_s: float | None = None
    grace_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Started:
    """The process runs."""

    identity: Identity


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one stream, at most 64 KiB, as one read gave them."""

    stream: StreamName
    data: bytes


@dataclass(frozen=True, slots=True)
class Quiet:
    """Standard output stopped in the middle of a line and has been silent since."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end. ``exit_code`` is 124 after a deadline, negative after a signal.

    ``duration_ms`` is real time; ``stop_cause`` names the stop request when that was the cause.
    """

    exit_code: int
    duration_ms: int
    cause: Cause | None = None
    stop_cause: str | None = None


Progress = Started | Chunk | Quiet | Finished


def run(
    command: Command, limits: Limits, stop: Stop | None = None, quiet_s: float | None = None
) -> Generator[Progress, None, None]:
    """Run ``command``: ``Started``, any number of ``Chunk`` and ``Quiet``, then ``Finished``.

    Closing the iterator early ends the whole tree (TERM, grace, KILL) before it returns.

    Args:
        command: what to run.
        limits: deadlines, kept on the monotonic clock.
        stop: ends the command when requested; a second request skips the grace.
        quiet_s: seconds of silence after an unfinished line of stdout that yield ``Quiet``; None = never.

    Raises:
        SpawnFailed: the command could not be started.
    """
    execution = _Execution(launch(command), command.stdin, limits, stop, quiet_s)
    try:
        yield Started(execution.identity)
        yield from execution.watch()
    finally:
        execution.close()


class _Execution:
    """State of one running command; every method does one thing to it."""

    runs = 0

    def __init__(
        self, child: Child, stdin: bytes | None, limits: Limits, stop: Stop | None, quiet_s: float | None
    ) -> None:
        self.identity = child.identity
        self._child = child
        self._limits = limits
        self._stop = stop
        self._quiet_s = _FOREVER if quiet_s is None else quiet_s
        self._stdin = memoryview(stdin or b"")
        self._poller = select.poll()
        self._readers: dict[int, StreamName] = {child.out: "out", child.err: "err"}
        self._exited = False
        self._ended_at = 0.0
        self._last_byte = child.spawned
        self._mid_line = False
        self._finished = False
        self._heeding = stop is not None
        self._tree: Tree | None = None
        self._register(child)

    def _register(self, child: Child) -> None:
        for fd in (child.out, child.err, child.ended.fd):
            self._poller.register(fd, select.POLLIN)
        if child.feed >= 0:
            self._poller.register(child.feed, select.POLLOUT)
        if self._stop is not None:
            self._poller.register(self._stop.fileno(), select.POLLIN)

    # --- the life of a command

    def watch(self) -> Iterator[Chunk | Quiet | Finished]:
        """Everything after the start."""
        cause: Cause | None = None
        while not self._exited and cause is None:
            yield from self._turn(self._next_deadline())
            cause = None if self._exited else self._cause()
        if cause is None:
            yield from self._drain()
        else:
            yield from self._terminate()
        yield self._finish(cause)

    def close(self) -> None:
        """Leave nothing behind, however the iteration ended."""
        try:
            if not self._finished:
                if not self._exited or self._tree is not None:
                    for _ in self._terminate():
                        pass
                self._child.collect()
        finally:
            self._child.close_all()

    def _finish(self, cause: Cause | None) -> Finished:
        exit_code = self._child.collect()
        self._finished = True
        if self._tree is not None:
            self._tree.reap_adopted()
        _Execution.runs += 1
        if _Execution.runs % _REAP_EVERY == 0:
            reap_strangers()
        ended_at = self._ended_at if cause is None else time.monotonic()
        duration_ms = round((ended_at - self._child.spawned) * 1000)
        if cause in ("wall", "idle", "budget"):
            exit_code = TIMEOUT_EXIT_CODE
        stop_cause = self._stop.cause if self._stop is not None and cause == "stop" else None
        return Finished(exit_code, duration_ms, cause, stop_cause)

    # --- waiting

    def _turn(self, until: float) -> Iterator[Chunk | Quiet]:
        """One wait, until ``until`` at most, and whatever it brought."""
        quiet_at = self._last_byte + self._quiet_s if self._mid_line else _FOREVER
        ready = self._poll(min(until, quiet_at))
        for fd, _ in ready:
            if fd in self._readers:
                chunk = self._read(fd)
                if chunk is not None:
                    yield chunk
            elif fd == self._child.ended.fd:
                self._exited = True
                self._ended_at = time.monotonic()
            elif fd == self._child.feed:
                self._feed()
        if self._mid_line and time.monotonic() >= self._last_byte + self._quiet_s:
            self._mid_line = False
            yield Quiet()

    def _poll(self, until: float) -> list[tuple[int, int]]:
        if until == _FOREVER:
            return self._poller.poll()
        # A C int of milliseconds bounds one poll; whoever waits longer comes round again.
        rest = min(until - time.monotonic(), 86_400.0)
        return self._poller.poll(max(rest, 0.0) * 1000)

    def _next_deadline(self) -> float:
        limits, start = self._limits, self._child.spawned
        return min(
            start + (limits.wall_s if limits.wall_s is not None else _FOREVER),
            start + (limits.budget_s if limits.budget_s is not None else _FOREVER),
            self._last_byte + (limits.idle_s if limits.idle_s is not None else _FOREVER),
        )

    def _cause(self) -> Cause | None:
        if self._stop is not None and self._stop.cause is not None:
            return "stop"
        now = time.monotonic()
        if now < self._next_deadline():
            return None
        limits, start = self._limits, self._child.spawned
        if limits.wall_s is not None and now >= start + limits.wall_s:
            return "wall"
        if limits.budget_s is not None and now >= start + limits.budget_s:
            return "budget"
        return "idle"

    # --- pipes

    def _read(self, fd: int) -> Chunk | None:
        data = os.read(fd, READ_SIZE)
        if not data:
            self._poller.unregister(fd)
            del self._readers[fd]
            self._child.close(fd)
            return None
        self._last_byte = time.monotonic()
        stream = self._readers[fd]
        if stream == "out":
            self._mid_line = data[-1] != 10
        return Chunk(stream, data)

    def _feed(self) -> None:
        try:
            written = os.write(self._child.feed, self._stdin[:READ_SIZE])
        except BlockingIOError:
            return
        except OSError:
            written = len(self._stdin)  # the reader is gone: what it did not want is not an error
        self._stdin = self._stdin[written:]
        if not self._stdin:
            self._poller.unregister(self._child.feed)
            self._child.close(self._child.feed)

    # --- the end

    def _drain(self) -> Iterator[Chunk]:
        """What the pipes still hold; a background process that keeps them open is not waited for."""
        self._forget(self._child.ended.fd)
        self._mid_line = False
        now = time.monotonic()
        limit, silence = now + _DRAIN_S, now + _DRAIN_SILENCE_S
        while self._readers and now < min(silence, limit) and not self._is_stopping():
            for event in self._turn(min(silence, limit)):
                if isinstance(event, Chunk):
                    silence = self._last_byte + _DRAIN_SILENCE_S
                    self._mid_line = False
                    yield event
            now = time.monotonic()

    def _terminate(self) -> Iterator[Chunk]:
        """TERM to the whole tree, grace, KILL; bytes go on flowing meanwhile."""
        self._forget(self._child.ended.fd)
        if self._tree is None:
            self._tree = Tree([self.identity], self._child.marks, adopted_since=self.identity.started)
            if not self._is_hard():
                found = self._tree.signal(signal.SIGTERM)
                self._heed_second_request()
                yield from self._await(watches(found), self._limits.grace_s)
        self._heed_nothing()
        for left in self._tree.kill():
            yield from self._await(watches(left), KILL_WAIT_S)
        yield from self._drain()

    def _await(self, waiting: list[ExitWatch], seconds: float) -> Iterator[Chunk]:
        """Read on until every process of ``waiting`` has ended, time is up, or a second request comes."""
        until = time.monotonic() + seconds
        live = {one.fd: one for one in waiting}
        for fd in live:
            self._poller.register(fd, select.POLLIN)
        try:
            while live and time.monotonic() < until and not (self._heeding and self._is_hard()):
                for fd, _ in self._poll(until):
                    if fd in live:
                        self._forget(fd)
                        live.pop(fd).close()
                    elif fd in self._readers:
                        chunk = self._read(fd)
                        if chunk is not None:
                            yield chunk
                    elif fd == self._child.feed:
                        self._feed()
        finally:
            for one in live.values():
                self._forget(one.fd)
                one.close()

    def _heed_second_request(self) -> None:
        if self._stop is not None:
            self._poller.register(self._stop.fileno(), select.POLLIN if self._stop.cause is None else 0)

    def _heed_nothing(self) -> None:
        if self._stop is not None:
            self._heeding = False
            self._forget(self._stop.fileno())

    def _is_stopping(self) -> bool:
        return self._heeding and self._stop is not None and self._stop.cause is not None

    def _is_hard(self) -> bool:
        return self._stop is not None and self._stop.hard

    def _forget(self, fd: int) -> None:
        try:
            self._poller.unregister(fd)
        except KeyError:
            return
