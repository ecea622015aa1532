"""What may happen next: retry waits, throttle, stall detector. Pure; the clock is a fact."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from little_loops import events as ev
from little_loops.fsm.schema import ThrottleConfig
from little_loops.machine.effects import Failure
from little_loops.machine.routing import end, named
from little_loops.machine.snapshot import Acted, Frame, Judged, Waiting
from little_loops.machine.spending import exhausted
from little_loops.machine.view import View

MAX_DEPTH = 8
"""How many loops may lie on each other."""

API_RETRIES = 2
API_PAUSE_S = 30
STORM = 3
"""Rate-limit exhaustions in a row that make a storm."""

SHORT_RETRIES = 3
SHORT_BASE_S = 30
MAX_WAIT_S = 21600
LADDER_S = (300, 900, 1800, 3600)

NORMAL_MAX, WARN_MAX, HARD_MAX = 3, 8, 12


@dataclass(frozen=True, slots=True)
class WaitPlan:
    """How a state waits for a provider: short retries, their base, long waits, the budget (seconds)."""

    short_retries: int
    base: float
    ladder: tuple[float, ...]
    max_wait: float


def wait_plan(view: View) -> WaitPlan:
    """Settings of the state, else of the project, else the built-in ones."""
    state, project = view.state, view.option("rate_limits") or {}
    ladder = state.rate_limit_long_wait_ladder or project.get("long_wait_ladder") or LADDER_S
    short, base, budget = (
        state.max_rate_limit_retries,
        state.rate_limit_backoff_base_seconds,
        state.rate_limit_max_wait_seconds,
    )
    project_budget = project.get("max_wait_seconds", MAX_WAIT_S)
    return WaitPlan(
        SHORT_RETRIES if short is None else short,
        SHORT_BASE_S if base is None else base,
        tuple(ladder),
        project_budget if budget is None else budget,
    )


def jitter(run_id: str, seq: int) -> float:
    """A number in [0, 1) that is the same whenever it is computed again."""
    digest = hashlib.sha256(f"{run_id}:{seq}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32


def retry_wait(view: View, failure: Failure, *, purpose: str | None = None, usage: Any = None) -> ev.Event:
    """The record that plans an in-place retry after a transient failure."""
    frame = view.frame
    common: dict[str, Any] = {"state": frame.state, "purpose": purpose, "usage": usage}
    reset_at = None if failure.retry_after is None else round(view.facts.wall + failure.retry_after, 3)
    if failure.kind != "rate_limit":
        pause = float(API_PAUSE_S) if failure.retry_after is None else failure.retry_after
        return view.record(
            ev.ApiErrorRetry,
            attempt=frame.api + 1,
            backoff=pause,
            until=view.facts.clock + int(pause * 1000),
            reset_at=reset_at,
            kind=failure.kind,
            **common,
        )
    tier, seconds = _rate_limit_wait(view)
    if failure.retry_after is not None:
        seconds = failure.retry_after
    return view.record(
        ev.RateLimitRetry,
        tier=tier,
        attempt=(frame.short if tier == "short" else frame.long) + 1,
        wait_seconds=round(seconds, 3),
        until=view.facts.clock + int(seconds * 1000),
        reset_at=reset_at,
        **common,
    )


def _rate_limit_wait(view: View) -> tuple[str, float]:
    plan, frame = wait_plan(view), view.frame
    if frame.short < plan.short_retries:
        spread = jitter(view.snapshot.run_id, view.snapshot.seq + 1) * plan.base
        return "short", plan.base * 2**frame.short + spread
    return "long", plan.ladder[min(frame.long, len(plan.ladder) - 1)]


def wait_spent(view: View, waiting: Waiting) -> ev.Event | None:
    """``rate_limit_exhausted``, when a long wait has used up the state's budget."""
    total = (view.frame.waited + view.facts.clock - waiting.since) / 1000
    if waiting.tier != "long" or total < wait_plan(view).max_wait:
        return None
    frame, state = view.frame, view.state
    return view.record(
        ev.RateLimitExhausted,
        state=frame.state,
        retries=frame.short + frame.long,
        short_retries=frame.short,
        long_retries=frame.long,
        total_wait_seconds=round(total, 3),
        next=named(view, state.on_rate_limit_exhausted or state.on_error),
    )


def will_retry(frame: Frame, failure: Failure | None) -> bool:
    """Whether the attempt that met ``failure`` is made again in place."""
    if failure is None:
        return False
    return failure.kind == "rate_limit" or (failure.kind in ("server", "network") and frame.api < API_RETRIES)


def heartbeat(view: View, waiting: Waiting) -> ev.RateLimitWaiting:
    """The record of one heartbeat of a wait."""
    elapsed = (view.facts.clock - waiting.since) / 1000
    planned = view.facts.wall + (waiting.until - view.facts.clock) / 1000
    tiers = {"short": "short_wait", "long": "long_wait"}
    return view.record(
        ev.RateLimitWaiting,
        state=view.frame.state,
        elapsed_seconds=elapsed,
        next_attempt_at=round(planned if waiting.reset_at is None else waiting.reset_at, 3),
        total_waited_seconds=view.frame.waited / 1000 + elapsed,
        budget_seconds=int(wait_plan(view).max_wait) if waiting.tier == "long" else None,
        tier=tiers.get(waiting.tier, waiting.tier),
    )


def throttled(view: View, acted: Acted) -> ev.Event | None:
    """The throttle record that is due after an action, if any."""
    config, frame, state = view.state.throttle, view.frame, view.state
    if config is None:
        return None
    normal, warn, hard = throttle_marks(config)
    common: dict[str, Any] = {"state": frame.state, "count": frame.throttle, "hard_max": hard}
    if frame.throttle == warn and acted.throttled == "":
        return view.record(ev.ThrottleWarn, normal_max=normal, warn_max=warn, **common)
    if state.type == "learning":
        return None
    if frame.throttle == hard and acted.throttled != "passed":
        exit_taken = named(view, state.on_throttle_hard or state.on_error)
        return view.record(ev.ThrottleHard, next=exit_taken, **common)
    if frame.throttle > hard:
        return view.record(ev.ThrottleStop, **common)
    return None


def throttle_marks(config: ThrottleConfig) -> tuple[int, int, int]:
    """Usual number, warning mark and hard mark, with the defaults for what is left out."""
    marks = ((config.normal_max, NORMAL_MAX), (config.warn_max, WARN_MAX), (config.hard_max, HARD_MAX))
    normal, warn, hard = (default if given is None else given for given, default in marks)
    return normal, warn, hard


def stalled(view: View, judged: Judged) -> ev.StallDetected | None:
    """``stall_detected``, when the loop's detector has seen enough of the same."""
    rule = view.loop.circuit.repeated_failure if view.loop.circuit else None
    stall = view.frame.stall
    if rule is None or stall.last is None:
        return None
    total = stall.totals.get(stall.last, 0)
    recurrent = rule.recurrent_window is not None and total >= rule.recurrent_window
    if stall.run < rule.window and not recurrent:
        return None
    abort = rule.on_repeated_failure == "abort"
    return view.record(
        ev.StallDetected,
        state=view.frame.state,
        exit_code=stall.last[1],
        verdict=judged.verdict,
        consecutive=stall.run,
        action="abort" if abort else f"route:{rule.on_repeated_failure}",
        recurrent=total if stall.run < rule.window else None,
    )


def budget_spent(view: View) -> ev.LoopComplete | None:
    """The end of the first frame whose budget has no room for another agent call."""
    for depth, frame in enumerate(view.snapshot.frames):
        if exhausted(frame):
            reason = f"the budget of loop {frame.name} is spent"
            return end(view, "budget_exhausted", reason, depth=depth)
    return None
