"""Which adapter performs which effect: the one table that knows every runner."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from little_loops.compose.agents import SCRIPTED, Agents
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
from little_loops.runners.scripted import Script, ScriptedHost
from little_loops.runners.shell import ShellRunner
from little_loops.runners.wait import WaitRunner
from little_loops.runtime.clock import SystemClock
from little_loops.runtime.perform import Performer
from little_loops.runtime.ports import Runner, Stop


class Hosts:
    """Agent actions and judgements on the host that their effect names, or on the run's own."""

    def __init__(self, agents: Agents, folder: RunFolder, env: Mapping[str, str], cwd: str) -> None:
        self._agents = agents
        self._folder = folder
        self._env = env
        self._cwd = cwd
        self._open: dict[tuple[str, type[fx.Effect]], Runner] = {}

    def perform(self, effect: fx.Effect, stop: Stop) -> Iterator[fx.Report | fx.End]:
        """Make the call there; without such a host it fails with the reason."""
        assert isinstance(effect, fx.RunAction | fx.Judge)
        judging = isinstance(effect, fx.Judge)
        name = effect.host or self._agents.default or self._agents.installed()
        obstacle = self._agents.obstacle(name, judging=judging)
        if obstacle is not None or name is None:
            yield fx.Failed("; ".join(obstacle or ()))
            return
        try:
            runner = self._runner(name, type(effect))
        except UserError as problem:
            yield fx.Failed(problem.message)
            return
        yield from runner.perform(effect, stop)

    def _runner(self, name: str, kind: type[fx.Effect]) -> Runner:
        if (name, kind) not in self._open:
            self._open[name, kind] = self._made(name, kind)
        return self._open[name, kind]

    def _made(self, name: str, kind: type[fx.Effect]) -> Runner:
        folder = str(self._folder.path)
        if name.startswith(SCRIPTED):
            return ScriptedHost.from_file(name.removeprefix(SCRIPTED), folder, self._env, self._cwd)
        # A run without agents does not pay for them.
        from little_loops.hosts.table import HOSTS
        from little_loops.runners.agent import AgentRunner
        from little_loops.runners.calls import Place
        from little_loops.runners.judge import JudgeRunner

        runner = JudgeRunner if kind is fx.Judge else AgentRunner
        return runner(HOSTS[name], Place(folder, self._env, self._cwd, price=self._agents.price))


def usable_host(name: str | None) -> None:
    """Refuses a host that was asked for by name and cannot be used; None is fine.

    Raises:
        UserError: unknown, not installed, or its file of answers cannot be used.
    """
    if name is None:
        return
    if name.startswith(SCRIPTED):
        Script.from_file(str(Path(name.removeprefix(SCRIPTED)).expanduser()))
        return
    obstacle = Agents(name, None, os.environ).obstacle(name)
    if obstacle is not None:
        raise UserError(*obstacle)


@dataclass(frozen=True, slots=True)
class ChildLoops:
    """Performs ``LoadLoop``: a child is loaded and checked afresh at every call, then pinned."""

    project: Project
    folder: RunFolder
    loops: MutableMapping[str, FSMLoop]
    agents: Agents
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
    children: ChildLoops, clock: SystemClock, env: Mapping[str, str], cwd: str
) -> tuple[Performer, MatchRunner]:
    """The table of runners, and the one that has to be closed."""
    folder = children.folder
    matcher = MatchRunner(cwd=cwd)
    hosts = Hosts(children.agents, folder, env, cwd)
    table = Performer(
        actions={
            "shell": ShellRunner(str(folder.path), env, cwd),
            "prompt": hosts,
        },
        effects={
            fx.Fence: FenceRunner(clock),
            fx.Judge: hosts,
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


__all__ = [
    "ChildLoops",
    "Pinned",
    "durability_of",
    "performer",
    "sources_of",
    "usable_host",
    "value_limit_of",
]
