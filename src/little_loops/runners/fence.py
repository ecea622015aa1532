"""Fencing: before a run goes on, whatever an earlier segment left running is ended."""

from __future__ import annotations

from collections.abc import Iterator

from little_loops.machine.effects import Effect, End, Fence, Fenced, Report
from little_loops.process import Identity, Stop, fence
from little_loops.runtime.ports import Clock


class FenceRunner:
    """Performs ``Fence``.

    Args:
        clock: for the seconds that passed since the interrupted call was intended.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Exactly one ``Fenced``; a stop does not shorten it, because a half-done fence is none."""
        if not isinstance(effect, Fence):
            raise TypeError(f"not a fence: {effect!r}")
        known = [Identity(one.pid, one.pgid, one.started, one.boot) for one in effect.processes]
        fate = fence(effect.run_id, known, 0.0 if stop.hard else effect.grace_s)
        yield Fenced(fate, self._seconds(effect))

    def _seconds(self, effect: Fence) -> float | None:
        if effect.reserved_seconds is None or effect.since_wall is None:
            return None
        passed = self._clock.facts().wall - effect.since_wall
        return min(max(passed, 0.0), effect.reserved_seconds)
