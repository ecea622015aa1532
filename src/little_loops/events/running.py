# ruff: noqa: RUF009 - wire() and its like make dataclass fields, they are no shared defaults
"""The records of a run that are part of the published set: executor and persistence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from little_loops.events.record import Event, extension, unwritten, wire

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopStart(Event):
    """A run begins, or a child loop is called; nothing has been entered yet. Also sent after loop_resume."""

    NAME: ClassVar[str] = "loop_start"
    TITLE: ClassVar[str] = "Loop Start"

    loop: str = wire("string", "Name of the loop.")
    run_id: str | None = extension("string", "Name of the run folder; on the record that opens the run.")
    v: int | None = extension("integer", "Version of the journal format.")
    needs: Sequence[str] | None = extension("strings", "Features a reader must know before it may fold.")
    definition: str | None = extension("string", "Digest of the pinned definition; absent after a resume.")
    initial: str | None = extension("string", "First state.")
    context: Json | None = extension("object", "Context the frame starts with.")
    data: Sequence[str] | None = extension("strings", "JSON pointers of context values that are data.")
    env: Json | None = extension("object", "Offsets of environment references in context values, by pointer.")
    origin: Json | None = extension("object", "Where each context value came from, for people.")
    passthrough: bool = extension("boolean", "The caller's context and captures are laid over this context.")
    timeout: float | None = extension("number", "Seconds this child may take, clamped to its caller's.")
    budget: Json | None = extension("object", "Budget in force for this frame.")
    capture: str | None = extension("string", "Name under which the caller captures the outcome.")
    export: str | None = extension("string", "Name under which the caller sees this child's captures.")
    overrides: Json | None = extension("object", "Run options given on the command line.")
    engine: Json | None = extension("object", "Process that writes this segment.")
    cwd: str | None = extension("string", "Folder in which the run was started.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopResume(Event):
    """A saved run continues; precedes the new loop_start."""

    NAME: ClassVar[str] = "loop_resume"
    TITLE: ClassVar[str] = "Loop Resume"

    loop: str = wire("string", "Name of the loop.")
    from_state: str = wire("string", "State in which the run goes on.")
    iteration: int = wire("integer", "State entries so far.")
    from_handoff: bool = wire("boolean", "True after a handoff.", optional=True)
    continuation_prompt: str | None = wire(
        "string", "Text handed over; only with from_handoff.", nullable=True, optional=True
    )
    run_id: str = extension("string", "Name of the run folder.", required=True)
    v: int = extension("integer", "Version of the journal format.", required=True)
    segment: int = extension("integer", "Number of this segment, from 2.", required=True)
    needs: Sequence[str] | None = extension("strings", "Features a reader must know before it may fold.")
    enter: str | None = extension("string", "State that is entered again.")
    interrupted: str | None = extension("string", "Answer to the policy ask: retry or fail.")
    context: Json | None = extension("object", "Context values given with this resume.")
    data: Sequence[str] | None = extension("strings", "JSON pointers of those values that are data.")
    origin: Json | None = extension("object", "Where each of those values came from.")
    overrides: Json | None = extension("object", "Run options given with this resume.")
    path: Sequence[str] | None = extension("strings", "State of every frame when a child is running.")
    engine: Json = extension("object", "Process that writes this segment.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEnter(Event):
    """A state is about to execute. Terminal states are not entered; they end the run silently."""

    NAME: ClassVar[str] = "state_enter"
    TITLE: ClassVar[str] = "State Enter"

    state: str = wire("string", "Name of the state.")
    iteration: int = wire("integer", "Running count of entries, from 1.")
    flushed: bool = extension("boolean", "A pending shell state is run once because the time is up.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(Event):
    """The next state has been chosen."""

    NAME: ClassVar[str] = "route"
    TITLE: ClassVar[str] = "Route"

    from_: str = wire("string", "State being left.", key="from")
    to: str = wire("string", "State chosen.")
    reason: str | None = wire("string", "Why, only in special cases.", optional=True)
    via: str = extension("string", "Rule that chose the target.", required=True)
    verdict: str | None = extension("string", "Verdict that was routed.")
    error: str | None = extension("string", "Error that was routed.")
    until: int | None = extension("integer", "Run clock at which the back-off ends, ms.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionStart(Event):
    """An action is about to run, templates already filled in."""

    NAME: ClassVar[str] = "action_start"
    TITLE: ClassVar[str] = "Action Start"

    action: str = wire("string", "Final text of the action.")
    is_prompt: bool = wire("boolean", "True when it goes to an AI agent.")
    attempt: int | None = extension("integer", "Number of this action within its step; absent means 1.")
    values: Json | None = extension(
        "object", "Variables the text refers to, each with the path of its value."
    )
    params: Json | None = extension("object", "Arguments of a tool call.")
    env: Json | None = extension("object", "Offsets of environment references in the text.")
    reserved: Json | None = extension("object", "Budget reserved for this call.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionOutput(Event):
    """One line arrived on the action's standard output. In memory all lines of one read are one event."""

    NAME: ClassVar[str] = "action_output"
    TITLE: ClassVar[str] = "Action Output"

    lines: tuple[str, ...] = wire("string", "The line.", key="line")
    cut: Mapping[int, int] | None = extension("integer", "Whole length of a longer line.")
    more: str | None = extension("string", "File that holds the lines which are not recorded.")

    @property
    def records(self) -> int:
        return len(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionComplete(Event):
    """The action ended, well or badly."""

    NAME: ClassVar[str] = "action_complete"
    TITLE: ClassVar[str] = "Action Complete"

    exit_code: int = wire("integer", "Exit status; negative is a signal, 124 a timeout.")
    duration_ms: int = wire("integer", "Elapsed milliseconds.")
    output_preview: str | None = wire("string", "Tail of the output.", nullable=True, default=None)
    is_prompt: bool = wire("boolean", "True when it went to an AI agent.")
    session_jsonl: str | None = wire(
        "string", "Transcript of the agent's session; prompts only.", nullable=True, optional=True
    )
    session_id: str | None = extension("string", "The agent's own name for the session.")
    output: str | None = extension("string", "Standard output, whole.")
    stderr: str | None = extension("string", "Standard error, whole.")
    truncated: bool = extension("boolean", "The value is head, elision line and tail of a longer output.")
    timeout_kind: str | None = extension("string", "Limit that ended the action: wall, idle or budget.")
    capture: str | None = extension("string", "Name under which the result is captured.")
    marker: Json | None = extension("object", "Control line found in the output.")
    failure: Json | None = extension("object", "Failure reported by the provider.")
    stopped: str | None = extension("string", "Signal that stopped the action.")
    usage: Json | None = extension("object", "Tokens, cost and seconds used.")
    output_lines: int | None = extension("integer", "Lines printed, when not all were recorded.")
    files: Json | None = unwritten(None)
    exact: frozenset[str] = unwritten(frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionError(Event):
    """The action could not run and the state's error route takes over."""

    NAME: ClassVar[str] = "action_error"
    TITLE: ClassVar[str] = "Action Error"

    state: str = wire("string", "Name of the state.")
    error: str = wire("string", "What went wrong.")
    route: str = wire("string", "Always on_error.", default="on_error")
    usage: Json | None = extension("object", "Tokens, cost and seconds used.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluate(Event):
    """A verdict was produced. Details of the evaluator stand beside it as further keys."""

    NAME: ClassVar[str] = "evaluate"
    TITLE: ClassVar[str] = "Evaluate"

    type: str = wire("string", "Evaluator, default when implicit.")
    verdict: str = wire("string", "The verdict.")
    memory: Json | None = extension("object", "What this evaluator remembers until its next turn.")
    progress: str | None = extension("string", "Digest of the progress paths.")
    usage: Json | None = extension("object", "Tokens, cost and seconds used by a judge.")
    details: Json | None = unwritten(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryExhausted(Event):
    """A state used up its consecutive re-entries."""

    NAME: ClassVar[str] = "retry_exhausted"
    TITLE: ClassVar[str] = "Retry Exhausted"

    state: str = wire("string", "Name of the state.")
    retries: int = wire("integer", "Re-entries counted.")
    next: str = wire("string", "Where the run goes instead.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleDetected(Event):
    """One transition was taken more often than allowed; the run ends."""

    NAME: ClassVar[str] = "cycle_detected"
    TITLE: ClassVar[str] = "Cycle Detected"

    edge: str = wire("string", "The transition, as a->b.")
    from_: str = wire("string", "State the transition leaves.", key="from")
    to: str = wire("string", "State it leads to.")
    count: int = wire("integer", "Times it was taken.")
    max: int = wire("integer", "The limit.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDetected(Event):
    """Action output asked to go on in a fresh session."""

    NAME: ClassVar[str] = "handoff_detected"
    TITLE: ClassVar[str] = "Handoff Detected"

    state: str = wire("string", "Name of the state.")
    iteration: int = wire("integer", "Running count of entries.")
    continuation: str = wire("string", "Text for the next session.")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffSpawned(Event):
    """A continuation process was started."""

    NAME: ClassVar[str] = "handoff_spawned"
    TITLE: ClassVar[str] = "Handoff Spawned"

    pid: int = wire("integer", "Process id.")
    state: str = wire("string", "Name of the state.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopComplete(Event):
    """The run, or a child loop, ended."""

    NAME: ClassVar[str] = "loop_complete"
    TITLE: ClassVar[str] = "Loop Complete"

    final_state: str = wire("string", "Current state at the end; possibly chosen but never entered.")
    iterations: int = wire("integer", "State entries.")
    terminated_by: str = wire("string", "Cause of the end.")
    verdict: str | None = extension("string", "Verdict for the caller of a child loop.")
    error: str | None = extension("string", "What went wrong.")
    failure_terminal: bool = extension("boolean", "The terminal state counts as a failure.")
    resumable: bool = extension("boolean", "The run can be resumed.")
    in_place: bool = extension("boolean", "A resume goes on exactly where the run stopped.")
    signal: str | None = extension("string", "Signal that ended the run.")
    path: Sequence[str] | None = extension("strings", "State of every frame when a child was running.")
    usage: Json | None = extension("object", "Tokens, cost and seconds of the call that was cut short.")
