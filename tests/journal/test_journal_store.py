"""Finding runs: one folder a run, names that sort by time, and errors that say what was perhaps meant."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.journal.stories import WALL, Story, write

from little_loops.errors import UserError
from little_loops.journal.folder import RUN_ID, RunFolder, RunStore, new_run_id, slug_of
from little_loops.journal.lock import Claim


def run_of(store: RunStore, loop: str, wall: float = WALL) -> RunFolder:
    folder = store.new(loop, wall)
    return write(folder, Story(folder.run_id).start(loop).step().end())


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("fix-tests", "fix-tests"),
        ("Fix The_Tests!", "fix-the-tests"),
        ("../../etc/passwd", "etc-passwd"),
        ("réparer", "reparer"),
        ("修复", "loop"),
        ("", "loop"),
        ("x" * 100, "x" * 32),
        ("a" * 31 + "--b", "a" * 31),
    ],
)
def test_a_run_id_says_when_and_what(name: str, slug: str) -> None:
    run_id = new_run_id(name, WALL)
    assert slug_of(name) == slug
    assert run_id.startswith(f"20261120-101500-{slug}-")
    assert RUN_ID.fullmatch(run_id)


def test_many_runs_of_one_loop_start_in_the_same_second(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: store.new("fix", WALL), range(200)))
    assert len({folder.run_id for folder in made}) == 200
    assert len(store.folders()) == 200


def test_nobody_else_may_read_a_run(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    folder = run_of(store, "fix")
    with store.locks.take(Claim(folder.run_id, "fix", ())):
        for path in [store.runs, store.locks.folder, *store.runs.rglob("*"), *store.locks.folder.rglob("*")]:
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode & 0o077 == 0 or path.name == ".gitignore", f"{path} is {mode:o}"
    assert (store.runs / ".gitignore").read_text() == "*\n"
    assert sorted(path.name for path in folder.path.iterdir()) == ["events.jsonl", "files", "loops", "output"]


def test_the_ignore_file_of_a_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / ".gitignore").write_text("mine\n")
    RunStore(tmp_path).new("fix", WALL)
    assert (tmp_path / "runs" / ".gitignore").read_text() == "mine\n"


def test_runs_are_listed_newest_first_and_other_things_are_not_runs(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    assert store.folders() == []
    made = [store.new("fix", WALL + seconds).run_id for seconds in (0, 7200, 3600)]
    (store.runs / "notes").mkdir()
    (store.runs / ".removed-20261120-101500-fix-aaaa").mkdir()
    assert [folder.run_id for folder in store.folders()] == [made[1], made[2], made[0]]


def test_a_run_is_found_by_id_beginning_or_ending(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    first, second = run_of(store, "fix"), run_of(store, "tidy", WALL + 3600)
    assert store.run(first.run_id) == first
    assert store.run("20261120-1015") == first
    assert store.run(first.run_id[-4:]) == first
    assert store.find(second.run_id[-4:]) == second
    with pytest.raises(UserError) as caught:
        store.run("20261120")
    assert first.run_id in caught.value.message
    assert second.run_id in caught.value.message


def test_a_loop_is_found_by_its_exact_name(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    old, new = run_of(store, "fix"), run_of(store, "fix", WALL + 10)
    longer, same_slug = run_of(store, "fix-all", WALL + 20), run_of(store, "Fix", WALL + 30)
    assert list(store.of_loop("fix")) == [new, old]
    assert list(store.of_loop("fix-all")) == [longer]
    assert list(store.of_loop("Fix")) == [same_slug]
    assert store.find("fix") == new


def test_the_journals_of_other_loops_are_not_opened(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    other, mine = run_of(store, "tidy"), run_of(store, "fix")
    os.remove(other.journal)
    other.journal.mkdir()
    assert list(store.of_loop("fix")) == [mine]
    assert len(store.folders()) == 2


def test_a_waiting_run_is_found_by_the_name_in_its_lock(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    folder = store.new("fix", WALL)
    assert store.loop_of(folder) is None
    with store.locks.take(Claim(folder.run_id, "fix", ())):
        assert store.loop_of(folder) == "fix"
        assert store.find("fix") == folder


def test_a_wrong_name_is_answered_with_the_right_one(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    with pytest.raises(UserError, match="no run in") as none:
        store.find("fix")
    assert none.value.exit_code == 1
    run_of(store, "fix-tests")
    with pytest.raises(UserError, match="no run fix-test") as caught:
        store.find("fix-test")
    assert caught.value.hint == "did you mean fix-tests?"
    assert caught.value.exit_code == 1
    with pytest.raises(UserError) as far:
        store.find("zebra")
    assert "ll-loop history" in (far.value.hint or "")
    with pytest.raises(UserError):
        store.find("")
