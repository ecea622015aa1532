"""Starting a run and performing a segment of one: the steps in their order, nothing decided here.

A prepared run has touched nothing; ``execute`` makes the folder, takes the lock and lets the interpreter
work.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from little_loops import __version__
from little_loops.compose import checks
from little_loops.compose.agents import Agents
from little_loops.compose.ends import Outcome, outcome_of
from little_loops.compose.inputs import Inputs, context_of
from little_loops.compose.project import Project
from little_loops.compose.wiring import (
    ChildLoops,
    durability_of,
    performer,
    sources_of,
    usable_host,
    value_limit_of,
)
from little_loops.errors import UserError
from little_loops.fsm.diagnostics import Diagnostic
from little_loops.fsm.load import LoadResult
from little_loops.fsm.schema import FSMLoop
from little_loops.journal.append import Durability, Writer
from little_loops.journal.folder import RunFolder
from little_loops.journal.lock import Claim, Held, Patience, RunLock, resolved_scope
from little_loops.journal.pins import pin
from little_loops.machine.effects import Begin, Resume
from little_loops.machine.snapshot import FRESH, Snapshot
from little_loops.process import StopToken, identity, sweep
from little_loops.runtime.clock import SystemClock
from little_loops.runtime.interpreter import World, interpret
from little_loops.runtime.ports import Observer

VERSION = __version__


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Choices of one run; None and empty mean that nothing was said.

    Attributes:
        overrides: options the kernel knows (``max_iterations``, ``max_steps``, ``max_edge_revisits``,
            ``timeout``, ``backoff``, ``model``, ``llm_model``, ``no_llm``, ``on_handoff``, ``permissions``,
            ``budget``), recorded with the run.
        host: host of agent actions.
        durability: ``relaxed``, ``step`` or ``strict``.
        queue: wait for runs whose scope overlaps.
        queue_seconds: longest wait; None = the project's setting.
        run_id: folder that was made beforehand for this run.
    """

    overrides: Mapping[str, Any] = field(default_factory=dict)
    host: str | None = None
    durability: str | None = None
    queue: bool = False
    queue_seconds: float | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that may start, or go on. ``folder`` is set once there is one."""

    project: Project
    loop: FSMLoop
    options: RunOptions
    snapshot: Snapshot = FRESH
    folder: RunFolder | None = None
    result: LoadResult | None = None
    inputs: Inputs = field(default_factory=Inputs)
    resume: Resume | None = None
    cwd: str = ""
    notes: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[Diagnostic]:
        """What the loop's check found and let pass."""
        return [] if self.result is None else self.result.warnings


@dataclass(frozen=True, slots=True)
class Finished:
    """A segment that came to its end."""

    folder: RunFolder
    snapshot: Snapshot
    outcome: Outcome


def prepare(
    project: Project, reference: str, inputs: Inputs, options: RunOptions, *, builtin: bool = False
) -> Prepared:
    """Load and check a loop and its inputs. Touches nothing.

    Raises:
        UserError: the loop cannot be found, loaded or run, or an input is missing or wrong.
    """
    result = project.load(reference, builtin=builtin)
    loop = checks.runnable(result)
    usable_host(options.host)
    agents = agents_of(project, loop, options.host, options.overrides)
    _performable(project, loop, options, agents, set())
    durability_of(loop, project, options.durability)
    context = context_of(loop, inputs, {"run_dir": ""}).context
    checks.missing_values(loop, context)
    notes = tuple(checks.spending_notes(loop, agents))
    return Prepared(project, loop, options, result=result, inputs=inputs, cwd=str(project.root), notes=notes)


def _performable(
    project: Project, loop: FSMLoop, options: RunOptions, agents: Agents, seen: set[str]
) -> None:
    checks.performable(loop, agents=agents, llm=not options.overrides.get("no_llm"))
    for name in checks.static_children(loop):
        if name not in seen:
            seen.add(name)
            child = project.load(name)
            if child.loop is not None:
                _performable(project, child.loop, options, agents, seen)


def agents_of(project: Project, loop: FSMLoop, flag: str | None, overrides: Mapping[str, Any]) -> Agents:
    """The hosts of a run of a loop."""
    own = {} if loop.budget is None else loop.budget.to_dict()
    budget = {**own, **(overrides.get("budget") or {})}
    usd, price = budget.get("usd") is not None, budget.get("unknown_price")
    return Agents(flag, loop.host or project.config.host, os.environ, usd, price)


def scope_of(project: Project, loop: FSMLoop) -> tuple[str, ...]:
    """What a run locks: the loop's scope and the declared scopes of the children it names."""
    own = list(loop.scope)
    for name in checks.static_children(loop):
        try:
            child = project.load(name).loop
        except UserError:
            continue
        if own and child is not None:
            own += [path for path in child.scope if path not in own]
    return resolved_scope(own, str(project.root))


def make_folder(prepared: Prepared) -> RunFolder:
    """The folder of a new run; made now, so that its id can be told before anything runs."""
    if prepared.folder is not None:
        return prepared.folder
    store = prepared.project.store
    if prepared.options.run_id is not None:
        return store.run(prepared.options.run_id)
    return store.new(prepared.loop.name, SystemClock().facts().wall)


def execute(
    prepared: Prepared,
    stop: StopToken,
    observers: tuple[Observer, ...] = (),
    *,
    waiting: Callable[[tuple[Held, ...]], None] = lambda _holders: None,
) -> Finished:
    """Perform one segment of a run: from the start, or from where it stopped.

    Raises:
        ScopeHeld: an overlapping run holds the scope, or the wait for it took too long.
        UserError: the run cannot be locked, written or resumed.
    """
    folder = make_folder(prepared)
    try:
        lock = _lock(prepared, folder, stop, waiting)
    except UserError:
        if prepared.resume is None:
            shutil.rmtree(folder.path, ignore_errors=True)
        raise
    with lock:
        snapshot = _segment(prepared, folder, stop, observers)
    return Finished(folder, snapshot, outcome_of(snapshot))


def _lock(
    prepared: Prepared, folder: RunFolder, stop: StopToken, waiting: Callable[[tuple[Held, ...]], None]
) -> RunLock:
    project, options = prepared.project, prepared.options
    claim = Claim(folder.run_id, prepared.loop.name, scope_of(project, prepared.loop))
    seconds = options.queue_seconds
    limit = project.config.queue_wait_timeout_seconds if seconds is None else seconds
    return project.store.locks.take(claim, Patience(stop, limit, waiting) if options.queue else None)


def _segment(
    prepared: Prepared, folder: RunFolder, stop: StopToken, observers: tuple[Observer, ...]
) -> Snapshot:
    from little_loops.journal.pins import pinned_loops

    project, options = prepared.project, prepared.options
    durability = durability_of(prepared.loop, project, options.durability or _recorded(prepared))
    loops: dict[str, FSMLoop] = dict(pinned_loops(folder))
    clock = SystemClock(prepared.snapshot.t)
    opening: Begin | Resume = prepared.resume or _begin(prepared, folder, loops, durability)
    said = {**prepared.snapshot.overrides, **options.overrides}
    agents = agents_of(project, prepared.loop, options.host or _recorded_host(prepared), said)
    children = ChildLoops(
        project, folder, loops, agents, not options.overrides.get("no_llm"), durability != "relaxed"
    )
    perform, matcher = performer(children, clock, dict(os.environ), prepared.cwd)
    with Writer(folder, prepared.snapshot, durability=durability) as journal:
        world = World(loops, journal, perform, clock, stop, observers)
        try:
            return interpret(world, prepared.snapshot, opening)
        finally:
            matcher.close()
            sweep(folder.run_id)


def _recorded(prepared: Prepared) -> str | None:
    return prepared.snapshot.overrides.get("durability")


def _recorded_host(prepared: Prepared) -> str | None:
    return prepared.snapshot.overrides.get("host")


def _begin(prepared: Prepared, folder: RunFolder, loops: dict[str, FSMLoop], durability: Durability) -> Begin:
    result = prepared.result
    sources = sources_of(result.sources) if result is not None else []
    made = pin(folder, prepared.loop, sources, durable=durability != "relaxed")
    loops[made.digest] = made.loop
    bound = context_of(prepared.loop, prepared.inputs, {"run_dir": f"{folder.files}/"})
    return Begin(
        run_id=folder.run_id,
        definition=made.digest,
        context=bound.context,
        data=bound.data,
        origin=bound.origin,
        overrides=overrides_of(prepared),
        engine=engine(),
        cwd=prepared.cwd,
    )


def overrides_of(prepared: Prepared) -> dict[str, Any]:
    """The run options that are recorded, the project's own limits among them."""
    config, options = prepared.project.config, prepared.options
    found: dict[str, Any] = {
        "value_limit": value_limit_of(prepared.project),
        "backoff": config.delay if prepared.loop.backoff is None else None,
        "rate_limits": _rate_limits(prepared.project),
        "default_model": config.model,
        "default_permissions": None if config.permissions == "workspace" else config.permissions,
        "durability": options.durability,
        "host": _absolute(options.host),
        **options.overrides,
    }
    return {key: value for key, value in found.items() if value is not None and value is not False}


def _absolute(host: str | None) -> str | None:
    """A scripted host by absolute path, so that a resume from another folder finds it."""
    if host is None or not host.startswith("scripted:"):
        return host
    return "scripted:" + str(Path(host.removeprefix("scripted:")).expanduser().absolute())


def _rate_limits(project: Project) -> dict[str, Any] | None:
    config = project.config
    found: dict[str, Any] = {}
    if "commands.rate_limits.max_wait_seconds" in config.origins:
        found["max_wait_seconds"] = config.rate_limit_max_wait_seconds
    if "commands.rate_limits.long_wait_ladder" in config.origins:
        found["long_wait_ladder"] = list(config.rate_limit_long_wait_ladder)
    return found or None


def engine() -> dict[str, Any]:
    """The process that writes this segment."""
    me = identity(os.getpid())
    return {
        "pid": os.getpid(),
        "started": me.started if me else "",
        "boot": me.boot if me else "",
        "host": socket.gethostname(),
        "version": VERSION,
    }
