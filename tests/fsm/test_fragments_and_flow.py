"""Loops made of several files: inheritance, flow, fragments; what each mistake says and where."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from little_loops.fsm.fragments import resolve_flow, resolve_fragments, resolve_inheritance
from little_loops.fsm.load import load
from little_loops.fsm.yaml import deep_merge


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# ---------------------------------------------------------------- flow


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        ("build", "must be a list"),
        ({"a": 1}, "must be a list"),
        (None, "must be a list"),
        ([], "must contain at least one state"),
        (["a", 5], "flow entry 1 must be a string"),
        ([None], "flow entry 0 must be a string"),
        (["a?b"], "Malformed ternary in flow: 'a\\?b'"),
        (["a?:b"], "Malformed ternary"),
        (["a?b:"], "Malformed ternary"),
        (["a?:"], "Malformed ternary"),
        (["a?b:c:"], "Malformed ternary"),
    ],
)
def test_a_flow_that_cannot_be_read(flow: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        resolve_flow({"name": "n", "flow": flow})


def test_a_flow_becomes_states() -> None:
    mapping = {
        "name": "two-step",
        "flow": ["build", "unit?done:build", "done"],
        "state_defs": {"build": {"action": "make all"}, "unit": {"action": "make test"}},
    }
    before = copy.deepcopy(mapping)
    assert resolve_flow(mapping) == {
        "name": "two-step",
        "states": {
            "build": {"next": "unit", "action": "make all"},
            "unit": {"on_yes": "done", "on_no": "build", "action": "make test"},
            "done": {"terminal": True},
        },
    }
    assert mapping == before


def test_a_last_entry_with_two_ways_is_an_end_as_well() -> None:
    out = resolve_flow({"flow": ["a", "b?a:c"]})
    assert out["states"]["b"] == {"on_yes": "a", "on_no": "c", "terminal": True}


def test_a_second_colon_belongs_to_the_second_target() -> None:
    assert resolve_flow({"flow": ["a?b:c:d", "b"]})["states"]["a"] == {"on_yes": "b", "on_no": "c:d"}


def test_a_body_may_override_the_skeleton() -> None:
    out = resolve_flow({"flow": ["a", "b"], "state_defs": {"a": {"next": "z"}, "b": {"terminal": False}}})
    assert out["states"] == {"a": {"next": "z"}, "b": {"terminal": False}}


def test_a_flow_beats_states() -> None:
    assert resolve_flow({"flow": ["a"], "states": {"x": {}}})["states"] == {"a": {"terminal": True}}


def test_bodies_that_are_no_mapping_are_ignored() -> None:
    assert resolve_flow({"flow": ["a"], "state_defs": ["x"]})["states"] == {"a": {"terminal": True}}


def test_without_flow_nothing_changes() -> None:
    mapping = {"name": "n", "state_defs": {}}
    assert resolve_flow(mapping) is mapping


def test_a_mistake_in_a_flow_is_placed_at_its_entry(tmp_path: Path) -> None:
    write(tmp_path, x="name: x\ninitial: a\nflow:\n  - a\n  - b?c\n  - gone?d:e\n  - d\n")
    found = {d.code: d for d in load(tmp_path / "x.yaml").errors}
    malformed, unknown = found["LL114"].span, found["LL301"].span
    assert malformed is not None and unknown is not None
    assert (malformed.line, malformed.column) == (5, 5)
    assert (unknown.line, unknown.column) == (6, 5)


# ---------------------------------------------------------------- inheritance


def test_three_levels_with_merged_maps_and_replaced_lists(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="name: base\nlabels: [a, b]\ncontext: {x: 1, y: 1}\nmax_iterations: 9\ninitial: go\n"
        "states: {go: {action: make, timeout: 5, next: done}, done: {terminal: true}}\n",
        middle="from: base\nname: middle\ncontext: {y: 2}\nlabels: [c]\n",
        top="from: middle\nname: top\nstates: {go: {timeout: 90}}\nmax_iterations: null\n",
    )
    loop = load(tmp_path / "top.yaml").require()
    assert (loop.name, loop.labels, loop.context) == ("top", ["c"], {"x": 1, "y": 2})
    assert (loop.states["go"].action, loop.states["go"].timeout) == ("make", 90)
    assert loop.max_iterations == 50


def test_a_parent_is_looked_up_from_the_folder_of_the_file_that_names_it(tmp_path: Path) -> None:
    write(
        tmp_path,
        lib__deep="name: deep\ninitial: a\nstates: {a: {terminal: true}}\n",
        lib__near="from: deep\nname: near\n",
        top="from: lib/near\nname: top\n",
    )
    assert load(tmp_path / "top.yaml").require().name == "top"


def test_the_public_function_returns_the_same_object_without_from() -> None:
    mapping = {"name": "n"}
    assert resolve_inheritance(mapping, ".") is mapping


def test_a_merged_loop_has_no_from_and_its_child_is_untouched(tmp_path: Path) -> None:
    write(tmp_path, base="name: base\nscope: [x]\n")
    child = {"from": "base", "name": "child"}
    assert resolve_inheritance(child, tmp_path) == {"name": "child", "scope": ["x"]}
    assert child == {"from": "base", "name": "child"}


@pytest.mark.parametrize("start", ["a", "b"])
def test_a_circle_is_named(tmp_path: Path, start: str) -> None:
    write(tmp_path, a="from: b\n", b="from: a\n")
    other = "b" if start == "a" else "a"
    with pytest.raises(ValueError, match=rf"Circular.*{other} -> {start} -> {other}"):
        resolve_inheritance({"from": other}, tmp_path)


def test_a_loop_that_inherits_itself(tmp_path: Path) -> None:
    write(tmp_path, me="from: me\n")
    with pytest.raises(ValueError, match=r"Circular.*me -> me"):
        resolve_inheritance({"from": "me"}, tmp_path)


@pytest.mark.parametrize(
    ("files", "parent", "error", "words"),
    [
        ({}, 5, ValueError, "must be a string"),
        ({}, "nobody", FileNotFoundError, "nobody"),
        ({"p": "- a\n"}, "p", ValueError, "'p' must be a mapping, found a list"),
        ({"p": ""}, "p", ValueError, "must be a mapping, found nothing"),
        ({"p": "a: [\n"}, "p", ValueError, "not valid YAML"),
    ],
)
def test_a_parent_that_cannot_be_used(
    tmp_path: Path, files: dict[str, str], parent: Any, error: type[Exception], words: str
) -> None:
    write(tmp_path, **files)
    with pytest.raises(error, match=words):
        resolve_inheritance({"from": parent}, tmp_path)


def test_a_mistake_inherited_from_another_file_is_shown_there(tmp_path: Path) -> None:
    write(
        tmp_path,
        base="name: base\ninitial: a\n\n"
        "states:\n  a: {action: make, next: nowhere}\n  done: {terminal: true}\n",
        child="from: base\nname: child\n",
    )
    result = load(tmp_path / "child.yaml")
    span = result.errors[0].span
    assert span is not None
    assert (Path(span.source.path).name, span.line, span.column) == ("base.yaml", 5, 27)
    assert [Path(path).name for path, _ in result.sources] == ["child.yaml", "base.yaml"]


# ---------------------------------------------------------------- fragments

LIBRARY = """
fragments:
  gate:
    description: a numeric gate
    action_type: shell
    evaluate: {type: output_numeric, operator: le, target: 0}
  plain: {timeout: 5}
"""


def test_a_fragment_fills_what_the_state_leaves_out(tmp_path: Path) -> None:
    write(tmp_path, lib__gates=LIBRARY)
    mapping = {
        "import": ["lib/gates.yaml"],
        "states": {
            "a": {"fragment": "gate", "action": "count", "evaluate": {"target": 3}},
            "b": {"next": "a"},
        },
    }
    before = copy.deepcopy(mapping)
    out = resolve_fragments(mapping, tmp_path)
    assert out["states"]["a"] == {
        "action_type": "shell",
        "action": "count",
        "evaluate": {"type": "output_numeric", "operator": "le", "target": 3},
    }
    assert out["states"]["b"] == {"next": "a"}
    assert out["import"] == ["lib/gates.yaml"]
    assert mapping == before


def test_later_imports_and_own_fragments_win_whole(tmp_path: Path) -> None:
    write(
        tmp_path,
        one="fragments: {f: {timeout: 1, agent: x}, g: {timeout: 1}}\n",
        two="fragments: {f: {timeout: 2}}\n",
    )
    mapping = {
        "import": ["one.yaml", "two.yaml"],
        "fragments": {"g": {"agent": "own"}},
        "states": {"a": {"fragment": "f"}, "b": {"fragment": "g"}},
    }
    assert resolve_fragments(mapping, tmp_path)["states"] == {"a": {"timeout": 2}, "b": {"agent": "own"}}


def test_a_built_in_library_is_found_from_an_empty_project(tmp_path: Path) -> None:
    out = resolve_fragments({"import": ["lib/common.yaml"], "states": {}}, tmp_path)
    assert out["states"] == {}


def test_null_means_no_fragment(tmp_path: Path) -> None:
    mapping = {"states": {"a": {"fragment": None}, "b": "no mapping"}}
    assert resolve_fragments(mapping, tmp_path) is mapping


def test_a_missing_library_is_an_error_even_when_nothing_uses_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.yaml"):
        resolve_fragments({"import": ["gone.yaml"], "states": {}}, tmp_path)


def test_a_library_that_is_no_mapping_gives_nothing(tmp_path: Path) -> None:
    write(tmp_path, odd="- x\n")
    with pytest.raises(ValueError, match=r"available: \(none\)"):
        resolve_fragments({"import": ["odd.yaml"], "states": {"a": {"fragment": "f"}}}, tmp_path)


def test_an_unknown_fragment_names_state_and_choices(tmp_path: Path) -> None:
    mapping = {"fragments": {"two": {}, "one": {}}, "states": {"a": {"fragment": "tow"}}}
    with pytest.raises(ValueError, match="state 'a' uses the unknown fragment 'tow'; available: one, two"):
        resolve_fragments(mapping, tmp_path)


def test_every_unknown_fragment_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        x="name: x\ninitial: a\nfragments: {gate: {timeout: 5}}\n"
        "states:\n  a: {fragment: gaet, action: x, next: b}\n"
        "  b: {fragment: [gate], action: x, next: done}\n  done: {terminal: true}\n",
    )
    errors = load(tmp_path / "x.yaml").errors
    assert [(d.path, d.suggestion) for d in errors] == [
        ("states.a.fragment", "gate"),
        ("states.b.fragment", None),
    ]


def test_a_mistake_in_a_fragment_is_shown_in_the_library(tmp_path: Path) -> None:
    write(
        tmp_path,
        lib__gates="fragments:\n  gate:\n    evaluate:\n      type: output_numerik\n",
        x="name: x\ninitial: a\nimport: [lib/gates.yaml]\n"
        "states: {a: {fragment: gate, action: x, on_yes: done, on_no: a}, done: {terminal: true}}\n",
    )
    error = load(tmp_path / "x.yaml").errors[0]
    assert error.span is not None
    assert (Path(error.span.source.path).name, error.span.line, error.span.column) == ("gates.yaml", 4, 13)
    assert error.suggestion == "output_numeric"


def test_an_inherited_import_is_also_found_beside_the_parent(tmp_path: Path) -> None:
    write(
        tmp_path,
        lib__own="fragments: {f: {timeout: 7}}\n",
        lib__base="name: base\ninitial: a\nimport: [own.yaml]\n"
        "states: {a: {fragment: f, action: x, next: done}, done: {terminal: true}}\n",
        top="from: lib/base\nname: top\n",
    )
    assert load(tmp_path / "top.yaml").require().states["a"].timeout == 7


def test_merging_keeps_its_inputs_and_lets_null_win() -> None:
    lower, upper = {"m": {"a": 1}, "l": [1], "s": 1}, {"m": {"b": 2}, "l": [2], "s": None, "m2": {}}
    assert deep_merge(lower, upper) == {"m": {"a": 1, "b": 2}, "l": [2], "s": None, "m2": {}}
    assert (lower, upper["m"]) == ({"m": {"a": 1}, "l": [1], "s": 1}, {"b": 2})
