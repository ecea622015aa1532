"""Timing of whole processes: what a user waits for, and how much memory the process took.

A and B are run in turn (A B A B ...), so that a busy machine is busy for both. What is reported is the median
of the ratios of neighbours. The first run of each is thrown away: it pays for compiled files and cold caches.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Took:
    """One process: wall time in seconds, greatest resident memory in MB."""

    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Paired:
    """Two things timed in turn: the medians of each in seconds, and the median of the paired ratios."""

    ours: float
    theirs: float
    ratio: float
    rounds: int


class DidNotRun(Exception):
    """A command of the benchmark ended in an unexpected way, so its time means nothing."""


def run(argv: Sequence[str], cwd: Path, *, codes: tuple[int, ...] = (0,)) -> Took:
    """Run a command, its output thrown away. Raises DidNotRun for an exit code that is not in ``codes``."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LL_")} | {"NO_COLOR": "1"}
    began = time.perf_counter()
    process = subprocess.Popen(
        argv,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = code = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if code not in codes:
        raise DidNotRun(f"{' '.join(argv)}: exit code {code}: {said.decode(errors='replace')[-400:]}")
    unit = 1 if os.uname().sysname == "Darwin" else 1024
    return Took(seconds, used.ru_maxrss * unit / 1e6)


def in_turn(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> Paired:
    """Time two callables in turn; both return seconds."""
    ours(), theirs()
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return Paired(
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
        rounds,
    )


def synced_writes(folder: Path, count: int) -> float:
    """Seconds that ``count`` appends of 1 KiB take, each followed by an fdatasync."""
    line = b"x" * 1023 + b"\n"
    path = folder / "synced"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    began = time.perf_counter()
    for _ in range(count):
        os.write(descriptor, line)
        sync(descriptor)
    seconds = time.perf_counter() - began
    os.close(descriptor)
    path.unlink()
    return seconds
