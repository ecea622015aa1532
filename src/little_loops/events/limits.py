"""Published records of limits and learning: throttle, provider limits, learning targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from little_loops.events.record import Event, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitExhausted(Event):
    """The time budget for rate-limit waiting is spent."""

    NAME: ClassVar[str] = "rate_limit_exhausted"
    TITLE: ClassVar[str] = "Rate Limit Exhausted"

    state: str = wire("string", "Name of the state.")
    retries: int = wire("integer", "Retries of both tiers together.")
    short_retries: int | None = wire("integer", "Retries after a short wait.", optional=True)
    long_retries: int | None = wire("integer", "Retries after a long wait.", optional=True)
    total_wait_seconds: float | None = wire("number", "Seconds waited.", optional=True)
    next: str | None = wire("string", "Exit taken.", nullable=True, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitStorm(Event):
    """Several exhaustions in a row."""

    NAME: ClassVar[str] = "rate_limit_storm"
    TITLE: ClassVar[str] = "Rate Limit Storm"

    state: str = wire("string", "State that tipped it.")
    count: int = wire("integer", "Exhaustions in a row.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitWaiting(Event):
    """Heartbeat of a wait for a provider."""

    NAME: ClassVar[str] = "rate_limit_waiting"
    TITLE: ClassVar[str] = "Rate Limit Waiting"

    state: str = wire("string", "Name of the state.")
    elapsed_seconds: float = wire("number", "Seconds into this wait.")
    next_attempt_at: float = wire("number", "Epoch seconds at which it ends.")
    total_waited_seconds: float | None = wire(
        "number", "Seconds over all waits of this state.", optional=True
    )
    budget_seconds: int | None = wire("integer", "Seconds this state may wait in all.", optional=True)
    tier: str | None = wire("string", "Kind of wait: short_wait, long_wait, api or circuit.", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleWarn(Event):
    """The number of action runs in one stay equals the warning mark."""

    NAME: ClassVar[str] = "throttle_warn"
    TITLE: ClassVar[str] = "Throttle Warn"

    state: str = wire("string", "Name of the state.")
    count: int = wire("integer", "Action runs in this stay.")
    normal_max: int | None = wire("integer", "Usual number.", optional=True)
    warn_max: int = wire("integer", "Warning mark.")
    hard_max: int = wire("integer", "Hard mark.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleHard(Event):
    """The number equals the hard mark; the state is left where an exit is given."""

    NAME: ClassVar[str] = "throttle_hard"
    TITLE: ClassVar[str] = "Throttle Hard"

    state: str = wire("string", "Name of the state.")
    count: int = wire("integer", "Action runs in this stay.")
    hard_max: int = wire("integer", "Hard mark.")
    next: str | None = wire("string", "Exit taken.", optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleStop(Event):
    """The number went past the hard mark; the run is stopped."""

    NAME: ClassVar[str] = "throttle_stop"
    TITLE: ClassVar[str] = "Throttle Stop"

    state: str = wire("string", "Name of the state.")
    count: int = wire("integer", "Action runs in this stay.")
    hard_max: int = wire("integer", "Hard mark.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningTargetProven(Event):
    """The registry holds a proof for this target."""

    NAME: ClassVar[str] = "learning_target_proven"
    TITLE: ClassVar[str] = "Learning Target Proven"

    state: str = wire("string", "Name of the state.")
    target: str = wire("string", "The target.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningTargetStale(Event):
    """No usable proof; exploration follows."""

    NAME: ClassVar[str] = "learning_target_stale"
    TITLE: ClassVar[str] = "Learning Target Stale"

    state: str = wire("string", "Name of the state.")
    target: str = wire("string", "The target.")
    cause: str = wire("string", "missing or stale.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningExploreInvoked(Event):
    """The exploration of a target is about to run."""

    NAME: ClassVar[str] = "learning_explore_invoked"
    TITLE: ClassVar[str] = "Learning Explore Invoked"

    state: str = wire("string", "Name of the state.")
    target: str = wire("string", "The target.")
    attempt: int = wire("integer", "Exploration of this target, from 1.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningTargetRefuted(Event):
    """The registry says that the assumption is wrong."""

    NAME: ClassVar[str] = "learning_target_refuted"
    TITLE: ClassVar[str] = "Learning Target Refuted"

    state: str = wire("string", "Name of the state.")
    target: str = wire("string", "The target.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningComplete(Event):
    """All targets of the state are proven."""

    NAME: ClassVar[str] = "learning_complete"
    TITLE: ClassVar[str] = "Learning Complete"

    state: str = wire("string", "Name of the state.")
    targets: Sequence[str] = wire("strings", "The targets.")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningBlocked(Event):
    """The state cannot go on."""

    NAME: ClassVar[str] = "learning_blocked"
    TITLE: ClassVar[str] = "Learning Blocked"

    state: str = wire("string", "Name of the state.")
    target: str = wire("string", "The target.")
    reason: str = wire("string", "refuted or retries_exhausted.")
