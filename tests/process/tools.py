"""Running real commands and looking at what is left of them."""

from __future__ import annotations

import contextlib
import os
import select
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from little_loops.process import (
    Chunk,
    Command,
    Finished,
    Identity,
    Limits,
    Quiet,
    Started,
    Stop,
    identity,
    run,
)


@dataclass
class Ran:
    """What a command did."""

    out: bytes = b""
    err: bytes = b""
    seconds: float = 0.0
    exit_code: int = 0
    cause: str | None = None
    stop_cause: str | None = None
    identity: Identity | None = None
    events: list[str] = field(default_factory=list)


def bash(
    text: str, limits: Limits | None = None, stop: Stop | None = None, env: dict[str, str] | None = None
) -> Ran:
    """Run a bash text to its end."""
    return ran(Command(("bash", "-c", text), env={**os.environ, **(env or {})}), limits, stop)


def ran(command: Command, limits: Limits | None = None, stop: Stop | None = None) -> Ran:
    """Run any command to its end."""
    result = Ran()
    began = time.monotonic()
    for event in run(command, limits or Limits(wall_s=60), stop, quiet_s=0.05):
        result.events.append(type(event).__name__)
        match event:
            case Started(who):
                result.identity = who
            case Chunk("out", data):
                result.out += data
            case Chunk(_, data):
                result.err += data
            case Finished():
                result.exit_code, result.cause, result.stop_cause = (
                    event.exit_code,
                    event.cause,
                    event.stop_cause,
                )
            case Quiet():
                pass
    result.seconds = time.monotonic() - began
    return result


def new_run() -> dict[str, str]:
    """Environment of an action of a run that nobody else has."""
    return {"LL_RUN_ID": f"test-{uuid.uuid4().hex}", "LL_STEP": "1", "LL_ATTEMPT": "1"}


def pid_in(path: Path, seconds: float = 10.0) -> int:
    """The process number that a script writes to a file, waited for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return int(text)
        time.sleep(0.01)
    raise AssertionError(f"{path} was never written")


def is_living(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    return identity(pid) is not None


def ends(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process ends within a time."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    try:
        return bool(poller.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def zombies() -> int:
    """How many children of ours have ended and wait to be reaped."""
    count = 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            count += f") Z {os.getpid()} " in Path(f"/proc/{pid}/stat").read_text()
    return count
