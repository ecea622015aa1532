"""Watching a run: every record once, as it comes, until the run ends or its writer is dead."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from tests.journal.actors import Actor
from tests.journal.stories import WALL, new_folder, written

from little_loops.errors import JournalError
from little_loops.journal.fold import records
from little_loops.journal.folder import RunStore
from little_loops.journal.follow import follow
from little_loops.process import StopToken

WRITER = """
import sys
from pathlib import Path
from little_loops.journal.append import Writer
from little_loops.journal.folder import RunStore
from little_loops.journal.lock import Claim
from tests.journal.stories import Story

store = RunStore(Path(sys.argv[1]))
folder = store.folder(sys.argv[2])
story = Story(folder.run_id).start()
with store.locks.take(Claim(folder.run_id, "fix", ("/p",))), Writer(folder) as writer:
    told = 0
    while True:
        for event in story.told[told:]:
            writer.append(event)
        told = len(story.told)
        writer.write(sync=False)
        print("wrote", flush=True)
        if sys.stdin.readline() == "end\\n":
            break
        story.step() if told < 30 else story.end()
"""


def test_records_are_seen_as_they_are_written_until_the_end(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    folder = store.new("fix", WALL)
    with Actor(WRITER, tmp_path, folder.run_id) as writer:
        assert writer.says() == "wrote"
        seen = []
        for record in follow(folder, lambda: store.locks.is_held(folder.run_id)):
            seen.append(record)
            on_disk = folder.journal.read_bytes().count(b"\n")
            if record["seq"] == on_disk and record["event"] != "loop_complete":
                writer.go()
                assert writer.says() == "wrote"
    assert seen == list(records(folder))
    assert seen[-1]["event"] == "loop_complete"
    assert len(seen) > 30


def test_following_ends_when_the_writer_is_killed(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    folder = store.new("fix", WALL)
    with Actor(WRITER, tmp_path, folder.run_id) as writer:
        assert writer.says() == "wrote"
        seen = []
        for record in follow(folder, lambda: store.locks.is_held(folder.run_id)):
            seen.append(record["seq"])
            if record["seq"] == 1:
                writer.go()
                assert writer.says() == "wrote"
            if record["seq"] == 8:
                writer.kill()
    assert seen == list(range(1, 9))


def test_following_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    folder, _ = written(tmp_path, steps=1)
    stop = StopToken()
    threading.Timer(0.3, stop.request, ["SIGINT"]).start()
    assert len(list(follow(folder, lambda: True, stop))) == 8
    stop.close()


def test_a_finished_run_is_told_from_where_the_reader_left_off(tmp_path: Path) -> None:
    folder, _ = written(tmp_path, steps=2)
    assert [record["seq"] for record in follow(folder, lambda: False, after=12)] == [13, 14, 15]


def test_half_a_line_is_shown_when_it_is_whole(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    line = json.dumps({"event": "x", "ts": "t", "text": "é" * 300_000, "seq": 1, "t": 0}).encode() + b"\n"
    end = json.dumps({"event": "loop_complete", "ts": "t", "seq": 2, "t": 0}).encode() + b"\n"
    folder.journal.write_bytes(line[:1000])

    def finish() -> None:
        with folder.journal.open("ab") as file:
            file.write(line[1000:] + end)

    threading.Timer(0.3, finish).start()
    assert [record["seq"] for record in follow(folder, lambda: True)] == [1, 2]


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    folder, _ = written(tmp_path, steps=1)
    lines = folder.journal.read_bytes().split(b"\n")
    lines[3] = b"{}}"
    folder.journal.write_bytes(b"\n".join(lines))
    with pytest.raises(JournalError, match="line 4: not JSON"):
        list(follow(folder, lambda: False))
    with pytest.raises(JournalError, match="has no journal"):
        list(follow(RunStore(tmp_path).folder("20261120-101500-x-aaaa"), lambda: False))


def test_an_end_that_was_resumed_after_and_the_end_of_a_child_are_not_the_end(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = [
        {"event": "loop_complete", "ts": "t", "seq": 1, "t": 0},
        {"event": "loop_resume", "ts": "t", "seq": 2, "t": 0},
        {"event": "loop_complete", "ts": "t", "seq": 3, "t": 0, "depth": 1},
        {"event": "loop_complete", "ts": "t", "seq": 4, "t": 0},
    ]
    lines = [json.dumps(record) + "\n" for record in story]
    folder.journal.write_text("".join(lines[:2]))
    to_come = ["", *lines[2:]]

    def is_live() -> bool:
        with folder.journal.open("a") as file:
            file.write(to_come.pop(0))
        return True

    assert [record["seq"] for record in follow(folder, is_live)] == [1, 2, 3, 4]
    assert to_come == []
