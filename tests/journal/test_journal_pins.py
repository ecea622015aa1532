"""A run is pinned to the definition it was started with, whatever becomes of the author's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.journal.stories import new_folder

from little_loops.errors import JournalError
from little_loops.fsm.schema import FSMLoop, digest
from little_loops.journal.pins import changed_sources, pin, pinned, pinned_loops, source

LOOP: dict[str, Any] = {
    "name": "fix",
    "initial": "check",
    "context": {"words": ["é", "\u2028", 'quote"'], "number": 1.5, "deep": {"a": None}},
    "states": {
        "check": {"action": "pytest -q", "on_yes": "done", "on_no": "check"},
        "done": {"terminal": True},
    },
}


def loop(**changes: Any) -> FSMLoop:
    return FSMLoop.from_dict({**LOOP, **changes})


def test_what_is_pinned_is_what_was_given(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    found = pin(folder, loop())
    assert found.loop == loop()
    assert found.digest == digest(loop())
    assert pinned(folder, found.digest) == found
    assert [path.name for path in folder.loops.iterdir()] == [f"{found.digest}.json"]
    assert (folder.loops / f"{found.digest}.json").stat().st_mode & 0o777 == 0o600


def test_a_second_definition_is_kept_beside_the_first(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    one, other = pin(folder, loop()), pin(folder, loop(name="unit"))
    again = pin(folder, loop(), durable=False)
    assert again == one
    assert pinned_loops(folder) == {one.digest: one.loop, other.digest: other.loop}


def test_a_definition_that_nobody_could_finish_writing_is_no_definition(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    found = pin(folder, loop())
    (folder.loops / f".{found.digest}.json.4711").write_text('{"loop":{"na')
    assert list(pinned_loops(folder)) == [found.digest]


def test_a_changed_file_of_the_author_is_said_and_changes_nothing(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    kept, edited, gone = (tmp_path / name for name in ("kept.yaml", "edited.yaml", "gone.yaml"))
    for path in (kept, edited, gone):
        path.write_text("name: fix\n")
    found = pin(folder, loop(), [source(path) for path in (kept, edited, gone)])
    assert changed_sources(found) == []
    edited.write_text("name: other\n")
    gone.unlink()
    again = pinned(folder, found.digest)
    assert changed_sources(again) == [str(edited), str(gone)]
    assert again.loop == loop()


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("pytest -q", "rm -rf ."),
        lambda text: text.replace('"name":', '"name" :'),
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: '{"loop":',
    ],
)
def test_an_edited_definition_is_refused(tmp_path: Path, edit: Any) -> None:
    folder = new_folder(tmp_path)
    found = pin(folder, loop())
    path = folder.loops / f"{found.digest}.json"
    path.write_text(edit(path.read_text()))
    with pytest.raises(JournalError, match="was changed after it was written") as caught:
        pinned(folder, found.digest)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_missing_definition_is_named(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    with pytest.raises(JournalError, match=r"0123456789abcdef\.json is missing"):
        pinned(folder, "0123456789abcdef")
