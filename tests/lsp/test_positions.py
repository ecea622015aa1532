"""Columns and lines as editors count them, whatever is in the line and whatever YAML takes for a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import Editor
from lsprotocol import types

WIDE = """\
name: wide # 😀😀
description: "你好 😀 é"
scope: [.]
initial: "𝒜"
states:
  "𝒜": {action: "echo 😀 你好", on_yes: dóne, on_no: 😀, on_error: dóne}
  dóne: {terminal: true}
"""


def test_findings_count_utf_16(editor: Editor) -> None:
    name = ".loops/wide.yaml"
    found = editor.open(name, WIDE)
    assert [(one.code, editor.cut(name, one.range)) for one in found] == [("LL301", "😀")]
    assert found[0].range == types.Range(types.Position(5, 52), types.Position(5, 54))


def test_questions_count_utf_16(editor: Editor) -> None:
    name = ".loops/wide2.yaml"
    editor.open(name, WIDE)
    assert editor.definition(name, "dóne") == (".loops/wide2.yaml:7", "dóne")
    about, where = editor.hover(name, "dóne", nth=1)
    assert where == "dóne"
    assert "the loop ends here" in about
    assert editor.hover(name, "on_no")[1] == "on_no"
    assert editor.hover(name, '𝒜"', nth=1)[1] == '"𝒜"'
    assert {"𝒜", "dóne"} <= set(editor.offers(name, "on_no: "))


def test_a_rename_among_wide_characters(editor: Editor) -> None:
    name = ".loops/wide3.yaml"
    editor.open(name, WIDE.replace("on_no: 😀", "on_no: 𝒜"))
    after = editor.rename(name, "𝒜", "😀 b", nth=2)
    assert after == WIDE.replace('"𝒜"', "😀 b").replace("on_no: 😀", "on_no: 😀 b")


@pytest.mark.parametrize(("encoding", "start", "end"), [("utf-8", 61, 65), ("utf-32", 50, 51)])
def test_another_way_to_count_that_the_editor_prefers(
    project: Path, encoding: str, start: int, end: int
) -> None:
    with Editor(project, encodings=[encoding]) as other:
        assert other.greeting.capabilities.position_encoding == types.PositionEncodingKind(encoding)
        found = other.open(".loops/wide4.yaml", WIDE)
        assert found[0].range == types.Range(types.Position(5, start), types.Position(5, end))


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["windows", "old mac"])
def test_lines_that_end_otherwise(editor: Editor, end: str) -> None:
    name = f".loops/ends{len(end)}.yaml"
    found = editor.open(name, WIDE.replace("\n", end))
    assert found[0].range == types.Range(types.Position(5, 52), types.Position(5, 54))


def test_line_ends_that_only_yaml_knows(editor: Editor) -> None:
    name = ".loops/separators.yaml"
    text = WIDE.replace("# 😀😀", "# a\u2028# b\u0085# c")
    found = editor.open(name, text)
    assert [(one.code, editor.cut(name, one.range)) for one in found] == [("LL301", "😀")]
    assert found[0].range.start.line == 5
    assert editor.definition(name, "dóne") == (".loops/separators.yaml:7", "dóne")
