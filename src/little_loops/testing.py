"""Public fakes: a scripted world, a virtual clock, a journal in memory; and the runner of scenario folders.

Nothing here starts a process, reads a clock or writes a file. A scenario is a folder with ``loop.yaml`` (and
its child loops beside it), ``world.yaml`` (what the world answers) and ``journal.txt`` (the story that has to
come out).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from little_loops.events import Event, to_wire
from little_loops.fsm.load import load
from little_loops.fsm.schema import FSMLoop
from little_loops.machine import effects as fx
from little_loops.machine.fold_frames import pointer
from little_loops.machine.snapshot import FRESH, Snapshot
from little_loops.runtime.interpreter import Kernel, World, interpret
from little_loops.runtime.ports import Stop

RUN_ID = "20261120-101500-scenario-aaaa"
START_WALL = 1_795_000_000.0


class FakeStop:
    """A stop token that a scenario can set."""

    def __init__(self) -> None:
        self.cause: str | None = None
        self.hard = False

    def fileno(self) -> int:
        """No descriptor: nothing in a scenario polls."""
        return -1


@dataclass
class FakeClock:
    """A clock that moves only when told. Milliseconds."""

    now_ms: int = 0
    env: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> fx.Facts:
        """The moment."""
        return fx.Facts(START_WALL + self.now_ms / 1000, self.now_ms, self.env)


@dataclass
class MemoryJournal:
    """A journal in memory: ``records`` are what a file would hold."""

    records: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    seq: int = 0
    _buffer: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> None:
        """Buffer one event."""
        self._buffer.append(event)

    def write(self, *, sync: bool) -> None:
        """Take the buffer over."""
        for event in self._buffer:
            self.events.append(event)
            self.records += to_wire(event)
            self.seq = event.seq + event.records - 1
        self._buffer.clear()


@dataclass
class ScriptedWorld:
    """Answers every effect from lists; the last answer of a list repeats.

    Attributes:
        answers: by state: maps with ``exit``, ``out``, ``err``, ``seconds``, ``error`` (cannot run),
            ``timeout`` (``wall``, ``idle``), ``stop`` (signal name), ``failure`` (kind), ``marker``,
            ``usage``.
        judges: by state: maps with ``verdict`` and ``details``.
        measures: by kind: values, or ``{error: TEXT}``.
        matches: texts on which a pattern is found; any other pattern is not found.
        loops: child definitions by the reference that names them.
    """

    answers: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    judges: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    measures: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    loops: Mapping[str, str] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    asked: Counter[str] = field(default_factory=Counter)

    def perform(self, effect: fx.Effect, stop: Stop) -> Iterator[fx.Outcome]:
        """The outcomes of one effect."""
        match effect:
            case fx.RunAction():
                yield from self._action(effect)
            case fx.Judge():
                answer = self._next(f"judge {effect.state}", self.judges.get(effect.state, ()))
                yield fx.Judged(answer.get("verdict", "yes"), answer.get("details", {}), answer.get("usage"))
            case fx.Match():
                yield _matched(effect)
            case fx.Measure():
                yield self._measured(effect)
            case fx.LoadLoop(reference=name):
                known = self.loops.get(name)
                yield fx.Failed(f"there is no loop {name}") if known is None else fx.Loaded(known)
            case fx.Wait():
                yield from self._wait(effect)
            case fx.Fence():
                yield fx.Fenced("killed" if effect.processes else "none")
            case fx.SpawnSuccessor():
                yield fx.Started(4999)

    def _next(self, name: str, answers: Sequence[Any]) -> Any:
        number = self.asked[name]
        self.asked[name] += 1
        return answers[min(number, len(answers) - 1)] if answers else {}

    def _action(self, effect: fx.RunAction) -> Iterator[fx.Outcome]:
        answer = self._next(effect.state, self.answers.get(effect.state, ()))
        if "error" in answer:
            yield fx.Failed(answer["error"])
            return
        yield fx.Spawned(fx.Process(4711, 4711, "1", "boot"))
        lines = tuple(answer.get("out", "").splitlines())
        if lines:
            yield fx.OutputRead(lines, len(lines))
        self.clock.now_ms += int(answer.get("seconds", 0.001) * 1000)
        result = _result(answer)
        cause = answer.get("stop") or result.timeout_kind
        yield fx.Stopped(cause, result) if cause else fx.Done(result)

    def _measured(self, effect: fx.Measure) -> fx.Measured:
        value = self._next(f"measure {effect.kind}", self.measures.get(effect.kind, (None,)))
        if isinstance(value, Mapping) and "error" in value:
            return fx.Measured(error=value["error"])
        return fx.Measured(value)

    def _wait(self, effect: fx.Wait) -> Iterator[fx.Outcome]:
        until = effect.until if effect.deadline is None else min(effect.until, effect.deadline + 1)
        if effect.heartbeats and until - self.clock.now_ms > 5000:
            yield fx.Heartbeat()
        self.clock.now_ms = max(self.clock.now_ms, until)
        yield fx.Woke()


def _result(answer: Mapping[str, Any]) -> fx.ActionResult:
    marker, failure = answer.get("marker"), answer.get("failure")
    timeout = answer.get("timeout")
    return fx.ActionResult(
        exit_code=answer.get("exit", 124 if timeout else 0),
        output=answer.get("out", ""),
        stderr=answer.get("err", ""),
        duration_ms=int(answer.get("seconds", 0.001) * 1000),
        timeout_kind=timeout,
        marker=None if marker is None else fx.Marker(marker["kind"], marker.get("payload", "")),
        failure=None if failure is None else fx.Failure(failure),
        usage=answer.get("usage"),
    )


def _matched(effect: fx.Match) -> fx.Matched:
    """A real look, without the worker: scenarios hold no hostile patterns."""
    import json
    import re

    if effect.kind == "pattern":
        try:
            return fx.Matched(re.search(effect.program, effect.text) is not None)
        except re.error:
            return fx.Matched(compiled=False)
    import jq

    try:
        return fx.Matched(value=jq.compile(effect.program).input_value(json.loads(effect.text)).first())
    except ValueError as problem:
        return fx.Matched(error=str(problem))


def play(  # noqa: PLR0913 - what a scenario may say, all but three by keyword
    loops: Mapping[str, FSMLoop],
    root: str,
    world: ScriptedWorld,
    *,
    context: Mapping[str, Any] | None = None,
    data: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
    kernel: Kernel | None = None,
) -> tuple[list[dict[str, Any]], Snapshot]:
    """Run a loop in a scripted world: the records of its journal, and the snapshot at the end.

    Args:
        loops: definitions by digest (any name does).
        root: the digest of the loop that is run.
        data: names of context values that are data.
    """
    journal = MemoryJournal()
    begin = fx.Begin(
        RUN_ID,
        root,
        loops[root].context | dict(context or {}),
        data=tuple(pointer(name) for name in data),
        overrides=overrides or {},
    )
    ports = World(loops, journal, world.perform, world.clock, FakeStop(), kernel=kernel or Kernel())
    return journal.records, interpret(ports, FRESH, begin)


# --- scenarios -----------------------------------------------------------------------------------------


def play_scenario(folder: Path) -> list[dict[str, Any]]:
    """The records of a scenario folder; ``story`` makes of them what ``journal.txt`` holds.

    Raises:
        LoadError: a loop of the folder is invalid.
    """
    from little_loops.fsm.yaml import read_document

    files = [path for path in sorted(folder.glob("*.yaml")) if path.stem != "world"]
    loops = {path.stem: load(path).require() for path in files}
    script = read_document(folder / "world.yaml").data or {}
    world = ScriptedWorld(
        answers=script.get("answers", {}),
        judges=script.get("judges", {}),
        measures=script.get("measures", {}),
        loops={name: name for name in loops},
        clock=FakeClock(env=script.get("env", {})),
    )
    records, _ = play(
        loops,
        "loop",
        world,
        context=script.get("context"),
        data=script.get("data", ()),
        overrides=script.get("options"),
    )
    return records


SILENT = frozenset({"action_spawned"})
TOLD = (
    "from",
    "to",
    "state",
    "iteration",
    "verdict",
    "exit_code",
    "action",
    "line",
    "terminated_by",
    "final_state",
)
NAMED = ("via", "capture", "next", "flushed", "error")


def story(records: Sequence[Mapping[str, Any]]) -> str:
    """The records as short lines: one a record, indented by depth, the telling fields only."""
    return "".join(_line(record) + "\n" for record in records if record["event"] not in SILENT)


def _line(record: Mapping[str, Any]) -> str:
    words = [_word(key, record[key]) for key in TOLD if key in record]
    extra = [f"{key}={record[key]}" for key in NAMED if record.get(key)]
    indent = "  " * int(record.get("depth", 0))
    return indent + " ".join([str(record["event"]), *words, *extra]).rstrip()


def _word(key: str, value: Any) -> str:
    match key:
        case "to":
            return f"-> {value}"
        case "exit_code":
            return f"exit {value}"
        case "action" | "line":
            return repr(value)
        case _:
            return str(value)
