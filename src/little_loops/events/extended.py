# ruff: noqa: RUF009 - wire() and its like make dataclass fields, they are no shared defaults
"""Records beyond the published set: what the fold needs, and observations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from little_loops.events.record import Event, extension, unwritten

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSpawned(Event):
    """The action's (or the judge's) process was started; its group is known only now."""

    NAME: ClassVar[str] = "action_spawned"
    TITLE: ClassVar[str] = "Action Spawned"
    EXTENSION: ClassVar[bool] = True

    pid: int = extension("integer", "Process id.", required=True)
    pgid: int = extension("integer", "Process group id.", required=True)
    started: str = extension("string", "Start time as the system reports it.", required=True)
    boot: str = extension("string", "Identity of the system's boot.", required=True)
    purpose: str | None = extension("string", "judge, where a judge was started.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionInterrupted(Event):
    """An attempt was cut short and nobody knows its exit code."""

    NAME: ClassVar[str] = "action_interrupted"
    TITLE: ClassVar[str] = "Action Interrupted"
    EXTENSION: ClassVar[bool] = True

    state: str = extension("string", "Name of the state.", required=True)
    attempt: int = extension("integer", "Attempt that was cut short.", required=True)
    policy: str = extension("string", "What happens now: retry, fail or ask.", required=True)
    orphan: str = extension(
        "string", "What became of its processes: none, gone, killed, rebooted.", required=True
    )
    purpose: str | None = extension("string", "judge, where a judge was cut short.")
    usage: Json | None = extension("object", "Seconds charged to the budget.")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeStart(Event):
    """A judge is about to be asked."""

    NAME: ClassVar[str] = "judge_start"
    TITLE: ClassVar[str] = "Judge Start"
    EXTENSION: ClassVar[bool] = True

    state: str = extension("string", "Name of the state.", required=True)
    attempt: int = extension("integer", "Judgement of this step, from 1.", required=True)
    prompt: str | None = extension("string", "Question that is asked.")
    reserved: Json | None = extension("object", "Budget reserved for this call.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitRetry(Event):
    """A provider limit was met; the call is made again after a wait."""

    NAME: ClassVar[str] = "rate_limit_retry"
    TITLE: ClassVar[str] = "Rate Limit Retry"
    EXTENSION: ClassVar[bool] = True

    state: str = extension("string", "Name of the state.", required=True)
    tier: str = extension("string", "short, long or circuit.", required=True)
    attempt: int = extension("integer", "Retry of this kind; 0 for circuit.", required=True)
    wait_seconds: float = extension("number", "Planned wait.", required=True)
    until: int = extension("integer", "Run clock at which the wait ends, ms.", required=True)
    reset_at: float | None = extension("number", "Epoch seconds named by the provider.")
    purpose: str | None = extension("string", "judge, where a judge is retried.")
    usage: Json | None = extension("object", "Tokens, cost and seconds used.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiErrorRetry(Event):
    """A server or network error was met; the call is made again after a pause."""

    NAME: ClassVar[str] = "api_error_retry"
    TITLE: ClassVar[str] = "API Error Retry"
    EXTENSION: ClassVar[bool] = True

    state: str = extension("string", "Name of the state.", required=True)
    attempt: int = extension("integer", "Retry, from 1.", required=True)
    backoff: float = extension("number", "Planned pause in seconds.", required=True)
    until: int = extension("integer", "Run clock at which the pause ends, ms.", required=True)
    reset_at: float | None = extension("number", "Epoch seconds named by the provider.")
    kind: str | None = extension("string", "server or network.")
    purpose: str | None = extension("string", "judge, where a judge is retried.")
    usage: Json | None = extension("object", "Tokens, cost and seconds used.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiErrorExhausted(Event):
    """The retries after server errors are used up; normal routing goes on."""

    NAME: ClassVar[str] = "api_error_exhausted"
    TITLE: ClassVar[str] = "API Error Exhausted"
    EXTENSION: ClassVar[bool] = True

    state: str = extension("string", "Name of the state.", required=True)
    retries: int = extension("integer", "Retries made.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StallDetected(Event):
    """The same result came too often."""

    NAME: ClassVar[str] = "stall_detected"
    TITLE: ClassVar[str] = "Stall Detected"
    EXTENSION: ClassVar[bool] = True

    state: str = extension("string", "Name of the state.", required=True)
    exit_code: int = extension("integer", "Exit code of the repeated result.", required=True)
    verdict: str = extension("string", "Verdict of the repeated result.", required=True)
    consecutive: int = extension("integer", "Times in a row.", required=True)
    action: str = extension("string", "abort, or route: and a state.", required=True)
    recurrent: int | None = extension("integer", "Times in all, when that was the limit.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalledEvent(Event):
    """An agent called a tool."""

    NAME: ClassVar[str] = "tool_called"
    TITLE: ClassVar[str] = "Tool Called"
    EXTENSION: ClassVar[bool] = True

    tool: str = extension("string", "Name of the tool.", required=True)
    summary: str | None = extension("string", "What it was asked, in short.")


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageSeenEvent(Event):
    """Usage so far, before the call ends."""

    NAME: ClassVar[str] = "usage_seen"
    TITLE: ClassVar[str] = "Usage Seen"
    EXTENSION: ClassVar[bool] = True

    usage: Json = extension("object", "Tokens, cost and seconds so far.", required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionAnsweredEvent(Event):
    """An agent's request for permission was answered."""

    NAME: ClassVar[str] = "permission_answered"
    TITLE: ClassVar[str] = "Permission Answered"
    EXTENSION: ClassVar[bool] = True

    tool: str = extension("string", "Name of the tool.", required=True)
    answer: str = extension("string", "The answer.", required=True)
    rule: str | None = extension("string", "Rule that gave it.")
    request: str | None = extension("string", "What was asked for.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Event):
    """A record of a kind this version does not know: counted and shown, never folded."""

    NAME: ClassVar[str] = ""

    name: str = unwritten("")
    fields: Json | None = unwritten(None)
