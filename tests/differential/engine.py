"""Plays a case with the real engine in a scripted world and a virtual clock, and tells its wire events.

Only public parts of the product are used: the interpreter, its ports, effects and outcomes, and the codec of
events. The world is a second play of the script the naive executor is given.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, assert_never

from tests.differential.world import Answer, World, marker_in

from little_loops.events import Event, from_wire, to_wire
from little_loops.fsm.schema import FSMLoop
from little_loops.machine import effects as fx
from little_loops.machine.fold import evolve
from little_loops.machine.snapshot import Snapshot
from little_loops.runtime.interpreter import World as Ports
from little_loops.runtime.interpreter import interpret

Json = dict[str, Any]
ENTERED_AGAIN = ("error", "handoff", "cycle_detected", "stall_detected")
RUN_ID = "20261120-101500-case-0000"


class Token:
    """The stop token."""

    def __init__(self) -> None:
        self.cause: str | None = None
        self.hard = False

    def fileno(self) -> int:
        return -1


@dataclass
class Memory:
    """A journal in memory. ``asked`` holds, for every line, how far the world's script had been used by then.

    An effect under way counts as not asked for: after a death of the engine it is asked for again.
    """

    lines: list[Json] = field(default_factory=list)
    asked: list[Counter[str]] = field(default_factory=list)
    world: Progress | None = None
    buffer: list[Event] = field(default_factory=list)
    live: Snapshot | None = None

    @property
    def seq(self) -> int:
        """Number of the last line."""
        return len(self.lines)

    def append(self, event: Event) -> None:
        self.buffer.append(event)

    def write(self, *, sync: bool) -> None:
        for event in self.buffer:
            for line in to_wire(event):
                self.lines.append(line)
                if self.world is not None:
                    self.asked.append(self.world.settled)
        self.buffer.clear()


class Progress(Protocol):
    """Knows how far a script has been used by effects that have ended."""

    settled: Counter[str]


class Clock:
    """The virtual clock of a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def facts(self) -> fx.Facts:
        return fx.Facts(self.world.wall, self.world.now, self.world.env)


class Performer:
    """Performs effects by asking the scripted world."""

    def __init__(self, world: World, loops: Mapping[str, FSMLoop]) -> None:
        self.world, self.loops = world, loops
        self.settled = Counter(world.asked)

    def __call__(self, effect: fx.Effect, stop: Any) -> Iterator[fx.Outcome]:
        for outcome in self.ask(effect):
            if isinstance(outcome, fx.Stopped) and outcome.cause.startswith("SIG"):
                stop.cause = outcome.cause
            elif not isinstance(outcome, fx.OutputRead | fx.Heartbeat | fx.Spawned):
                self.settled = Counter(self.world.asked)
                stop.cause = stop.cause or self.world.pending
            yield outcome

    def ask(self, effect: fx.Effect) -> Iterator[fx.Outcome]:
        match effect:
            case fx.RunAction():
                yield from self.run(effect)
            case fx.Judge():
                yield self.judge(effect)
            case fx.Match():
                yield replace(match_of(effect), progress=self.progress(effect))
            case fx.Measure():
                yield self.measure(effect)
            case fx.LoadLoop(reference=name):
                yield fx.Loaded(name) if name in self.loops else fx.Failed(f"there is no loop {name}")
            case fx.Wait():
                yield from self.wait(effect)
            case fx.Fence():
                yield fx.Fenced("killed" if effect.processes else "none")
            case fx.SpawnSuccessor():
                pid = self.world.script.get("pid", 1)
                yield fx.Failed("no successor") if pid is None else fx.Started(pid)
            case _:
                assert_never(effect)

    def run(self, effect: fx.RunAction) -> Iterator[fx.Outcome]:
        start = self.world.now
        answer = self.world.run(effect.action, effect.seconds)
        end, self.world.now = self.world.now, start
        if answer.raises is None:
            yield fx.Spawned(fx.Process(4711, 4711, "1", "boot"))
        if answer.lines:
            yield fx.OutputRead(tuple(answer.lines), len(answer.lines))
        self.world.now = end
        if answer.raises is not None:
            yield fx.Failed(answer.raises)
        elif answer.stopped or answer.timeout_kind:
            yield fx.Stopped(answer.stopped or answer.timeout_kind or "", result_of(answer, effect))
        else:
            yield fx.Done(result_of(answer, effect))

    def progress(self, effect: fx.Judge | fx.Match | fx.Measure) -> str | None:
        return str(self.world.look("progress")) if effect.progress_paths else None

    def judge(self, effect: fx.Judge) -> fx.Outcome:
        opinion = self.world.judge()
        if opinion.stopped:
            return fx.Stopped(opinion.stopped)
        failure = fx.Failure(opinion.failure) if opinion.failure else None
        progress = self.progress(effect) if failure is None else None
        usage = opinion.usage or None
        return fx.Judged(opinion.verdict, opinion.details, usage, failure, progress)

    def measure(self, effect: fx.Measure) -> fx.Outcome:
        found = self.world.measure(effect.kind, effect.name)
        if found.stopped:
            return fx.Stopped(found.stopped)
        return fx.Measured(found.value, found.error, self.progress(effect))

    def wait(self, effect: fx.Wait) -> Iterator[fx.Outcome]:
        world, until = self.world, effect.until
        if effect.deadline is not None:
            until = min(until, effect.deadline)
        start = world.now
        rest = world.wait(until, beats=effect.heartbeats)
        end = world.now
        for at in rest.beats:
            world.now = start + round(at * 1000)
            yield fx.Heartbeat()
        world.now = end
        yield fx.Stopped(rest.stopped) if rest.stopped else fx.Woke()


def result_of(answer: Answer, effect: fx.RunAction) -> fx.ActionResult:
    found = marker_in(answer.stdout) if effect.markers and not answer.stopped else None
    kind: Any = answer.timeout_kind
    return fx.ActionResult(
        exit_code=answer.exit_code,
        output=answer.stdout,
        stderr=answer.stderr,
        duration_ms=answer.duration_ms,
        timeout_kind=kind,
        usage=answer.usage or None,
        marker=fx.Marker(*found) if found else None,  # type: ignore[arg-type]
        failure=fx.Failure(answer.failure) if answer.failure and effect.mode == "prompt" else None,
    )


def match_of(effect: fx.Match) -> fx.Matched:
    try:
        return fx.Matched(found=re.search(effect.program, effect.text) is not None)
    except re.error:
        return fx.Matched(compiled=False)


def run_engine(
    loops: Mapping[str, Json],
    root: str,
    world: World,
    context: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    journal: Memory | None = None,
) -> list[Json]:
    """The wire events of a run of ``loops[root]``, as far as it came."""
    read = {name: FSMLoop.from_dict(loop) for name, loop in loops.items()}
    given = {**read[root].context, **(context or {})}
    for key, spec in read[root].parameters.items():
        if spec.default is not None:
            given.setdefault(key, spec.default)
    overrides = {key: value for key, value in (options or {}).items() if key != "resumes"}
    begin, journal = fx.Begin(RUN_ID, root, given, overrides=overrides), journal or Memory()
    segment(read, world, Snapshot(), begin, journal)
    for _ in range((options or {}).get("resumes", 0)):
        end = journal.lines[-1]
        if end["terminated_by"] not in ENTERED_AGAIN or not end.get("resumable") or world.pending:
            break
        segment(read, world, fold(journal.lines), fx.Resume(), journal)
    return journal.lines


def resume_engine(loops: Mapping[str, Json], world: World, journal: Memory, **answers: Any) -> list[Json]:
    """The wire events of the run that ``journal`` begins, resumed and carried on in ``world``."""
    read = {name: FSMLoop.from_dict(loop) for name, loop in loops.items()}
    return segment(read, world, fold(journal.lines), fx.Resume(**answers), journal)


def cut(journal: Memory, lines: int, script: Mapping[str, Any]) -> tuple[World, Memory]:
    """What is left when the engine dies after so many lines: the world as it is then, and the journal."""
    world = World(script)
    world.asked = Counter(journal.asked[lines - 1])
    world.now = journal.lines[lines - 1]["t"]
    return world, Memory(journal.lines[:lines], journal.asked[:lines])


def fold(lines: Iterable[Json]) -> Snapshot:
    """What a journal says."""
    snapshot = Snapshot()
    for line in lines:
        snapshot = evolve(snapshot, from_wire(line))
    return snapshot


def segment(
    loops: Mapping[str, FSMLoop], world: World, snapshot: Snapshot, opening: Any, journal: Memory
) -> list[Json]:
    performer = Performer(world, loops)
    journal.world = performer
    journal.live = interpret(Ports(loops, journal, performer, Clock(world), Token()), snapshot, opening)
    return journal.lines
