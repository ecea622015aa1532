"""Loops as finite state machines: run them, resume them, explain them, judge them before they run.

The public names are resolved when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from little_loops.compose.api import load, resume, run, simulate
    from little_loops.events import Event
    from little_loops.fsm.schema import FSMLoop

__all__ = ["Event", "FSMLoop", "load", "resume", "run", "simulate"]
__version__ = "0.1.0"

_HOMES = {
    "Event": "little_loops.events",
    "FSMLoop": "little_loops.fsm.schema",
    "load": "little_loops.compose.api",
    "resume": "little_loops.compose.api",
    "run": "little_loops.compose.api",
    "simulate": "little_loops.compose.api",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'little_loops' has no attribute {name!r}")
    return getattr(import_module(home), name)
