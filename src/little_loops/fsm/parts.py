"""Files that are no loops by themselves: libraries of fragments, and templates that other loops build on.

What is judged of them is what holds whoever uses them: that they are YAML, and that known keys have the shape
of their values.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from little_loops.fsm.codec import Mistake, decode
from little_loops.fsm.comments import obeyed
from little_loops.fsm.diagnostics import Diagnostic
from little_loops.fsm.fitting import MISSING_KEY
from little_loops.fsm.fragments import Trail
from little_loops.fsm.schema import StateConfig
from little_loops.fsm.yaml import Document, without


def is_part(data: Any, path: Path) -> bool:
    """Whether a file is made for others to build on: nothing in it says where a run would begin."""
    if not isinstance(data, Mapping):
        return False
    whole = {"initial", "paradigm", "from", "flow"} & data.keys()
    return not whole and ("fragments" in data or "lib" in path.parts)


def examine_part(document: Document) -> list[Diagnostic]:
    """What is wrong with such a file, whoever uses it."""
    trail = Trail()
    for diagnostic in document.found:
        trail.add(diagnostic)
    for owner in ("fragments", "states"):
        bodies = document.data.get(owner)
        for name, body in bodies.items() if isinstance(bodies, Mapping) else ():
            if isinstance(body, Mapping):
                mistakes: list[Mistake] = []
                decode(StateConfig, without(body, "description"), (owner, name), mistakes)
                for mistake in mistakes:
                    if mistake.code != MISSING_KEY:  # the state that uses it adds what is missing
                        trail.note(mistake, document.data)
    return obeyed(trail.found, (document.source,)).found
