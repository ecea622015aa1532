"""What two runs must have in common, and a readable account of where they part."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from typing import Any

Json = dict[str, Any]
KEYS: Mapping[str, tuple[str, ...]] = {
    "loop_start": ("loop",),
    "loop_resume": ("loop", "from_state", "iteration", "from_handoff", "continuation_prompt", "enter"),
    "state_enter": ("state", "iteration", "flushed"),
    "route": ("from", "to", "reason", "via"),
    "action_start": ("action", "is_prompt", "attempt"),
    "action_output": ("line",),
    "action_complete": ("exit_code", "duration_ms", "output_preview", "is_prompt", "session_jsonl"),
    "action_error": ("state", "route"),
    "retry_exhausted": ("state", "retries", "next"),
    "cycle_detected": ("edge", "from", "to", "count", "max"),
    "rate_limit_exhausted": (
        *("state", "retries", "short_retries", "long_retries", "total_wait_seconds", "next"),
    ),
    "rate_limit_storm": ("state", "count"),
    "rate_limit_waiting": (
        *("state", "elapsed_seconds", "next_attempt_at", "total_waited_seconds", "budget_seconds", "tier"),
    ),
    "rate_limit_retry": ("state", "tier", "attempt", "wait_seconds"),
    "api_error_retry": ("state", "attempt", "backoff"),
    "api_error_exhausted": ("state", "retries"),
    "throttle_warn": ("state", "count", "normal_max", "warn_max", "hard_max"),
    "throttle_hard": ("state", "count", "hard_max", "next"),
    "throttle_stop": ("state", "count", "hard_max"),
    "stall_detected": ("state", "exit_code", "verdict", "consecutive", "recurrent", "action"),
    "learning_target_stale": ("state", "target", "cause"),
    "learning_explore_invoked": ("state", "target", "attempt"),
    "learning_target_proven": ("state", "target"),
    "learning_target_refuted": ("state", "target"),
    "learning_complete": ("state", "targets"),
    "learning_blocked": ("state", "target", "reason"),
    "handoff_detected": ("state", "iteration", "continuation"),
    "handoff_spawned": ("pid", "state"),
    "judge_start": ("state", "attempt"),
    "loop_complete": ("final_state", "iterations", "terminated_by", "verdict"),
}
NOT_COMPARED = ("ts", "seq", "t", "memory", "progress", "usage", "repeated_hash")
"""Envelope and engine's own keys of ``evaluate``: everything else beside a verdict is compared."""


ENGINE_ONLY = ("action_spawned",)


def comparable(events: Iterable[Json]) -> list[Json]:
    """Every event with what both runs must say of it; of a message only that there is one."""
    return [_shown(event) for event in events if event["event"] not in ENGINE_ONLY]


def _shown(event: Json) -> Json:
    keys = KEYS.get(event["event"])
    if keys is not None:
        kept = {key: event[key] for key in keys if key in event}
    else:
        kept = {key: value for key, value in event.items() if key not in NOT_COMPARED}
        if "error" in kept:
            kept["error"] = "(a message)"
    if "targets" in kept:
        kept["targets"] = list(kept["targets"])
    if "until" in event and "wait_seconds" in kept:
        kept["wait_seconds"] = wait_of(event)
    kept = {key: told(value) if isinstance(value, float) else value for key, value in kept.items()}
    return {"event": event["event"], "depth": event.get("depth", 0), **kept}


def told(number: float) -> float | str:
    """A number as a line tells it: JSON has no infinity."""
    if math.isnan(number):
        return "NaN"
    return number if math.isfinite(number) else ("Infinity" if number > 0 else "-Infinity")


def wait_of(event: Json) -> float:
    """The length in seconds of a wait for the provider, to the millisecond at which it ends."""
    seconds = (event["until"] - event["t"]) / 1000
    if abs(seconds - event["wait_seconds"]) > 0.0011:
        raise AssertionError(f"a wait that does not last as long as it says: {event}")
    return float(seconds)


def difference(ours: Iterable[Json], naive: Iterable[Json]) -> str:
    """Empty where the runs agree; else the first event at which they part, with what came before it."""
    pairs = list(zip_longest(comparable(ours), comparable(naive)))
    for n, (mine, other) in enumerate(pairs):
        if mine != other:
            before = [f"  both    {json.dumps(pair[0])}" for pair in pairs[max(0, n - 6) : n]]
            return "\n".join([*before, f"  engine  {json.dumps(mine)}", f"  naive   {json.dumps(other)}"])
    return ""
