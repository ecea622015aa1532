"""Where a run stands: a light fold over its records. Never needs the definition, and never refuses a record.

The machine's own fold is stricter and complete; this one answers what a person or a list asks, also for a
journal of a version that cannot be folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from little_loops.projections.text import GOOD, Record, mapping, number, text_of, tokens_of

STATUSES = (
    "queued", "starting", "running", "completed", "interrupted", "awaiting_continuation", "timed_out",
    "failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Act:
    """One action: (state, step, attempt) and the records of its end and its verdict, where there are any."""

    place: tuple[str, int, int]
    outcome: Record | None = None
    judged: Record | None = None


@dataclass(slots=True)
class Summary:
    """One run as its records tell it.

    Attributes:
        run_id, loop, definition: as the opening record has them.
        started_at, updated_at: wall time of the first and last record.
        accumulated_ms: run clock of the last record.
        state, iteration: of the root frame.
        path, loops: state and loop name of every frame, root first.
        events, steps, segments: how many of each so far (``events`` is the last ``seq``).
        cause: ``terminated_by`` of the end, or None while the run is not ended.
        resumable: what the end said of it; None when it did not say.
        captured: outcome by name, of the root.
        prev, last: result of the step before; last verdict with its details.
        way: states the root went through, the chosen last one included.
        acted: (state, step number, attempt) of the last action, at any depth; ``outcome``: how it ended.
        judged: last ``evaluate`` record, at any depth.
        trouble: the last action whose verdict or exit code was not good.
        spent: tokens, cost and calls reported so far.
        record: the last record.
    """

    run_id: str = ""
    loop: str = ""
    definition: str | None = None
    started_at: str = ""
    updated_at: str = ""
    accumulated_ms: int = 0
    state: str = ""
    iteration: int = 0
    path: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()
    events: int = 0
    steps: int = 0
    segments: int = 0
    cause: str | None = None
    error: str | None = None
    resumable: bool | None = None
    in_place: bool = False
    failure_terminal: bool = False
    signal: str | None = None
    continuation: str | None = None
    engine: Mapping[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    captured: dict[str, Any] = field(default_factory=dict)
    prev: Mapping[str, Any] | None = None
    last: Mapping[str, Any] | None = None
    way: list[str] = field(default_factory=list)
    acted: tuple[str, int, int] | None = None
    action: str = ""
    outcome: Record | None = None
    judged: Record | None = None
    trouble: Act | None = None
    result: Mapping[str, Any] | None = None
    retries: int = 0
    edges: dict[str, int] = field(default_factory=dict)
    cycle: Record | None = None
    rate_limit_retries: int = 0
    exhaustions: int = 0
    spent: dict[str, float] = field(default_factory=dict)
    record: Record = field(default_factory=dict)

    def status(self, live: bool, queued: bool = False) -> str:
        """One of ``STATUSES``. ``live``: a process holds the run; ``queued``: and waits for a scope."""
        if queued:
            return "queued"
        if live and self.cause is None:
            return "running" if self.events else "starting"
        return status_word(self.cause, failure=self.failure_terminal, resumable=self.resumable)

    @property
    def can_resume(self) -> bool:
        """Whether a resume is possible at all, be it with a raised cap."""
        if self.cause == "handoff":
            return bool(self.resumable)
        return self.cause != "terminal"

    def as_json(self, status: str) -> dict[str, Any]:
        """The documented fields of a saved state, then our own."""
        out: dict[str, Any] = {
            "loop_name": self.loop,
            "current_state": self.state,
            "iteration": self.iteration,
            "captured": self.captured,
            "prev_result": self.prev,
            "last_result": self.last,
            "started_at": self.started_at,
            "updated_at": self.updated_at,
            "status": status,
            "accumulated_ms": self.accumulated_ms,
        }
        optional = {
            "continuation_prompt": self.continuation,
            "retry_counts": {self.state: self.retries} if self.retries else None,
            "rate_limit_retries": {self.state: self.rate_limit_retries} if self.rate_limit_retries else None,
            "consecutive_rate_limit_exhaustions": self.exhaustions,
            "edge_revisit_counts": self.edges,
            "active_sub_loop": self.loops[-1] if len(self.loops) > 1 and self.cause is None else None,
            "path": list(self.path) if len(self.path) > 1 else None,
            "terminated_by": self.cause,
            "error": self.error,
            "overrides": self.overrides,
            "spent": self.spent,
        }
        out.update((key, value) for key, value in optional.items() if value)
        out.update(run_id=self.run_id, steps=self.steps, segments=self.segments, events=self.events)
        out["resumable"] = self.can_resume
        return out


def status_word(cause: str | None, *, failure: bool = False, resumable: bool | None = None) -> str:
    """The status of a run that no process holds, by the cause of its end; None = it never ended."""
    match cause:
        case None | "signal" | "max_iterations" | "budget_exhausted":
            return "interrupted"
        case "terminal":
            return "failed" if failure else "completed"
        case "timeout":
            return "timed_out"
        case "handoff":
            return "failed" if resumable is False else "awaiting_continuation"
        case _:
            return "failed"


def summarise(records: Iterable[Record]) -> Summary:
    """Fold records, oldest first."""
    out = Summary()
    for record in records:
        add(out, record)
    return out


def add(out: Summary, record: Record) -> None:
    """Fold one more record into a summary."""
    ts = text_of(record.get("ts"), out.updated_at)
    out.started_at = out.started_at or ts
    out.updated_at = ts
    out.accumulated_ms = int(number(record.get("t"), out.accumulated_ms))
    out.events = int(number(record.get("seq"), out.events + 1))
    out.record = record
    step = _STEPS.get(text_of(record.get("event")))
    if step is not None:
        step(out, record, int(number(record.get("depth"))))


def _states(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


# --- one function per kind of record ------------------------------------------------------------------

_Fold = Callable[[Summary, Record, int], None]


def _loop_start(out: Summary, record: Record, depth: int) -> None:
    if "initial" in record:
        out.loops = (*out.loops[:depth], text_of(record.get("loop")))
    if depth:
        out.path = (*out.path[:depth], text_of(record.get("initial")))
        return
    out.loop = text_of(record.get("loop"), out.loop)
    if "initial" in record:
        out.run_id = text_of(record.get("run_id"), out.run_id)
        out.definition = text_of(record.get("definition")) or None
        out.state = text_of(record["initial"])
        out.path = (out.state,)
        out.way = [out.state]
        out.segments = 1
        out.context = dict(mapping(record.get("context")))
        out.overrides = dict(mapping(record.get("overrides")))
        out.engine = mapping(record.get("engine"))


def _loop_resume(out: Summary, record: Record, depth: int) -> None:
    out.cause = out.error = out.signal = None
    out.in_place = out.failure_terminal = False
    out.resumable = None
    out.run_id = text_of(record.get("run_id"), out.run_id)
    out.loop = text_of(record.get("loop"), out.loop)
    out.segments = int(number(record.get("segment"), out.segments + 1))
    out.state = text_of(record.get("from_state"), out.state)
    out.iteration = int(number(record.get("iteration"), out.iteration))
    out.path = _states(record.get("path")) or (out.state,)
    out.context.update(mapping(record.get("context")))
    out.overrides.update(mapping(record.get("overrides")))
    out.engine = mapping(record.get("engine")) or out.engine
    if "enter" in record:
        out.retries = 0


def _state_enter(out: Summary, record: Record, depth: int) -> None:
    out.steps += 1
    out.rate_limit_retries = 0
    _move(out, text_of(record.get("state")), depth)
    if not depth:
        out.iteration = int(number(record.get("iteration"), out.iteration))


def _route(out: Summary, record: Record, depth: int) -> None:
    source, target = text_of(record.get("from")), text_of(record.get("to"))
    _move(out, target, depth, arrived=True)
    if depth:
        return
    out.retries = out.retries + 1 if source == target else 0
    if record.get("reason") == "maintain":
        out.edges = {}
    else:
        edge = f"{source}->{target}"
        out.edges[edge] = out.edges.get(edge, 0) + 1
    if out.result is not None and record.get("via") != "throttle":
        out.prev = {"state": source, **out.result}
        out.result = None
        out.continuation = None


def _move(out: Summary, state: str, depth: int, *, arrived: bool = False) -> None:
    out.path = (*out.path[:depth], state)
    if not depth:
        out.state = state
        if not out.way or out.way[-1] != state or arrived:
            out.way.append(state)


def _action_start(out: Summary, record: Record, depth: int) -> None:
    attempt = int(number(record.get("attempt"), 1))
    out.acted = (out.path[-1] if out.path else out.state, out.steps, attempt)
    out.action = text_of(record.get("action"))
    out.outcome = out.judged = None


def _action_complete(out: Summary, record: Record, depth: int) -> None:
    _spend(out, record, 1 if record.get("is_prompt") else 0)
    out.outcome = record
    if out.acted is not None and record.get("exit_code"):
        out.trouble = Act(out.acted, record)
    if depth:
        return
    outcome = {
        "output": record.get("output", record.get("output_preview") or ""),
        "stderr": record.get("stderr", ""),
        "exit_code": record.get("exit_code"),
        "duration_ms": record.get("duration_ms"),
    }
    out.result = {"output": outcome["output"], "exit_code": outcome["exit_code"]}
    if name := text_of(record.get("capture")):
        out.captured[name] = outcome


def _evaluate(out: Summary, record: Record, depth: int) -> None:
    _spend(out, record, 1 if record.get("usage") else 0)
    out.judged = record
    if out.acted is not None and text_of(record.get("verdict")) not in GOOD:
        out.trouble = Act(out.acted, out.outcome, record)
    if not depth:
        hidden = ("event", "ts", "seq", "t", "depth", "refs", "run_id", "type", "verdict", "usage", "memory")
        details = {key: value for key, value in record.items() if key not in hidden}
        out.last = {"verdict": record.get("verdict"), "details": details}


def _retry_exhausted(out: Summary, record: Record, depth: int) -> None:
    _move(out, text_of(record.get("next"), out.state), depth, arrived=True)
    out.retries = 0


def _cycle(out: Summary, record: Record, depth: int) -> None:
    if not depth and len(out.way) > 1:
        out.way.pop()  # it was chosen and never entered
    _move(out, text_of(record.get("from"), out.state), depth)
    out.cycle = record


def _rate_limit(out: Summary, record: Record, depth: int) -> None:
    out.rate_limit_retries += 1
    _retried(out, record, depth)


def _retried(out: Summary, record: Record, depth: int) -> None:
    """Of an action the call was counted at its end; of a judge it is counted here."""
    if record.get("purpose") == "judge":
        _spend(out, record, 1)


def _exhausted(out: Summary, record: Record, depth: int) -> None:
    out.exhaustions += 1


def _handoff(out: Summary, record: Record, depth: int) -> None:
    out.continuation = text_of(record.get("continuation")) or None


def _loop_complete(out: Summary, record: Record, depth: int) -> None:
    if depth:
        out.path, out.loops = out.path[:depth], out.loops[:depth]
        return
    out.cause = text_of(record.get("terminated_by"), "error")
    out.state = text_of(record.get("final_state"), out.state)
    out.iteration = int(number(record.get("iterations"), out.iteration))
    out.error = text_of(record.get("error")) or None
    out.signal = text_of(record.get("signal")) or None
    out.failure_terminal = bool(record.get("failure_terminal"))
    out.in_place = bool(record.get("in_place"))
    out.resumable = bool(record.get("resumable"))
    out.path = _states(record.get("path")) or out.path


def _spend(out: Summary, record: Record, calls: int) -> None:
    usage = mapping(record.get("usage"))
    cost = number(usage.get("cost_usd"))
    for key, amount in (("usd", cost), ("tokens", tokens_of(usage)), ("agent_calls", calls)):
        if amount:
            out.spent[key] = out.spent.get(key, 0) + amount


_STEPS: Mapping[str, _Fold] = {
    "loop_start": _loop_start,
    "loop_resume": _loop_resume,
    "state_enter": _state_enter,
    "route": _route,
    "action_start": _action_start,
    "action_complete": _action_complete,
    "evaluate": _evaluate,
    "retry_exhausted": _retry_exhausted,
    "cycle_detected": _cycle,
    "rate_limit_retry": _rate_limit,
    "api_error_retry": _retried,
    "rate_limit_exhausted": _exhausted,
    "handoff_detected": _handoff,
    "loop_complete": _loop_complete,
}
