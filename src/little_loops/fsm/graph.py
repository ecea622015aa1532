"""The states of a loop as a graph: edges with labels, reachability.

Pure. ``$current`` is the state itself; a target with ``${`` in it may be any state. Order is the order of the
file, so that whatever is drawn or reported from here is stable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from little_loops.fsm.schema import CURRENT_STATE, FSMLoop, StateConfig

EXITS = {
    "maintain": "on_maintain",
    "retry_exhausted": "on_retry_exhausted",
    "rate_limit_exhausted": "on_rate_limit_exhausted",
    "throttle_hard": "on_throttle_hard",
}
VERDICT_KEYS = ("yes", "no", "error", "partial", "blocked")


@dataclass(frozen=True, slots=True)
class Edge:
    """One way from a state.

    Attributes:
        source: the state it leaves.
        label: the verdict, ``next``, ``_`` for a table's default, or the name of a limit.
        target: the state as resolved; for a dynamic edge the template as written.
        key: the key of the state it is written under, dotted, such as ``on_yes`` or ``route.yes``.
        dynamic: whether the target is known only when the loop runs.
        shadowed: whether a route table keeps it from ever being taken.
    """

    source: str
    label: str
    target: str
    key: str
    dynamic: bool = False
    shadowed: bool = False


def edges(loop: FSMLoop) -> tuple[Edge, ...]:
    """Every edge of a loop, state by state in file order."""
    return tuple(edge for name, state in loop.states.items() for edge in edges_of(name, state))


def edges_of(name: str, state: StateConfig) -> tuple[Edge, ...]:
    """The edges that leave one state, in the order of the keys."""
    table = state.route is not None
    written: list[tuple[str, str, str | None, bool]] = [
        (verdict, f"on_{verdict}", getattr(state, f"on_{verdict}"), table) for verdict in VERDICT_KEYS
    ]
    written += [(verdict, f"on_{verdict}", target, table) for verdict, target in state.extra_routes.items()]
    if state.route is not None:
        written += [
            (verdict, f"route.{verdict}", target, False) for verdict, target in state.route.routes.items()
        ]
        written += [
            ("_", "route._", state.route.default, False),
            ("error", "route._error", state.route.error, False),
        ]
    written.append(("next", "next", state.next, False))
    written += [(label, key, getattr(state, key), False) for label, key in EXITS.items()]
    return tuple(
        _edge(name, label, key, target, shadowed) for label, key, target, shadowed in written if target
    )


def _edge(source: str, label: str, key: str, target: str, shadowed: bool) -> Edge:
    return Edge(
        source,
        label,
        source if target == CURRENT_STATE else target,
        key,
        dynamic="${" in target,
        shadowed=shadowed,
    )


def followers(loop: FSMLoop) -> dict[str, tuple[str, ...]]:
    """For each state the states it can lead to; a dynamic edge leads to all."""
    everything = tuple(loop.states)
    out: dict[str, tuple[str, ...]] = {}
    aside = stall_target(loop)
    for name, state in loop.states.items():
        leaving = edges_of(name, state)
        if any(edge.dynamic for edge in leaving):
            out[name] = everything
            continue
        found = [edge.target for edge in leaving if edge.target in loop.states]
        if aside is not None and not state.terminal:
            found.append(aside)
        if loop.maintain and state.terminal and not state.on_maintain and loop.initial in loop.states:
            found.append(loop.initial)
        out[name] = tuple(dict.fromkeys(found))
    return out


def stall_target(loop: FSMLoop) -> str | None:
    """The state that a detected stall leads to, if one is named and exists."""
    detector = loop.circuit.repeated_failure if loop.circuit else None
    target = detector.on_repeated_failure if detector else None
    return target if target in loop.states else None


def reachable(
    loop: FSMLoop,
    start: str | None = None,
    *,
    without: Iterable[str] = (),
    ways: Mapping[str, tuple[str, ...]] | None = None,
) -> set[str]:
    """The states that can be entered from ``start`` (the initial state) when some states are closed.

    ``ways`` is the result of ``followers``, when the caller has it already.
    """
    closed = set(without)
    first = loop.initial if start is None else start
    ways = followers(loop) if ways is None else ways
    seen: set[str] = set()
    waiting = [first] if first in loop.states and first not in closed else []
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if len(ways[name]) == len(loop.states):
            return set(loop.states) - closed
        waiting += [target for target in ways[name] if target not in closed]
    return seen


def unreachable(loop: FSMLoop) -> list[str]:
    """The states no run can enter, in file order."""
    entered = reachable(loop)
    return [name for name in loop.states if name not in entered]
