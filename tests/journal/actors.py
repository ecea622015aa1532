"""Real processes that take locks and write journals, told what to do through a pipe."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

PATIENCE_S = 30.0

LOCKER = """
import signal, sys
from pathlib import Path
from little_loops.errors import UserError
from little_loops.journal.lock import Claim, Locks, Patience
from little_loops.process import StopToken

def say(*words):
    print(*words, flush=True)

place, run_id, queue, *scope = sys.argv[1:]
token = StopToken()
signal.signal(signal.SIGTERM, lambda *_: token.request("SIGTERM"))
patience = None
if queue != "no":
    patience = Patience(token, float(queue), lambda others: say("waits", *(one.run_id for one in others)))
say("ready")
sys.stdin.readline()
try:
    lock = Locks(Path(place)).take(Claim(run_id, "loop-" + run_id, tuple(scope)), patience)
except UserError as problem:
    say("refused", type(problem).__name__, problem.exit_code, problem.message)
else:
    say("holds")
    sys.stdin.readline()
    lock.release()
    say("released")
"""


class Actor:
    """A process that speaks a line at a time and waits for one before it goes on."""

    def __init__(self, script: str, *args: object) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._heard = b""

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Actor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:
                continue

    def says(self, patience_s: float = PATIENCE_S) -> str:
        """The next line; an error when it says nothing for that long."""
        line = self.hears(patience_s)
        assert line is not None, "said nothing"
        return line

    def hears(self, patience_s: float) -> str | None:
        """The next line, or None when none comes in that time."""
        assert self._process.stdout is not None
        fd = self._process.stdout.fileno()
        while b"\n" not in self._heard:
            if not select.select([fd], [], [], patience_s)[0]:
                return None
            piece = os.read(fd, 65536)
            assert piece, "ended without a word"
            self._heard += piece
        line, _, self._heard = self._heard.partition(b"\n")
        return line.decode()

    def go(self) -> None:
        """Let it take its next step."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill(self) -> None:
        """As the kernel or a user with ``kill -9`` does it."""
        self._process.kill()
        self._process.wait()

    def wait(self) -> int:
        return self._process.wait(PATIENCE_S)


def locker(locks: Path, run_id: str, *scope: str, queue: float | None = None) -> Actor:
    """A process that is about to take a lock; ``go`` lets it try."""
    actor = Actor(LOCKER, locks, run_id, "no" if queue is None else queue, *scope)
    assert actor.says() == "ready"
    return actor


def holder(locks: Path, run_id: str, *scope: str) -> Actor:
    """A process that holds a lock."""
    actor = locker(locks, run_id, *scope)
    actor.go()
    assert actor.says() == "holds"
    return actor


def waiter(locks: Path, run_id: str, *scope: str, behind: str, seconds: float = 600) -> Actor:
    """A process that waits in the queue behind the named runs."""
    actor = locker(locks, run_id, *scope, queue=seconds)
    actor.go()
    assert actor.says() == f"waits {behind}"
    return actor
