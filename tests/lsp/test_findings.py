"""What an editor underlines while a loop is typed."""

from __future__ import annotations

from pathlib import Path

from editor import Editor
from lsprotocol import types

CLEAN = """\
name: one
description: one check
scope: [.]
initial: check
states:
  check: {action: make, on_yes: done, on_no: check, on_error: failed}
  done: {terminal: true}
  failed: {terminal: true}
"""
ERROR, WARNING = types.DiagnosticSeverity.Error, types.DiagnosticSeverity.Warning


def shown(editor: Editor, name: str, found: list[types.Diagnostic]) -> list[tuple[str | int | None, str]]:
    return [(one.code, editor.cut(name, one.range)) for one in found]


def test_a_clean_loop_has_no_findings(editor: Editor) -> None:
    assert editor.open(".loops/clean.yaml", CLEAN) == []


def test_every_finding_stands_at_its_place_with_its_code(editor: Editor) -> None:
    name = ".loops/bad.yaml"
    text = CLEAN.replace("on_yes: done", "on_yes: don").replace("name:", "maxx_steps: 3\nname:")
    found = editor.open(name, text)
    assert shown(editor, name, found) == [("LL125", "maxx_steps"), ("LL301", "don"), ("LL332", "done")]
    assert [one.severity for one in found] == [WARNING, ERROR, WARNING]
    assert {one.source for one in found} == {"ll-loop"}
    assert found[0].message.startswith("unknown key 'maxx_steps'; did you mean 'max_steps'?")
    assert found[1].message.startswith("'on_yes' leads to the undefined state 'don'; did you mean 'done'?")


def test_findings_come_and_go_as_the_text_changes(editor: Editor) -> None:
    name = ".loops/typed.yaml"
    assert editor.open(name, CLEAN) == []
    broken = CLEAN.replace("  done: {terminal: true}", "  done: {terminal: true")
    assert [one.code for one in editor.edit(name, broken)] == ["LL101"]
    assert [one.code for one in editor.edit(name, CLEAN.replace("make", "'make ${HOME}'"))] == ["LL504"]
    assert editor.edit(name, CLEAN) == []


def test_the_newest_text_wins_however_fast_it_is_typed(editor: Editor) -> None:
    name = ".loops/fast.yaml"
    editor.open(name, CLEAN)
    for length in range(40):
        editor.change(name, CLEAN + "x" * length)
    assert editor.edit(name, CLEAN) == []
    reports = editor.published[editor.uri(name)]
    assert [report.version for report in reports] == sorted(report.version or 0 for report in reports)
    assert len(reports) < 40


def test_a_finding_of_many_lines_underlines_the_first(editor: Editor) -> None:
    name = ".loops/lines.yaml"
    text = CLEAN.replace(
        "  done: {terminal: true}\n", "  done:\n    action: echo never\n    terminal: true\n"
    )
    for one in editor.open(name, text):
        assert one.range.start.line == one.range.end.line


def test_a_mistake_in_a_parent_is_shown_where_the_parent_comes_in(editor: Editor, project: Path) -> None:
    name = ".loops/heir.yaml"
    found = editor.open(name, "name: heir\nfrom: base\ndescription: mine\n")
    assert shown(editor, name, found) == [("LL301", "base")]
    assert found[0].message.startswith("base.yaml:8: 'on_no' leads to the undefined state 'nowhere'")
    related = found[0].related_information
    assert related is not None
    assert related[0].location.uri == (project / ".loops" / "base.yaml").as_uri()
    assert related[0].location.range == types.Range(types.Position(7, 45), types.Position(7, 52))
    assert related[0].message == "'on_no' leads to the undefined state 'nowhere'"


def test_a_mistake_in_a_library_is_shown_at_its_import(editor: Editor) -> None:
    name = ".loops/user.yaml"
    text = CLEAN.replace("initial:", "import: [lib/common.yaml, lib/own.yaml]\ninitial:")
    found = editor.open(name, text.replace("check: {action: make,", "check: {fragment: wrong, action: make,"))
    assert shown(editor, name, found) == [("LL125", "lib/own.yaml")]
    assert found[0].message.startswith("own.yaml:7: unknown key 'timeot'; did you mean 'timeout'?")


def test_saving_a_parent_clears_its_heirs(editor: Editor, project: Path) -> None:
    parent = project / ".loops" / "elder.yaml"
    parent.write_text("name: elder\nscope: [.]\ninitial: a\nstates:\n  a: {action: make, next: b}\n")
    name = ".loops/younger.yaml"
    found = editor.open(name, "from: elder\nname: younger\ndescription: mine\n")
    assert "LL207" in [one.code for one in found]
    parent.write_text(parent.read_text() + "  b: {terminal: true}\n")
    editor.save(name)
    assert editor.findings(name, more_than=1) == []


def test_a_parent_that_something_else_changes(editor: Editor, project: Path) -> None:
    assert [one.method for one in editor.registered] == [types.WORKSPACE_DID_CHANGE_WATCHED_FILES]
    parent = project / ".loops" / "uncle.yaml"
    parent.write_text(CLEAN)
    name = ".loops/nephew.yaml"
    assert editor.open(name, "from: uncle\nname: nephew\ndescription: mine\n") == []
    parent.write_text(CLEAN.replace("on_no: check", "on_no: chek"))
    editor.changed_on_disk(".loops/uncle.yaml")
    assert [one.code for one in editor.findings(name, more_than=1)] == ["LL301"]


def test_a_parent_that_is_being_changed_in_another_window(editor: Editor, project: Path) -> None:
    (project / ".loops" / "stem.yaml").write_text(CLEAN)
    heir, parent = ".loops/branch.yaml", ".loops/stem.yaml"
    assert editor.open(heir, "from: stem\nname: branch\ndescription: mine\n") == []
    editor.open(parent, CLEAN.replace("on_no: check", "on_no: chek"))
    (found,) = editor.findings(heir, more_than=1)
    assert found.code == "LL301"
    assert found.related_information is not None
    assert editor.cut(parent, found.related_information[0].location.range) == "chek"
    assert editor.definition(heir, "stem") == (".loops/stem.yaml:1", "")
    editor.change(parent, CLEAN)
    assert editor.findings(heir, more_than=2) == []
    editor.change(parent, CLEAN.replace("on_no: check", "on_no: chek"))
    assert len(editor.findings(heir, more_than=3)) == 1
    editor.close(parent)  # nothing was saved
    assert editor.findings(heir, more_than=4) == []


def test_a_library_is_judged_as_one(editor: Editor) -> None:
    name = ".loops/lib/more.yaml"
    found = editor.open(name, "fragments:\n  a: {action: make, evaluate: {operator: lt}}\n  b: {timeot: 5}\n")
    assert shown(editor, name, found) == [("LL125", "timeot")]


def test_other_yaml_is_left_alone(editor: Editor) -> None:
    workflow = "on: push\njobs:\n  build: {runs-on: x, steps: [{run: make}]}\n"
    assert editor.open("workflow.yaml", workflow) == []
    assert editor.open("broken.yaml", "a: [") == []
    assert editor.open(".loops/clean.scenarios.yaml", "- answers: {}\n") == []
    assert editor.offers("workflow.yaml", "jobs:\n") == {}
    assert [one.code for one in editor.open("loop.yaml", CLEAN.replace("on_no: check", "on_no: chek"))] == [
        "LL301"
    ]


def test_a_closed_text_says_nothing_more(editor: Editor) -> None:
    name = ".loops/closed.yaml"
    editor.open(name, CLEAN.replace("on_no: check", "on_no: chek"))
    before = len(editor.published[editor.uri(name)])
    editor.close(name)
    editor.open(".loops/after.yaml", CLEAN)
    assert len(editor.published[editor.uri(name)]) == before + 1
    assert editor.published[editor.uri(name)][-1].diagnostics == ()


def test_a_finding_without_a_place_in_an_empty_text(editor: Editor) -> None:
    found = editor.open(".loops/empty.yaml", "")
    assert [(one.code, one.range.start.line) for one in found] == [("LL119", 0)]


def test_a_huge_loop_and_one_that_is_too_large(editor: Editor) -> None:
    states = "".join(f"  s{n}: {{action: make, next: s{n + 1}}}\n" for n in range(2000))
    text = (
        f"name: huge\ndescription: d\nscope: [.]\ninitial: s0\nstates:\n{states}  s2000: {{terminal: true}}\n"
    )
    assert [one.code for one in editor.open(".loops/huge.yaml", text) if one.severity == ERROR] == []
    found = editor.open(".loops/larger.yaml", text + "# " + "x" * 2_000_000)
    assert [one.code for one in found] == ["LL103"]
    assert [one.code for one in editor.open(".loops/deep.yaml", "a: " + "[" * 5000)] == ["LL103"]
    many = "".join(f"  s{n}: {{action: make, next: gone{n}}}\n" for n in range(1500))
    found = editor.open(".loops/many.yaml", f"name: many\ninitial: s0\nstates:\n{many}")
    assert 0 < len(found) <= 500
