"""What the commands about runs share: the store, finding a run, what it says of itself. Prints nothing.

A glance must stay cheap for a run of any length; heavy parts are imported where a whole journal is read.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from little_loops.cli import definitions
from little_loops.errors import JournalError, UserError
from little_loops.journal.folder import RunFolder, RunStore
from little_loops.journal.lock import Held
from little_loops.journal.tail import backwards, first_record
from little_loops.projections.ending import Caps, Ending, caps, ending
from little_loops.projections.summary import Summary, add
from little_loops.projections.text import number

_RESUME = b'{"event":"loop_resume"'


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its folder, what its lock says, and a summary of its records."""

    folder: RunFolder
    held: Held | None
    summary: Summary

    @property
    def run_id(self) -> str:
        return self.folder.run_id

    @property
    def loop(self) -> str:
        """Name of its loop, also while it waits and has no record."""
        return self.summary.loop or (self.held.loop if self.held else "")

    @property
    def status(self) -> str:
        """One of ``projections.summary.STATUSES``."""
        queued = self.held is not None and bool(self.held.waiting_for)
        return self.summary.status(self.held is not None, queued)

    def limits(self) -> Caps:
        """The root's limits."""
        return caps(definition(self.folder, self.summary.definition), self.summary.overrides)

    def ending(self) -> Ending:
        """How it stands, given that no process holds it."""
        return ending(self.summary, self.limits())


def store() -> RunStore:
    """The runs of the project."""
    return RunStore(definitions.project().loops_path)


def briefly(folder: RunFolder, held: Held | None) -> Run:
    """A run at a glance: its opening records and what followed the last entry of a state."""
    return Run(folder, held, _brief(folder.journal))


def wholly(folder: RunFolder, held: Held | None) -> Run:
    """A run from all of its records."""
    from little_loops.journal.fold import records

    out = Summary()
    if folder.is_started():
        for record in records(folder, whole=True):
            add(out, record)
    return Run(folder, held, out)


def _brief(journal: Path) -> Summary:
    out = Summary()
    first = first_record(journal)
    if first is None:
        return out
    recent: list[Mapping[str, Any]] = []
    for record in backwards(journal):
        recent.append(record)
        if record.get("event") == "state_enter" and not record.get("depth"):
            break
    since = number(recent[-1].get("seq"))
    add(out, first)
    for record in _resumes(journal):
        if number(record.get("seq")) < since:
            add(out, record)
    for record in reversed(recent):
        if record.get("seq") != 1:
            add(out, record)
    return out


def _resumes(journal: Path) -> Iterator[dict[str, Any]]:
    """Records that opened further segments, found without parsing the rest."""
    with journal.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        at = text.find(b"\n" + _RESUME)
        while at >= 0:
            end = text.find(b"\n", at + 1)
            if end < 0:
                return
            try:
                yield dict(json.loads(text[at + 1 : end]))
            except (ValueError, TypeError):
                raise JournalError(f"{journal}: a loop_resume line is no record") from None
            at = text.find(b"\n" + _RESUME, end - 1)


def found(runs: RunStore, reference: str) -> list[Run]:
    """Runs a word means: that run, else the live runs of that loop, else its newest run.

    Raises:
        UserError: there is none.
    """
    held = {one.run_id: one for one in runs.locks.held()}
    live = [one for one in held.values() if one.loop == reference]
    if live:
        return [briefly(runs.folder(one.run_id), one) for one in live]
    folder = runs.find(reference)
    return [briefly(folder, held.get(folder.run_id))]


def one(runs: RunStore, reference: str | None) -> RunFolder:
    """The run a word means: that run, else the newest of that loop; without a word the newest of all.

    Raises:
        UserError: there is none.
    """
    if reference is not None:
        return runs.find(reference)
    folders = runs.folders()
    if not folders:
        raise UserError(f"no run in {runs.runs}", "start one with: ll-loop run LOOP", exit_code=1)
    return folders[0]


def definition(folder: RunFolder, digest: str | None) -> dict[str, Any] | None:
    """The pinned definition as a mapping, unchecked; None when it cannot be read."""
    try:
        content = json.loads((folder.loops / f"{digest}.json").read_text("utf-8"))
        loop = content["loop"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return loop if isinstance(loop, dict) else None


def parsed_time(ts: str) -> datetime | None:
    """A record's ``ts`` as local time; None when it is none."""
    try:
        return datetime.fromisoformat(ts).astimezone()
    except (ValueError, TypeError, OverflowError):
        return None


def clock(ts: str) -> str:
    """Local time of day of a record."""
    moment = parsed_time(ts)
    return f"{moment:%H:%M:%S}" if moment else "??:??:??"


def moment(ts: str) -> str:
    """Local date and time of a record."""
    when = parsed_time(ts)
    return f"{when:%Y-%m-%d %H:%M:%S}" if when else ts


def changed_since(folder: RunFolder, digest: str | None) -> list[str]:
    """Files of the author that changed since the run was pinned to its definition."""
    from little_loops.journal.pins import changed_sources, pinned

    if digest is None:
        return []
    try:
        return changed_sources(pinned(folder, digest))
    except JournalError:
        return []


Clock = Callable[[str], str]
