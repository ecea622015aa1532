"""One state, once, with the kernel of a real run: a shell action really runs, an agent's or a tool's not.

The run has no folder in the project and leaves nothing behind. It ends where the state is left.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from little_loops import events as ev
from little_loops.compose.inputs import Inputs, context_of
from little_loops.compose.project import Project
from little_loops.compose.simulating import Choice, Choose, Forgetful, decides_alone, verdict_of
from little_loops.errors import UserError
from little_loops.fsm.schema import FSMLoop, digest
from little_loops.journal.folder import RunFolder
from little_loops.machine import effects as fx
from little_loops.machine import evaluation
from little_loops.machine.asking import next_effect
from little_loops.machine.deciding import decide
from little_loops.machine.snapshot import FRESH, Acted, Arriving, Entered, Running, Snapshot
from little_loops.machine.transition import advance
from little_loops.machine.verdicts import Verdict
from little_loops.machine.view import Loops, View
from little_loops.process import StopToken, sweep
from little_loops.runners.match import MatchRunner
from little_loops.runners.measure import MeasureRunner
from little_loops.runners.shell import ShellRunner
from little_loops.runtime.clock import SystemClock
from little_loops.runtime.interpreter import Kernel, World, interpret
from little_loops.runtime.perform import Performer
from little_loops.runtime.ports import Stop

SECONDS = 120
"""Longest time a shell action may take where neither state nor loop says."""


@dataclass(slots=True)
class Attempt:
    """The world of one state: real for shells, patterns and measurements, made up for everything else."""

    performer: Performer
    choose: Choose
    timeout: float
    choice: Choice | None = None
    view: View | None = None

    def kernel(self) -> Kernel:
        return Kernel(decide, self._advance, self._next_effect)

    def _advance(self, loops: Loops, snapshot: Snapshot, facts: fx.Facts) -> ev.Event | None:
        if _is_left(snapshot):
            return None
        event = advance(loops, snapshot, facts)
        if not isinstance(snapshot.status, Running):
            return event
        view = View(loops, snapshot, facts)
        acted = isinstance(view.phase, Acted) and isinstance(view.phase.of, Entered)
        if self.choice is not None and acted and (event is None or isinstance(event, ev.Evaluate)):
            return self._judged(view, self.choice)
        if isinstance(event, ev.JudgeStart) and (acted or decides_alone(view)):
            return self._judged(view, self.choice or self.choose(view))
        return event

    def _judged(self, view: View, choice: Choice) -> ev.Event:
        details = {"exit_code": choice.exit_code, "simulated": True}
        return evaluation.record(view, Verdict(verdict_of(view, choice), details))

    def _next_effect(self, loops: Loops, snapshot: Snapshot) -> fx.Effect | None:
        if _is_left(snapshot) or not isinstance(snapshot.status, Running):
            return None
        self.view = View(loops, snapshot)
        effect = next_effect(loops, snapshot)
        return replace(effect, timeout_s=self.timeout) if isinstance(effect, fx.RunAction) else effect

    def perform(self, effect: fx.Effect, stop: Stop) -> Iterator[fx.Outcome]:
        """Run shells for real; for other actions ask how they end."""
        if isinstance(effect, fx.RunAction) and effect.mode != "shell":
            assert self.view is not None
            self.choice = self.choose(self.view)
            yield fx.Done(fx.ActionResult(self.choice.exit_code))
            return
        yield from self.performer(effect, stop)


def _is_left(snapshot: Snapshot) -> bool:
    """Whether the state was run and a way out of it taken."""
    return snapshot.steps > 0 and isinstance(snapshot.top.phase, Arriving)


@dataclass(slots=True)
class Kept:
    """Every event of the attempt, in order."""

    events: list[ev.Event] = field(default_factory=list)

    def heard(self, event: ev.Event) -> None:
        self.events.append(event)

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        pass


def try_state(
    project: Project,
    loop: FSMLoop,
    state: str,
    inputs: Inputs,
    choose: Choose,
    stop: StopToken,
) -> list[ev.Event]:
    """Run one state.

    Args:
        choose: how actions end that are not run, and what a judge would say.

    Returns:
        The events, from ``loop_start`` to the route taken, or to the end where there is none.

    Raises:
        UserError: an input is missing or wrong, or the shell cannot be started here.
    """
    alone = replace(loop, initial=state, maintain=False, timeout=None)
    env: Mapping[str, str] = dict(os.environ)
    kept = Kept()
    with tempfile.TemporaryDirectory(prefix="ll-loop-test-") as place:
        folder = RunFolder(Path(place) / "run")
        folder.make()
        run_id = Path(place).name
        matcher = MatchRunner()
        cwd = str(project.root)
        performer = Performer(
            {"shell": ShellRunner(str(folder.path), env, cwd)},
            {fx.Match: matcher, fx.Measure: MeasureRunner(env, cwd)},
        )
        bound = context_of(alone, inputs, {"run_dir": f"{folder.files}/"})
        name = digest(alone)
        begin = fx.Begin(run_id, name, bound.context, bound.data, bound.origin, bound.env)
        timeout = loop.states[state].timeout or loop.default_timeout or SECONDS
        attempt = Attempt(performer, choose, timeout)
        world = World(
            {name: alone},
            Forgetful(),
            attempt.perform,
            SystemClock(),
            stop,
            (kept,),
            attempt.kernel(),
        )
        try:
            interpret(world, FRESH, begin)
        finally:
            matcher.close()
            sweep(run_id)
    return kept.events


def state_of(loop: FSMLoop, name: str | None) -> str:
    """The state to try: the one named, else the first.

    Raises:
        UserError: there is no such state.
    """
    import difflib

    wanted = name or loop.initial
    if wanted not in loop.states:
        near = difflib.get_close_matches(wanted, loop.states, n=1)
        known = f"states: {', '.join(loop.states)}"
        hint = f"did you mean '{near[0]}'?\n{known}" if near else known
        raise UserError(f"the loop {loop.name} has no state '{wanted}'", hint, exit_code=1)
    return wanted
