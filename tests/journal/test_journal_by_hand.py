"""A journal edited by hand gives a clear message with the line, never a traceback and never a wrong run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.journal.stories import Story, new_folder, write, written

from little_loops.errors import JournalError, UserError
from little_loops.journal.fold import TooNew, records, replay
from little_loops.journal.folder import RunFolder
from little_loops.journal.glance import glance

Lines = list[dict[str, Any]]


def edited(place: Path, edit: Callable[[Lines], object]) -> RunFolder:
    folder, _ = written(place, steps=2)
    lines = list(records(folder))
    edit(lines)
    folder.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def put(number: int, **changes: Any) -> Callable[[Lines], object]:
    return lambda lines: lines[number - 1].update(changes)


def drop(number: int, key: str) -> Callable[[Lines], object]:
    return lambda lines: lines[number - 1].pop(key)


@pytest.mark.parametrize(
    ("edit", "line", "message"),
    [
        (lambda lines: lines.pop(4), 5, "seq is 6, expected 5"),
        (lambda lines: lines.insert(3, dict(lines[3])), 5, "seq is 4, expected 5"),
        (lambda lines: lines.reverse(), 1, "seq is 15, expected 1"),
        (put(3, seq="3"), 3, "seq is '3'"),
        (put(3, seq=3.0), 3, "seq is 3.0"),
        (put(1, seq=True), 1, "seq is True"),
        (put(3, t=None), 3, "t is None"),
        (put(4, t=1), 4, "t is 1, expected a number from 30 on"),
        (put(3, depth=1), 3, "depth"),
        (put(3, depth=-1), 3, "depth is -1"),
        (put(3, depth="x"), 3, "depth is 'x'"),
        (put(3, event=7), 3, "event or ts"),
        (drop(3, "ts"), 3, "event or ts"),
        (put(2, iteration="one"), 2, "iteration of state_enter is 'one', expected integer"),
        (put(2, iteration=None), 2, "iteration of state_enter is None"),
        (drop(2, "iteration"), 2, "iteration"),
        (put(3, action=["rm"]), 3, "action of action_start is ['rm'], expected string"),
        (put(6, exit_code=True), 6, "exit_code of action_complete is True"),
        (put(6, refs={"output": 1}), 6, "the value of output"),
        (put(6, refs=[]), 6, "refs is not a map"),
        (put(7, event="route"), 7, "from"),
        (put(8, **{"from": "elsewhere"}), 8, "a route from elsewhere while in check"),
        (put(2, event="action_complete"), 2, "action_complete"),
        (put(1, event="loop_resume"), 1, "the first record does not open a run"),
        (drop(1, "definition"), 1, "the first record does not open a run"),
        (drop(1, "run_id"), 1, "the first record does not open a run"),
        (put(1, v="1"), 1, "v of loop_start is '1'"),
        (put(1, v=0), 1, "v is 0"),
        (put(1, context=[]), 1, "context of loop_start is []"),
        (put(5, line=None), 5, "line of action_output is None"),
        (drop(5, "line"), 5, "line of action_output is missing"),
        (put(6, marker={"no": "kind"}), 6, "kind"),
    ],
)
def test_an_edit_is_named_with_its_line(
    tmp_path: Path, edit: Callable[[Lines], object], line: int, message: str
) -> None:
    folder = edited(tmp_path, edit)
    with pytest.raises(JournalError) as caught:
        replay(folder)
    assert f"line {line}:" in caught.value.message
    assert message in caught.value.message
    assert str(folder.journal) in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"event":"route"', "not JSON"),
        (b"[]", "not a JSON object"),
        (b"17", "not a JSON object"),
        (b'{"seq":NaN}', "NaN is not a JSON number"),
        (b'{"event":"\xff"}', "not UTF-8 at byte 11"),
        (b"\0\0\0", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path: Path, line: bytes, message: str) -> None:
    folder, _ = written(tmp_path, steps=1)
    lines = folder.journal.read_bytes().split(b"\n")
    lines[4] = line
    folder.journal.write_bytes(b"\n".join(lines))
    with pytest.raises(JournalError) as caught:
        replay(folder)
    assert "line 5:" in caught.value.message
    assert message in caught.value.message
    with pytest.raises(JournalError, match="line 5:"):
        list(records(folder))


def test_a_key_nobody_knows_is_kept_and_changes_nothing(tmp_path: Path) -> None:
    folder, story = written(tmp_path, steps=2)
    lines = [{**record, "note": {"by": "hand"}} for record in records(folder)]
    folder.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    # In an evaluate record any further key is a detail of the verdict.
    found = replay(folder).snapshot.top.prev
    assert found is not None
    assert found.details == {"exit_code": 1, "note": {"by": "hand"}}
    assert replay(folder, upto=6).snapshot == _prefix(story, 6)
    assert all("note" in record for record in records(folder))


def _prefix(story: Story, count: int) -> object:
    short = Story(story.run_id)
    short.told = story.told[:count]
    return short.snapshot()


def test_an_event_nobody_knows_is_counted_and_not_folded(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start()
    write(folder, story)
    before = replay(folder).snapshot
    with folder.journal.open("a") as file:
        file.write('{"event":"moon_phase","ts":"x","phase":"full","seq":2,"t":99}\n')
    after = replay(folder).snapshot
    assert (after.seq, after.t) == (2, 99)
    assert after.frames == before.frames


@pytest.mark.parametrize("changes", [{"v": 2}, {"needs": ["time_travel"]}])
def test_a_journal_of_a_newer_version_is_shown_and_not_folded(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    folder = edited(tmp_path, put(1, **changes, engine={"version": "9.4.0"}))
    with pytest.raises(TooNew) as caught:
        replay(folder)
    assert "little-loops-fsm>=9.4.0" in (caught.value.hint or "")
    assert len(list(records(folder))) == 15
    seen = glance(folder, None)
    assert seen is not None
    assert (seen.loop, seen.state, seen.iteration, seen.status) == ("fix", "check", 2, "interrupted")


def test_a_feature_of_a_later_segment_is_refused_there(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start().step()
    write(folder, story)
    with folder.journal.open("a") as file:
        file.write(
            '{"event":"loop_resume","ts":"x","loop":"fix","from_state":"check","iteration":1,"run_id":"r","v":1,'
            '"needs":["time_travel"],"segment":2,"engine":{"version":"9.4.0"},"seq":9,"t":90}\n'
        )
    assert replay(folder, upto=8).segments == 1
    with pytest.raises(TooNew, match="time_travel"):
        replay(folder)


NONSENSE = st.none() | st.booleans() | st.integers(-3, 99) | st.text(max_size=4) | st.just([]) | st.just({})


@given(number=st.integers(0, 14), which=st.integers(0, 20), value=NONSENSE, remove=st.booleans())
@settings(max_examples=300, deadline=None)
def test_no_edit_of_one_key_ends_in_anything_but_a_run_or_a_message(
    tmp_path_factory: pytest.TempPathFactory, number: int, which: int, value: Any, remove: bool
) -> None:
    def edit(lines: Lines) -> None:
        line = lines[number]
        key = sorted(line)[which % len(line)]
        if remove:
            del line[key]
        else:
            line[key] = value

    folder = edited(tmp_path_factory.mktemp("edit"), edit)
    try:
        assert replay(folder).records == 15
    except UserError as problem:
        assert "line " in problem.message
