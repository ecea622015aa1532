"""How an action or a judge starts: its text is rendered once, its budget reserved, its intent recorded."""

from __future__ import annotations

from typing import Any

from little_loops import events as ev
from little_loops.fsm.schema import StateConfig
from little_loops.machine import evaluation
from little_loops.machine.copying import replace
from little_loops.machine.effects import Budget, Judge
from little_loops.machine.interpolation import (
    InterpolationError,
    Rendered,
    render_prompt,
    render_shell,
    render_tree,
)
from little_loops.machine.limits import budget_spent
from little_loops.machine.routing import end
from little_loops.machine.snapshot import Acted, Entered, Interrupted, Learning, Waiting
from little_loops.machine.spending import budget_record, reservation
from little_loops.machine.verdicts import Verdict
from little_loops.machine.view import View, mode_of

EXPLORE = "/ll:explore-api "
NO_USE = {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0, "seconds": 0.0}
"""Usage of a call that never started."""


def start(view: View) -> ev.Event:
    """``action_start``, or the record that says why the action cannot start."""
    of = owner(view)
    is_prompt = isinstance(of, Learning) or mode_of(view.state) == "prompt"
    try:
        rendered, params = _text(view, of)
    except InterpolationError as problem:
        return fail(view, f"state {view.frame.state}: {problem}")
    if is_prompt:
        spent = budget_spent(view)
        if spent is not None:
            return spent
    attempt = view.frame.attempts + 1
    return view.record(
        ev.ActionStart,
        action=rendered.text,
        is_prompt=is_prompt,
        attempt=attempt if attempt > 1 else None,
        values=dict(rendered.values) or None,
        params=params,
        env={"action": [list(pair) for pair in rendered.env]} if rendered.env else None,
        reserved=budget_record(reserved(view)) if is_prompt else None,
    )


def owner(view: View) -> Entered | Learning:
    """Whose action is due: the state's own, or an exploration."""
    match view.phase:
        case Learning() as learning:
            return learning
        case Interrupted(of=of) | Waiting(of=Acted(of=of)):
            return of
        case _:
            return Entered()


def _text(view: View, of: Entered | Learning) -> tuple[Rendered, dict[str, Any] | None]:
    state = view.state
    if isinstance(of, Learning):
        assert state.learning is not None
        return Rendered(EXPLORE + state.learning.targets[of.index], (), True, {}), None
    text, scope = state.action or "", view.scope()
    if mode_of(state) == "shell":
        lenient = view.loop.lenient_shell_vars
        return render_shell(text, scope, lenient), None
    params = render_tree(state.params, scope)[0] if state.params else None
    return render_prompt(text, scope), params


def reserved(view: View) -> Budget | None:
    """What one call of this state may use: what the frames have left, and no more than the state allows."""
    left = reservation(view.snapshot.frames)
    own = view.state.budget
    if own is None:
        return left
    base = left or Budget(agent_calls=1)
    return replace(
        base,
        usd=_least(base.usd, own.usd),
        tokens=_least(base.tokens, own.tokens),
        seconds=_least(base.seconds, own.seconds),
    )


def _least(first: Any, second: Any) -> Any:
    known = [amount for amount in (first, second) if amount is not None]
    return min(known) if known else None


def start_judge(view: View) -> ev.Event:
    """``judge_start``, or the end of the frame whose budget has no room for the call."""
    spent = budget_spent(view)
    if spent is not None:
        return spent
    planned = evaluation.plan(_before_wait(view))
    if isinstance(planned, Verdict):
        return evaluation.record(view, planned)
    return view.record(
        ev.JudgeStart,
        state=view.frame.state,
        attempt=view.frame.judgements + 1,
        prompt=planned.prompt if isinstance(planned, Judge) else None,
        reserved=budget_record(reserved(view)),
    )


def _before_wait(view: View) -> View:
    """The view as it was before the wait for a judge began."""
    phase = view.phase
    if not isinstance(phase, Waiting):
        return view
    frames = (*view.snapshot.frames[:-1], replace(view.frame, phase=phase.of))
    return View(view.loops, replace(view.snapshot, frames=frames), view.facts)


def flushed(view: View) -> bool:
    """Whether the step runs only because its time is up."""
    match view.phase:
        case Entered(flushed=yes):
            return yes
        case _:
            of = getattr(view.phase, "of", None)
            return isinstance(of, Entered) and of.flushed


def fail(view: View, reason: str, usage: Any = None) -> ev.Event:
    """What follows when an action cannot run at all."""
    late = flushed(view)
    if view.state.on_error and not late:
        return view.record(ev.ActionError, state=view.frame.state, error=reason, usage=usage or NO_USE)
    ended = end(view, "timeout" if late else "error", reason)
    # A call that was announced and never started costs nothing; unsaid, it would cost what it reserved.
    return ended if view.snapshot.call is None else replace(ended, usage=usage or NO_USE)


def is_shell_action(state: StateConfig) -> bool:
    """Whether entering the state runs a shell action and nothing else."""
    return (
        state.action is not None and not state.terminal and state.loop is None and mode_of(state) == "shell"
    )
