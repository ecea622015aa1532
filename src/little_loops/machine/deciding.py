"""``decide``: what the world's answer means. One function per phase; the outcome picks the rule."""

from __future__ import annotations

from typing import Any

from little_loops import events as ev
from little_loops.machine import children, evaluation, limits
from little_loops.machine import effects as fx
from little_loops.machine.copying import replace
from little_loops.machine.fold_frames import learning_of
from little_loops.machine.routing import end
from little_loops.machine.snapshot import (
    Acted,
    Acting,
    Arriving,
    Ended,
    Entered,
    Halted,
    Interrupted,
    Judging,
    Learning,
    Snapshot,
    Stranded,
    Waiting,
)
from little_loops.machine.spending import budget_from, budget_record
from little_loops.machine.starting import fail, start, start_judge
from little_loops.machine.transition import arrive
from little_loops.machine.view import Loops, View, is_learning

FORMAT = 1
"""Version of the journal format."""

PREVIEW = 2000
SIGNALS = frozenset({"SIGINT", "SIGTERM"})


class ImpossibleOutcome(AssertionError):
    """An outcome that no effect of this phase can have: a bug."""


def decide(loops: Loops, snapshot: Snapshot, outcome: fx.Outcome, facts: fx.Facts) -> ev.Event:
    """The record that an outcome becomes.

    Raises:
        ImpossibleOutcome: the phase never asked for it.
    """
    view = View(loops, snapshot, facts)
    match outcome:
        case fx.Begin():
            return _begin(view, outcome)
        case fx.Resume():
            return _resume(view, outcome)
        case fx.Stopped(cause=cause) if cause in SIGNALS and not isinstance(view.phase, Acting):
            return end(View(loops, replace(snapshot, stop=cause), facts), "signal")
        case _:
            return _answer(view, outcome)


def _answer(view: View, outcome: fx.Outcome) -> ev.Event:
    match view.phase:
        case Acting() as phase:
            return _acting(view, phase, outcome)
        case Arriving() as phase if isinstance(outcome, fx.Woke):
            return arrive(view, phase)
        case Entered() | Acted() | Interrupted() | Learning():
            return _measured(view, outcome)
        case Stranded() as phase if isinstance(outcome, fx.Fenced):
            return _fenced(view, phase, outcome)
        case Judging():
            return _judging(view, outcome)
        case Waiting() as phase:
            return _waiting(view, phase, outcome)
        case Halted():
            return _successor(view, outcome)
        case phase:
            raise ImpossibleOutcome(f"{outcome} in {phase}")


# --- opening a segment ---------------------------------------------------------------------------------


def _begin(view: View, begin: fx.Begin) -> ev.LoopStart:
    loop = view.loops[begin.definition]
    budget = budget_from(loop.budget.to_dict()) if loop.budget else None
    given = begin.overrides.get("budget")
    if given:
        budget = budget_from({**(budget_record(budget) or {}), **given})
    return view.record(
        ev.LoopStart,
        depth=0,
        loop=loop.name,
        run_id=begin.run_id,
        v=FORMAT,
        definition=begin.definition,
        initial=loop.initial,
        context=dict(begin.context),
        data=sorted(begin.data) or None,
        env={key: [list(pair) for pair in pairs] for key, pairs in begin.env.items()} or None,
        origin=dict(begin.origin) or None,
        budget=budget_record(budget),
        overrides=dict(begin.overrides) or None,
        engine=dict(begin.engine),
        cwd=begin.cwd,
    )


def reenters(snapshot: Snapshot) -> bool:
    """Whether a resume enters the current state again instead of going on inside it."""
    phase = snapshot.top.phase
    if isinstance(phase, Halted) and phase.cause == "handoff":
        return True
    match snapshot.status:
        case Ended(in_place=True):
            return False
        case Ended(cause=cause):
            return cause in ("error", "handoff", "cycle_detected", "stall_detected")
        case _:
            return False


def _resume(view: View, resume: fx.Resume) -> ev.LoopResume:
    snapshot = view.snapshot
    root, top = snapshot.root, snapshot.top
    handed = snapshot.continuation if _after_handoff(snapshot) else None
    return view.record(
        ev.LoopResume,
        depth=0,
        loop=root.name,
        from_state=root.state,
        iteration=root.iteration,
        from_handoff=handed is not None,
        continuation_prompt=handed,
        run_id=snapshot.run_id,
        v=FORMAT,
        segment=snapshot.segment + 1,
        enter=top.state if reenters(snapshot) else None,
        interrupted=resume.interrupted,
        context=dict(resume.context) or None,
        data=sorted(resume.data) or None,
        origin=dict(resume.origin) or None,
        overrides=dict(resume.overrides) or None,
        path=None if view.is_root else [frame.state for frame in snapshot.frames],
        engine=dict(resume.engine),
    )


def _after_handoff(snapshot: Snapshot) -> bool:
    phase = snapshot.top.phase
    return isinstance(phase, Halted) and phase.cause == "handoff"


# --- while an action runs ------------------------------------------------------------------------------


def _acting(view: View, phase: Acting, outcome: fx.Outcome) -> ev.Event:
    match outcome:
        case fx.Spawned(process=process):
            return _spawned(view, process)
        case fx.OutputRead():
            lines = outcome.lines[: outcome.recorded]
            return view.record(ev.ActionOutput, lines=lines, cut=dict(outcome.cut) or None, more=outcome.more)
        case fx.Done(result=result):
            return _complete(view, phase, result)
        case fx.Stopped(cause=cause, result=result):
            given = result or fx.ActionResult(exit_code=-15 if cause in SIGNALS else 124)
            return _complete(view, phase, given, cause if cause in SIGNALS else None)
        case fx.Failed(error=reason, usage=usage):
            return fail(view, f"state {view.frame.state}: {reason}", usage)
        case _:
            return _observed(view, outcome)


def _spawned(view: View, process: fx.Process, purpose: str | None = None) -> ev.Event:
    return view.record(
        ev.ActionSpawned,
        pid=process.pid,
        pgid=process.pgid,
        started=process.started,
        boot=process.boot,
        purpose=purpose,
    )


def _observed(view: View, outcome: fx.Outcome) -> ev.Event:
    match outcome:
        case fx.ToolCalled(tool=tool, summary=summary):
            return view.record(ev.ToolCalledEvent, tool=tool, summary=summary)
        case fx.UsageSeen(usage=usage):
            return view.record(ev.UsageSeenEvent, usage=dict(usage))
        case fx.PermissionAnswered():
            return view.record(
                ev.PermissionAnsweredEvent,
                tool=outcome.tool,
                answer=outcome.answer,
                rule=outcome.rule,
                request=outcome.request,
            )
        case _:
            raise ImpossibleOutcome(f"{outcome} in {view.phase}")


def _complete(view: View, phase: Acting, result: fx.ActionResult, stopped: str | None = None) -> ev.Event:
    retried = phase.is_prompt and not stopped and limits.will_retry(view.frame, result.failure)
    failure = result.failure if phase.is_prompt and not stopped else None
    marker = None if stopped else result.marker
    return view.record(
        ev.ActionComplete,
        exit_code=result.exit_code,
        duration_ms=result.duration_ms,
        output_preview=result.output[-PREVIEW - 256 :].strip()[-PREVIEW:] if result.output else None,
        is_prompt=phase.is_prompt,
        session_jsonl=result.session_jsonl,
        session_id=result.session_id,
        output=result.output or None,
        stderr=result.stderr or None,
        truncated=result.truncated,
        timeout_kind=result.timeout_kind,
        capture=None if retried or stopped else view.state.capture,
        marker=None if marker is None else {"kind": marker.kind, "payload": marker.payload},
        failure=None if failure is None else _failure(failure),
        stopped=stopped,
        usage=None if result.usage is None else dict(result.usage),
        output_lines=result.output_lines,
        files=result.files or None,
        exact=result.exact,
    )


def _failure(failure: fx.Failure) -> dict[str, Any]:
    fields = {
        "kind": failure.kind,
        "source": failure.source,
        "status": failure.status,
        "retry_after": failure.retry_after,
    }
    return {key: value for key, value in fields.items() if value is not None}


# --- measurements, judges, waits -----------------------------------------------------------------------


def _measured(view: View, outcome: fx.Outcome) -> ev.Event:
    match outcome:
        case fx.Loaded(digest=digest):
            return children.enter(view, digest)
        case fx.Failed(error=reason) if view.state.loop is not None:
            return children.refuse(view, f"state {view.frame.state}: {reason}")
        case fx.Measured() if is_learning(view.state):
            return _learned(view, outcome)
        case fx.Measured() if isinstance(view.phase, Entered) and view.state.action is not None:
            return _circuit(view, outcome)
        case fx.Measured():
            return evaluation.on_measured(view, outcome)
        case fx.Matched():
            return evaluation.on_matched(view, outcome)
        case _:
            raise ImpossibleOutcome(f"{outcome} in {view.phase}")


def _circuit(view: View, measured: fx.Measured) -> ev.Event:
    recovery = measured.value
    if measured.error is not None or recovery is None or recovery <= view.facts.wall:
        return start(view)
    seconds = recovery - view.facts.wall
    return view.record(
        ev.RateLimitRetry,
        state=view.frame.state,
        tier="circuit",
        attempt=0,
        wait_seconds=round(seconds, 3),
        until=view.facts.clock + int(seconds * 1000),
        reset_at=recovery,
    )


def _learned(view: View, measured: fx.Measured) -> ev.Event:
    config, state = view.state.learning, view.frame.state
    assert config is not None
    at = learning_of(view.phase)
    target = config.targets[at.index]
    status = "missing" if measured.error is not None else str(measured.value)
    match status:
        case "refuted":
            return view.record(ev.LearningTargetRefuted, state=state, target=target)
        case "missing" | "stale" if at.attempts >= config.max_retries:
            return view.record(ev.LearningBlocked, state=state, target=target, reason="retries_exhausted")
        case "missing" | "stale":
            return view.record(ev.LearningTargetStale, state=state, target=target, cause=status)
        case _:
            return view.record(ev.LearningTargetProven, state=state, target=target)


def _fenced(view: View, phase: Stranded, fenced: fx.Fenced) -> ev.Event:
    judge = isinstance(phase.what, Judging)
    return view.record(
        ev.ActionInterrupted,
        state=view.frame.state,
        attempt=phase.what.attempt,
        policy="retry" if judge else phase.answer or view.on_interrupt,
        orphan=fenced.orphan,
        purpose="judge" if judge else None,
        usage=None if fenced.seconds is None else {"seconds": fenced.seconds},
    )


def _judging(view: View, outcome: fx.Outcome) -> ev.Event:
    match outcome:
        case fx.Spawned(process=process):
            return _spawned(view, process, "judge")
        case fx.Judged(failure=failure) if failure is not None and limits.will_retry(view.frame, failure):
            return limits.retry_wait(view, failure, purpose="judge", usage=outcome.usage)
        case fx.Judged():
            return evaluation.on_judged(view, outcome)
        case fx.Failed(error=reason, usage=usage):
            return evaluation.on_judged(view, fx.Judged("error", {"error": reason}, usage))
        case _:
            return _observed(view, outcome)


def _waiting(view: View, phase: Waiting, outcome: fx.Outcome) -> ev.Event:
    match outcome:
        case fx.Heartbeat():
            return limits.heartbeat(view, phase)
        case fx.Woke() if view.late:
            return end(view, "timeout", f"the time limit of {view.timeout:g} s is over")
        case fx.Woke():
            spent = limits.wait_spent(view, phase)
            return spent or (start_judge(view) if phase.purpose == "judge" else start(view))
        case _:
            raise ImpossibleOutcome(f"{outcome} in {phase}")


def _successor(view: View, outcome: fx.Outcome) -> ev.Event:
    match outcome:
        case fx.Started(pid=pid):
            return view.record(ev.HandoffSpawned, pid=pid, state=view.frame.state)
        case fx.Failed(error=reason):
            return end(view, "handoff", reason)
        case _:
            raise ImpossibleOutcome(f"{outcome} in {view.phase}")


def abort(loops: Loops, snapshot: Snapshot, reason: str, facts: fx.Facts) -> ev.LoopComplete:
    """The last record of a segment whose journal or output failed; a resume goes on in place."""
    return end(View(loops, snapshot, facts), "error", reason, in_place=True)
