"""What a run is at one moment: frozen values, changed only by ``fold.evolve``.

A snapshot is the fold of a journal and nothing else is saved. Every type here holds plain values, so that two
snapshots of the same journal are equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from little_loops.machine.effects import Budget, EnvOffsets, Failure, Marker, Process, TimeoutKind

Edge = tuple[str, str]
Triple = tuple[str, int, str]
FramePath = tuple[tuple[str, str], ...]
"""(loop name, state) of every frame, root first: where an evaluator's memory belongs."""


@dataclass(frozen=True, slots=True)
class Result:
    """What an action left behind, as evaluators see it. After a crash: empty, exit code -9."""

    output: str = ""
    stderr: str = ""
    exit_code: int = 0
    timeout_kind: TimeoutKind | None = None


LOST = Result(exit_code=-9)
"""The result of an attempt whose exit code nobody knows."""


@dataclass(frozen=True, slots=True)
class Prev:
    """The step before, as ``${prev.*}`` shows it."""

    output: str
    exit_code: int
    state: str
    timeout_kind: TimeoutKind | None = None
    verdict: str | None = None
    details: Mapping[str, Any] | None = None


# --- phases of a frame -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Arriving:
    """The state is chosen, not entered. ``until``: end of the back-off. ``edge``: transition to check."""

    routed: bool = False
    until: int | None = None
    edge: Edge | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """Entered; nothing started."""

    flushed: bool = False


@dataclass(frozen=True, slots=True)
class Learning:
    """Between two learning targets, or before an exploration (``seen``: "" stale invoked refuted)."""

    index: int = 0
    attempts: int = 0
    seen: str = ""


Of = Entered | Learning
"""Whose action runs: the state's own, or an exploration."""


@dataclass(frozen=True, slots=True)
class Acting:
    """``action_start`` is down."""

    attempt: int
    of: Of
    action: str
    is_prompt: bool
    env: EnvOffsets = ()
    values: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()


@dataclass(frozen=True, slots=True)
class Acted:
    """The outcome is down, not yet screened or judged. ``throttled``: "" warned passed."""

    attempt: int
    of: Of
    result: Result
    action: str = ""
    marker: Marker | None = None
    failure: Failure | None = None
    throttled: str = ""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The attempt was cut short; the step goes on. ``policy``: recorded answer, or the definition's."""

    attempt: int
    of: Of
    result: Result
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Judging:
    """``judge_start`` is down."""

    attempt: int
    of: Acted | Entered
    processes: tuple[Process, ...] = ()


@dataclass(frozen=True, slots=True)
class Stranded:
    """The segment died while an action or a judge was in flight."""

    what: Acting | Judging
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """``evaluate`` is down. ``acted`` is False for a decision state."""

    verdict: str
    details: Mapping[str, Any]
    result: Result


@dataclass(frozen=True, slots=True)
class Waiting:
    """An in-place retry is pending. ``since``: run clock at which the wait began."""

    tier: str
    until: int
    since: int
    of: Acted | Entered
    purpose: str = "action"
    reset_at: float | None = None


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The rate-limit budget is spent; a storm may be due."""

    target: str | None = None
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """The target is fixed by a record other than ``evaluate``."""

    via: str
    target: str | None = None
    result: Result | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """A child frame lies on top."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The child is gone."""

    verdict: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Halted:
    """The end is decided; ``loop_complete`` is due."""

    cause: str
    error: str | None = None
    spawned: bool = False


Phase = (
    Arriving
    | Entered
    | Learning
    | Acting
    | Acted
    | Interrupted
    | Judging
    | Stranded
    | Judged
    | Waiting
    | Exhausted
    | Leaving
    | Called
    | Returned
    | Halted
)


@dataclass(frozen=True, slots=True)
class Spent:
    """What a frame's agent calls have used. ``unknown``: calls per dimension whose use nobody reported."""

    usd: float = 0.0
    tokens: int = 0
    agent_calls: int = 0
    seconds: float = 0.0
    unknown: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stall:
    """Window of the stall detector: the last triple, how often in a row, and every triple's total."""

    last: Triple | None = None
    run: int = 0
    totals: Mapping[Triple, int] = field(default_factory=dict)
    progress: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """One loop on the call stack. Times are run-clock milliseconds; ``timeout`` is in seconds."""

    definition: str
    name: str
    state: str
    phase: Phase
    started_ts: str
    started: int
    started_seq: int
    timeout: float | None = None
    entered: int = 0
    iteration: int = 0
    laps: int = 0
    context: Mapping[str, Any] = field(default_factory=dict)
    data: frozenset[str] = frozenset()
    env: Mapping[str, EnvOffsets] = field(default_factory=dict)
    captured: Mapping[str, Any] = field(default_factory=dict)
    prev: Prev | None = None
    retries: int = 0
    edges: Mapping[Edge, int] = field(default_factory=dict)
    throttle: int = 0
    attempts: int = 0
    judgements: int = 0
    short: int = 0
    long: int = 0
    api: int = 0
    waited: int = 0
    storm: int = 0
    stall: Stall = Stall()
    budget: Budget | None = None
    spent: Spent = Spent()
    capture: str | None = None
    export: str | None = None


# --- status of a run ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fresh:
    """Nothing is recorded."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A segment was opened by ``loop_resume``; its ``loop_start`` is due."""


@dataclass(frozen=True, slots=True)
class Running:
    """A segment is open."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The last segment ended. ``signal`` is the recorded signal name of cause ``signal``."""

    cause: str
    resumable: bool
    in_place: bool = False
    signal: str | None = None
    error: str | None = None
    failure_terminal: bool = False


Status = Fresh | Opened | Running | Ended


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A run: its status, its frames (root first; only the top moves) and what all frames share."""

    status: Status = Fresh()
    run_id: str = ""
    seq: int = 0
    t: int = 0
    segment: int = 0
    steps: int = 0
    frames: tuple[Frame, ...] = ()
    stop: str | None = None
    continuation: str | None = None
    call: Budget | None = None
    memory: Mapping[FramePath, Mapping[str, Any]] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Frame:
        return self.frames[0]

    @property
    def top(self) -> Frame:
        return self.frames[-1]

    @property
    def depth(self) -> int:
        return len(self.frames) - 1


def frame_path(snapshot: Snapshot) -> FramePath:
    """Where the memory of the current state's evaluator belongs."""
    return tuple((frame.name, frame.state) for frame in snapshot.frames)


FRESH = Snapshot()
"""The snapshot of an empty journal."""
