"""What the machine asks of the world (effects, imperative) and what the world answers (outcomes).

``perform(effect, stop)`` yields any number of reports and then exactly one end. Everything here is a value:
no effect holds a callable, a path object or a handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EnvOffsets = tuple[tuple[int, str], ...]
"""Character offsets in a text at which the words ``${env.NAME}`` stand, with NAME."""

Mode = Literal["shell", "prompt", "mcp"] | str
TimeoutKind = Literal["wall", "idle", "budget"]
OrphanFate = Literal["none", "gone", "killed", "rebooted"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text with the places where the edge puts environment variables in."""

    text: str
    env: EnvOffsets = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """What one agent call may use at most; None = not limited in that dimension."""

    usd: float | None = None
    tokens: int | None = None
    agent_calls: int | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """A control line found in an action's output (``handoff``, ``error`` or ``stop``)."""

    kind: Literal["handoff", "error", "stop"]
    payload: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A provider's failure. Transient kinds: ``rate_limit``, ``server``, ``network``."""

    kind: str
    source: Literal["host", "text"] = "host"
    status: int | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Process:
    """Identity of one started process: numbers plus what proves that a number was not reused."""

    pid: int
    pgid: int
    started: str
    boot: str


# --- effects ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunAction:
    """Run one action of one state.

    ``values`` are the data a shell text refers to as variables; ``env`` are offsets in ``action``.
    ``timeout_s``/``idle_s``/``seconds`` are limits in seconds, None = none. ``value_limit`` is in bytes.
    """

    mode: Mode
    action: str
    state: str
    run_id: str
    step: int
    attempt: int
    env: EnvOffsets = ()
    values: Mapping[str, Text] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    agent: str | None = None
    tools: tuple[str, ...] | None = None
    model: str | None = None
    host: str | None = None
    permissions: str = "workspace"
    timeout_s: float | None = None
    idle_s: float | None = None
    seconds: float | None = None
    markers: bool = False
    reserved: Budget | None = None
    value_limit: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Judge:
    """Ask a model for a verdict on the tail of an output. Shape only until a judge exists."""

    prompt: str
    output_tail: str
    exit_code: int
    stderr_tail: str
    state: str
    run_id: str
    step: int
    attempt: int
    schema: Mapping[str, Any] | None = None
    model: str | None = None
    host: str | None = None
    timeout_s: float = 120.0
    min_confidence: float = 0.5
    uncertain_suffix: bool = False
    reserved: Budget | None = None
    progress_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Run an author's pattern or jq program against ``text``, under a deadline and a memory cap."""

    kind: Literal["pattern", "jq"]
    program: str
    text: str
    deadline_s: float = 5.0
    progress_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """Look something up on disk.

    ``tree``: digest of the working tree below ``paths``. ``history``: numbers in the file ``paths[0]``.
    ``baseline``: text of a stored output. ``learning``: status of the target ``name``. ``circuit``: shared
    provider recovery time (epoch seconds or None). ``plugin``: a contributed evaluator. ``none``: only the
    progress paths are wanted.
    """

    kind: Literal["tree", "history", "baseline", "learning", "circuit", "plugin", "none"]
    paths: tuple[str, ...] = ()
    name: str = ""
    deadline_s: float = 30.0
    progress_paths: tuple[str, ...] = ()
    exclude_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadLoop:
    """Load and check a child loop, pin it, and answer with its digest."""

    reference: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until ``until`` (run clock, ms) or ``reset_at`` (epoch s), at most to ``deadline`` (run clock)."""

    until: int
    reset_at: float | None = None
    deadline: int | None = None
    heartbeats: bool = False
    tell_circuit: float | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """Make sure that what an earlier segment started is gone. ``host``: where it was started."""

    run_id: str
    processes: tuple[Process, ...]
    grace_s: float = 5.0
    reserved_seconds: float | None = None
    since_wall: float | None = None


@dataclass(frozen=True, slots=True)
class SpawnSuccessor:
    """Start the process that goes on with the run after a handoff."""

    run_id: str


Effect = RunAction | Judge | Match | Measure | LoadLoop | Wait | Fence | SpawnSuccessor

# --- outcomes: reports -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spawned:
    """The effect started a process."""

    process: Process


@dataclass(frozen=True, slots=True)
class OutputRead:
    """Lines read in one go from standard output, already shown-form (no line end, no trailing blanks).

    The first ``recorded`` lines go into the journal; the rest are for live observers only. ``cut`` maps the
    index of a shortened line to its whole length in characters. ``more`` names the file that holds the rest.
    """

    lines: tuple[str, ...]
    recorded: int
    cut: Mapping[int, int] = field(default_factory=dict)
    more: str | None = None


@dataclass(frozen=True, slots=True)
class PartialLine:
    """Text of a line that is not finished yet; for live observers only, never recorded."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCalled:
    tool: str
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class UsageSeen:
    usage: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PermissionAnswered:
    tool: str
    answer: str
    rule: str | None = None
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A long wait goes on."""


# --- outcomes: ends ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What is known of a finished action. ``duration_ms`` is real elapsed time.

    ``files`` names the spooled streams relative to the run folder (``output``, ``stderr``); a stream that was
    empty has none. ``exact`` holds the keys whose file is byte for byte the UTF-8 of the value.
    """

    exit_code: int
    output: str = ""
    stderr: str = ""
    duration_ms: int = 0
    truncated: bool = False
    timeout_kind: TimeoutKind | None = None
    marker: Marker | None = None
    failure: Failure | None = None
    usage: Mapping[str, Any] | None = None
    session_id: str | None = None
    session_jsonl: str | None = None
    output_lines: int | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    exact: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Done:
    """The action ended by itself."""

    result: ActionResult


@dataclass(frozen=True, slots=True)
class Failed:
    """The effect could not be performed at all (nothing to run, cannot start, cannot load)."""

    error: str
    usage: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """Ended early: ``wall`` ``idle`` ``budget`` by its own limit, ``SIGINT`` ``SIGTERM`` by request."""

    cause: str
    result: ActionResult | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A judge's answer."""

    verdict: str
    details: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] | None = None
    failure: Failure | None = None
    progress: str | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """A worker's answer: ``found`` for a pattern, ``value`` for a jq program, or an ``error``.

    ``compiled`` is False when the pattern is not a regular expression; the machine then looks for it as text.
    """

    found: bool = False
    value: Any = None
    compiled: bool = True
    error: str | None = None
    timeout: bool = False
    progress: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The answer to a ``Measure``; ``error`` instead of a value when it could not be measured."""

    value: Any = None
    error: str | None = None
    progress: str | None = None


@dataclass(frozen=True, slots=True)
class Fenced:
    """What became of an earlier segment's processes; ``seconds`` since the intent, at most those reserved."""

    orphan: OrphanFate
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Woke:
    """The wait is over."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A child definition is pinned under ``digest``."""

    digest: str


@dataclass(frozen=True, slots=True)
class Started:
    """A successor process waits for the run's lock."""

    pid: int


Report = Spawned | OutputRead | PartialLine | ToolCalled | UsageSeen | PermissionAnswered | Heartbeat
End = Done | Failed | Stopped | Judged | Matched | Measured | Fenced | Woke | Loaded | Started

# --- outcomes of the commands ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Begin:
    """A new run. ``context`` is the assembled root context; ``data`` points at its values that are data."""

    run_id: str
    definition: str
    context: Mapping[str, Any]
    data: tuple[str, ...] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, EnvOffsets] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    engine: Mapping[str, Any] = field(default_factory=dict)
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on with a run. ``interrupted`` answers the policy ``ask``."""

    engine: Mapping[str, Any] = field(default_factory=dict)
    interrupted: Literal["retry", "fail"] | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)


Outcome = Report | End | Begin | Resume


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the machine may know of the moment: ``wall`` in epoch seconds, ``clock`` in run-clock ms."""

    wall: float
    clock: int
    env: Mapping[str, str] = field(default_factory=dict)
