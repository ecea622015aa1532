"""What a list says of a run, from its first record, its last ones and its lock; nothing is folded.

Costs a few reads for a journal of any length. It never says more than the records it read say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from little_loops.errors import JournalError
from little_loops.journal.folder import RunFolder
from little_loops.journal.lock import Held
from little_loops.journal.tail import backwards, first_record, last_records

_ENDS: Mapping[str, str] = {
    "terminal": "completed",
    "error": "failed",
    "cycle_detected": "failed",
    "stall_detected": "failed",
    "max_iterations": "interrupted",
    "budget_exhausted": "interrupted",
    "timeout": "timed_out",
    "signal": "interrupted",
    "handoff": "awaiting_continuation",
}


@dataclass(frozen=True, slots=True)
class Glance:
    """One line of a list of runs.

    Attributes:
        status: ``queued``, ``starting``, ``running``; ``completed``, ``failed``, ``interrupted``,
            ``timed_out``, ``awaiting_continuation``; or ``unreadable``.
        state: state of the root loop, entered or chosen last; None before the first.
        iteration: entries of the root loop.
        started, updated: ``ts`` of the first and the last record.
        t: run clock of the last record, ms.
        seq: number of records.
        resumable: whether ``resume`` may go on with it, now that nobody runs it.
        held: what the lock says, of a live or waiting run.
        end: the record that ended the last segment.
        problem: why a journal could not be read.
    """

    folder: RunFolder
    status: str
    loop: str | None = None
    state: str | None = None
    iteration: int = 0
    started: str | None = None
    updated: str | None = None
    t: int = 0
    seq: int = 0
    resumable: bool = False
    held: Held | None = None
    end: Mapping[str, Any] | None = None
    problem: str | None = None

    @property
    def is_live(self) -> bool:
        """Whether a process runs it or waits to."""
        return self.held is not None


def glance(folder: RunFolder, held: Held | None) -> Glance | None:
    """What is to be said of a run; None for a folder whose run never started and never will.

    Args:
        held: what the run's lock says, None when it is free.
    """
    try:
        return _glance(folder, held)
    except JournalError as problem:
        return Glance(folder, "unreadable", held.loop if held else None, held=held, problem=problem.message)


def glances(folders: Iterable[RunFolder], held: Iterable[Held]) -> list[Glance]:
    """The lines of a list, in the order of ``folders``; ``held`` as ``Locks.held`` gives it."""
    by_run = {one.run_id: one for one in held}
    found = (glance(folder, by_run.get(folder.run_id)) for folder in folders)
    return [one for one in found if one is not None]


def _glance(folder: RunFolder, held: Held | None) -> Glance | None:
    first = first_record(folder.journal)
    if first is None:
        if held is None:
            return None
        return Glance(folder, "queued" if held.waiting_for else "starting", held.loop, held=held)
    state, iteration, last = _position(folder.journal)
    ended = last.get("event") == "loop_complete" and not last.get("depth")
    end = last if ended and held is None else None
    return Glance(
        folder=folder,
        status=_status(end, held),
        loop=str(first.get("loop")),
        state=state or first.get("initial"),
        iteration=iteration,
        started=first.get("ts"),
        updated=last.get("ts"),
        t=int(last.get("t", 0)),
        seq=int(last.get("seq", 0)),
        resumable=held is None and (end is None or end.get("resumable") is True),
        held=held,
        end=end,
    )


def _status(end: Mapping[str, Any] | None, held: Held | None) -> str:
    if held is not None:
        return "queued" if held.waiting_for else "running"
    if end is None:
        return "interrupted"
    cause = str(end.get("terminated_by"))
    if end.get("failure_terminal") or (cause == "handoff" and not end.get("resumable")):
        return "failed"
    return _ENDS.get(cause, "failed")


def _position(journal: Path) -> tuple[str | None, int, Mapping[str, Any]]:
    """State and entries of the root loop, and the last record; reads back to the last entry of a state."""
    state: str | None = None
    last = last_records(journal, 1)[-1]
    for record in backwards(journal, output=False, nested=False):
        match record:
            case {"event": "loop_complete", "final_state": str(found), "iterations": int(count)}:
                return state or found, count, last
            case {"event": "state_enter", "state": str(found), "iteration": int(count)}:
                return state or found, count, last
            case {"event": "route", "to": str(found)}:
                state = state or found
            case {"event": "loop_resume", "from_state": str(found), "iteration": int(count)}:
                return state or record.get("enter") or found, count, last
            case {"event": "retry_exhausted", "next": str(found)}:
                state = state or found
    return state, 0, last
