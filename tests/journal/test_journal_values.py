"""Values of every size come back as they were; a file that is gone or changed is never an empty value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.journal.stories import TS, Story, new_folder, write

from little_loops import events as ev
from little_loops.errors import JournalError
from little_loops.events import from_wire
from little_loops.journal.append import Writer
from little_loops.journal.fold import events, records, replay
from little_loops.journal.folder import RunFolder
from little_loops.journal.values import INLINE, encode, shortened

SIZES = [0, 1, 4096, INLINE - 600, INLINE - 1, INLINE, INLINE + 1, INLINE + 600, 3 * INLINE, 1 << 20]


def run_with(place: Path, **step: Any) -> tuple[RunFolder, Story]:
    folder = new_folder(place)
    story = Story(folder.run_id).start().step(**step).step()
    return write(folder, story), story


def complete_of(folder: RunFolder) -> dict[str, Any]:
    return next(record for record in records(folder) if record["event"] == "action_complete")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "letter", ["x", "é", "\U0001f600", '"', "\n"], ids=["x", "two", "four", "quote", "lf"]
)
def test_an_output_of_any_size_is_folded_as_it_was_live(tmp_path: Path, size: int, letter: str) -> None:
    output = letter * (size // len(letter.encode()))
    folder, story = run_with(tmp_path, output=output, lines=())
    found = replay(folder).snapshot
    assert found == story.snapshot()
    moved = len(output.encode()) > INLINE
    assert ("refs" in complete_of(folder)) == moved
    assert [path.name for path in folder.output.iterdir()] == (["r5.output"] if moved else [])
    assert all(len(line) < 3 * INLINE for line in folder.journal.read_bytes().splitlines())


def test_a_line_above_the_limit_keeps_values_below_it(tmp_path: Path) -> None:
    folder, story = run_with(tmp_path, output="x" * 16_000, stderr="y" * 16_000)
    assert "refs" not in complete_of(folder)
    assert replay(folder).snapshot == story.snapshot()


def test_a_spooled_stream_that_is_the_value_is_not_written_twice(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    text = "line\n" * 10_000
    (folder.output / "0001.out").write_text(text)
    story = Story(folder.run_id).start()
    story.step(output=text, lines=(), files={"output": "output/0001.out"}, exact=frozenset({"output"}))
    write(folder, story)
    ref = complete_of(folder)["refs"]["output"]
    assert (ref["file"], ref["bytes"]) == ("output/0001.out", 50_000)
    assert [path.name for path in folder.output.iterdir()] == ["0001.out"]
    assert replay(folder).snapshot.top.captured["tests"]["output"] == text


def test_a_spooled_stream_that_is_not_the_value_is_left_alone(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    (folder.output / "0001.out").write_bytes(b"\xff" * 40_000)
    story = Story(folder.run_id).start()
    story.step(output="\ufffd" * 40_000, lines=(), files={"output": "output/0001.out"})
    write(folder, story)
    assert complete_of(folder)["refs"]["output"]["file"].startswith("output/r")
    assert (folder.output / "0001.out").read_bytes() == b"\xff" * 40_000
    assert replay(folder).snapshot == story.snapshot()


def test_a_long_action_stands_in_a_file_named_after_its_step_and_attempt(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start().step()
    long = "".join(f"echo {number}\n" for number in range(10_000))
    story.tell(ev.StateEnter, state="check", iteration=2)
    story.tell(ev.ActionStart, action=long, is_prompt=False, attempt=2)
    write(folder, story)
    start = list(records(folder))[-1]
    assert start["refs"]["action"]["file"] == "output/0002-2.in"
    assert (folder.output / "0002-2.in").read_text() == long
    assert start["action"].startswith("echo 0\n")
    assert start["action"].endswith("echo 9999\n")
    assert "bytes left out ...]" in start["action"]
    assert replay(folder).snapshot == story.snapshot()
    assert list(events(folder))[-1].action == long  # type: ignore[attr-defined]


def test_a_judge_prompt_and_a_handover_text_have_their_places(tmp_path: Path) -> None:
    judge = encode(ev.JudgeStart(ts=TS, seq=9, t=0, state="s", attempt=1, prompt="p" * 20_000), 3)
    assert [stored.file for stored in judge.stored] == ["output/0003.judge"]
    assert "prompt" not in json.loads(judge.lines)
    handoff = ev.HandoffDetected(ts=TS, seq=9, t=0, state="s", iteration=1, continuation="c" * 20_000)
    encoded = encode(handoff, 3)
    assert [stored.file for stored in encoded.stored] == ["output/r9.continuation"]
    assert json.loads(encoded.lines)["continuation"] == shortened(b"c" * 20_000)


def test_a_large_context_is_a_map_again(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    context = {"notes": "n" * 40_000, "numbers": list(range(50)), "deep": {"a": None, "b": 1.5}}
    story = Story(folder.run_id).start(context=context).step()
    write(folder, story)
    first = next(records(folder))
    assert "context" not in first
    assert first["refs"]["context"]["file"] == "output/r1.context"
    assert replay(folder).snapshot == story.snapshot()


def test_a_hostile_name_of_a_detail_stays_inside_the_folder(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start().step()
    story.tell(ev.StateEnter, state="check", iteration=2)
    details = {
        "../../evil": "e" * 20_000,
        "..x..evil": "f" * 20_000,
        "a/b": ["g" * 20_000],
        "a.b": "h" * 20_000,
    }
    story.tell(ev.Evaluate, type="default", verdict="no", details=details)
    write(folder, story)
    assert replay(folder).snapshot == story.snapshot()
    assert {path.parent for path in tmp_path.rglob("*evil*")} <= {folder.output}
    assert len(list(folder.output.iterdir())) == 4


def test_the_shown_part_of_a_long_text_cuts_no_letter_in_two() -> None:
    text = "aé" * 20_000
    shown = shortened(text.encode())
    head, _, rest = shown.partition("\n[... ")
    number, _, tail = rest.partition(" bytes left out ...]\n")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head.encode()) + len(tail.encode()) + int(number) == len(text.encode())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "which is missing"),
        (lambda path: path.write_text(""), "was changed"),
        (lambda path: path.write_text(path.read_text()[:-1] + "!"), "was changed"),
        (lambda path: (path.unlink(), path.mkdir()), "directory"),
    ],
    ids=["gone", "emptied", "one letter", "a folder"],
)
def test_a_value_whose_file_is_not_what_it_was_is_named(tmp_path: Path, damage: Any, message: str) -> None:
    folder, _ = run_with(tmp_path, output="x" * 20_000, lines=())
    seq = complete_of(folder)["seq"]
    damage(folder.output / f"r{seq}.output")
    with pytest.raises(JournalError) as caught:
        replay(folder)
    assert message in caught.value.message.lower()
    assert f"line {seq}: the value of output" in caught.value.message
    assert f"r{seq}.output" in caught.value.message


@pytest.mark.parametrize(
    "ref",
    [
        {"file": "../../../etc/passwd", "bytes": 1, "sha256": "0"},
        {"file": "/etc/passwd", "bytes": 1, "sha256": "0"},
        {"file": "output/x", "bytes": "1", "sha256": "0"},
        {"file": "output/x"},
        "output/x",
        None,
    ],
)
def test_a_ref_written_by_hand_reads_nothing_outside_of_the_run(tmp_path: Path, ref: Any) -> None:
    folder, _ = run_with(tmp_path, output="x" * 20_000, lines=())
    lines = folder.journal.read_text().splitlines()
    for number, line in enumerate(lines):
        record = json.loads(line)
        if "refs" in record:
            record["refs"] = {"output": ref}
            lines[number] = json.dumps(record)
    folder.journal.write_text("\n".join(lines) + "\n")
    with pytest.raises(JournalError, match=r"line 5: the value of output"):
        replay(folder)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TEXTS = (
    st.text()
    | st.integers(INLINE - 50, INLINE + 50).map(lambda size: "é" * (size // 2))
    | st.just("z" * 50_000)
)


@given(
    output=TEXTS,
    stderr=TEXTS,
    context=st.dictionaries(st.text(), PLAIN | TEXTS, max_size=4),
    details=st.dictionaries(
        st.text(min_size=1).filter(lambda key: key not in ev.RESERVED), PLAIN | TEXTS, max_size=4
    ),
    reserved=st.dictionaries(st.sampled_from(sorted(ev.RESERVED - {"refs", "run_id"})), PLAIN, max_size=2),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    output: str,
    stderr: str,
    context: dict[str, Any],
    details: dict[str, Any],
    reserved: dict[str, Any],
) -> None:
    folder = new_folder(tmp_path_factory.mktemp("any"))
    story = (
        Story(folder.run_id).start(context=context).step(output=output, stderr=stderr, lines=(output[:99],))
    )
    story.tell(ev.StateEnter, state="check", iteration=2)
    story.tell(ev.Evaluate, type="default", verdict="no", details={**details, **reserved})
    write(folder, story)
    assert replay(folder).snapshot == story.snapshot()


def test_what_is_no_plain_json_becomes_what_it_reads_back_as(tmp_path: Path) -> None:
    odd = {
        "inf": float("inf"),
        "low": float("-inf"),
        "nan": float("nan"),
        "lone": "a\ud800b",
        "t": (1, 2),
        3: "k",
    }
    encoded = encode(ev.Evaluate(ts=TS, seq=1, t=0, type="x", verdict="no", details=odd), 1)
    details = from_wire(json.loads(encoded.lines)).details  # type: ignore[attr-defined]
    assert details == {
        "inf": "Infinity",
        "low": "-Infinity",
        "nan": "NaN",
        "lone": "a\ufffdb",
        "t": [1, 2],
        "3": "k",
    }


def test_a_file_is_complete_before_the_line_that_names_it(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start()
    story.step(output="x" * 50_000, lines=())
    with Writer(folder) as writer:
        for event in story.told:
            writer.append(event)
        assert folder.journal.read_bytes() == b""
        assert list(folder.output.iterdir()) == []
        writer.write(sync=True)
    assert replay(folder).snapshot == story.snapshot()
