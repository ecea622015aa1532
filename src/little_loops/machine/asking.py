"""``next_effect``: what to ask of the world, once nothing is left to advance. It needs no facts."""

from __future__ import annotations

from little_loops.machine import effects as fx
from little_loops.machine import evaluation
from little_loops.machine.children import reference
from little_loops.machine.copying import replace
from little_loops.machine.fold_frames import learning_of
from little_loops.machine.interpolation import resolve_values
from little_loops.machine.snapshot import (
    Acted,
    Acting,
    Arriving,
    Entered,
    Halted,
    Interrupted,
    Judging,
    Learning,
    Running,
    Snapshot,
    Stranded,
    Waiting,
)
from little_loops.machine.verdicts import Verdict
from little_loops.machine.view import (
    DEFAULT_ACTION_SECONDS,
    DEFAULT_TOOL_SECONDS,
    Loops,
    View,
    is_learning,
    mode_of,
)


class NoEffect(AssertionError):
    """A phase in which nothing can be asked and nothing advances: a bug."""


def next_effect(loops: Loops, snapshot: Snapshot) -> fx.Effect | None:  # noqa: C901 - one case a phase
    """The effect that is due, or None when the run has ended or not begun.

    Raises:
        NoEffect: the phase should have advanced.
    """
    if not isinstance(snapshot.status, Running):
        return None
    view = View(loops, snapshot)
    match view.phase:
        case Arriving(until=until) if until is not None:
            return fx.Wait(until, deadline=_too_late(view))
        case Entered():
            return _entered(view)
        case Acting() as phase:
            return run_action(view, phase)
        case Stranded() as phase:
            return _fence(view, phase)
        case Judging(of=of):
            return _judge(view, of)
        case Waiting() as phase:
            return _wait(view, phase)
        case Learning() | Interrupted() | Acted(of=Learning()):
            return _learning(view)
        case Acted():
            return _evaluation(view)
        case Halted():
            return fx.SpawnSuccessor(snapshot.run_id)
        case phase:
            raise NoEffect(f"nothing to ask in {phase}")


def _entered(view: View) -> fx.Effect:
    state = view.state
    if state.loop is not None:
        return fx.LoadLoop(reference(view))
    if is_learning(state):
        return _learning(view)
    if state.action is not None:
        return fx.Measure("circuit")
    return _evaluation(view)


def _evaluation(view: View) -> fx.Effect:
    planned = evaluation.plan(view)
    if isinstance(planned, Verdict):
        raise NoEffect(f"{view.phase} has its verdict already")
    return planned


def _learning(view: View) -> fx.Measure:
    config = view.state.learning
    if config is None:
        raise NoEffect(f"{view.phase} of a state that learns nothing")
    return fx.Measure("learning", name=config.targets[learning_of(view.phase).index])


def _fence(view: View, phase: Stranded) -> fx.Fence:
    call = view.snapshot.call
    seconds = None if call is None else call.seconds
    return fx.Fence(view.snapshot.run_id, phase.what.processes, reserved_seconds=seconds)


def _judge(view: View, of: Acted | Entered) -> fx.Effect:
    frames = view.snapshot.frames
    before = replace(view.snapshot, frames=(*frames[:-1], replace(view.frame, phase=of)))
    planned = _evaluation(View(view.loops, before))
    if not isinstance(planned, fx.Judge):
        raise NoEffect("a judge was announced and none is asked")
    return replace(planned, attempt=view.frame.judgements, reserved=view.snapshot.call)


def _wait(view: View, phase: Waiting) -> fx.Wait:
    told = (phase.until - phase.since) / 1000 if phase.tier in ("short", "long") else None
    return fx.Wait(phase.until, phase.reset_at, _too_late(view), heartbeats=True, tell_circuit=told)


def _too_late(view: View) -> int | None:
    """The first moment at which the frame is past its time, so that a wait that ends there ends the frame."""
    return None if view.deadline is None else view.deadline + 1


def run_action(view: View, phase: Acting) -> fx.RunAction:
    """The effect that runs the action announced by ``action_start``."""
    state, loop, snapshot = view.state, view.loop, view.snapshot
    explored = isinstance(phase.of, Learning)
    mode = "prompt" if explored or phase.is_prompt else mode_of(state)
    default = DEFAULT_TOOL_SECONDS if mode == "mcp" else DEFAULT_ACTION_SECONDS
    call = snapshot.call
    return fx.RunAction(
        mode=mode,
        action=phase.action,
        state=view.frame.state,
        run_id=snapshot.run_id,
        step=snapshot.steps,
        attempt=phase.attempt,
        env=phase.env,
        values={name: fx.Text(*pair) for name, pair in resolve_values(phase.values, view.scope()).items()},
        params=phase.params,
        agent=state.agent,
        tools=None if state.tools is None else tuple(state.tools),
        model=view.option("model") or state.model or loop.model or view.option("default_model"),
        host=view.option("host") or state.host or loop.host,
        permissions=_permissions(view),
        timeout_s=float(state.timeout or loop.default_timeout or default),
        idle_s=_idle(view),
        seconds=None if call is None else call.seconds,
        markers=mode == "prompt" or state.signals,
        reserved=call,
        value_limit=view.value_limit,
    )


def _permissions(view: View) -> str:
    said = view.option("permissions") or view.state.permissions or view.loop.permissions
    return said or view.option("default_permissions") or "workspace"


def _idle(view: View) -> float | None:
    given = view.state.idle_timeout
    seconds = view.loop.default_idle_timeout if given is None else given
    return float(seconds) if seconds else None
