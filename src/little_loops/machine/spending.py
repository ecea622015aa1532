"""Arithmetic of budgets: what a call reserves, what it used, what is left in every frame. No clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from little_loops.machine.copying import replace
from little_loops.machine.effects import Budget
from little_loops.machine.snapshot import Frame, Spent

TOKEN_KEYS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")


def budget_from(record: Mapping[str, Any] | None) -> Budget | None:
    """A recorded budget or reservation; absent dimensions are None."""
    if record is None:
        return None
    return Budget(record.get("usd"), record.get("tokens"), record.get("agent_calls"), record.get("seconds"))


def budget_record(budget: Budget | None) -> dict[str, Any] | None:
    """A budget as it is recorded, dimensions without a limit left out."""
    if budget is None:
        return None
    pairs = (
        ("usd", budget.usd),
        ("tokens", budget.tokens),
        ("agent_calls", budget.agent_calls),
        ("seconds", budget.seconds),
    )
    return {key: value for key, value in pairs if value is not None} or None


def used_tokens(usage: Mapping[str, Any]) -> int | None:
    """Sum of the four token counts; None when none of them is known."""
    known = [usage[key] for key in TOKEN_KEYS if usage.get(key) is not None]
    return sum(known) if known else None


def settle(
    frames: tuple[Frame, ...], call: Budget | None, usage: Mapping[str, Any] | None
) -> tuple[Frame, ...]:
    """Charge one closed call to every frame: what is known, else what was reserved, and one unknown more."""
    if call is None:
        return frames
    return tuple(replace(frame, spent=charge(frame.spent, call, usage or {})) for frame in frames)


def charge(spent: Spent, call: Budget, usage: Mapping[str, Any]) -> Spent:
    """``spent`` after one call."""
    unknown = dict(spent.unknown)

    def amount(name: str, known: float | None, reserved: float | None) -> float:
        if known is not None:
            return known
        unknown[name] = unknown.get(name, 0) + 1
        return reserved or 0

    usd = amount("usd", usage.get("cost_usd"), call.usd)
    tokens = amount("tokens", used_tokens(usage), call.tokens)
    seconds = amount("seconds", usage.get("seconds"), call.seconds)
    return Spent(
        usd=round(spent.usd + usd, 9),
        tokens=spent.tokens + int(tokens),
        agent_calls=spent.agent_calls + (call.agent_calls or 1),
        seconds=round(spent.seconds + seconds, 3),
        unknown=unknown,
    )


def exhausted(frame: Frame) -> bool:
    """Whether a further call no longer fits this frame's own budget."""
    budget, spent = frame.budget, frame.spent
    if budget is None:
        return False
    limits = (
        (budget.usd, spent.usd),
        (budget.tokens, spent.tokens),
        (budget.agent_calls, spent.agent_calls),
        (budget.seconds, spent.seconds),
    )
    return any(limit is not None and used >= limit for limit, used in limits)


def reservation(frames: tuple[Frame, ...]) -> Budget | None:
    """What one call may use: the least that is left over all frames; None when no frame has a budget."""
    if all(frame.budget is None for frame in frames):
        return None
    return Budget(
        usd=_least([(f.budget.usd, f.spent.usd) for f in frames if f.budget]),
        tokens=_whole(_least([(f.budget.tokens, f.spent.tokens) for f in frames if f.budget])),
        agent_calls=1,
        seconds=_least([(f.budget.seconds, f.spent.seconds) for f in frames if f.budget]),
    )


def _least(pairs: list[tuple[float | None, float]]) -> float | None:
    left = [round(limit - used, 9) for limit, used in pairs if limit is not None]
    return max(0.0, min(left)) if left else None


def _whole(amount: float | None) -> int | None:
    return None if amount is None else int(amount)
