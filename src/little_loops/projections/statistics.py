"""What past runs say about loops: how often, how lately, how well. Pure; for suggesting what to run next."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from little_loops.projections.summary import Summary

HALF_LIFE_DAYS = 7.0
FULL_RUNS = 50


@dataclass(frozen=True, slots=True)
class LoopRecord:
    """The runs of one loop.

    Attributes:
        loop: its name.
        runs, completed: how many, and how many did what they were for.
        days: since the last run began; a fraction, not below 0.
        latest: the newest run.
        score: around 0 to 1; frequent, recent and successful loops come first.
    """

    loop: str
    runs: int
    completed: int
    days: float
    latest: Summary
    score: float

    @property
    def success(self) -> float:
        """Share of runs that completed, 0 to 1."""
        return self.completed / self.runs


def score(runs: int, completed: int, days: float) -> float:
    """Half for frequency (full at 50 runs), 0.3 for recency (halved weekly), the rest for success."""
    frequency = math.log(1 + runs) / math.log(1 + FULL_RUNS)
    return 0.5 * frequency + 0.3 * 2 ** (-days / HALF_LIFE_DAYS) + 0.2 * completed / runs


def rank(runs: Iterable[Summary], now: float) -> list[LoopRecord]:
    """Loops by score, best first; equal scores by name.

    Args:
        runs: any runs; those without a record yet are left out.
        now: epoch seconds.
    """
    by_loop: dict[str, list[Summary]] = {}
    for run in runs:
        if run.started_at:
            by_loop.setdefault(run.loop, []).append(run)
    ranked = [_record(loop, its, now) for loop, its in by_loop.items()]
    return sorted(ranked, key=lambda item: (-item.score, item.loop))


def _record(loop: str, runs: list[Summary], now: float) -> LoopRecord:
    latest = max(runs, key=lambda run: run.started_at)
    completed = sum(run.cause == "terminal" and not run.failure_terminal for run in runs)
    days = max(0.0, (now - datetime.fromisoformat(latest.started_at).timestamp()) / 86400)
    return LoopRecord(loop, len(runs), completed, days, latest, score(len(runs), completed, days))
