"""Waits: until a moment of the run clock, or until a provider's reset time; ended at once by a stop.

A reset time is looked at on the wall clock at least once a minute, because a machine may sleep meanwhile, and
never makes the wait longer than planned, because a wall clock may jump.
"""

from __future__ import annotations

from collections.abc import Iterator

from little_loops.machine.effects import Effect, End, Facts, Heartbeat, Report, Stopped, Wait, Woke
from little_loops.process import Stop, wait
from little_loops.runtime.ports import Clock

BEAT_S = 60.0
"""Seconds between two heartbeats, and between two looks at the wall clock."""

_SHORT_MS = 5000


class WaitRunner:
    """Performs ``Wait``.

    Args:
        clock: the run clock and the wall clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Heartbeats if asked for, then ``Woke`` or ``Stopped``."""
        if not isinstance(effect, Wait):
            raise TypeError(f"not a wait: {effect!r}")
        facts = self._clock.facts()
        rest = _rest_ms(effect, facts)
        if effect.heartbeats and rest > _SHORT_MS:
            yield Heartbeat()
        beat = facts.clock + BEAT_S * 1000
        while rest > 0:
            if wait(stop, min(rest, max(beat - facts.clock, 0)) / 1000):
                break
            facts = self._clock.facts()
            rest = _rest_ms(effect, facts)
            if facts.clock >= beat:
                beat = facts.clock + BEAT_S * 1000
                if effect.heartbeats and rest > 0:
                    yield Heartbeat()
        cause = stop.cause
        yield Stopped(cause) if cause is not None else Woke()


def _rest_ms(effect: Wait, facts: Facts) -> float:
    """Milliseconds left; the plan and the frame's own end both bound it."""
    until = effect.until if effect.deadline is None else min(effect.until, effect.deadline)
    rest = float(until - facts.clock)
    if effect.reset_at is not None:
        rest = min(rest, (effect.reset_at - facts.wall) * 1000)
    return rest
