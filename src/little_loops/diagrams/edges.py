"""The transitions of a loop as a picture shows them: one edge for each pair of states, labels joined.

Decides what is drawn, not where. A target that is a template or names no state is a note on its state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from little_loops.fsm.graph import edges_of
from little_loops.fsm.schema import FSMLoop, StateConfig


class Edge(NamedTuple):
    """All transitions from one state to another, with their labels in the order of the file."""

    source: str
    target: str
    labels: tuple[str, ...]

    @property
    def label(self) -> str:
        return "/".join(self.labels)


@dataclass(frozen=True, slots=True)
class Drawing:
    """What there is to draw.

    Attributes:
        order: the states, the main path first.
        edges: between different states.
        notes: by state, what stands inside its box: transitions to itself, and to what only a run will know.
    """

    order: tuple[str, ...]
    edges: tuple[Edge, ...]
    notes: dict[str, tuple[str, ...]]


def transitions(name: str, state: StateConfig) -> list[tuple[str, str]]:
    """Label and target of every transition of a state that can be taken, in the order of the keys.

    The restart of a maintained loop is none: it belongs to the end of the loop and not to a verdict.
    """
    ways = edges_of(name, state)
    return [(way.label, way.target) for way in ways if way.label != "maintain" and not way.shadowed]


def drawing(loop: FSMLoop) -> Drawing:
    """The edges of a loop, merged, with every state in the order in which a picture shows them."""
    joined: dict[tuple[str, str], list[str]] = {}
    notes: dict[str, list[str]] = {}
    for name, state in loop.states.items():
        for label, target in transitions(name, state):
            if target == name:
                notes.setdefault(name, []).append(f"↺ {label}")
            elif target in loop.states:
                labels = joined.setdefault((name, target), [])
                if label not in labels:
                    labels.append(label)
            else:
                notes.setdefault(name, []).append(f"{label} → {target}")
    edges = tuple(Edge(source, target, tuple(labels)) for (source, target), labels in joined.items())
    merged = {name: _merged(lines) for name, lines in notes.items()}
    return Drawing(_order(loop, edges), edges, merged)


def _merged(lines: list[str]) -> tuple[str, ...]:
    own = [line[2:] for line in lines if line.startswith("↺")]
    rest = [line for line in dict.fromkeys(lines) if not line.startswith("↺")]
    return (*([f"↺ {'/'.join(dict.fromkeys(own))}"] if own else []), *rest)


def _order(loop: FSMLoop, edges: tuple[Edge, ...]) -> tuple[str, ...]:
    """Depth first along the usual way, so that a picture reads from the top; the unreachable come last."""
    ways: dict[str, list[str]] = {name: [] for name in loop.states}
    for edge in edges:
        ways[edge.source].append(edge.target)
    seen: dict[str, None] = {}
    for start in (loop.initial, *loop.states):
        stack = [start] if start in ways else []
        while stack:
            name = stack.pop()
            if name not in seen:
                seen[name] = None
                stack.extend(reversed(ways[name]))
    return tuple(seen)


def kind(state: StateConfig) -> str:
    """``prompt``, ``slash``, ``shell``, ``mcp``, ``sub_loop``, ``route``, ``end``, or a type as written."""
    if state.loop:
        return "sub_loop"
    if state.terminal:
        return "end"
    if not state.action:
        return "learning" if state.learning else "route"
    match state.action_type:
        case None:
            return "slash" if state.action.startswith("/") else "shell"
        case "slash_command":
            return "slash"
        case "mcp_tool":
            return "mcp"
        case other:
            return other
