"""Which adapter performs which effect: the one table that knows every runner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from little_loops.compose.checks import performable, runnable
from little_loops.compose.project import Project
from little_loops.errors import UserError, WriteFailed
from little_loops.fsm.schema import FSMLoop
from little_loops.journal.append import Durability
from little_loops.journal.folder import RunFolder
from little_loops.journal.pins import Pinned, Source, pin
from little_loops.machine import effects as fx
from little_loops.machine.view import DEFAULT_VALUE_LIMIT
from little_loops.runners.fence import FenceRunner
from little_loops.runners.match import MatchRunner
from little_loops.runners.measure import MeasureRunner
from little_loops.runners.scripted import ScriptedHost
from little_loops.runners.shell import ShellRunner
from little_loops.runners.wait import WaitRunner
from little_loops.runtime.clock import SystemClock
from little_loops.runtime.perform import Performer
from little_loops.runtime.ports import Stop

SCRIPTED = "scripted:"
"""Prefix of the host whose answers stand in a file."""


def has_host(name: str | None) -> bool:
    """Whether agent actions can be run on the host of that name."""
    return name is not None and name.startswith(SCRIPTED)


class Hosts:
    """Agent actions on the host that their effect names, or on the run's own."""

    def __init__(self, default: str | None, folder: RunFolder, env: Mapping[str, str], cwd: str) -> None:
        self._default = default
        self._folder = folder
        self._env = env
        self._cwd = cwd
        self._open: dict[str, ScriptedHost] = {}

    def perform(self, effect: fx.Effect, stop: Stop) -> Iterator[fx.Report | fx.End]:
        """Run the action there; without such a host it fails with the reason."""
        name = (effect.host if isinstance(effect, fx.RunAction) else None) or self._default
        if name is None or not name.startswith(SCRIPTED):
            yield fx.Failed(f"there is no host {name!r} for agent actions")
            return
        try:
            host = self._host(name)
        except UserError as problem:
            yield fx.Failed(problem.message)
            return
        yield from host.perform(effect, stop)

    def _host(self, name: str) -> ScriptedHost:
        if name not in self._open:
            path = name.removeprefix(SCRIPTED)
            self._open[name] = ScriptedHost.from_file(path, str(self._folder.path), self._env, self._cwd)
        return self._open[name]


@dataclass(frozen=True, slots=True)
class ChildLoops:
    """Performs ``LoadLoop``: a child is loaded and checked afresh at every call, then pinned."""

    project: Project
    folder: RunFolder
    loops: MutableMapping[str, FSMLoop]
    agents: bool
    llm: bool
    durable: bool

    def perform(self, effect: fx.Effect, stop: Stop) -> Iterator[fx.Report | fx.End]:
        """``Loaded``, or ``Failed`` with what is wrong."""
        assert isinstance(effect, fx.LoadLoop)
        try:
            yield fx.Loaded(self._load(effect.reference))
        except WriteFailed:
            raise
        except UserError as problem:
            yield fx.Failed(problem.message)

    def _load(self, reference: str) -> str:
        result = self.project.load(reference)
        loop = runnable(result)
        performable(loop, agents=self.agents, llm=self.llm)
        made = pin(self.folder, loop, sources_of(result.sources), durable=self.durable)
        self.loops[made.digest] = made.loop
        return made.digest


def sources_of(pairs: tuple[tuple[str, str], ...]) -> list[Source]:
    """The author's files a definition was made from, by absolute path."""
    return [Source(str(Path(path).absolute()), digest) for path, digest in pairs]


def performer(
    children: ChildLoops, host: str | None, clock: SystemClock, env: Mapping[str, str], cwd: str
) -> tuple[Performer, MatchRunner]:
    """The table of runners, and the one that has to be closed."""
    folder = children.folder
    matcher = MatchRunner(cwd=cwd)
    table = Performer(
        actions={
            "shell": ShellRunner(str(folder.path), env, cwd),
            "prompt": Hosts(host, folder, env, cwd),
        },
        effects={
            fx.Fence: FenceRunner(clock),
            fx.LoadLoop: children,
            fx.Match: matcher,
            fx.Measure: MeasureRunner(env, cwd),
            fx.Wait: WaitRunner(clock),
        },
    )
    return table, matcher


def durability_of(loop: FSMLoop, project: Project, flag: str | None) -> Durability:
    """When records are forced to disk: flag, loop, project."""
    word = flag or loop.durability or project.config.durability
    match word:
        case "relaxed" | "strict" | "step":
            return word
        case _:
            raise UserError(f"unknown durability {word!r}", "use relaxed, step or strict")


def value_limit_of(project: Project) -> int | None:
    """The project's value limit where it is not the built-in one."""
    limit = project.config.value_limit
    return None if limit == DEFAULT_VALUE_LIMIT else limit


__all__ = ["ChildLoops", "Pinned", "durability_of", "has_host", "performer", "sources_of", "value_limit_of"]
