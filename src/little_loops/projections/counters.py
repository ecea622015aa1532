"""The counters that can end a run or turn it aside, before and after a step, beside their limits. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from little_loops.fsm.schema import CircuitConfig, FSMLoop, StateConfig
from little_loops.machine.snapshot import Frame, Snapshot
from little_loops.projections.ending import Caps, caps


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter. ``unit``: empty for plain counts, else ``ms``, ``usd``, ``tokens`` or ``s``.

    ``before`` is None where only the present is told, ``limit`` where there is none.
    """

    name: str
    before: float | None
    after: float
    limit: float | None
    unit: str = ""

    @property
    def left(self) -> float | None:
        """What remains, not below 0; None without a limit."""
        return None if self.limit is None else max(0, self.limit - self.after)


def counters(
    before: Frame | None, now: Frame, loop: FSMLoop | None, run: Snapshot, edge: tuple[str, str] | None
) -> list[Counter]:
    """Counters of one frame.

    Args:
        before: the frame as it was before the step; None = only the present is wanted.
        now: the frame after it.
        loop: its definition.
        run: the run, for its clock and its overrides.
        edge: the transition just taken.
    """
    limits = caps(
        loop.to_dict() if loop else None, run.overrides if run.frames and now is run.frames[0] else {}
    )
    out = [_count("steps", _was(before, "iteration"), now.iteration, limits.steps)]
    if now.laps or limits.laps is not None:
        out.append(_count("laps", _was(before, "laps"), now.laps, limits.laps))
    if edge is not None:
        taken = before.edges.get(edge, 0) if before else None
        out.append(_count(f"{edge[0]} -> {edge[1]}", taken, now.edges.get(edge, 0), limits.edge))
    out += _of_state(before, now, loop, edge)
    out += _of_time(before, now, limits, run)
    return out + _of_budget(before, now)


def _was(frame: Frame | None, name: str) -> float | None:
    return None if frame is None else float(getattr(frame, name))


def _count(name: str, before: float | None, after: float, limit: float | None) -> Counter:
    return Counter(name, before, after, limit)


def _of_state(
    before: Frame | None, now: Frame, loop: FSMLoop | None, edge: tuple[str, str] | None
) -> list[Counter]:
    state = loop.states.get(now.state) if loop else None
    same = before is not None and before.state == now.state
    out: list[Counter] = []
    if now.retries or (state is not None and state.max_retries and edge and edge[0] == edge[1]):
        limit = state.max_retries if state else None
        old = before.retries if before and same else 0
        out.append(_count(f"retries of {now.state}", old, now.retries, limit))
    if _hard(loop, before or now) is not None:
        out.append(
            _count("actions in this stay", _was(before, "throttle"), now.throttle, _hard(loop, before or now))
        )
    window = _window(loop.circuit if loop else None)
    if window and now.stall.run:
        run = None if before is None else before.stall.run
        out.append(_count("equal results in a row", run, now.stall.run, window))
    return out


def _hard(loop: FSMLoop | None, frame: Frame) -> int | None:
    state: StateConfig | None = loop.states.get(frame.state) if loop else None
    if state is None or state.throttle is None:
        return None
    return state.throttle.hard_max or 12


def _window(circuit: CircuitConfig | None) -> int | None:
    return circuit.repeated_failure.window if circuit and circuit.repeated_failure else None


def _of_time(before: Frame | None, now: Frame, limits: Caps, run: Snapshot) -> list[Counter]:
    timeout = now.timeout if now.timeout is not None else limits.timeout
    if timeout is None:
        return []
    old = before.entered - before.started if before and before.entered else None
    return [Counter("time", old, run.t - now.started, timeout * 1000, "ms")]


def _of_budget(before: Frame | None, now: Frame) -> list[Counter]:
    if now.budget is None:
        return []
    out: list[Counter] = []
    for name, unit in (("usd", "usd"), ("tokens", "tokens"), ("agent_calls", ""), ("seconds", "s")):
        limit = getattr(now.budget, name)
        if limit is not None:
            old = getattr(before.spent, name) if before else None
            out.append(Counter(f"budget {name}", old, getattr(now.spent, name), limit, unit))
    return out
