"""``evolve``: the only way a snapshot changes, live and in replay.

It sees a snapshot and an event and nothing else: no definition, disk, clock or environment. A record
therefore carries whatever its own fold needs. Each event has one function in ``FOLDS``; an event that cannot
follow the phase it meets is ``Impossible``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from little_loops import events as ev
from little_loops.machine import fold_frames as frames
from little_loops.machine import fold_limits as limits
from little_loops.machine.copying import replace
from little_loops.machine.effects import Failure, Marker, Process
from little_loops.machine.fold_frames import Impossible, put, top
from little_loops.machine.snapshot import (
    LOST,
    Acted,
    Acting,
    Arriving,
    Edge,
    Entered,
    Exhausted,
    Frame,
    Halted,
    Interrupted,
    Judged,
    Judging,
    Learning,
    Leaving,
    Of,
    Prev,
    Result,
    Snapshot,
    Stall,
    Stranded,
    Triple,
    Waiting,
    frame_path,
)
from little_loops.machine.spending import budget_from, settle

TRANSIENT = frozenset({"rate_limit", "server", "network"})
"""Kinds of provider failure after which the same call is made again."""

__all__ = ["FOLDS", "TRANSIENT", "Impossible", "evolve"]


def evolve(snapshot: Snapshot, event: ev.Event) -> Snapshot:
    """The snapshot after ``event``.

    Raises:
        Impossible: wrong number, time or depth, or not foldable in its phase.
    """
    if event.seq != snapshot.seq + 1:
        raise Impossible(f"record number {event.seq} after {snapshot.seq}")
    if event.t < snapshot.t:
        raise Impossible(f"the run clock went back from {snapshot.t} to {event.t}")
    fold = FOLDS.get(type(event))
    if fold is None:
        return replace(snapshot, seq=event.seq, t=event.t)
    return fold(snapshot, event)


def _observed(s: Snapshot, e: ev.Event) -> Snapshot:
    top(s, e)
    return replace(s, seq=e.seq + e.records - 1, t=e.t)


# --- entering and leaving ------------------------------------------------------------------------------


def _state_enter(s: Snapshot, e: ev.StateEnter) -> Snapshot:
    frame = top(s, e)
    if not isinstance(frame.phase, Arriving):
        raise Impossible(f"state_enter while {type(frame.phase).__name__}")
    fresh = replace(
        frame,
        phase=Entered(e.flushed),
        iteration=e.iteration,
        entered=e.t,
        attempts=0,
        judgements=0,
        short=0,
        long=0,
        api=0,
        waited=0,
    )
    return put(s, e, fresh, steps=s.steps + 1)


def result_of(frame: Frame) -> Result | None:
    """The result that the frame's phase holds, if it holds one."""
    match frame.phase:
        case Acted(result=result) | Judged(result=result) | Interrupted(result=result):
            return result
        case Exhausted(result=held) | Leaving(result=held):
            return held
        case _:
            return None


def _route(s: Snapshot, e: ev.Route) -> Snapshot:
    frame = top(s, e)
    if e.from_ != frame.state:
        raise Impossible(f"a route from {e.from_} while in {frame.state}")
    result = result_of(frame)
    maintain = e.reason == "maintain"
    same = e.to == e.from_
    edge: Edge = (e.from_, e.to)
    moved = replace(
        frame,
        state=e.to,
        phase=Arriving(True, e.until, None if maintain else edge),
        prev=_prev(frame, result, e.via),
        edges={} if maintain else {**frame.edges, edge: frame.edges.get(edge, 0) + 1},
        retries=frame.retries + 1 if same else 0,
        throttle=frame.throttle if same else 0,
        iteration=frame.iteration + maintain,
        laps=frame.laps + maintain,
    )
    return put(s, e, moved, continuation=s.continuation if result is None else None)


def _prev(frame: Frame, result: Result | None, via: str) -> Prev | None:
    """``prev`` after a route: the step that is left, unless it had no result of its own."""
    if via == "throttle":
        return frame.prev
    if result is None:
        bare = via == "verdict" and isinstance(frame.phase, Entered)
        return Prev("", 0, frame.state) if bare else frame.prev
    verdict, details = None, None
    if isinstance(frame.phase, Judged):
        verdict, details = frame.phase.verdict, frame.phase.details
    return Prev(result.output, result.exit_code, frame.state, result.timeout_kind, verdict, details)


def _retry_exhausted(s: Snapshot, e: ev.RetryExhausted) -> Snapshot:
    frame = top(s, e)
    if not isinstance(frame.phase, Arriving):
        raise Impossible(f"retry_exhausted while {type(frame.phase).__name__}")
    same = e.next == frame.state
    return put(
        s,
        e,
        replace(
            frame,
            state=e.next,
            phase=Arriving(frame.phase.routed),
            retries=1 if same else 0,
            throttle=frame.throttle if same else 0,
        ),
    )


def _cycle_detected(s: Snapshot, e: ev.CycleDetected) -> Snapshot:
    reason = f"{e.edge} was taken {e.count} times, the limit is {e.max}"
    return put(s, e, replace(top(s, e), state=e.from_, phase=Halted("cycle_detected", reason)))


# --- actions -------------------------------------------------------------------------------------------


def _owner(frame: Frame) -> Of:
    """Whose action the next ``action_start`` is."""
    match frame.phase:
        case Entered() | Learning() as phase:
            return phase
        case Interrupted(of=of):
            return of
        case Waiting(of=Acted(of=of)):
            return of
        case Waiting(of=Entered() as of):
            return of
        case phase:
            raise Impossible(f"action_start while {type(phase).__name__}")


def _waited(frame: Frame, t: int) -> Frame:
    """The frame after a retry wait, if that is what its phase was."""
    if isinstance(frame.phase, Waiting) and frame.phase.tier in ("short", "long"):
        return replace(frame, waited=frame.waited + t - frame.phase.since)
    return frame


def _action_start(s: Snapshot, e: ev.ActionStart) -> Snapshot:
    frame = top(s, e)
    attempt = e.attempt or 1
    phase = Acting(
        attempt,
        _owner(frame),
        e.action,
        e.is_prompt,
        frames.offsets((e.env or {}).get("action", ())),
        e.values or {},
        e.params or {},
    )
    call = _call(e.reserved) if e.is_prompt else None
    return put(s, e, replace(_waited(frame, e.t), phase=phase, attempts=attempt), call=call)


def _call(reserved: Mapping[str, Any] | None) -> Any:
    return budget_from(reserved or {})


def _action_spawned(s: Snapshot, e: ev.ActionSpawned) -> Snapshot:
    frame = top(s, e)
    match frame.phase:
        case Acting() | Judging() as phase:
            process = Process(e.pid, e.pgid, e.started, e.boot)
            return put(s, e, replace(frame, phase=replace(phase, processes=(*phase.processes, process))))
        case phase:
            raise Impossible(f"action_spawned while {type(phase).__name__}")


def _marker(record: Mapping[str, Any] | None) -> Marker | None:
    return None if record is None else Marker(record["kind"], record.get("payload", ""))


def _failure(record: Mapping[str, Any] | None) -> Failure | None:
    if record is None or record.get("kind") not in TRANSIENT:
        return None
    return Failure(
        record["kind"], record.get("source", "host"), record.get("status"), record.get("retry_after")
    )


def _captured(e: ev.ActionComplete) -> dict[str, Any]:
    record: dict[str, Any] = {
        "output": e.output or "",
        "stderr": e.stderr or "",
        "exit_code": e.exit_code,
        "duration_ms": e.duration_ms,
    }
    if e.timeout_kind:
        record["timeout_kind"] = e.timeout_kind
    if e.truncated:
        record["truncated"] = True
    return record


def _usage_of(e: ev.ActionComplete) -> Mapping[str, Any]:
    """Usage of a finished call: seconds default to the measured duration."""
    return {"seconds": e.duration_ms / 1000, **(e.usage or {})}


def _action_complete(s: Snapshot, e: ev.ActionComplete) -> Snapshot:
    if s.call is not None:
        s = replace(s, frames=settle(s.frames, s.call, _usage_of(e)), call=None)
    frame = top(s, e)
    phase = frame.phase
    if not isinstance(phase, Acting):
        raise Impossible(f"action_complete while {type(phase).__name__}")
    result = Result(e.output or "", e.stderr or "", e.exit_code, frames.timeout_kind(e.timeout_kind))
    captured = {**frame.captured, e.capture: _captured(e)} if e.capture else frame.captured
    if e.stopped:
        cut = Interrupted(phase.attempt, phase.of, result)
        return put(s, e, replace(frame, phase=cut, captured=captured), stop=e.stopped)
    marker, failure = _marker(e.marker), _failure(e.failure)
    own = isinstance(phase.of, Entered) and not phase.of.flushed
    cleared = {} if failure is not None else dict.fromkeys(("short", "long", "api", "waited", "storm"), 0)
    acted = replace(
        frame,
        phase=Acted(phase.attempt, phase.of, result, phase.action, marker, failure),
        captured=captured,
        throttle=frame.throttle + (failure is None and own),
        **cleared,
    )
    return put(s, e, acted, stop="marker" if marker and marker.kind == "stop" else s.stop)


def _action_error(s: Snapshot, e: ev.ActionError) -> Snapshot:
    s = replace(s, frames=settle(s.frames, s.call, e.usage), call=None)
    return put(s, e, replace(top(s, e), phase=Leaving("action_error", error=e.error)))


def _action_interrupted(s: Snapshot, e: ev.ActionInterrupted) -> Snapshot:
    s = replace(s, frames=settle(s.frames, s.call, e.usage), call=None)
    frame = top(s, e)
    match frame.phase:
        case Stranded(what=Judging(of=of)):
            return put(s, e, replace(frame, phase=of))
        case Stranded(what=Acting(attempt=attempt, of=of)):
            return put(s, e, replace(frame, phase=Interrupted(attempt, of, LOST, e.policy)))
        case phase:
            raise Impossible(f"action_interrupted while {type(phase).__name__}")


# --- judging -------------------------------------------------------------------------------------------


def _judge_start(s: Snapshot, e: ev.JudgeStart) -> Snapshot:
    frame = top(s, e)
    match frame.phase:
        case Acted() | Entered() as of:
            pass
        case Waiting(of=of):
            frame = _waited(frame, e.t)
        case phase:
            raise Impossible(f"judge_start while {type(phase).__name__}")
    return put(
        s, e, replace(frame, phase=Judging(e.attempt, of), judgements=e.attempt), call=_call(e.reserved)
    )


def _judged_result(frame: Frame) -> Result:
    match frame.phase:
        case Acted(result=result) | Interrupted(result=result) | Judging(of=Acted(result=result)):
            return result
        case Entered() | Judging(of=Entered()):
            return Result()
        case phase:
            raise Impossible(f"evaluate while {type(phase).__name__}")


def _evaluate(s: Snapshot, e: ev.Evaluate) -> Snapshot:
    if s.call is not None:
        s = replace(s, frames=settle(s.frames, s.call, e.usage), call=None)
    frame = top(s, e)
    result = _judged_result(frame)
    memory = s.memory
    if e.memory is not None:
        memory = {**memory, frame_path(s): e.memory}
    triple: Triple = (frame.state, result.exit_code, e.verdict)
    judged = replace(
        frame,
        phase=Judged(e.verdict, e.details or {}, result),
        short=0,
        long=0,
        api=0,
        waited=0,
        stall=_stalled(frame.stall, frame.state, triple, e.progress),
    )
    return put(s, e, judged, memory=memory)


def _stalled(stall: Stall, state: str, triple: Triple, progress: str | None) -> Stall:
    seen = stall.progress
    if progress is not None:
        if seen.get(state) not in (None, progress):
            stall = Stall()
        seen = {**seen, state: progress}
    run = stall.run + 1 if triple == stall.last else 1
    return Stall(triple, run, {**stall.totals, triple: stall.totals.get(triple, 0) + 1}, seen)


def _stall_detected(s: Snapshot, e: ev.StallDetected) -> Snapshot:
    frame = top(s, e)
    calm = replace(frame, stall=Stall(progress=frame.stall.progress))
    if e.action.startswith("route:"):
        return put(s, e, replace(calm, phase=Leaving("stall", e.action[6:], result_of(frame))))
    times = f"{e.recurrent} times" if e.recurrent else f"{e.consecutive} times in a row"
    reason = f"{e.state} gave exit code {e.exit_code} and verdict {e.verdict} {times}"
    return put(s, e, replace(calm, phase=Halted("stall_detected", reason)))


FOLDS: Mapping[type[ev.Event], Callable[[Snapshot, Any], Snapshot]] = {
    ev.LoopStart: frames.loop_start,
    ev.LoopResume: frames.loop_resume,
    ev.LoopComplete: frames.loop_complete,
    ev.StateEnter: _state_enter,
    ev.Route: _route,
    ev.RetryExhausted: _retry_exhausted,
    ev.CycleDetected: _cycle_detected,
    ev.ActionStart: _action_start,
    ev.ActionSpawned: _action_spawned,
    ev.ActionOutput: _observed,
    ev.ActionComplete: _action_complete,
    ev.ActionError: _action_error,
    ev.ActionInterrupted: _action_interrupted,
    ev.JudgeStart: _judge_start,
    ev.Evaluate: _evaluate,
    ev.StallDetected: _stall_detected,
    ev.RateLimitRetry: limits.retry_wait,
    ev.ApiErrorRetry: limits.retry_wait,
    ev.ApiErrorExhausted: limits.api_error_exhausted,
    ev.RateLimitExhausted: limits.rate_limit_exhausted,
    ev.RateLimitStorm: limits.rate_limit_storm,
    ev.ThrottleWarn: limits.throttle_warn,
    ev.ThrottleHard: limits.throttle_hard,
    ev.ThrottleStop: limits.throttle_stop,
    ev.LearningTargetProven: frames.learning_target_proven,
    ev.LearningTargetStale: frames.learning_target_stale,
    ev.LearningTargetRefuted: frames.learning_target_refuted,
    ev.LearningExploreInvoked: frames.learning_explore_invoked,
    ev.LearningComplete: frames.learning_complete,
    ev.LearningBlocked: frames.learning_blocked,
    ev.HandoffDetected: frames.handoff_detected,
    ev.HandoffSpawned: frames.handoff_spawned,
}
"""The one fold of each event that changes more than the line count. Anything else is an observation."""
