"""Removing finished runs. A live run is never touched; one that can be resumed only when it is named.

A folder disappears whole: it is renamed away under the locks' sentinel and only then taken apart, so a resume
that begins at the same moment either finds all of it or nothing.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from little_loops.errors import UserError, WriteFailed
from little_loops.journal.folder import RunFolder, RunStore
from little_loops.journal.glance import Glance, glance
from little_loops.journal.lock import Claim, RunHeld

_DOOMED = ".removed-"


@dataclass(frozen=True, slots=True)
class Limits:
    """What may stay.

    Attributes:
        keep: the newest so many finished runs stay whatever the other limits say; alone, all others go.
        older_than_s: runs whose last record is older than this go, in seconds.
        max_bytes: the oldest finished runs go until all runs together are not larger.
        named: these runs go whatever the rest says, resumable ones too; live ones never.
    """

    keep: int | None = None
    older_than_s: float | None = None
    max_bytes: int | None = None
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pruned:
    """One run that was removed, or would be. ``bytes``: what its folder holds."""

    run_id: str
    loop: str | None
    status: str
    bytes: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    folder: RunFolder
    seen: Glance | None
    bytes: int
    age_s: float


def prune(
    store: RunStore, limits: Limits, *, dry_run: bool = False, now: float | None = None
) -> list[Pruned]:
    """Remove finished runs; what was removed, or with ``dry_run`` would be, newest first.

    Args:
        now: epoch seconds, for the age of runs; the system's clock when None.

    Raises:
        UserError: no limit is given, or a named run is unknown or live.
        WriteFailed: a folder cannot be removed.
    """
    if limits == Limits():
        raise UserError("nothing to prune by", "give --keep, --older-than, --max-size or run ids")
    if not dry_run:
        _finish_earlier(store)
    held = {one.run_id: one for one in store.locks.held()}
    named = {_named(store, reference, held).run_id for reference in limits.named}
    moment = time.time() if now is None else now
    runs = [_looked_at(folder, moment) for folder in store.folders() if folder.run_id not in held]
    doomed = [run for run in runs if run.folder.run_id in named]
    rest = [run for run in runs if run.folder.run_id not in named]
    doomed += _by_limits(rest, limits, _size_of_live(store, held))
    doomed.sort(key=lambda run: run.folder.run_id, reverse=True)
    return [_pruned(run) for run in doomed if dry_run or _remove(store, run.folder)]


def _named(store: RunStore, reference: str, held: Iterable[str]) -> RunFolder:
    folder = store.run(reference)
    if folder.run_id in held:
        raise UserError(f"run {folder.run_id} is live", f"end it first: ll-loop stop {folder.run_id}")
    return folder


def _by_limits(runs: Sequence[_Candidate], limits: Limits, held_bytes: int) -> Iterator[_Candidate]:
    """Runs that go by number, age or size; ``runs`` newest first, none of them live."""
    finished = [run for run in runs if run.seen is None or not (run.seen.resumable or _is_unreadable(run))]
    spared = finished[limits.keep or 0 :]
    going: list[_Candidate] = []
    if limits.older_than_s is not None:
        going = [run for run in spared if run.age_s >= limits.older_than_s]
    elif limits.keep is not None and limits.max_bytes is None:
        going = list(spared)
    yield from going
    if limits.max_bytes is not None:
        gone = {run.folder.run_id for run in going}
        total = held_bytes + sum(run.bytes for run in runs if run.folder.run_id not in gone)
        for run in reversed(spared):
            if total <= limits.max_bytes:
                return
            if run.folder.run_id not in gone:
                total -= run.bytes
                yield run


def _is_unreadable(run: _Candidate) -> bool:
    return run.seen is not None and run.seen.status == "unreadable"


def _looked_at(folder: RunFolder, now: float) -> _Candidate:
    seen = glance(folder, None)
    return _Candidate(folder, seen, size_of(folder.path), now - _last_moment(folder, seen))


def _last_moment(folder: RunFolder, seen: Glance | None) -> float:
    if seen is not None and seen.updated:
        try:
            return datetime.fromisoformat(seen.updated).timestamp()
        except ValueError:
            pass
    try:
        return folder.path.stat().st_mtime
    except OSError:
        return 0.0


def _size_of_live(store: RunStore, held: Iterable[str]) -> int:
    return sum(size_of(store.folder(run_id).path) for run_id in held)


def size_of(folder: Path) -> int:
    """Bytes on disk of all files below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _pruned(run: _Candidate) -> Pruned:
    loop, status = (run.seen.loop, run.seen.status) if run.seen else (None, "never started")
    return Pruned(run.folder.run_id, loop, status, run.bytes)


def _remove(store: RunStore, folder: RunFolder) -> bool:
    """False when the run came to life, or was removed by somebody else, since it was looked at."""
    doomed = folder.path.with_name(_DOOMED + folder.run_id)
    try:
        with store.locks.take(Claim(folder.run_id, "prune", ())):
            folder.path.rename(doomed)
        shutil.rmtree(doomed)
    except (RunHeld, FileNotFoundError):
        return False
    except OSError as problem:
        raise WriteFailed(f"cannot remove {folder.path}: {problem.strerror}") from problem
    return True


def _finish_earlier(store: RunStore) -> None:
    """What a prune that was cut short had renamed already."""
    for path in store.runs.glob(_DOOMED + "*"):
        shutil.rmtree(path, ignore_errors=True)
