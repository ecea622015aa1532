"""Finding loops by name and path, listing them, and the graph of a loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from little_loops.errors import LoopNotFound
from little_loops.fsm.graph import edges, followers, reachable, unreachable
from little_loops.fsm.library import describe, head_text, known_names, listed, resolve_loop_path
from little_loops.fsm.load import load_text
from little_loops.fsm.schema import FSMLoop

BODY = "initial: a\nstates: {a: {terminal: true}}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".loops" / "lib").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(project: Path, name: str, text: str = BODY) -> Path:
    path = project / ".loops" / name
    path.write_text(text)
    return path


def test_a_name_is_looked_up_in_the_loops_folder_before_the_working_directory(project: Path) -> None:
    (project / "tidy").write_text("not a loop")
    add(project, "tidy.yaml")
    assert resolve_loop_path("tidy") == Path(".loops/tidy.yaml")


def test_a_folder_of_that_name_is_no_loop(project: Path) -> None:
    (project / "docs-sync").mkdir()
    add(project, "docs-sync.yaml")
    assert resolve_loop_path("docs-sync") == Path(".loops/docs-sync.yaml")


def test_a_compiled_loop_is_preferred(project: Path) -> None:
    add(project, "x.yaml")
    add(project, "x.fsm.yaml")
    assert resolve_loop_path("x") == Path(".loops/x.fsm.yaml")
    assert known_names()["x"] == Path(".loops/x.fsm.yaml")


def test_a_path_is_taken_as_written(project: Path) -> None:
    (project / "own.yaml").write_text(BODY)
    add(project, "own.yaml")
    assert resolve_loop_path("own.yaml") == Path("own.yaml")
    assert resolve_loop_path(str(project / "own.yaml")) == project / "own.yaml"


def test_a_name_with_a_slash_is_a_path_inside_the_folder(project: Path) -> None:
    add(project, "lib/base.yaml")
    assert resolve_loop_path("lib/base") == Path(".loops/lib/base.yaml")


def test_a_built_in_loop_is_found_last(project: Path) -> None:
    built_in = next(name for name, path in known_names().items() if ".loops" not in path.parts)
    found = resolve_loop_path(built_in)
    assert found.is_file()
    add(project, f"{built_in}.yaml")
    assert resolve_loop_path(built_in) == Path(f".loops/{built_in}.yaml")


@pytest.mark.parametrize("name", ["tdy", "tdy.yaml", "x" * 5000, "a\0b", ""])
def test_what_is_not_there_is_said_with_the_nearest_name(project: Path, name: str) -> None:
    add(project, "tidy.yaml")
    with pytest.raises(LoopNotFound) as caught:
        resolve_loop_path(name)
    assert isinstance(caught.value, FileNotFoundError)
    if name.startswith("tdy"):
        assert caught.value.hint == "did you mean 'tidy'?"


def test_list_shows_inherited_values_and_what_hides_what(project: Path) -> None:
    add(
        project,
        "base.yaml",
        "category: quality\nlabels: [a, b]\ndescription: |\n  First line\n  second\n" + BODY,
    )
    add(project, "child.yaml", "from: base\nlabels: [c]\n")
    add(project, "broken.yaml", "a: [\n")
    add(project, "notes.txt", "no loop")
    own = {entry.name: entry for entry in listed() if not entry.built_in}
    assert sorted(own) == ["base", "broken", "child"]
    child = own["child"]
    assert (child.category, child.labels, child.description) == ("quality", ("c",), "First line\nsecond\n")
    assert own["broken"].readable is False
    built_in = [entry for entry in listed() if entry.built_in]
    assert built_in and all(entry.description and entry.readable for entry in built_in)


def test_a_loop_that_inherits_itself_is_listed(project: Path) -> None:
    path = add(project, "me.yaml", "from: me\ncategory: x\n")
    assert describe("me", path).category == "x"


@pytest.mark.parametrize(
    "text",
    [
        'description: "a\n  b"\ncategory: c\nlabels: [x, y]\n' + BODY,
        "description: >-\n  a\n  b\n\ncategory: c\nlabels:\n- x\n- y\n" + BODY,
        '"description": a b\n# labels: [z]\ncategory: "c" # why\nlabels: [\n  x, y\n]\n' + BODY,
        "x: &d {category: z}\ndescription: &t a b\ncategory: c\nlabels: [x, y]\nalso: *t\n" + BODY,
        "{description: a b, category: c, labels: [x, y]}\n",
        "---\ndescription: a b\ncategory: c\nlabels: [x, y]\n...\n",
        "states:\n  description: no\n  category: no\ndescription: a b\ncategory: c\nlabels: [x, y]\n",
    ],
)
def test_the_short_way_to_read_a_head_agrees_with_the_long_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    entry = describe("x", path)
    assert (entry.description, entry.category, entry.labels) == ("a b", "c", ("x", "y"))


def test_the_head_of_a_large_file_is_short() -> None:
    text = "name: n\ndescription: d\n" + BODY * 200
    short = head_text(text)
    assert short is not None and short.splitlines() == ["name: n", "description: d"]


# ---------------------------------------------------------------- graph

TEXT = """
name: g
description: d
initial: a
scope: [.]
maintain: true
circuit: {repeated_failure: {on_repeated_failure: aside}}
states:
  a: {action: x, on_yes: b, on_no: $current, on_error: c, on_later: b}
  b: {action: x, route: {good: done, _: a, _error: c}, on_yes: never, max_retries: 1, on_retry_exhausted: c}
  c: {loop: other, next: done}
  never: {action: x, next: a}
  aside: {action: x, next: done}
  done: {terminal: true}
  lost: {action: x, next: a}
"""


@pytest.fixture
def loop() -> FSMLoop:
    found = load_text(TEXT).loop
    assert found is not None
    return found


def test_edges_in_file_order_with_labels(loop: FSMLoop) -> None:
    assert [(e.source, e.label, e.target, e.key) for e in edges(loop)] == [
        ("a", "yes", "b", "on_yes"),
        ("a", "no", "a", "on_no"),
        ("a", "error", "c", "on_error"),
        ("a", "later", "b", "on_later"),
        ("b", "yes", "never", "on_yes"),
        ("b", "good", "done", "route.good"),
        ("b", "_", "a", "route._"),
        ("b", "error", "c", "route._error"),
        ("b", "retry_exhausted", "c", "on_retry_exhausted"),
        ("c", "next", "done", "next"),
        ("never", "next", "a", "next"),
        ("aside", "next", "done", "next"),
        ("lost", "next", "a", "next"),
    ]
    assert [e.key for e in edges(loop) if e.shadowed] == ["on_yes"]


def test_reachability_counts_stalls_and_laps(loop: FSMLoop) -> None:
    assert unreachable(loop) == ["lost"]
    assert followers(loop)["done"] == ("a",)
    assert reachable(loop, without=["b"]) == {"a", "c", "aside", "done"}


def test_a_target_known_only_at_run_time_may_be_any_state() -> None:
    found = load_text(
        "name: g\ninitial: a\n"
        "states:\n  a: {action: x, next: '${captured.which.output}'}\n  b: {next: done}\n"
        "  done: {terminal: true}\n"
    ).loop
    assert found is not None
    assert unreachable(found) == []
    (edge, _) = edges(found)
    assert edge.dynamic
