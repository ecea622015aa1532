"""A journal may be cut at any byte: what was whole is the run, and the next writer goes on from there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.journal.stories import Story, new_folder, written

from little_loops import events as ev
from little_loops.errors import JournalError
from little_loops.journal.append import Writer
from little_loops.journal.fold import replay
from little_loops.journal.folder import RunFolder
from little_loops.journal.tail import backwards, first_record, last_records


def test_cut_at_every_byte_a_journal_is_the_run_up_to_its_last_whole_line(tmp_path: Path) -> None:
    folder, story = written(tmp_path, steps=2)
    content = folder.journal.read_bytes()
    expected = {count: replay(folder, upto=count).snapshot for count in range(content.count(b"\n") + 1)}
    assert expected[content.count(b"\n")] == story.snapshot()

    for cut in range(len(content) + 1):
        folder.journal.write_bytes(content[:cut])
        whole = content[:cut].count(b"\n")
        assert replay(folder).snapshot == expected[whole]
        assert len(last_records(folder.journal, 1000)) == whole


def test_the_next_writer_cuts_a_torn_line_off_and_goes_on_after_it(tmp_path: Path) -> None:
    folder, story = written(tmp_path, steps=1)
    content = folder.journal.read_bytes()
    last_line = content.rindex(b"\n", 0, -1) + 1

    for cut in range(last_line, len(content)):
        folder.journal.write_bytes(content[:cut])
        with Writer(folder, replay(folder).snapshot, durability="relaxed") as writer:
            writer.append(story.told[-1])
            writer.write(sync=True)
        assert folder.journal.read_bytes() == content


@pytest.mark.parametrize(
    "tail", [b"\0", b"\0" * 5000, b'{"event":"rou', b'{"event":"route"\0\0\0', b"\xff\xfe"]
)
def test_what_a_power_cut_leaves_behind_the_last_line_never_happened(tmp_path: Path, tail: bytes) -> None:
    folder, story = written(tmp_path, steps=1)
    content = folder.journal.read_bytes()
    folder.journal.write_bytes(content + tail)
    assert replay(folder).snapshot == story.snapshot()
    Writer(folder, story.snapshot()).close()
    assert folder.journal.read_bytes() == content


def test_an_empty_journal_is_a_run_that_has_not_begun(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    found = replay(folder)
    assert (found.records, found.segments, found.opening) == (0, 0, None)
    assert first_record(folder.journal) is None
    assert last_records(folder.journal, 3) == []


def test_a_run_without_a_journal_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="has no journal"):
        replay(RunFolder(tmp_path / "20261120-101500-fix-7k2m"))


@given(sizes=st.lists(st.integers(0, 200_000), max_size=6), cut=st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_reading_backwards_gives_the_same_records_as_reading_forwards(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cut: int
) -> None:
    place = tmp_path_factory.mktemp("back")
    folder = new_folder(place)
    story = Story(folder.run_id).start()
    for size in sizes:
        story.tell(ev.ActionOutput, lines=("x" * min(size, 16_000), "", "y" * (size % 300)))
    with Writer(folder, durability="relaxed") as writer:
        for event in story.told:
            writer.append(event)
        writer.write(sync=False)
    if cut:
        folder.journal.write_bytes(folder.journal.read_bytes()[:-cut])
    forwards = [line for line in folder.journal.read_bytes().split(b"\n")[:-1]]
    assert len(list(backwards(folder.journal))) == len(forwards)
    assert [record["seq"] for record in backwards(folder.journal)] == list(range(len(forwards), 0, -1))
    shutil.rmtree(place)
