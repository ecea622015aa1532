"""When the disk refuses, the journal keeps its valid beginning, outcomes are saved, and the end fits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journal.stories import WALL, Story, new_folder

from little_loops import events as ev
from little_loops.errors import WriteFailed
from little_loops.journal.append import RESERVE, Writer
from little_loops.journal.fold import records, replay
from little_loops.journal.folder import RunFolder, RunStore

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Take all the room there is."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (MIB // 4, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return filler


def fill_by_writing(writer: Writer, story: Story, place: Path) -> WriteFailed:
    """Steps until the disk refuses one."""
    written = len(story.told)
    for number in range(10_000):
        story.step(output=f"{number} " + "x" * 500)
        for event in story.told[written:]:
            writer.append(event)
            if isinstance(event, ev.ActionStart | ev.ActionComplete):
                try:
                    writer.write(sync=True)
                except WriteFailed as problem:
                    return problem
        written = len(story.told)
    raise AssertionError(f"{place} never filled up")


def started(place: Path) -> tuple[RunFolder, Story, Writer]:
    folder = new_folder(place)
    story = Story(folder.run_id).start()
    writer = Writer(folder)
    writer.append(story.told[0])
    writer.write(sync=True)
    return folder, story, writer


def upto(story: Story, seq: int) -> Story:
    short = Story(story.run_id)
    short.told = [event for event in story.told if event.seq <= seq]
    return short


def test_a_disk_that_fills_up_leaves_a_whole_journal_and_room_for_the_end(small_disk: Path) -> None:
    folder, story, writer = started(small_disk)
    problem = fill_by_writing(writer, story, small_disk)
    assert str(folder.journal) in problem.message
    assert "No space left" in problem.message
    assert "MiB free" in problem.message
    assert f"ll-loop resume {folder.run_id}" in (problem.hint or "")

    kept = upto(story, writer.seq)
    assert replay(folder).snapshot == kept.snapshot()
    kept.end("error", resumable=True, in_place=True, error="no space left")
    writer.append(kept.told[-1])
    writer.write(sync=True)
    writer.close()
    assert replay(folder).snapshot == kept.snapshot()


def test_an_outcome_that_found_no_room_is_saved_from_the_reserve(small_disk: Path) -> None:
    folder, story, writer = started(small_disk)
    story.step(output="precious " * 1000, lines=())
    enter, start, spawned, complete, *_ = story.told[1:]
    for event in (enter, start, spawned):
        writer.append(event)
    writer.write(sync=True)
    fill(small_disk)
    writer.append(complete)
    with pytest.raises(WriteFailed):
        writer.write(sync=False)
    assert writer.seq == complete.seq
    writer.close()
    assert replay(folder).snapshot == upto(story, complete.seq).snapshot()


def test_an_outcome_with_a_file_is_saved_from_the_reserve(small_disk: Path) -> None:
    folder, story, writer = started(small_disk)
    story.step(output="precious " * 5000, lines=())
    enter, start, spawned, complete, *_ = story.told[1:]
    for event in (enter, start, spawned):
        writer.append(event)
    writer.write(sync=True)
    fill(small_disk)
    writer.append(complete)
    with pytest.raises(WriteFailed):
        writer.write(sync=False)
    writer.close()
    assert replay(folder).snapshot.top.captured["tests"]["output"] == "precious " * 5000


def test_an_intent_that_found_no_room_is_not_kept(small_disk: Path) -> None:
    folder, story, writer = started(small_disk)
    story.step(lines=())
    long = "# " + "long " * 2000
    story.step(action=long, lines=())
    first = story.told[1:8]
    for event in first[:4]:
        writer.append(event)
    writer.write(sync=True)
    fill(small_disk)
    evaluate, route, enter, start = first[4], first[5], story.told[7], story.told[8]
    assert isinstance(start, ev.ActionStart)
    for event in (evaluate, route, enter, start):
        writer.append(event)
    with pytest.raises(WriteFailed):
        writer.write(sync=True)
    assert writer.seq == enter.seq
    writer.close()
    assert [record["event"] for record in records(folder)][-3:] == ["evaluate", "route", "state_enter"]


def test_a_disk_without_room_for_a_run_is_said_before_anything_starts(small_disk: Path) -> None:
    folder = new_folder(small_disk)
    filler = fill(small_disk)
    os.truncate(filler, filler.stat().st_size - RESERVE // 2)
    with pytest.raises(WriteFailed, match="No space left"):
        Writer(folder)
    assert [path.name for path in folder.path.glob(".reserve*")] == []


def test_the_reserve_comes_back_when_a_run_is_over(small_disk: Path) -> None:
    def free() -> int:
        found = os.statvfs(small_disk)
        return found.f_bavail * found.f_frsize

    folder = new_folder(small_disk)
    before = free()
    with Writer(folder):
        assert free() <= before - RESERVE
    assert free() == before


LIMITED = """
import json, resource, sys
from pathlib import Path
from little_loops.errors import WriteFailed
from little_loops.journal.append import Writer
from little_loops.journal.folder import RunFolder
from tests.journal.stories import Story

folder = RunFolder(Path(sys.argv[1]))
story = Story(folder.run_id).start()
writer = Writer(folder)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
for _ in range(30):
    story.step(output="x" * 300, lines=())
try:
    for event in story.told:
        writer.append(event)
    writer.write(sync=False)
except WriteFailed as problem:
    print(json.dumps([writer.seq, problem.message]))
"""


def test_a_limit_on_the_size_of_files_is_met_in_the_middle_of_one_write(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder.path)], capture_output=True, text=True, check=True
    )
    seq, message = json.loads(done.stdout)
    assert "File too large" in message
    assert folder.journal.read_bytes().endswith(b"\n")
    assert 10_000 - 1000 < folder.journal.stat().st_size <= 10_000
    assert replay(folder).snapshot.seq == seq > 10


def test_a_folder_that_cannot_be_written_is_one_message(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(WriteFailed, match="Read-only file system") as caught:
        RunStore(small_disk).new("fix", WALL)
    assert "loops.loops_dir" in (caught.value.hint or "")


def test_numbers_must_follow_each_other(tmp_path: Path) -> None:
    folder, story, writer = started(tmp_path)
    story.step()
    with writer, pytest.raises(ValueError, match="record 3 cannot follow record 1"):
        writer.append(story.told[2])
    assert folder.is_started()


SYNCS = """
import json, os, sys
from pathlib import Path
from little_loops import events as ev
from little_loops.journal.append import Writer
from little_loops.journal.folder import RunFolder
from tests.journal.stories import Story

story = Story().start()
story.step(output="x" * 20_000)
folder = RunFolder(Path(sys.argv[1]))
with Writer(folder, durability=sys.argv[2]) as writer:
    for event in story.told:
        writer.append(event)
        if isinstance(event, ev.LoopStart | ev.ActionStart):
            writer.write(sync=True)
        elif isinstance(event, ev.ActionSpawned | ev.ActionOutput | ev.ActionComplete):
            writer.write(sync=False)
    writer.write(sync=True)
    writer.write(sync=True)
"""


def syncs(folder: RunFolder, durability: str) -> list[str]:
    """What the system was asked to make durable, by name of the file."""
    trace = folder.path / "trace"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
    try:
        subprocess.run(
            [*command, sys.executable, "-c", SYNCS, str(folder.path), durability],
            capture_output=True, check=True,
        )  # fmt: skip
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("needs strace")
    names = []
    for line in trace.read_text().splitlines():
        if "sync(" in line:
            names.append(Path(line.split("<", 1)[1].split(">", 1)[0]).name)
    return names


OPENING = ["events.jsonl", "loops", "RUN", "runs"]
VALUE = ["r6.output", "output"]


@pytest.mark.parametrize(
    ("durability", "expected"),
    [
        ("relaxed", []),
        ("step", [*OPENING, "events.jsonl", *VALUE, "events.jsonl"]),
        ("strict", [*OPENING, "events.jsonl", *VALUE, "events.jsonl", "events.jsonl"]),
    ],
)
def test_what_is_synced_when(tmp_path: Path, durability: str, expected: list[str]) -> None:
    folder = new_folder(tmp_path)
    found = ["RUN" if name == folder.run_id else name for name in syncs(folder, durability)]
    assert found == expected
