"""The interpreter: the one loop that runs, resumes and simulates.

It decides nothing and touches nothing itself: the kernel decides, the journal remembers, ``perform`` touches.
Nobody hears of an event before the write that holds it has returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field

from little_loops.errors import WriteFailed
from little_loops.events import Event
from little_loops.fsm.schema import FSMLoop
from little_loops.machine.asking import next_effect
from little_loops.machine.deciding import abort, decide
from little_loops.machine.effects import (
    Begin,
    Effect,
    Facts,
    Outcome,
    OutputRead,
    PartialLine,
    Resume,
    Stopped,
)
from little_loops.machine.fold import evolve
from little_loops.machine.snapshot import Arriving, Running, Snapshot
from little_loops.machine.transition import advance
from little_loops.runtime.ports import Clock, Journal, Observer, Stop

Perform = Callable[[Effect, Stop], Iterator[Outcome]]
Loops = Mapping[str, FSMLoop]


@dataclass(frozen=True, slots=True)
class Kernel:
    """The pure functions an interpreter drives. A scenario may wrap ``advance`` and ``decide``."""

    decide: Callable[[Loops, Snapshot, Outcome, Facts], Event] = decide
    advance: Callable[[Loops, Snapshot, Facts], Event | None] = advance
    next_effect: Callable[[Loops, Snapshot], Effect | None] = next_effect


@dataclass(frozen=True, slots=True)
class World:
    """Everything an interpreter touches, as ports."""

    loops: Loops
    journal: Journal
    perform: Perform
    clock: Clock
    stop: Stop
    observers: tuple[Observer, ...] = ()
    kernel: Kernel = field(default_factory=Kernel)


def interpret(world: World, snapshot: Snapshot, opening: Begin | Resume) -> Snapshot:
    """Open a segment on ``snapshot`` and go on until the run ends.

    Returns:
        The snapshot at the end of the segment.

    Raises:
        WriteFailed: the disk refused; the journal keeps its valid prefix and ends the segment if it can.
    """
    return _Segment(world, snapshot).run(opening)


class _Segment:
    """One segment of a run: the live snapshot, and the snapshot of what is written."""

    def __init__(self, world: World, snapshot: Snapshot) -> None:
        self.world = world
        self.snapshot = snapshot
        self.written = snapshot
        self.unheard: list[tuple[Event, Snapshot]] = []

    def run(self, opening: Begin | Resume) -> Snapshot:
        try:
            self._outcome(opening)
            while self._step():
                pass
            self._write(sync=True)
        except WriteFailed as problem:
            self._give_up(problem)
            raise
        return self.snapshot

    def _step(self) -> bool:
        """Advance as far as possible, then perform one effect; False when nothing is left."""
        world, moment = self.world, self.world.clock.facts()
        while (event := self._enabled(moment)) is not None:
            self._commit(event)
        effect = world.kernel.next_effect(world.loops, self.snapshot)
        if effect is None:
            return False
        self._write(sync=True)
        self._perform(effect)
        return True

    def _enabled(self, moment: Facts) -> Event | None:
        """The next record of this moment: what advances without the world takes no time."""
        world = self.world
        if self._stop_is_due():
            return self._decided(Stopped(world.stop.cause or ""))
        return world.kernel.advance(world.loops, self.snapshot, moment)

    def _stop_is_due(self) -> bool:
        """A stop takes effect at an arrival even where no effect is under way."""
        snapshot = self.snapshot
        if self.world.stop.cause is None or not isinstance(snapshot.status, Running):
            return False
        return isinstance(snapshot.top.phase, Arriving) and snapshot.stop is None

    def _perform(self, effect: Effect) -> None:
        world = self.world
        if world.stop.cause is not None:
            self._outcome(Stopped(world.stop.cause))
            return
        with closing(_Closing(world.perform(effect, world.stop))) as outcomes:
            for outcome in outcomes:
                self._live(outcome)
                if not isinstance(outcome, PartialLine) and not _silent(outcome):
                    self._outcome(outcome)

    def _live(self, outcome: Outcome) -> None:
        match outcome:
            case OutputRead(lines=lines):
                for observer in self.world.observers:
                    observer.output(lines, None)
            case PartialLine(text=text):
                for observer in self.world.observers:
                    observer.output((), text)
            case _:
                pass

    def _outcome(self, outcome: Outcome) -> None:
        self._commit(self._decided(outcome))
        self._write(sync=False)

    def _decided(self, outcome: Outcome) -> Event:
        world = self.world
        return world.kernel.decide(world.loops, self.snapshot, outcome, world.clock.facts())

    def _commit(self, event: Event) -> None:
        self.snapshot = evolve(self.snapshot, event)
        self.world.journal.append(event)
        self.unheard.append((event, self.snapshot))

    def _write(self, *, sync: bool) -> None:
        self.world.journal.write(sync=sync)
        self.written = self.snapshot
        heard, self.unheard = self.unheard, []
        for event, _ in heard:
            for observer in self.world.observers:
                observer.heard(event)

    def _give_up(self, problem: WriteFailed) -> None:
        """End the segment at what is written, if the disk still takes one line."""
        for _, after in self.unheard:
            if after.seq <= self.world.journal.seq:
                self.written = after
        self.snapshot, self.unheard = self.written, []
        if not isinstance(self.snapshot.status, Running):
            return
        last = abort(self.world.loops, self.snapshot, str(problem), self.world.clock.facts())
        try:
            self._commit(last)
            self._write(sync=True)
        except WriteFailed:
            return


def _silent(outcome: Outcome) -> bool:
    return isinstance(outcome, OutputRead) and outcome.recorded == 0


class _Closing:
    """An iterator that can be closed, whatever it is made of: closing a runner stops what it runs."""

    def __init__(self, outcomes: Iterator[Outcome]) -> None:
        self._outcomes = outcomes

    def __iter__(self) -> Iterator[Outcome]:
        return self._outcomes

    def close(self) -> None:
        close = getattr(self._outcomes, "close", None)
        if close is not None:
            close()
