"""Why a run went as it did: each step with what it did and saw, its verdict, the rule, the counters.

Pure. The counters come from the machine's own fold; where a journal cannot be folded they are left out and
the story says so. Nothing is judged again: a verdict is told as it was recorded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from little_loops import events as ev
from little_loops.fsm.schema import FSMLoop, StateConfig
from little_loops.machine.deciding import FORMAT
from little_loops.machine.fold import evolve
from little_loops.machine.snapshot import FRESH, Frame, Snapshot
from little_loops.projections.counters import Counter, counters
from little_loops.projections.ending import Ending, caps, ending
from little_loops.projections.rules import rule_of, seen_by
from little_loops.projections.summary import Summary, add
from little_loops.projections.text import Record, mapping, number, took, value_text


@dataclass(slots=True)
class Attempt:
    """One action of a step. ``exit_code`` is None while nobody knows it; ``file`` holds all of its output.

    ``values``: the variables its text refers to, each with the path of its value. ``usage``: what it cost.
    """

    number: int
    kind: str
    action: str
    exit_code: int | None = None
    duration_ms: int | None = None
    output: str = ""
    stderr: str = ""
    file: str | None = None
    capture: str | None = None
    values: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Judgement:
    """A recorded verdict: the evaluator, the value it saw, and where that value came from."""

    evaluator: str
    verdict: str
    value: str
    source: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Choice:
    """The transition out of a step. ``rule`` is the key of the loop file that named the target."""

    to: str
    via: str
    rule: str
    verdict: str | None = None
    error: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Step:
    """One entry into one state. ``number`` counts entries over all frames, from 1.

    ``ended``: why the run ended in this step, where it did.
    """

    number: int
    loop: str
    state: str
    depth: int
    iteration: int
    ts: str
    t: int
    seq: int
    took_ms: int | None = None
    came: str = ""
    attempts: list[Attempt] = field(default_factory=list)
    judgement: Judgement | None = None
    choice: Choice | None = None
    ended: str = ""
    counters: list[Counter] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Story:
    """A whole run. ``unfolded`` says why counters are missing, or is None."""

    run: Summary
    steps: list[Step]
    end: Ending
    left: list[Counter]
    origins: dict[str, str]
    unfolded: str | None = None


def explain(records: Iterable[Record], loops: Mapping[str, FSMLoop]) -> Story:
    """The story of a run.

    Args:
        records: all of the journal, oldest first.
        loops: the pinned definitions by digest; one that is missing costs its rules and limits.
    """
    walk = _Walk(loops)
    for record in records:
        walk.take(record)
    return walk.story()


class _Walk:
    """Goes through the records once, keeping the open step of every frame."""

    def __init__(self, loops: Mapping[str, FSMLoop]) -> None:
        self.loops = loops
        self.run = Summary()
        self.snapshot: Snapshot = FRESH
        self.unfolded: str | None = None
        self.origins: dict[str, str] = {}
        self.steps: list[Step] = []
        self.open: list[Step | None] = []
        self.before: list[Frame | None] = []
        self.arrival: list[str] = []
        self.names: list[tuple[str, str | None]] = []

    # --- one record -------------------------------------------------------------------------------

    def take(self, record: Record) -> None:
        before = self.snapshot
        self._fold(record)
        add(self.run, record)
        depth = int(record.get("depth") or 0)
        told = _TOLD.get(str(record.get("event")))
        if told is not None:
            told(self, record, depth, before)
        elif record.get("event") not in _SILENT:
            step = self._step(depth) or (self.steps[-1] if self.steps else None)
            if step is not None:
                step.notes.append(_note(record))

    def _fold(self, record: Record) -> None:
        if self.unfolded is None and record.get("event") in _OPENING and "v" in record:
            self.unfolded = _too_new(record)
        if self.unfolded is not None:
            return
        try:
            self.snapshot = evolve(self.snapshot, ev.from_wire(record))
        except _NOT_FOLDABLE as problem:
            self.unfolded = f"line {record.get('seq', '?')}: {problem}"

    def _step(self, depth: int) -> Step | None:
        return self.open[depth] if depth < len(self.open) else None

    def _loop(self, depth: int) -> FSMLoop | None:
        name = self.names[depth] if depth < len(self.names) else ("", None)
        return self.loops.get(name[1] or "")

    def state_of(self, depth: int, name: str) -> StateConfig | None:
        loop = self._loop(depth)
        return loop.states.get(name) if loop else None

    # --- kinds of records ---------------------------------------------------------------------------

    def started(self, record: Record, depth: int, before: Snapshot) -> None:
        if not depth:
            self.origins.update(mapping(record.get("origin")))
        if "definition" not in record:
            return
        del self.names[depth:], self.open[depth:], self.before[depth:], self.arrival[depth:]
        self.names.append((str(record.get("loop", "")), record["definition"]))
        self.open.append(None)
        self.before.append(None)
        self.arrival.append("the first state" if not depth else f"first state of {record.get('loop')}")

    def resumed(self, record: Record, depth: int, before: Snapshot) -> None:
        self.origins.update(mapping(record.get("origin")))
        top = len(record.get("path") or ("",)) - 1
        if "enter" in record:
            self._room(top)
            self.arrival[top] = f"entered again by resume (segment {record.get('segment', '?')})"
        elif self.steps:
            self.steps[-1].notes.append(f"resumed here (segment {record.get('segment', '?')})")

    def entered(self, record: Record, depth: int, before: Snapshot) -> None:
        self._room(depth)
        step = Step(
            number=len(self.steps) + 1,
            loop=self.names[depth][0],
            state=str(record.get("state", "?")),
            depth=depth,
            iteration=int(record.get("iteration") or 0),
            ts=str(record.get("ts", "")),
            t=int(record.get("t") or 0),
            seq=int(record.get("seq") or 0),
            came=self.arrival[depth],
        )
        if record.get("flushed"):
            step.notes.append("the time was up; a state that was already chosen is run once more")
        self.steps.append(step)
        self.open[depth] = step
        self.before[depth] = before.frames[depth] if depth < len(before.frames) else None

    def _room(self, depth: int) -> None:
        while len(self.names) <= depth:
            self.names.append((self.run.loop, None))
            self.open.append(None)
            self.before.append(None)
            self.arrival.append("")

    def acting(self, record: Record, depth: int, before: Snapshot) -> None:
        if step := self._step(depth):
            kind = "prompt" if record.get("is_prompt") else "shell"
            number = int(record.get("attempt") or 1)
            attempt = Attempt(number, kind, str(record.get("action", "")))
            attempt.values.update(mapping(record.get("values")))
            step.attempts.append(attempt)

    def acted(self, record: Record, depth: int, before: Snapshot) -> None:
        step = self._step(depth)
        if step is None:
            return
        if not step.attempts:
            step.attempts.append(Attempt(1, "shell", ""))
        last = step.attempts[-1]
        last.exit_code = record.get("exit_code")
        last.duration_ms = record.get("duration_ms")
        last.output = str(record.get("output") or record.get("output_preview") or "")
        last.stderr = str(record.get("stderr") or "")
        last.capture = record.get("capture")
        last.usage.update(mapping(record.get("usage")))
        ref = mapping(record.get("refs")).get("output")
        last.file = mapping(ref).get("file")
        last.notes += _outcome_notes(record)

    def could_not(self, record: Record, depth: int, before: Snapshot) -> None:
        if step := self._step(depth):
            step.notes.append(f"the action could not run: {record.get('error')}")

    def cut_short(self, record: Record, depth: int, before: Snapshot) -> None:
        step = self._step(depth)
        if step is None:
            return
        fate = _FATES.get(str(record.get("orphan")), "")
        policy = {"retry": "run again", "fail": "counted as an error"}.get(str(record.get("policy")), "")
        where = step.attempts[-1].notes if step.attempts else step.notes
        where.append(", ".join(filter(None, ("cut short, nobody knows its exit code", fate, policy))))

    def waited(self, record: Record, depth: int, before: Snapshot) -> None:
        step = self._step(depth)
        if step is None:
            return
        seconds = number(record.get("wait_seconds", record.get("backoff")))
        what = (
            "limit" if record.get("event") == "rate_limit_retry" else f"{record.get('kind', 'server')} error"
        )
        where = step.attempts[-1].notes if step.attempts else step.notes
        where.append(f"the provider's {what}: tried again after {took(seconds * 1000)}")

    def judged(self, record: Record, depth: int, before: Snapshot) -> None:
        if step := self._step(depth):
            config = self.state_of(depth, step.state)
            value, source, details = seen_by(record, config.evaluate if config else None)
            verdict = str(record.get("verdict", "?"))
            step.judgement = Judgement(str(record.get("type", "?")), verdict, value, source, details)

    def routed(self, record: Record, depth: int, before: Snapshot) -> None:
        self._room(depth)
        state, to = str(record.get("from", "?")), str(record.get("to", "?"))
        via = str(record.get("via") or record.get("reason") or "?")
        rule = rule_of(self.state_of(depth, state), via, record.get("verdict"))
        choice = Choice(
            to, via, rule, record.get("verdict"), record.get("error"), record.get("reason")
        )  # fmt: skip
        self.arrival[depth] = f"from {state} by {rule or via}"
        self._close(depth, record, choice)

    def gave_up(self, record: Record, depth: int, before: Snapshot) -> None:
        self._room(depth)
        to = str(record.get("next", "?"))
        said = f"{record.get('state')} was entered again {record.get('retries')} times in a row"
        self.arrival[depth] = f"because {said}; on_retry_exhausted"
        if self.steps:
            self.steps[-1].notes.append(f"{said}; on_retry_exhausted leads to {to}")

    def returned(self, record: Record, depth: int, before: Snapshot) -> None:
        if depth == 0:
            return
        child = self.names[depth][0] if depth < len(self.names) else "the child loop"
        del self.names[depth:], self.open[depth:], self.before[depth:], self.arrival[depth:]
        if caller := self._step(depth - 1):
            value = f"{child} ended {record.get('terminated_by')} in {record.get('final_state')}"
            first, last = caller.number + 1, len(self.steps)
            source = "it made no step" if last < first else f"steps {first} to {last}"
            caller.judgement = Judgement("sub_loop", str(record.get("verdict", "?")), value, source)

    # --- closing ------------------------------------------------------------------------------------

    def _close(self, depth: int, record: Record, choice: Choice) -> None:
        step = self._step(depth)
        if step is None:
            return
        step.choice = choice
        step.took_ms = int(record.get("t") or 0) - step.t
        step.counters = self._counters(depth, step, (step.state, choice.to))
        self.open[depth] = None

    def _counters(self, depth: int, step: Step, edge: tuple[str, str] | None) -> list[Counter]:
        now = self.snapshot.frames[depth] if depth < len(self.snapshot.frames) else None
        if self.unfolded is not None or now is None:
            return []
        before = self.before[depth] if depth < len(self.before) else None
        return counters(before, now, self._loop(depth), self.snapshot, edge)

    def story(self) -> Story:
        limits = caps(_definition(self._loop(0)), self.run.overrides)
        end = ending(self.run, limits)
        for depth, step in enumerate(self.open):
            if step is not None:
                step.counters = self._counters(depth, step, None)
                step.ended = end.headline if self.run.cause is not None else ""
        left: list[Counter] = []
        if self.unfolded is None and self.snapshot.frames:
            left = counters(None, self.snapshot.frames[0], self._loop(0), self.snapshot, None)
        return Story(self.run, self.steps, end, left, self.origins, self.unfolded)


_TOLD = {
    "loop_start": _Walk.started,
    "loop_resume": _Walk.resumed,
    "state_enter": _Walk.entered,
    "action_start": _Walk.acting,
    "action_complete": _Walk.acted,
    "action_error": _Walk.could_not,
    "action_interrupted": _Walk.cut_short,
    "rate_limit_retry": _Walk.waited,
    "api_error_retry": _Walk.waited,
    "evaluate": _Walk.judged,
    "route": _Walk.routed,
    "retry_exhausted": _Walk.gave_up,
    "loop_complete": _Walk.returned,
}
_OPENING = ("loop_start", "loop_resume")
# BadRecord and Impossible are ValueErrors; what was edited by hand can be wrong deeper inside
_NOT_FOLDABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError)
_FATES = {
    "none": "nothing of it was left",
    "gone": "its processes were gone",
    "killed": "its processes were ended",
    "rebooted": "the machine was restarted since",
}
_SILENT = frozenset(
    {"action_output", "action_spawned", "judge_start", "usage_seen", "tool_called", "rate_limit_waiting"}
)


def _outcome_notes(record: Record) -> list[str]:
    notes: list[str] = []
    if record.get("timeout_kind"):
        notes.append(f"ended by its {record['timeout_kind']} limit")
    if record.get("stopped"):
        notes.append(f"stopped by {record['stopped']}")
    failure, marker = mapping(record.get("failure")), mapping(record.get("marker"))
    if failure and failure.get("kind") not in ("rate_limit", "server", "network"):
        notes.append(f"provider failure: {failure.get('kind')}")
    if marker:
        notes.append(f"its output asked for {marker.get('kind')}")
    if record.get("truncated"):
        notes.append("the value is the head and tail of a longer output")
    return notes


def _note(record: Record) -> str:
    hidden = ("event", "ts", "seq", "t", "depth", "refs", "state")
    rest = ", ".join(f"{key} {value_text(item, 60)}" for key, item in record.items() if key not in hidden)
    name = str(record.get("event", "?")).replace("_", " ")
    return f"{name}: {rest}" if rest else name


def _too_new(record: Record) -> str | None:
    """Why a segment must not be folded by this version, or None."""
    if record.get("v") == FORMAT and not record.get("needs"):
        return None
    version = mapping(record.get("engine")).get("version", "a newer version")
    return f"line {record.get('seq', '?')}: written by {version}, which this version cannot follow"


def _definition(loop: FSMLoop | None) -> dict[str, Any] | None:
    return None if loop is None else loop.to_dict()
