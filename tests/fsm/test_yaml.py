"""Reading YAML: what words mean, where things stand, and what a hostile file costs."""

from __future__ import annotations

import time
from typing import Any

import pytest

from little_loops.errors import LoadError, LoopNotFound
from little_loops.fsm.diagnostics import Source, render
from little_loops.fsm.yaml import Document, deep_merge, locate, parse, read_document


def read(text: str) -> Document:
    return parse(Source("loop.yaml", text))


def place(document: Document, *path: str | int, on_key: bool = False) -> str:
    span = locate(document.data, path, on_key=on_key)
    assert span is not None
    return f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("~", None),
        ("null", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("0755", 755),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("2026-11-20", "2026-11-20"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int 12", 12),
        ("! 12", "12"),
    ],
)
def test_a_word_means_what_the_core_schema_says(word: str, value: Any) -> None:
    document = read(f"key: {word}\n")
    assert document.found == ()
    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)


def test_keys_are_always_text() -> None:
    assert read("on: a\nno: b\n1: c\nnull: d\n").data == {"on": "a", "no": "b", "1": "c", "null": "d"}


def test_places_of_values_and_keys() -> None:
    document = read("a:\n  b: [one, 'two']\n  text: |\n    first\n    second\n\n  last: x\n")
    assert place(document, "a", "b", 1) == "2:12-2:17"
    assert place(document, "a", "b", on_key=True) == "2:3-2:4"
    assert place(document, "a", "text") == "3:9-6:1"
    assert place(document, "a", "last") == "7:9-7:10"


def test_a_missing_value_is_placed_at_the_key_of_its_nearest_owner() -> None:
    assert place(read("a:\n  b: {c: 1}\n"), "a", "b", "zz") == "2:3-2:4"


def test_columns_count_characters_and_not_bytes() -> None:
    assert place(read("ключ: {äöü: wert}\n"), "ключ", "äöü") == "1:13-1:17"


def test_a_key_written_twice_names_the_other_line() -> None:
    document = read("a: 1\nb: 2\na: 3\n")
    assert document.data == {"a": 1, "b": 2}
    assert render(document.found[0]) == (
        "loop.yaml:3:1: error[LL102]: the key 'a' is written twice\n"
        "   |\n"
        " 3 | a: 3\n"
        "   | ^\n"
        "  = help: it is already written in line 1; remove one of the two"
    )


def test_merge_keys_fill_in_what_is_absent() -> None:
    document = read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nmany: {<<: [*b, {z: 4}]}\n")
    assert document.found == ()
    assert document.data["use"] == {"x": 1, "y": 3}
    assert document.data["many"] == {"x": 1, "y": 2, "z": 4}
    assert place(document, "use", "x") == "1:14-1:15"


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert read("a: {'<<': 1}\n").data == {"a": {"<<": 1}}


def test_a_merge_key_needs_a_mapping() -> None:
    assert [d.code for d in read("a: {<<: 5, b: 1}\n").found] == ["LL104"]


NINES = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (NINES, "LL103", "once aliases are followed"),
        ("a: &a [*a]\n", "LL103", "names itself"),
        ("a: &a {b: {c: *a}}\n", "LL103", "names itself"),
        ("a: *nobody\n", "LL103", "nothing before it"),
        ("[" * 200_000, "LL103", "nested deeper"),
        ("{a: " * 200_000, "LL103", "nested deeper"),
        ("- " * 200_000, "LL103", "nested deeper"),
        ("? " * 200_000, "LL103", "nested deeper"),
        ("[[a]: b]: c\n" * 400, "LL103", "too many mistakes"),
        ("x" * 2_100_000, "LL103", "larger than"),
        ("a: " + "9" * 5000, "LL101", "5000 digits"),
        ("a: [1, 2\nb: 3\n", "LL101", "not valid YAML"),
        ("a: \x07\n", "LL101", "not valid YAML"),
        ("a: \ud800\n", "LL101", "not valid YAML"),
        ("'", "LL101", "not valid YAML"),
        ("%FOO\n", "LL101", "not valid YAML"),
        ("--- a\n--- b\n", "LL101", "a second document"),
        ("a: !!python/object/apply:os.system [id]\n", "LL105", "is not allowed"),
        ("a: !ruby x\n", "LL105", "is not allowed"),
        ("? [a]\n: b\n", "LL104", "a plain word"),
        ("x: &k v\n*k : b\n", "LL104", "not an alias"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_a_hostile_text_is_refused_quickly_with_a_place(text: str, code: str, words: str) -> None:
    started = time.monotonic()
    document = read(text)
    assert time.monotonic() - started < 5
    last = document.found[-1]
    assert last.code == code
    assert words in last.message
    assert last.span is not None
    assert last.span.line >= 1 and last.span.column >= 1


def test_aliases_within_the_budget_are_followed() -> None:
    document = read("a: &a [1, 2]\nb: [*a, *a]\n")
    assert document.data == {"a": [1, 2], "b": [[1, 2], [1, 2]]}
    assert place(document, "b", 1) == "2:9-2:11"


def test_an_unfinished_text_is_shown_where_the_text_ends() -> None:
    found = read("a: 1\nb: [\n\n\n").found[0]
    assert found.span is not None
    assert (found.span.line, found.span.column) == (2, 4)


def test_deep_merge_replaces_lists_and_keeps_places_of_both_sides() -> None:
    lower = read("m: {x: 1, l: [1, 2]}\ns: base\n").data
    upper = read("#\n#\nm: {l: [3]}\ns: null\n").data
    merged = deep_merge(lower, upper)
    assert merged == {"m": {"x": 1, "l": [3]}, "s": None}
    assert lower == {"m": {"x": 1, "l": [1, 2]}, "s": "base"}
    lines = [locate(merged, path).line for path in (("m", "x"), ("m", "l", 0), ("s",))]  # type: ignore[union-attr]
    assert lines == [1, 3, 4]


def test_a_file_that_is_no_text(tmp_path: Any) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(LoadError, match=r"x\.yaml:2: this is not UTF-8"):
        read_document(path)


def test_a_file_that_is_not_there(tmp_path: Any) -> None:
    with pytest.raises(LoopNotFound):
        read_document(tmp_path / "x.yaml")


def test_a_folder_is_no_file(tmp_path: Any) -> None:
    with pytest.raises(LoadError, match="cannot read"):
        read_document(tmp_path)


def test_a_byte_order_mark_is_no_content(tmp_path: Any) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(path).data == {"a": 1}
