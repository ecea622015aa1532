"""Processes: start one, stream its bytes, keep its deadlines, end its whole tree, and know it again later.

Knows nothing of loops, states or events, and never prints. Every process of the engine is started here.
"""

from __future__ import annotations

from little_loops.process.collect import Collected, collect
from little_loops.process.spawn import MARKS, Child, Command, SpawnFailed, launch
from little_loops.process.stop import Stop, StopToken, wait
from little_loops.process.stream import (
    READ_SIZE,
    TIMEOUT_EXIT_CODE,
    Cause,
    Chunk,
    Finished,
    Limits,
    Progress,
    Quiet,
    Started,
    run,
)
from little_loops.process.table import Identity, alive, boot, identity
from little_loops.process.trees import Fate, fence, sweep

__all__ = [
    "MARKS",
    "READ_SIZE",
    "TIMEOUT_EXIT_CODE",
    "Cause",
    "Child",
    "Chunk",
    "Collected",
    "Command",
    "Fate",
    "Finished",
    "Identity",
    "Limits",
    "Progress",
    "Quiet",
    "SpawnFailed",
    "Started",
    "Stop",
    "StopToken",
    "alive",
    "boot",
    "collect",
    "fence",
    "identity",
    "launch",
    "run",
    "sweep",
    "wait",
]
