"""What the end of a run means: its status, its exit code, and whether and how it can go on. One table."""

from __future__ import annotations

from dataclasses import dataclass

from little_loops.machine.snapshot import Ended, Snapshot

SIGNAL_EXITS = {"SIGINT": 130, "SIGTERM": 143}
HANDOFF_EXIT = 75

STATUS = {
    "terminal": "completed",
    "error": "failed",
    "max_iterations": "interrupted",
    "budget_exhausted": "interrupted",
    "timeout": "timed_out",
    "cycle_detected": "failed",
    "stall_detected": "failed",
    "signal": "interrupted",
    "handoff": "awaiting_continuation",
}
"""Status of a run by ``terminated_by``; a failure terminal and a refused handoff are ``failed``."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, for whoever started it."""

    status: str
    exit_code: int
    resumable: bool


def outcome_of(snapshot: Snapshot) -> Outcome:
    """The outcome of an ended run.

    Raises:
        ValueError: the run has not ended.
    """
    match snapshot.status:
        case Ended() as ended:
            return Outcome(_status(ended), _exit_code(ended), ended.resumable)
        case status:
            raise ValueError(f"the run has not ended: {status}")


def _status(ended: Ended) -> str:
    if ended.failure_terminal or (ended.cause == "handoff" and not ended.resumable):
        return "failed"
    return STATUS.get(ended.cause, "failed")


def _exit_code(ended: Ended) -> int:
    match ended.cause:
        case "terminal":
            return 1 if ended.failure_terminal else 0
        case "signal":
            return SIGNAL_EXITS.get(ended.signal or "SIGINT", 130)
        case "handoff":
            return HANDOFF_EXIT if ended.resumable else 1
        case _:
            return 1
