"""What the system says about processes: who lives, who started it, since when, and which run it belongs to.

It reads; it must never signal, start or wait for anything. Linux reads /proc, other systems ask psutil.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_LINUX = sys.platform == "linux"


@dataclass(frozen=True, slots=True)
class Identity:
    """What proves that a process number still means the same process.

    ``started`` is the start time as the system reports it, ``boot`` names the boot of the machine.
    """

    pid: int
    pgid: int
    started: str
    boot: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the process table; ``started`` orders as a number within one boot."""

    pid: int
    ppid: int
    pgid: int
    session: int
    started: str
    zombie: bool


@lru_cache(maxsize=1)
def boot() -> str:
    """A name of this boot of the machine: eight characters of the kernel's own, elsewhere the boot second."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii")[:8]
    except OSError:
        import psutil

        return str(int(psutil.boot_time()))


def row(pid: int) -> Row | None:
    """The table's line for ``pid``; None when there is no such process (a zombie is still one)."""
    return _linux_row(pid) if _LINUX else _psutil_row(pid)


def rows() -> Iterator[Row]:
    """Every process that may be looked at, in no order."""
    for pid in _pids():
        found = row(pid)
        if found is not None:
            yield found


def identity(pid: int) -> Identity | None:
    """Identity of a living process; None when it is gone or only waits to be reaped."""
    found = row(pid)
    if found is None or found.zombie:
        return None
    return Identity(pid, found.pgid, found.started, boot())


def alive(known: Identity) -> bool:
    """Whether the very process that ``known`` names still runs."""
    if known.boot != boot():
        return False
    found = row(known.pid)
    return found is not None and not found.zombie and found.started == known.started


def carries(pid: int, marks: frozenset[bytes]) -> bool:
    """Whether every ``NAME=value`` of ``marks`` stands in the environment that ``pid`` was started with."""
    return marks <= environment(pid)


def environment(pid: int) -> frozenset[bytes]:
    """The ``NAME=value`` entries a process was started with; empty when they may not be read."""
    if _LINUX:
        try:
            return frozenset(Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"))
        except OSError:
            return frozenset()
    import psutil

    try:
        entries = psutil.Process(pid).environ()
    except (psutil.Error, OSError):
        return frozenset()
    return frozenset(os.fsencode(f"{name}={value}") for name, value in entries.items())


def ancestors() -> frozenset[int]:
    """Our own process and all it descends from."""
    found: set[int] = set()
    pid = os.getpid()
    while pid > 0 and pid not in found:
        found.add(pid)
        parent = row(pid)
        pid = parent.ppid if parent is not None else 0
    return frozenset(found)


def _pids() -> list[int]:
    if _LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    import psutil

    return list(psutil.pids())


def _linux_row(pid: int) -> Row | None:
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return None
    try:
        text = os.read(descriptor, 4096)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    # The second field is the command in parentheses and may hold blanks and parentheses itself.
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) < 20:
        return None
    return Row(
        pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[19].decode("ascii"), fields[0] in b"ZXx"
    )


def _psutil_row(pid: int) -> Row | None:
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return Row(
                pid,
                process.ppid(),
                os.getpgid(pid),
                os.getsid(pid),
                f"{process.create_time():.6f}",
                process.status() == psutil.STATUS_ZOMBIE,
            )
    except (psutil.Error, OSError):
        return None
