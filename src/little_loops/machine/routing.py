"""Where a verdict leads, and how a frame or a run ends. One resolver serves every key that names a target."""

from __future__ import annotations

from little_loops import events as ev
from little_loops.fsm.schema import CURRENT_STATE, StateConfig
from little_loops.machine.interpolation import InterpolationError, render_plain
from little_loops.machine.snapshot import Judged, frame_path
from little_loops.machine.view import View

LEGACY_WORDS = {"yes": "success", "no": "failure"}
"""Words that older route tables use for a verdict."""

ROOT_CAUSES = frozenset({"signal", "handoff"})
"""Causes that end the whole run, whatever frame they meet."""


ABSTENTIONS = frozenset({"cannot_judge", "cannot_judge_uncertain"})
"""Verdicts of a judge that does not know."""

MAX_ABSTENTIONS = 2
"""How often in a row a state is entered again because its judge does not know."""


def verdict_target(view: View, verdict: str) -> str | None:
    """The target of a verdict, unresolved. A judge that does not know is asked again, then it is an error."""
    state = view.state
    routes = state.extra_routes if state.route is None else state.route.routes
    if verdict not in ABSTENTIONS or verdict in routes:
        return target_of(state, verdict)
    memory = view.snapshot.memory.get(frame_path(view.snapshot)) or {}
    if memory.get("abstained", 0) <= MAX_ABSTENTIONS:
        return CURRENT_STATE
    return state.on_error if state.route is None else state.route.error


def target_of(state: StateConfig, verdict: str) -> str | None:
    """The target a verdict leads to, unresolved; None when nothing matches."""
    if state.route is None:
        return _shorthand(state, verdict)
    table = state.route.routes
    if verdict in table:
        return table[verdict]
    older = LEGACY_WORDS.get(verdict)
    if older in table:
        return table[older]
    if verdict == "error" and state.route.error is not None:
        return state.route.error
    return state.route.default


def _shorthand(state: StateConfig, verdict: str) -> str | None:
    named = {
        "yes": state.on_yes,
        "no": state.on_no,
        "error": state.on_error,
        "partial": state.on_partial,
        "blocked": state.on_blocked,
    }
    return named[verdict] if verdict in named else state.extra_routes.get(verdict)


def resolve(view: View, target: str) -> str:
    """The state a target means.

    Raises:
        InterpolationError: a reference in it has no value.
    """
    if target == CURRENT_STATE:
        return view.frame.state
    return render_plain(target, view.scope()) if "${" in target else target


def named(view: View, target: str | None) -> str | None:
    """The state a target means, for a record that says where the run goes; as written if it has no value."""
    try:
        return None if target is None else resolve(view, target)
    except InterpolationError:
        return target


def leave(
    view: View, target: str | None, via: str, *, verdict: str | None = None, error: str | None = None
) -> ev.Event:
    """The record that leaves the state for ``target``, or ends the frame where that cannot be done."""
    if not target:
        if view.snapshot.stop:
            return end(view, "signal")
        return end(view, "error", error or _no_route(view))
    try:
        name = resolve(view, target)
    except InterpolationError as problem:
        return end(view, "error", f"state {view.frame.state}: the target {target} has no value: {problem}")
    if name not in view.loop.states:
        return end(view, "error", f"state {view.frame.state}: there is no state named {name!r}")
    until = view.facts.clock + view.backoff_ms if view.backoff_ms else None
    return view.record(
        ev.Route, from_=view.frame.state, to=name, via=via, verdict=verdict, error=error, until=until
    )


def _no_route(view: View) -> str:
    state = view.frame.state
    if isinstance(view.phase, Judged):
        text = f"state {state}: no route for verdict {view.phase.verdict!r}"
        reason = view.phase.details.get("error")
        return f"{text} ({reason})" if reason else text
    return f"state {state}: no valid transition"


def child_verdict(view: View, depth: int, cause: str) -> str:
    """The verdict by which a child's end is routed."""
    frame = view.snapshot.frames[depth]
    if cause == "terminal":
        return "no" if view.loops[frame.definition].is_failure(frame.state) else "yes"
    return "error" if cause == "error" else "no"


def end(
    view: View,
    cause: str,
    error: str | None = None,
    *,
    depth: int | None = None,
    resumable: bool = True,
    in_place: bool = False,
) -> ev.LoopComplete:
    """The record that ends the top frame, or the run."""
    at = view.snapshot.depth if depth is None else depth
    if cause in ROOT_CAUSES or in_place:
        at = 0
    frame = view.snapshot.frames[at]
    stop = view.snapshot.stop
    return view.record(
        ev.LoopComplete,
        depth=at,
        final_state=frame.state,
        iterations=frame.iteration,
        terminated_by=cause,
        verdict=child_verdict(view, at, cause) if at else None,
        error=error,
        failure_terminal=cause == "terminal" and view.loops[frame.definition].is_failure(frame.state),
        resumable=at == 0 and resumable and cause != "terminal",
        in_place=in_place,
        signal=stop if cause == "signal" and stop != "marker" else None,
        path=[f.state for f in view.snapshot.frames] if at == 0 and not view.is_root else None,
    )
