"""Folds of waits and limits: provider retries, exhaustion, throttle."""

from __future__ import annotations

from little_loops import events as ev
from little_loops.machine.copying import replace
from little_loops.machine.fold_frames import Impossible, put, top
from little_loops.machine.snapshot import (
    Acted,
    Entered,
    Exhausted,
    Frame,
    Halted,
    Judging,
    Leaving,
    Snapshot,
    Waiting,
)
from little_loops.machine.spending import settle


def retry_wait(s: Snapshot, e: ev.RateLimitRetry | ev.ApiErrorRetry) -> Snapshot:
    frame = top(s, e)
    if isinstance(frame.phase, Judging):
        s = replace(s, frames=settle(s.frames, s.call, e.usage), call=None)
        frame = s.top
    match frame.phase:
        case Judging(of=of):
            pass
        case Acted() | Entered() as of:
            pass
        case phase:
            raise Impossible(f"{e.NAME} while {type(phase).__name__}")
    tier = e.tier if isinstance(e, ev.RateLimitRetry) else "api"
    waiting = Waiting(tier, e.until, e.t, of, e.purpose or "action", e.reset_at)
    counted = replace(
        frame,
        phase=waiting,
        short=frame.short + (tier == "short"),
        long=frame.long + (tier == "long"),
        api=frame.api + (tier == "api"),
    )
    return put(s, e, counted)


def _acted(s: Snapshot, e: ev.Event) -> tuple[Frame, Acted]:
    frame = top(s, e)
    if not isinstance(frame.phase, Acted):
        raise Impossible(f"{e.NAME} while {type(frame.phase).__name__}")
    return frame, frame.phase


def api_error_exhausted(s: Snapshot, e: ev.ApiErrorExhausted) -> Snapshot:
    frame, phase = _acted(s, e)
    return put(s, e, replace(frame, phase=replace(phase, failure=None), api=0))


def rate_limit_exhausted(s: Snapshot, e: ev.RateLimitExhausted) -> Snapshot:
    frame = top(s, e)
    if not isinstance(frame.phase, Waiting):
        raise Impossible(f"rate_limit_exhausted while {type(frame.phase).__name__}")
    of = frame.phase.of
    spent = Exhausted(e.next, of.result if isinstance(of, Acted) else None)
    return put(s, e, replace(frame, phase=spent, short=0, long=0, waited=0, storm=frame.storm + 1))


def rate_limit_storm(s: Snapshot, e: ev.RateLimitStorm) -> Snapshot:
    frame = top(s, e)
    if not isinstance(frame.phase, Exhausted):
        raise Impossible(f"rate_limit_storm while {type(frame.phase).__name__}")
    leaving = Leaving("rate_limit_exhausted", frame.phase.target, frame.phase.result)
    return put(s, e, replace(frame, phase=leaving))


def throttle_warn(s: Snapshot, e: ev.ThrottleWarn) -> Snapshot:
    frame, phase = _acted(s, e)
    return put(s, e, replace(frame, phase=replace(phase, throttled="warned")))


def throttle_hard(s: Snapshot, e: ev.ThrottleHard) -> Snapshot:
    frame, phase = _acted(s, e)
    if e.next:
        return put(s, e, replace(frame, phase=Leaving("throttle", e.next, phase.result)))
    return put(s, e, replace(frame, phase=replace(phase, throttled="passed")))


def throttle_stop(s: Snapshot, e: ev.ThrottleStop) -> Snapshot:
    reason = f"{e.state} ran its action {e.count} times, the hard limit is {e.hard_max}"
    return put(s, e, replace(top(s, e), phase=Halted("error", reason)))
