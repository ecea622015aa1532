"""Folds of frames: opening, resuming and ending loops, learning, handoff; and what all folds share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from little_loops import events as ev
from little_loops.machine.copying import replace
from little_loops.machine.effects import EnvOffsets, TimeoutKind
from little_loops.machine.snapshot import (
    Acted,
    Acting,
    Arriving,
    Called,
    Ended,
    Entered,
    Frame,
    Fresh,
    Halted,
    Interrupted,
    Judging,
    Learning,
    Leaving,
    Opened,
    Phase,
    Returned,
    Running,
    Snapshot,
    Stranded,
)
from little_loops.machine.spending import budget_from, settle


class Impossible(ValueError):
    """A record that cannot follow the records before it."""


def put(s: Snapshot, e: ev.Event, frame: Frame, **changes: Any) -> Snapshot:
    """The snapshot with the top frame replaced and the envelope of ``e`` taken over."""
    return replace(s, seq=e.seq, t=e.t, frames=(*s.frames[:-1], frame), **changes)


def top(s: Snapshot, e: ev.Event) -> Frame:
    """The top frame, when ``e`` may speak of it."""
    if not isinstance(s.status, Running):
        raise Impossible(f"{e.NAME} while the run is {type(s.status).__name__.lower()}")
    if e.depth != len(s.frames) - 1:
        raise Impossible(f"{e.NAME} at depth {e.depth}, the running loop is at depth {len(s.frames) - 1}")
    return s.frames[-1]


def offsets(pairs: Iterable[Iterable[Any]]) -> EnvOffsets:
    """Recorded offsets as tuples."""
    return cast(EnvOffsets, tuple((first, second) for first, second in pairs))


def timeout_kind(text: str | None) -> TimeoutKind | None:
    """A recorded kind of timeout."""
    return cast("TimeoutKind | None", text or None)


def pointer(key: str) -> str:
    """JSON pointer of a top-level key."""
    return "/" + key.replace("~", "~0").replace("/", "~1")


# --- loops begin ---------------------------------------------------------------------------------------


def loop_start(s: Snapshot, e: ev.LoopStart) -> Snapshot:
    if e.definition is None:
        if not isinstance(s.status, Opened) or e.depth:
            raise Impossible("loop_start without a definition, and no segment was opened")
        return replace(s, status=Running(), seq=e.seq, t=e.t)
    if e.depth != len(s.frames):
        raise Impossible(f"loop_start at depth {e.depth} on {len(s.frames)} frames")
    if e.depth == 0:
        if not isinstance(s.status, Fresh):
            raise Impossible("a second opening loop_start")
        return replace(
            s,
            status=Running(),
            run_id=e.run_id or "",
            seq=e.seq,
            t=e.t,
            segment=1,
            frames=(_frame(e, e.context or {}, frozenset(e.data or ()), _env(e.env)),),
            overrides=e.overrides or {},
        )
    parent = _caller(s)
    if not isinstance(parent.phase, Entered):
        raise Impossible(f"a child loop_start while {type(parent.phase).__name__}")
    child = _child(e, parent)
    return replace(s, seq=e.seq, t=e.t, frames=(*s.frames[:-1], replace(parent, phase=Called()), child))


def _caller(s: Snapshot) -> Frame:
    if not isinstance(s.status, Running):
        raise Impossible("a child loop_start while nothing runs")
    return s.frames[-1]


def _env(record: Mapping[str, Any] | None) -> dict[str, EnvOffsets]:
    return {key: offsets(pairs) for key, pairs in (record or {}).items()}


def _frame(
    e: ev.LoopStart, context: Mapping[str, Any], data: frozenset[str], env: Mapping[str, EnvOffsets]
) -> Frame:
    return Frame(
        definition=e.definition or "",
        name=e.loop,
        state=e.initial or "",
        phase=Arriving(),
        started_ts=e.ts,
        started=e.t,
        started_seq=e.seq,
        timeout=e.timeout,
        context=context,
        data=data,
        env=env,
        budget=budget_from(e.budget),
        capture=e.capture,
        export=e.export,
    )


def _child(e: ev.LoopStart, parent: Frame) -> Frame:
    context, data, env = dict(e.context or {}), frozenset(e.data or ()), _env(e.env)
    if e.passthrough:
        inherited = {name: passed_value(record) for name, record in parent.captured.items()}
        covered = {pointer(key) for key in (*parent.context, *inherited)}
        own = frozenset(p for p in data if not _covered(p, covered))
        env = {p: found for p, found in env.items() if not _covered(p, covered)}
        kept = frozenset(p for p in parent.data if not _covered(p, {pointer(n) for n in inherited}))
        env.update(
            {p: found for p, found in parent.env.items() if not _covered(p, {pointer(n) for n in inherited})}
        )
        data = own | kept | frozenset(pointer(name) for name in inherited)
        context = {**context, **parent.context, **inherited}
    return _frame(e, context, data, env)


def _covered(path: str, tops: Iterable[str]) -> bool:
    return any(path == head or path.startswith(head + "/") for head in tops)


def passed_value(record: Any) -> Any:
    """A capture as a child's context sees it: the output of an action's record, anything else as it is."""
    if isinstance(record, Mapping) and "exit_code" in record:
        return str(record.get("output", "")).rstrip("\r\n")
    return record


# --- segments ------------------------------------------------------------------------------------------


def loop_resume(s: Snapshot, e: ev.LoopResume) -> Snapshot:
    if isinstance(s.status, Fresh) or not s.frames:
        raise Impossible("loop_resume in an empty journal")
    frames = (*s.frames[:-1], _resumed(s.frames[-1], e))
    overrides = e.overrides or {}
    root = frames[0]
    replaced = {pointer(key) for key in e.context or {}}
    root = replace(
        root,
        context={**root.context, **(e.context or {})},
        data=frozenset(p for p in root.data if not _covered(p, replaced)) | frozenset(e.data or ()),
        env={p: found for p, found in root.env.items() if not _covered(p, replaced)},
        budget=_raised(root, overrides.get("budget")),
    )
    done = isinstance(s.status, Ended) and s.status.cause == "signal" and s.status.signal is None
    keep = s.stop == "marker" and not done
    return replace(
        s,
        status=Opened(),
        seq=e.seq,
        t=e.t,
        segment=s.segment + 1,
        frames=(root, *frames[1:]),
        stop="marker" if keep else None,
        overrides={**s.overrides, **overrides},
    )


def _resumed(frame: Frame, e: ev.LoopResume) -> Frame:
    if e.enter:
        return replace(frame, state=e.enter, phase=Arriving(), retries=0, throttle=0)
    match frame.phase:
        case Acting() | Judging() as what:
            return replace(frame, phase=Stranded(what, e.interrupted))
        case Stranded(what=what):
            return replace(frame, phase=Stranded(what, e.interrupted))
        case Interrupted() as phase if e.interrupted:
            return replace(frame, phase=replace(phase, policy=e.interrupted))
        case _:
            return frame


def _raised(root: Frame, given: Mapping[str, Any] | None) -> Any:
    if not given:
        return root.budget
    old = root.budget
    merged = (
        {}
        if old is None
        else {"usd": old.usd, "tokens": old.tokens, "agent_calls": old.agent_calls, "seconds": old.seconds}
    )
    return budget_from({**merged, **given})


def loop_complete(s: Snapshot, e: ev.LoopComplete) -> Snapshot:
    if not isinstance(s.status, Running):
        raise Impossible(f"loop_complete while the run is {type(s.status).__name__.lower()}")
    if not 0 <= e.depth < len(s.frames):
        raise Impossible(f"loop_complete at depth {e.depth} of {len(s.frames)} frames")
    s = replace(s, frames=settle(s.frames, s.call, e.usage), call=None)
    if e.depth == 0:
        ended = Ended(e.terminated_by, e.resumable, e.in_place, e.signal, e.error, e.failure_terminal)
        return replace(s, status=ended, seq=e.seq, t=e.t)
    child, parent = s.frames[e.depth], s.frames[e.depth - 1]
    captured = dict(parent.captured)
    if child.capture:
        outcome = {"final_state": e.final_state, "iterations": e.iterations, "terminated_by": e.terminated_by}
        captured[child.capture] = {
            "output": json.dumps(outcome),
            "exit_code": None,
            "events": [child.started_seq, e.seq],
        }
    if child.export and child.captured:
        captured[child.export] = child.captured
    returned = replace(parent, phase=Returned(e.verdict or "error", e.error), captured=captured)
    return replace(s, seq=e.seq, t=e.t, frames=(*s.frames[: e.depth - 1], returned))


# --- learning ------------------------------------------------------------------------------------------


def learning_of(phase: Phase) -> Learning:
    """Where a learning state stands: between targets, just entered, or back from an exploration."""
    match phase:
        case Learning():
            return phase
        case Entered():
            return Learning()
        case Acted(of=Learning() as of) | Interrupted(of=Learning() as of):
            return of
        case _:
            raise Impossible(f"a learning record while {type(phase).__name__}")


def _learn(s: Snapshot, e: ev.Event, **changes: Any) -> Snapshot:
    frame = top(s, e)
    return put(s, e, replace(frame, phase=replace(learning_of(frame.phase), **changes)))


def learning_target_proven(s: Snapshot, e: ev.LearningTargetProven) -> Snapshot:
    return _learn(s, e, index=learning_of(top(s, e).phase).index + 1, attempts=0, seen="")


def learning_target_stale(s: Snapshot, e: ev.LearningTargetStale) -> Snapshot:
    return _learn(s, e, seen="stale")


def learning_target_refuted(s: Snapshot, e: ev.LearningTargetRefuted) -> Snapshot:
    return _learn(s, e, seen="refuted")


def learning_explore_invoked(s: Snapshot, e: ev.LearningExploreInvoked) -> Snapshot:
    return _learn(s, e, attempts=e.attempt, seen="invoked")


def learning_complete(s: Snapshot, e: ev.LearningComplete) -> Snapshot:
    return put(s, e, replace(top(s, e), phase=Leaving("learning_complete")))


def learning_blocked(s: Snapshot, e: ev.LearningBlocked) -> Snapshot:
    return put(s, e, replace(top(s, e), phase=Leaving("learning_blocked")))


# --- handoff -------------------------------------------------------------------------------------------


def handoff_detected(s: Snapshot, e: ev.HandoffDetected) -> Snapshot:
    return put(s, e, replace(top(s, e), phase=Halted("handoff")), continuation=e.continuation)


def handoff_spawned(s: Snapshot, e: ev.HandoffSpawned) -> Snapshot:
    frame = top(s, e)
    if not isinstance(frame.phase, Halted):
        raise Impossible(f"handoff_spawned while {type(frame.phase).__name__}")
    return put(s, e, replace(frame, phase=replace(frame.phase, spawned=True)))
