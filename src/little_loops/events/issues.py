"""Published records of issue work. They never stand in a run's journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from little_loops.events.record import Event, wire


@dataclass(frozen=True, slots=True, kw_only=True)
class StateIssueCompleted(Event):
    """The sequential run marks an issue done."""

    NAME: ClassVar[str] = "state.issue_completed"
    TITLE: ClassVar[str] = "State: Issue Completed"

    issue_id: str = wire("string", "Issue.")
    status: str = wire("string", "Always completed.", enum=("completed",), default="completed")


@dataclass(frozen=True, slots=True, kw_only=True)
class StateIssueFailed(Event):
    """The sequential run marks an issue failed."""

    NAME: ClassVar[str] = "state.issue_failed"
    TITLE: ClassVar[str] = "State: Issue Failed"

    issue_id: str = wire("string", "Issue.")
    reason: str = wire("string", "Why it failed.")
    status: str = wire("string", "Always failed.", enum=("failed",), default="failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueFailureCaptured(Event):
    """A failure became a new bug record."""

    NAME: ClassVar[str] = "issue.failure_captured"
    TITLE: ClassVar[str] = "Issue: Failure Captured"

    issue_id: str = wire("string", "The new issue.")
    file_path: str = wire("string", "Its file.")
    parent_issue_id: str = wire("string", "The issue that failed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueClosed(Event):
    """Closed without implementation."""

    NAME: ClassVar[str] = "issue.closed"
    TITLE: ClassVar[str] = "Issue: Closed"

    issue_id: str = wire("string", "Issue.")
    file_path: str = wire("string", "Its file.")
    close_reason: str = wire("string", "Why it was closed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCompleted(Event):
    """Implemented and finished."""

    NAME: ClassVar[str] = "issue.completed"
    TITLE: ClassVar[str] = "Issue: Completed"

    issue_id: str = wire("string", "Issue.")
    file_path: str = wire("string", "Its file.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueDeferred(Event):
    """Parked for later."""

    NAME: ClassVar[str] = "issue.deferred"
    TITLE: ClassVar[str] = "Issue: Deferred"

    issue_id: str = wire("string", "Issue.")
    file_path: str = wire("string", "Its file.")
    reason: str = wire("string", "Why it was parked.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelWorkerCompleted(Event):
    """A worker finished one issue."""

    NAME: ClassVar[str] = "parallel.worker_completed"
    TITLE: ClassVar[str] = "Parallel: Worker Completed"

    issue_id: str = wire("string", "Issue.")
    worker_name: str = wire("string", "Worker.")
    status: str = wire("string", "How it ended.")
    duration_seconds: float = wire("number", "Elapsed seconds.")
