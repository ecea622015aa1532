"""``advance``: the eventless transition of the top frame's phase, if one is enabled.

One function per phase; within it the rules are tried from the top. Nothing here reads a clock, a disk or an
environment beyond the facts it is given.
"""

from __future__ import annotations

from typing import assert_never

from little_loops import events as ev
from little_loops.machine import children, evaluation, limits
from little_loops.machine.effects import Facts, Judge
from little_loops.machine.routing import end, leave, target_of, verdict_target
from little_loops.machine.snapshot import (
    Acted,
    Acting,
    Arriving,
    Called,
    Ended,
    Entered,
    Exhausted,
    Fresh,
    Halted,
    Interrupted,
    Judged,
    Judging,
    Learning,
    Leaving,
    Opened,
    Returned,
    Running,
    Snapshot,
    Stranded,
    Waiting,
)
from little_loops.machine.starting import flushed, is_shell_action, start, start_judge
from little_loops.machine.verdicts import Verdict, error
from little_loops.machine.view import Loops, View, is_learning, mode_of

CUT_SHORT = "the action was interrupted"


def advance(loops: Loops, snapshot: Snapshot, facts: Facts) -> ev.Event | None:
    """The next record that needs no answer from the world, or None when an effect is due."""
    match snapshot.status:
        case Fresh() | Ended():
            return None
        case Opened():
            view = View(loops, snapshot, facts)
            return view.record(ev.LoopStart, depth=0, loop=snapshot.root.name)
        case Running():
            return _advance(View(loops, snapshot, facts))
        case _ as never:
            assert_never(never)


def _advance(view: View) -> ev.Event | None:  # noqa: C901 - one case a phase, none of them nested
    match view.phase:
        case Arriving() as phase:
            return _arriving(view, phase)
        case Entered() as phase:
            return _entered(view, phase)
        case Acting() | Stranded() | Waiting() | Judging() | Called():
            return None
        case Interrupted() as phase:
            return _interrupted(view, phase)
        case Acted() as phase:
            return _acted(view, phase)
        case Judged() as phase:
            return limits.stalled(view, phase) or leave(
                view, verdict_target(view, phase.verdict), "verdict", verdict=phase.verdict
            )
        case Exhausted() as phase:
            return _exhausted(view, phase)
        case Learning() as phase:
            return _learning(view, phase)
        case Leaving() as phase:
            return leave(view, leaving_target(view, phase), phase.via, error=phase.error)
        case Returned() as phase:
            return _returned(view, phase)
        case Halted() as phase:
            return _halted(view, phase)
        case _ as never:
            assert_never(never)


# --- arriving ------------------------------------------------------------------------------------------


def _arriving(view: View, phase: Arriving) -> ev.Event | None:
    edge, limit = phase.edge, view.max_edge_revisits
    if edge is not None and view.frame.edges.get(edge, 0) > limit:
        count = view.frame.edges[edge]
        return view.record(
            ev.CycleDetected, edge=f"{edge[0]}->{edge[1]}", from_=edge[0], to=edge[1], count=count, max=limit
        )
    if (
        phase.until is not None
        and view.facts.clock < phase.until
        and not view.snapshot.stop
        and not view.late
    ):
        return None
    return arrive(view, phase)


def arrive(view: View, phase: Arriving) -> ev.Event:
    """The checks of an arrival: stop, terminal, caps, time, maintain, retries, and then the entry."""
    frame, loop = view.frame, view.loop
    if view.snapshot.stop:
        return end(view, "signal")
    state = loop.states.get(frame.state)
    if state is None:
        return end(view, "error", f"there is no state named {frame.state!r}")
    if state.terminal and not loop.maintain:
        return end(view, "terminal")
    if frame.iteration >= view.step_cap:
        return end(view, "max_iterations", f"the limit of {view.step_cap} steps is reached")
    if view.lap_cap is not None and frame.laps >= view.lap_cap:
        return end(view, "max_iterations", f"the limit of {view.lap_cap} laps is reached")
    if view.late:
        return _too_late(view, phase)
    if state.terminal:
        return _restart(view)
    if state.max_retries is not None and frame.retries > state.max_retries:
        return _retries_spent(view)
    return view.record(ev.StateEnter, state=frame.state, iteration=frame.iteration + 1)


def _too_late(view: View, phase: Arriving) -> ev.Event:
    if phase.routed and is_shell_action(view.state):
        return view.record(
            ev.StateEnter, state=view.frame.state, iteration=view.frame.iteration + 1, flushed=True
        )
    return end(view, "timeout", f"the time limit of {view.timeout:g} s is over")


def _restart(view: View) -> ev.Event:
    left = leave(view, view.state.on_maintain or view.loop.initial, "maintain")
    if isinstance(left, ev.Route):
        return view.record(ev.Route, from_=left.from_, to=left.to, reason="maintain", via="maintain")
    return left


def _retries_spent(view: View) -> ev.Event:
    state, frame = view.state, view.frame
    if not state.on_retry_exhausted:
        return end(view, "error", f"state {frame.state} has max_retries and no on_retry_exhausted")
    left = leave(view, state.on_retry_exhausted, "retry_exhausted")
    if isinstance(left, ev.Route):
        return view.record(ev.RetryExhausted, state=frame.state, retries=frame.retries, next=left.to)
    return left


# --- entered -------------------------------------------------------------------------------------------


def _entered(view: View, phase: Entered) -> ev.Event | None:
    state = view.state
    if state.loop is not None:
        return children.call(view)
    if is_learning(state):
        return None
    if state.action is not None:
        waits = mode_of(state) == "prompt" and view.option("circuit")
        return None if waits and not phase.flushed else start(view)
    if state.next is not None:
        return leave(view, state.next, "next")
    if state.evaluate is None:
        return leave(view, target_of(state, "yes"), "verdict", verdict="yes")
    return evaluate(view)


def evaluate(view: View) -> ev.Event | None:
    """``evaluate`` or ``judge_start``; None when something has to be measured or matched first."""
    match evaluation.plan(view):
        case Verdict() as verdict:
            return evaluation.record(view, verdict)
        case Judge():
            return start_judge(view)
        case _:
            return None


# --- after an action -----------------------------------------------------------------------------------


def _interrupted(view: View, phase: Interrupted) -> ev.Event | None:
    if view.snapshot.stop:
        return end(view, "signal")
    if (phase.policy or view.on_interrupt) == "retry":
        return start(view)
    if isinstance(phase.of, Learning):
        return None
    if phase.of.flushed and view.late:
        return end(view, "timeout")
    if view.state.next is not None:
        return leave(view, view.state.on_error, "interrupted", error=CUT_SHORT)
    return evaluation.record(view, error(CUT_SHORT))


def _acted(view: View, phase: Acted) -> ev.Event | None:
    if flushed(view) and view.late:
        return end(view, "timeout", f"the time limit of {view.timeout:g} s is over")
    return _screened(view, phase) or _judgement(view, phase)


def _screened(view: View, phase: Acted) -> ev.Event | None:
    """Markers, provider failures and the throttle, before anything is judged."""
    frame, marker, failure = view.frame, phase.marker, phase.failure
    if marker is not None and marker.kind == "handoff":
        return view.record(
            ev.HandoffDetected, state=frame.state, iteration=frame.iteration, continuation=marker.payload
        )
    if marker is not None and marker.kind == "error":
        return end(view, "error", marker.payload)
    if failure is not None:
        if limits.will_retry(frame, failure):
            return limits.retry_wait(view, failure)
        return view.record(ev.ApiErrorExhausted, state=frame.state, retries=frame.api)
    return limits.throttled(view, phase) if isinstance(phase.of, Entered) else None


def _judgement(view: View, phase: Acted) -> ev.Event | None:
    if isinstance(phase.of, Learning):
        return None
    state, code = view.state, phase.result.exit_code
    if state.next is None:
        return evaluate(view)
    if code < 0 and not state.on_error:
        return end(view, "error", f"state {view.frame.state}: the action died of signal {-code}")
    if code != 0 and state.on_error:
        return leave(view, state.on_error, "exit_code")
    return leave(view, state.next, "next")


# --- the rest ------------------------------------------------------------------------------------------


def _exhausted(view: View, phase: Exhausted) -> ev.Event:
    if view.frame.storm >= limits.STORM:
        return view.record(ev.RateLimitStorm, state=view.frame.state, count=view.frame.storm)
    return leave(view, phase.target, "rate_limit_exhausted")


def _learning(view: View, phase: Learning) -> ev.Event | None:
    config, state = view.state.learning, view.frame.state
    assert config is not None
    if phase.index >= len(config.targets):
        return view.record(ev.LearningComplete, state=state, targets=list(config.targets))
    target = config.targets[phase.index]
    match phase.seen:
        case "stale":
            return view.record(
                ev.LearningExploreInvoked, state=state, target=target, attempt=phase.attempts + 1
            )
        case "invoked":
            return start(view)
        case "refuted":
            return view.record(ev.LearningBlocked, state=state, target=target, reason="refuted")
        case _:
            return None


def leaving_target(view: View, phase: Leaving) -> str | None:
    """The target of a state that is left by a record other than ``evaluate``."""
    state = view.state
    match phase.via:
        case "action_error":
            return state.on_error
        case "learning_complete":
            return state.on_yes
        case "learning_blocked":
            return state.on_blocked or state.on_no
        case _:
            return phase.target


def _returned(view: View, phase: Returned) -> ev.Event:
    verdict = phase.verdict
    if verdict == "error" and target_of(view.state, "error") is None:
        verdict = "no"
    return leave(view, target_of(view.state, verdict), "sub_loop", verdict=verdict, error=phase.error)


def _halted(view: View, phase: Halted) -> ev.Event | None:
    if phase.cause != "handoff":
        return end(view, phase.cause, phase.error)
    if view.on_handoff == "spawn" and not phase.spawned:
        return None
    return end(view, "handoff", resumable=view.on_handoff != "terminate")
