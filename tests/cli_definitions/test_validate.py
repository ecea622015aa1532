"""``ll-loop validate``."""

from __future__ import annotations

import json

from screens import FIX, Project

BROKEN = FIX.replace("on_no: repair", "on_no: repare").replace(
    "pytest -q", "pytest -q\n    evaluate: {type: exit_cod}"
)


def test_a_good_loop(project: Project) -> None:
    screen = project.ll("validate", "fix")
    assert screen.code == 0
    assert screen.err == ""
    assert screen.lines == [
        "✓ fix is valid",
        "  States: check, repair, done, broken",
        "  Initial: check",
        "  Max iterations: 50",
    ]


def test_every_mistake_is_shown_in_its_place(project: Project) -> None:
    project.loop("bad", BROKEN)
    screen = project.ll("val", "bad")
    assert screen.code == 1
    assert ".loops/bad.yaml:14:12: error[LL301]: 'on_no' leads to the undefined state 'repare'" in screen.out
    assert " 14 |     on_no: repare\n    |            ^^^^^^\n" in screen.out
    assert "did you mean 'repair'?" in screen.out
    assert "did you mean 'exit_code'?" in screen.out
    assert screen.err.startswith("error: bad is not valid: 2 errors")


def test_warnings_let_a_loop_pass_unless_strict(project: Project) -> None:
    project.loop("odd", FIX.replace("scope: [src]", "scoop: [src]"))
    screen = project.ll("validate", "odd")
    assert screen.code == 0
    assert "did you mean 'scope'?" in screen.out
    assert "⚠ odd is valid" in screen.out
    assert project.ll("validate", "odd", "--strict").code == 1


def test_json_has_the_errors_first(project: Project) -> None:
    project.loop(
        "bad", BROKEN.replace("description: |\n  Make the tests pass.\n  By asking again and again.\n", "")
    )
    screen = project.ll("validate", "bad", "--json")
    assert screen.code == 1
    said = screen.json
    assert said["loop"] == "bad"
    assert said["valid"] is False
    severities = [item["severity"] for item in said["violations"]]
    assert severities == sorted(severities)
    assert {"error", "warning"} == set(severities)
    first = said["violations"][0]
    assert first["path"].startswith("states.check")
    assert first["line"] == 9
    assert {"code", "message", "file", "column", "suggestion"} <= set(first)


def test_several_loops_and_folders(project: Project) -> None:
    project.loop("bad", BROKEN)
    project.loop("lib/parts", "fragments:\n  one: {action: make}\n")
    screen = project.ll("validate", "fix", ".loops", "nowhere")
    assert screen.code == 2
    assert "✓ fix is valid" in screen.out
    assert "✗ .loops/bad.yaml is not valid: 2 errors" in screen.out
    assert "lib/parts" not in screen.out
    assert screen.lines[-1] == "4 loops checked, 2 invalid"
    assert "no loop named 'nowhere'" in screen.err


def test_without_a_name_all_loops_of_the_project_are_checked(project: Project) -> None:
    screen = project.ll("validate")
    assert screen.code == 0
    assert screen.lines == ["✓ .loops/fix.yaml is valid", "", "1 loop checked, none invalid"]
    assert [one["loop"] for one in project.ll("validate", "--json").json] == [".loops/fix.yaml"]


def test_standard_input(project: Project) -> None:
    assert project.ll("validate", "-", stdin=FIX).code == 0
    screen = project.ll("validate", "-", stdin="name: [")
    assert screen.code == 1
    assert "<stdin>:1:" in screen.out


def test_a_folder_with_the_name_of_a_loop_does_not_hide_it(project: Project) -> None:
    (project.root / "fix").mkdir()
    assert "fix is valid" in project.ll("validate", "fix").out


def test_compiled_json_and_yaml_agree(project: Project) -> None:
    shown = project.ll("show", "fix", "--json").out
    project.write("copy.yaml", shown)
    assert project.ll("validate", "copy.yaml").code == 0
    assert json.loads(shown)["labels"] == ["python", "tests"]


def test_findings_for_ci(project: Project) -> None:
    project.loop("bad", BROKEN)
    screen = project.ll("validate", "bad", "fix", "nobody", "--format", "github")
    assert screen.code == 2
    first = "::error file=.loops/bad.yaml,line=14,endLine=14,col=12,endColumn=18,title=LL301::"
    assert any(line.startswith(first) for line in screen.lines)
    missing = "::error title=ll-loop::nobody: no loop named 'nobody'"
    assert any(line.startswith(missing) for line in screen.lines)
    log = json.loads(project.ll("validate", "bad", "--format", "sarif").out)
    assert [result["ruleId"] for result in log["runs"][0]["results"] if result["level"] == "error"]


def test_what_a_comment_silences_is_counted(project: Project) -> None:
    project.loop("bare", "# ll: allow LL217 it may lock everything\n" + FIX.replace("scope: [src]\n", ""))
    assert "  Silenced by allow: 1\n" in project.ll("validate", "bare").out
    assert "✓ bare is valid (1 silenced)" in project.ll("validate", "bare", "fix").out
    assert project.ll("validate", "--strict", "bare").code == 0
    assert project.ll("validate", "bare", "--json").json["silenced"] == 1
