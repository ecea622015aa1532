"""Removing old runs: never a live one, never one that can go on unless it is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.journal.stories import WALL, Story, write

from little_loops.errors import UserError
from little_loops.journal.folder import RunFolder, RunStore
from little_loops.journal.lock import Claim
from little_loops.journal.prune import Limits, prune, size_of

DAY = 86_400.0


def finished(store: RunStore, hours: float, cause: str = "terminal", **more: Any) -> RunFolder:
    folder = store.new("fix", WALL + hours * 3600)
    write(folder, Story(folder.run_id).start().step().end(cause, **more))
    return folder


def ids(store: RunStore) -> list[str]:
    return [folder.run_id for folder in store.folders()]


def test_the_newest_finished_runs_stay(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = [finished(store, hours) for hours in range(5)]
    gone = prune(store, Limits(keep=2))
    assert [one.run_id for one in gone] == [folder.run_id for folder in (runs[2], runs[1], runs[0])]
    assert {one.status for one in gone} == {"completed"}
    assert ids(store) == [runs[4].run_id, runs[3].run_id]
    assert sorted(path.name for path in store.runs.iterdir()) == [".gitignore", *sorted(ids(store))]


def test_a_run_that_can_go_on_stays_unless_it_is_named(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    stopped = finished(store, 0, "signal", resumable=True)
    crashed = store.new("fix", WALL)
    write(crashed, Story(crashed.run_id).start().step())
    ended = finished(store, 2)
    assert [one.run_id for one in prune(store, Limits(keep=0))] == [ended.run_id]
    assert sorted(ids(store)) == sorted([stopped.run_id, crashed.run_id])
    assert [one.run_id for one in prune(store, Limits(named=(stopped.run_id[-4:],)))] == [stopped.run_id]
    assert ids(store) == [crashed.run_id]


def test_a_live_run_stays_even_when_it_is_named(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    live = finished(store, 0)
    with store.locks.take(Claim(live.run_id, "fix", ("/p",))):
        assert prune(store, Limits(keep=0)) == []
        with pytest.raises(UserError, match="is live") as caught:
            prune(store, Limits(named=(live.run_id,)))
        assert "ll-loop stop" in (caught.value.hint or "")
    assert [one.run_id for one in prune(store, Limits(keep=0))] == [live.run_id]


def test_age_is_that_of_the_last_record(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    finished(store, 0)
    now = WALL + 30 * DAY
    assert prune(store, Limits(older_than_s=31 * DAY), now=now) == []
    assert prune(store, Limits(keep=1, older_than_s=29 * DAY), now=now) == []
    assert len(prune(store, Limits(older_than_s=29 * DAY), now=now)) == 1


def test_the_oldest_go_until_the_rest_is_small_enough(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = [finished(store, hours) for hours in range(4)]
    stopped = finished(store, -1, "signal", resumable=True)
    for folder in [*runs, stopped]:
        (folder.output / "0001.out").write_bytes(b"x" * 100_000)
    total = sum(size_of(folder.path) for folder in store.folders())
    limit = total - size_of(runs[0].path) - 1000
    assert [one.run_id for one in prune(store, Limits(max_bytes=limit), dry_run=True)] == [
        runs[1].run_id,
        runs[0].run_id,
    ]
    prune(store, Limits(max_bytes=limit))
    assert sum(size_of(folder.path) for folder in store.folders()) <= limit
    assert stopped.run_id in ids(store)
    prune(store, Limits(keep=1, max_bytes=0))
    assert sorted(ids(store)) == sorted([runs[3].run_id, stopped.run_id])


def test_a_dry_run_removes_nothing(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    for hours in range(3):
        finished(store, hours)
    before = sorted(path for path in tmp_path.rglob("*"))
    gone = prune(store, Limits(keep=0), dry_run=True)
    assert len(gone) == 3
    assert all(one.bytes > 0 and one.loop == "fix" for one in gone)
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_run_that_never_started_goes_and_a_damaged_one_stays(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    empty = store.new("fix", WALL)
    damaged = finished(store, 1)
    damaged.journal.write_bytes(b"nonsense\n")
    gone = prune(store, Limits(keep=0))
    assert [(one.run_id, one.status) for one in gone] == [(empty.run_id, "never started")]
    assert ids(store) == [damaged.run_id]
    assert [one.status for one in prune(store, Limits(named=(damaged.run_id,)))] == ["unreadable"]


def test_what_a_prune_that_was_killed_left_behind_is_removed_by_the_next(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    folder = finished(store, 0)
    folder.path.rename(store.runs / f".removed-{folder.run_id}")
    assert prune(store, Limits(keep=0)) == []
    assert [path.name for path in store.runs.iterdir()] == [".gitignore"]


def test_nothing_to_go_by_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to prune by"):
        prune(RunStore(tmp_path), Limits())
    with pytest.raises(UserError, match="no run"):
        prune(RunStore(tmp_path), Limits(named=("7k2m",)))
