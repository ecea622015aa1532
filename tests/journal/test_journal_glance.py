"""What a list says of a run, cheaply: its status, where it stands, and whether it can go on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.journal.stories import ENGINE, WALL, Story, new_folder, write, written

from little_loops import events as ev
from little_loops.journal.append import Writer
from little_loops.journal.folder import RunFolder, RunStore
from little_loops.journal.glance import Glance, glance, glances
from little_loops.journal.lock import Claim, Held

GOLDEN = Path(__file__).parent / "golden"


def ended(place: Path, cause: str, **more: Any) -> Glance:
    folder = new_folder(place)
    seen = glance(write(folder, Story(folder.run_id).start().step().end(cause, **more)), None)
    assert seen is not None
    return seen


@pytest.mark.parametrize(
    ("cause", "more", "status"),
    [
        ("terminal", {}, "completed"),
        ("terminal", {"failure_terminal": True}, "failed"),
        ("error", {"resumable": True}, "failed"),
        ("max_iterations", {"resumable": True}, "interrupted"),
        ("budget_exhausted", {"resumable": True}, "interrupted"),
        ("timeout", {"resumable": True}, "timed_out"),
        ("cycle_detected", {"resumable": True}, "failed"),
        ("stall_detected", {"resumable": True}, "failed"),
        ("signal", {"resumable": True, "signal": "SIGINT"}, "interrupted"),
        ("handoff", {"resumable": True}, "awaiting_continuation"),
        ("handoff", {}, "failed"),
    ],
)
def test_the_status_of_a_run_that_ended(
    tmp_path: Path, cause: str, more: dict[str, Any], status: str
) -> None:
    seen = ended(tmp_path, cause, **more)
    assert seen.status == status
    assert seen.resumable == more.get("resumable", False)
    assert (seen.loop, seen.state, seen.iteration) == ("fix", "check", 1)
    assert seen.end is not None
    assert not seen.is_live


def held(run_id: str, *waiting_for: str) -> Held:
    return Held(run_id, "fix", ("/p",), 1, "1", "1", 0.0, waiting_for)


def test_the_status_of_a_run_before_its_end(tmp_path: Path) -> None:
    def status(folder: RunFolder, lock: Held | None) -> str | None:
        seen = glance(folder, lock)
        return seen.status if seen else None

    new = new_folder(tmp_path)
    assert status(new, None) is None
    assert status(new, held(new.run_id)) == "starting"
    assert status(new, held(new.run_id, "other")) == "queued"
    going, _ = written(tmp_path, steps=1)
    assert status(going, held(going.run_id)) == "running"
    assert status(going, held(going.run_id, "other")) == "queued"
    assert status(going, None) == "interrupted"
    seen = glance(going, None)
    assert seen is not None
    assert seen.resumable


def test_the_status_as_the_locks_have_it(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    going, _ = written(tmp_path, steps=1)
    store.new("fix", WALL)
    with store.locks.take(Claim(going.run_id, "fix", ("/p",))):
        assert [one.status for one in glances(store.folders(), store.locks.held())] == ["running"]
    assert [one.status for one in glances(store.folders(), store.locks.held())] == ["interrupted"]


def test_a_resumed_run_that_was_killed_again(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start().step().end("error", resumable=True)
    story.tell(
        ev.LoopResume, loop="fix", from_state="check", iteration=1, run_id=folder.run_id, v=1, segment=2,
        enter="check", engine=ENGINE,
    )  # fmt: skip
    story.tell(ev.LoopStart, loop="fix")
    seen = glance(write(folder, story), None)
    assert seen is not None
    assert (seen.status, seen.state, seen.iteration, seen.resumable) == ("interrupted", "check", 1, True)


def test_the_root_counts_while_a_child_runs() -> None:
    seen = glance(RunFolder(GOLDEN / "20261120-103000-ship-q4d9"), None)
    assert seen is not None
    assert (seen.loop, seen.state, seen.iteration, seen.seq) == ("ship", "done", 1, 13)


def test_a_child_that_runs_does_not_hide_its_caller(tmp_path: Path) -> None:
    folder = new_folder(tmp_path, "ship")
    golden = (GOLDEN / "20261120-103000-ship-q4d9" / "events.jsonl").read_text().splitlines(keepends=True)
    folder.journal.write_text("".join(golden[:9]))
    seen = glance(folder, None)
    assert seen is not None
    assert (seen.state, seen.iteration, seen.seq, seen.t) == ("gate", 1, 9, 826)


def test_a_damaged_run_does_not_spoil_the_list(tmp_path: Path) -> None:
    bad, _ = written(tmp_path, steps=1)
    bad.journal.write_bytes(b"not json\n" + bad.journal.read_bytes() + b"nor this\n")
    good, _ = written(tmp_path, steps=1)
    by_id = {one.folder.run_id: one for one in glances(RunStore(tmp_path).folders(), [])}
    assert by_id[good.run_id].status == "interrupted"
    assert by_id[bad.run_id].status == "unreadable"
    assert str(bad.journal) in (by_id[bad.run_id].problem or "")


def test_a_glance_at_a_long_run_costs_a_few_reads(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start()
    for _ in range(3000):
        story.step()
    story.tell(ev.StateEnter, state="check", iteration=3001)
    story.tell(ev.ActionStart, action="make", is_prompt=False)
    story.tell(ev.ActionOutput, lines=tuple(f"line {number}" for number in range(30_000)))
    with Writer(folder, durability="relaxed") as writer:
        for event in story.told:
            writer.append(event)
        writer.write(sync=False)
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        seen = glance(folder, None)
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.1
    assert seen is not None
    assert (seen.seq, seen.iteration) == (51_003, 3001)
