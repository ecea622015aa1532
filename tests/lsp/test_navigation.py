"""Where names lead, what the outline shows, and a state under another name."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor import Editor
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from little_loops.fsm.load import load_text

LOOP = """\
name: ways
description: every way to name a state
scope: [.]
import: [lib/own.yaml, lib/common.yaml]
context: {who: you}
parameters: {speed: {type: string}}
circuit: {repeated_failure: {on_repeated_failure: check}}
fragments:
  mine: {on_error: check, timeout: 5}
initial: check # the first
states:
  "check":
    action: >-
      echo check ${captured.report.output?} ${context.who} ${context.speed?} ${captured.sub.seen.output?}
    capture: report
    on_yes: done
    on_no: 'check'
    on_error: $current
  gated: {fragment: gate, on_yes: done, on_no: check, on_error: check}
  other: {fragment: mine, action: make, on_yes: gated, on_no: sub}
  sub: {loop: child, with: {file: a}, route: {yes: done, no: check, _: other, _error: "check"}}
  done: {terminal: true, on_maintain: check}
"""
NAME = ".loops/ways.yaml"


@pytest.fixture(scope="module")
def ways(editor: Editor) -> Editor:
    editor.open(NAME, LOOP)
    return editor


# --- definition --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needle", "nth", "leads_to"),
    [
        ("check # the first", 0, (".loops/ways.yaml:12", '"check"')),
        ("done\n", 0, (".loops/ways.yaml:22", "done")),
        ("'check'", 0, (".loops/ways.yaml:12", '"check"')),
        ("other, _error", 0, (".loops/ways.yaml:20", "other")),
        ("check}}", 0, (".loops/ways.yaml:12", '"check"')),
        ("check, timeout", 0, (".loops/ways.yaml:12", '"check"')),
        ("check}", 2, (".loops/ways.yaml:12", '"check"')),
        ("gate,", 0, (".loops/lib/own.yaml:2", "gate")),
        ("mine, action", 0, (".loops/ways.yaml:9", "mine")),
        ("child", 0, (".loops/child.yaml:1", "")),
        ("lib/own.yaml", 0, (".loops/lib/own.yaml:1", "")),
        ("lib/common.yaml", 0, ("common.yaml:1", "")),
        ("captured.report", 0, (".loops/ways.yaml:15", "report")),
        ("captured.sub", 0, (".loops/ways.yaml:21", "sub")),
        ("context.who", 0, (".loops/ways.yaml:5", "who")),
        ("context.speed", 0, (".loops/ways.yaml:6", "speed")),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_leads_to_where_it_is_made(
    ways: Editor, needle: str, nth: int, leads_to: tuple[str, str]
) -> None:
    assert ways.definition(NAME, needle, nth=nth) == leads_to


def test_what_leads_nowhere(ways: Editor) -> None:
    for needle in ("description", "every way", "$current", "capture:"):
        assert ways.definition(NAME, needle) is None


def test_inherited_states_lead_to_the_parent(editor: Editor) -> None:
    name = ".loops/heir2.yaml"
    editor.open(
        name, "name: heir\nfrom: base\nstates:\n  extra: {action: make, on_yes: done, on_no: begin}\n"
    )
    assert editor.definition(name, "base") == (".loops/base.yaml:1", "")
    assert editor.definition(name, "done") == (".loops/base.yaml:9", "done")
    assert editor.definition(name, "begin") == (".loops/base.yaml:8", "begin")


def test_states_of_a_flow(editor: Editor) -> None:
    name = ".loops/flow2.yaml"
    text = "name: f\ninitial: a\nflow: [a, 'b?c:a', c]\nstate_defs:\n  b: {action: make}\n"
    editor.open(name, text)
    assert editor.definition(name, "a\nflow") == (".loops/flow2.yaml:3", "a")
    assert editor.definition(name, "c:a") == (".loops/flow2.yaml:3", "c")
    assert editor.definition(name, "b?c") == (".loops/flow2.yaml:5", "b")


def test_definitions_while_the_text_below_is_broken(editor: Editor) -> None:
    name = ".loops/halfway2.yaml"
    editor.open(name, LOOP)
    editor.edit(name, LOOP + "  more: {action: [\n")
    assert editor.definition(name, "done\n") == (".loops/halfway2.yaml:22", "done")
    assert editor.definition(name, "child") == (".loops/child.yaml:1", "")
    editor.edit(name, "# one\n# two\n" + LOOP + "  more: {action: [\n")
    assert editor.definition(name, "done\n") == (".loops/halfway2.yaml:24", "done")
    assert editor.definition(name, "context.who") == (".loops/halfway2.yaml:7", "who")


# --- outline -----------------------------------------------------------------------------------------------


def test_the_outline(ways: Editor) -> None:
    symbols = ways.symbols(NAME)
    assert [(s.name, s.detail) for s in symbols] == [
        ("who", "context"),
        ("speed", "parameters"),
        ("mine", "fragment"),
        ("check", "yes → done, no → check, error → check"),
        ("gated", "yes → done, no → check, error → check"),
        ("other", "yes → gated, no → sub, error → check"),
        ("sub", "yes → done, no → check, _ → other, error → check"),
        ("done", "end"),
    ]
    assert [ways.cut(NAME, s.selection_range) for s in symbols][3:5] == ['"check"', "gated"]
    assert ways.cut(NAME, symbols[3].range).startswith('"check":\n    action: >-')
    assert ways.cut(NAME, symbols[3].range).endswith("on_error: $current")
    assert ways.cut(NAME, symbols[7].range) == "done: {terminal: true, on_maintain: check}"
    assert {s.kind for s in symbols[3:]} == {types.SymbolKind.Class}


def test_the_outline_survives_a_broken_text(editor: Editor) -> None:
    name = ".loops/outline.yaml"
    editor.open(name, LOOP)
    editor.edit(name, LOOP.replace("initial:", "initial: ["))
    assert "gated" in [s.name for s in editor.symbols(name)]


# --- rename ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("needle", ["check # the first", '"check":', "'check'", "check}}", "check, timeout"])
def test_a_state_is_renamed_everywhere(ways: Editor, needle: str) -> None:
    after = ways.rename(NAME, needle, "probe")
    expected = LOOP
    for old, new in (
        ("on_repeated_failure: check}", "on_repeated_failure: probe}"),
        ("on_error: check, timeout", "on_error: probe, timeout"),
        ("initial: check #", "initial: probe #"),
        ('  "check":', "  probe:"),
        ("on_no: 'check'", "on_no: probe"),
        ("on_no: check, on_error: check}", "on_no: probe, on_error: probe}"),
        ('no: check, _: other, _error: "check"}', "no: probe, _: other, _error: probe}"),
        ("on_maintain: check}", "on_maintain: probe}"),
    ):
        assert old in expected
        expected = expected.replace(old, new)
    assert after == expected  # the words in the action stay as they are


def test_a_rename_is_the_same_loop(ways: Editor) -> None:
    after = load_text(ways.rename(NAME, "gated:", "a, {b}: 'c' # d"), "x.yaml").loop
    before = load_text(LOOP, "x.yaml").loop
    assert before is not None and after is not None
    assert [name.replace("a, {b}: 'c' # d", "gated") for name in after.states] == list(before.states)


def test_a_rename_in_a_flow(editor: Editor) -> None:
    name = ".loops/flow3.yaml"
    text = "name: f\ninitial: b\nflow: [a, b?c:b, 'c']\nstate_defs:\n  b: {action: make}\n  c: {action: x}\n"
    editor.open(name, text)
    after = "name: f\ninitial: probe\nflow: [a, probe?c:probe, 'c']\nstate_defs:\n  probe: {action: make}\n"
    assert editor.rename(name, "b?c", "probe") == after + "  c: {action: x}\n"
    assert "b?last:b, last]\n" in editor.rename(name, "c: {action", "last")
    assert refusal(editor, name, "b?c", "a b").endswith("no blanks, ?, : or brackets")


def test_anchors_stay(editor: Editor) -> None:
    name = ".loops/anchors.yaml"
    text = (
        "name: f\ndescription: d\ninitial: &first a\nstates:\n"
        "  a: &body {action: make, on_yes: b, on_no: *first}\n"
        "  c: {<<: *body, on_error: !!str a}\n  b: {terminal: true}\n"
    )
    editor.open(name, text)
    after = editor.rename(name, "a: &body", "probe")
    assert "initial: &first probe\n" in after
    assert "  probe: &body {action: make, on_yes: b, on_no: probe}\n" in after
    assert "on_error: !!str probe}" in after


def refusal(editor: Editor, name: str, needle: str, new: str, **where: int) -> str:
    with pytest.raises(JsonRpcException) as refused:
        editor.rename(name, needle, new, **where)
    return refused.value.message


@pytest.mark.parametrize(
    ("needle", "new", "why"),
    [
        ("gated:", "check", "there is a state 'check' already"),
        ("gated:", "", "cannot be the name of a state"),
        ("gated:", "$current", "cannot be the name of a state"),
        ("gated:", "abort", "cannot be the name of a state"),
        ("gated:", "${x.y}", "cannot be the name of a state"),
        ("gated:", "a\nb", "cannot be the name of a state"),
        ("gate,", "gatter", "only states can be renamed"),
        ("description", "x", "only states can be renamed"),
        ("$current", "x", "only states can be renamed"),
    ],
)
def test_a_rename_that_is_refused(ways: Editor, needle: str, new: str, why: str) -> None:
    assert why in refusal(ways, NAME, needle, new)


def test_the_laws_of_the_loop_follow(editor: Editor) -> None:
    name = ".loops/laws.yaml"
    text = LOOP + "properties:\n  never: [gated, 'other']\n  always_before: [gated, done]\n"
    editor.open(name, text)
    after = editor.rename(name, "gated:", "held")
    assert after.endswith("  never: [held, 'other']\n  always_before: [held, done]\n")
    editor.edit(name, text.replace("always_before: [gated, done]", "eventually: gated or done"))
    assert "named under `properties`, in a longer text" in refusal(editor, name, "gated:", "held")


def test_a_state_of_a_parent_is_renamed_there(editor: Editor) -> None:
    name = ".loops/heir3.yaml"
    editor.open(name, "name: heir\nfrom: base\nstates:\n  begin: {on_no: done}\n")
    assert "'done' is not made in this file" in refusal(editor, name, "done", "end")
    assert "also named in another file" in refusal(editor, name, "begin", "start")


def test_the_states_of_a_short_form_have_no_names_of_their_own(editor: Editor) -> None:
    name = ".loops/short2.yaml"
    text = "name: s\nparadigm: convergence\ncheck: wc\ntoward: 1\nusing: make\non_stall: apply\n"
    editor.open(name, text)
    assert "the short form gives 'apply' its name" in refusal(editor, name, "apply", "x")


def test_a_broken_text_is_not_renamed(editor: Editor) -> None:
    name = ".loops/broken2.yaml"
    editor.open(name, LOOP + "  more: [\n")
    assert "not valid YAML" in refusal(editor, name, "gated", "x")


def test_an_editor_may_ask_first_what_would_be_renamed(ways: Editor) -> None:
    asked = types.PrepareRenameParams(**ways.at(NAME, "'check'"))
    found = ways.run(ways.client.text_document_prepare_rename_async(asked))
    assert isinstance(found, types.PrepareRenamePlaceholder)
    assert (ways.cut(NAME, found.range), found.placeholder) == ("'check'", "check")
    with pytest.raises(JsonRpcException):
        asked = types.PrepareRenameParams(**ways.at(NAME, "description"))
        ways.run(ways.client.text_document_prepare_rename_async(asked))


def test_nothing_is_written_by_a_rename(ways: Editor, project: Path) -> None:
    ways.rename(NAME, "gated:", "probe")
    assert not (project / NAME).exists()
