"""A walk through a loop with the kernel of a real run: only the world is made up, so nothing is started.

A scripted world answers every action with an exit code, and a verdict stands where the kernel would have
judged; every other rule (routes, retries, caps, throttle, sub-loops, how a run ends) is the real one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from little_loops import events as ev
from little_loops.compose.checks import needed_values
from little_loops.compose.ends import Outcome, outcome_of
from little_loops.compose.inputs import Inputs, context_of
from little_loops.compose.project import Project
from little_loops.errors import UserError
from little_loops.fsm.load import LoadResult
from little_loops.fsm.schema import FSMLoop, digest
from little_loops.machine import effects as fx
from little_loops.machine import evaluation
from little_loops.machine.asking import next_effect
from little_loops.machine.deciding import decide
from little_loops.machine.routing import end
from little_loops.machine.snapshot import FRESH, Acted, Arriving, Entered, Running, Snapshot
from little_loops.machine.transition import advance
from little_loops.machine.verdicts import Verdict
from little_loops.machine.view import Loops, View, is_learning
from little_loops.runtime.interpreter import Kernel, World, interpret
from little_loops.runtime.ports import Observer, Stop

PLACEHOLDER = "0"
"""What every simulated action prints: the only text that fits wherever a template may put it."""

WORDS: Mapping[str, tuple[str, str, str]] = {
    "convergence": ("target", "stall", "error"),
    "mcp_result": ("success", "tool_error", "error"),
}
"""Verdict for the exit codes 0, 1 and 2 by evaluator, where it is not yes, no, error."""


@dataclass(frozen=True, slots=True)
class Choice:
    """How one simulated action ends: an exit code, and the verdict where it is not the one of that code."""

    exit_code: int
    verdict: str | None = None


Choose = Callable[[View], Choice]
"""Asked once for every action, and for every state that judges without one."""


def fixed(name: str) -> Choose:
    """The choices of a scenario, in order of the actions.

    Raises:
        KeyError: there is no scenario of that name.
    """
    rule = SCENARIOS[name]
    count = iter(range(1 << 62))
    return lambda _view: Choice(rule(next(count)))


SCENARIOS: Mapping[str, Callable[[int], int]] = {
    "all-pass": lambda n: 0,
    "all-fail": lambda n: 1,
    "all-error": lambda n: 2,
    "first-fail": lambda n: 1 if n == 0 else 0,
    "alternating": lambda n: 1 - n % 2,
}
"""Exit code of the n-th action, counted from 0, by scenario."""


def verdict_of(view: View, choice: Choice) -> str:
    """The verdict a choice stands for in a state."""
    if choice.verdict is not None:
        return choice.verdict
    _, config = evaluation.config_of(view)
    words = WORDS.get(config.type, ("yes", "no", "error"))
    if config.type == "classify" and view.state.route is not None and choice.exit_code < 2:
        tokens = list(view.state.route.routes) or ["yes"]
        return tokens[0] if choice.exit_code == 0 else tokens[-1]
    return words[min(max(choice.exit_code, 0), 2)]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A walk that came to its end. ``assumed``: context values that were made up because nobody gave them."""

    snapshot: Snapshot
    outcome: Outcome
    assumed: tuple[str, ...] = ()


@dataclass(slots=True)
class Forgetful:
    """A journal that keeps nothing."""

    seq: int = 0

    def append(self, event: ev.Event) -> None:
        self.seq = event.seq + event.records - 1

    def write(self, *, sync: bool) -> None:
        pass


@dataclass(slots=True)
class Idle:
    """A stop token that nobody uses."""

    cause: str | None = None
    hard: bool = False

    def fileno(self) -> int:
        return -1


@dataclass(slots=True)
class Timeless:
    """A run clock that stands still but for waits, which it skips over."""

    wall: float = field(default_factory=time.time)
    clock: int = 0
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def facts(self) -> fx.Facts:
        return fx.Facts(self.wall + self.clock / 1000, self.clock, self.env)


@dataclass(slots=True)
class Stage:
    """The made-up world of one walk, and the kernel that sees its verdicts."""

    project: Project
    choose: Choose
    cap: int
    loops: dict[str, FSMLoop]
    clock: Timeless = field(default_factory=Timeless)
    choice: Choice = Choice(0)
    view: View | None = None

    def kernel(self) -> Kernel:
        return Kernel(self._decide, self._advance, self._next_effect)

    def _advance(self, loops: Loops, snapshot: Snapshot, facts: fx.Facts) -> ev.Event | None:
        if not isinstance(snapshot.status, Running):
            return advance(loops, snapshot, facts)
        view = View(loops, snapshot, facts)
        phase = view.phase
        if decides_alone(view):
            return None
        if isinstance(phase, Arriving) and not view.is_root and view.frame.iteration >= self.cap:
            return end(view, "max_iterations", f"the limit of {self.cap} steps is reached")
        event = advance(loops, snapshot, facts)
        acted = isinstance(phase, Acted) and isinstance(phase.of, Entered)
        judges = event is None or isinstance(event, ev.Evaluate | ev.JudgeStart)
        return self._judged(view) if acted and judges else event

    def _next_effect(self, loops: Loops, snapshot: Snapshot) -> fx.Effect | None:
        if not isinstance(snapshot.status, Running):
            return None
        self.view = View(loops, snapshot, self.clock.facts())
        return fx.Measure("none") if decides_alone(self.view) else next_effect(loops, snapshot)

    def _decide(self, loops: Loops, snapshot: Snapshot, outcome: fx.Outcome, facts: fx.Facts) -> ev.Event:
        if isinstance(outcome, fx.Measured) and snapshot.frames:
            view = View(loops, snapshot, facts)
            if decides_alone(view):
                return self._judged(view)
        return decide(loops, snapshot, outcome, facts)

    def _judged(self, view: View) -> ev.Event:
        details = {"exit_code": self.choice.exit_code, "simulated": True}
        return evaluation.record(view, Verdict(verdict_of(view, self.choice), details))

    def perform(self, effect: fx.Effect, stop: Stop) -> Iterator[fx.Outcome]:
        """Answer without touching anything but loop files."""
        match effect:
            case fx.RunAction():
                yield fx.Done(fx.ActionResult(self._chosen().exit_code, PLACEHOLDER))
            case fx.Measure(kind="none"):
                self._chosen()
                yield fx.Measured()
            case fx.Measure(kind="learning"):
                yield fx.Measured(("proven", "missing", "refuted")[min(self._chosen().exit_code, 2)])
            case fx.Measure():
                yield fx.Measured()
            case fx.LoadLoop(reference=reference):
                yield self._loaded(reference)
            case fx.Wait(until=until):
                self.clock.clock = max(self.clock.clock, until)
                yield fx.Woke()
            case _:
                yield fx.Failed("this is a simulation")

    def _chosen(self) -> Choice:
        assert self.view is not None
        self.choice = self.choose(self.view)
        return self.choice

    def _loaded(self, reference: str) -> fx.Outcome:
        try:
            loop = self.project.load(reference).require()
        except UserError as problem:
            return fx.Failed(problem.message)
        name = digest(loop)
        self.loops[name] = loop
        return fx.Loaded(name)


def decides_alone(view: View) -> bool:
    """Whether the state at hand judges without an action of its own."""
    state = view.state
    without = state.action is None and state.loop is None and state.next is None
    return (
        isinstance(view.phase, Entered) and without and state.evaluate is not None and not is_learning(state)
    )


def simulate(
    project: Project,
    result: LoadResult,
    inputs: Inputs,
    choose: Choose,
    cap: int,
    observers: tuple[Observer, ...] = (),
) -> Simulated:
    """Walk through a loop.

    Args:
        result: the loop as it was loaded.
        inputs: what the user gave; context values that are missing are made up.
        choose: how every action ends.
        cap: steps at most, in the loop and in every sub-loop.

    Raises:
        UserError: the loop has errors, or a parameter is missing or wrong.
    """
    loop = result.require()
    inputs, assumed = assume(loop, inputs)
    bound = context_of(loop, inputs, {"run_dir": "RUN_DIR/"})
    name = digest(loop)
    stage = Stage(project, choose, cap, {name: loop})
    begin = fx.Begin(
        "simulation", name, bound.context, bound.data, bound.origin, bound.env, {"max_steps": cap}
    )
    world = World(stage.loops, Forgetful(), stage.perform, stage.clock, Idle(), observers, stage.kernel())
    snapshot = interpret(world, FRESH, begin)
    return Simulated(snapshot, outcome_of(snapshot), assumed)


def assume(loop: FSMLoop, inputs: Inputs) -> tuple[Inputs, tuple[str, ...]]:
    """The inputs with a word for every value that a run would ask for, and the names of those."""
    given = {*inputs.context, *inputs.params, *loop.parameters}
    if inputs.text is not None:
        given.add(loop.input_key)
    empty = {name for name in loop.required_inputs if loop.context.get(name) in (None, "")}
    missing = {name for name in needed_values(loop) if name not in loop.context} | empty
    names = tuple(sorted(missing - given - {"run_dir"}))
    made_up = {name: name.upper() for name in names}
    return replace(inputs, context={**made_up, **inputs.context}), names
