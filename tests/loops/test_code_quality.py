"""The loops that look at code: each on a small project of its own, with stand-ins for tools."""

from __future__ import annotations

import pytest
from loop_project import Project

PYTHON_TESTS = "python3 -m unittest discover -s tests -t ."

LINTER = """
import pathlib, re, sys
found = 0
for path in sorted(pathlib.Path("src").glob("*.txt")):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if "bad" in line or "hopeless" in line:
            print(f"{path}:{number}: {line}")
            found = 1
sys.exit(found)
"""
FIXER = """
import pathlib
for path in sorted(pathlib.Path("src").glob("*.txt")):
    path.write_text(path.read_text().replace("bad", "good", 1))
"""


@pytest.fixture
def linted(project: Project) -> Project:
    project.commit({"lint.py": LINTER, "fix.py": FIXER, "src/a.txt": "bad\nbad\n", "src/b.txt": "bad\n"})
    return project


# fix-until-green

CALCULATOR = {
    "calc.py": "def add(a, b):\n    return a - b\n",
    "tests/__init__.py": "",
    "tests/test_calc.py": (
        "import unittest\n\nfrom calc import add\n\n\nclass Add(unittest.TestCase):\n"
        "    def test_add(self):\n        self.assertEqual(add(2, 2), 4)\n"
    ),
}
REPAIRING = """
- state: fix_lint
  files: {lint: ok}
- state: fix_tests
  text: a sum is a plus
  patch: |
    --- a/calc.py
    +++ b/calc.py
    @@ -1,2 +1,2 @@
     def add(a, b):
    -    return a - b
    +    return a + b
"""


def test_an_agent_repairs_lint_and_tests_until_both_are_green(project: Project) -> None:
    project.commit(CALCULATOR | {"lint": "not ok"})
    project.write({"../answers.yaml": REPAIRING})
    ended = project.run(
        "fix-until-green",
        "--host",
        "scripted:../answers.yaml",
        test_cmd=PYTHON_TESTS,
        lint_cmd="grep ^ok lint",
    )
    assert ended.code == 0, ended
    assert "a + b" in project.read("calc.py")
    lap = ["lint", "test", "fix_tests", "progress"]
    assert project.path() == ["lint", "fix_lint", "progress", *lap, "lint", "test", "green"]


def test_the_agent_is_given_the_output_and_the_note(project: Project) -> None:
    project.commit(CALCULATOR)
    project.write({"../answers.yaml": REPAIRING})
    arguments = ("mind the 'callers'", "--host", "scripted:../answers.yaml")
    ended = project.run("fix-until-green", *arguments, lint_cmd="true", test_cmd=PYTHON_TESTS)
    assert ended.code == 0, ended
    prompt = next(e["action"] for e in project.events() if e["event"] == "action_start" and e["is_prompt"])
    assert "AssertionError: 0 != 4" in prompt
    assert "mind the 'callers'" in prompt


def test_an_agent_that_changes_nothing_is_stuck(project: Project) -> None:
    project.commit(CALCULATOR)
    project.write({"../answers.yaml": "- {text: I have no idea, repeat: true}"})
    arguments = ("--host", "scripted:../answers.yaml")
    ended = project.run("fix-until-green", *arguments, lint_cmd="true", test_cmd=PYTHON_TESTS)
    assert ended.code == 1, ended
    assert project.path()[-1] == "stuck"


def test_an_agent_that_fails_ends_the_loop(project: Project) -> None:
    project.commit(CALCULATOR)
    project.write({"../answers.yaml": "- {text: sorry, exit_code: 1}"})
    arguments = ("--host", "scripted:../answers.yaml")
    ended = project.run("fix-until-green", *arguments, lint_cmd="true", test_cmd=PYTHON_TESTS)
    assert ended.code == 1, ended
    assert project.path()[-1] == "agent_failed"


def test_a_test_command_that_does_not_exist_is_not_repaired_by_an_agent(project: Project) -> None:
    project.commit(CALCULATOR)
    project.write({"../answers.yaml": "- {text: never asked, repeat: true}"})
    arguments = ("--host", "scripted:../answers.yaml")
    ended = project.run("fix-until-green", *arguments, lint_cmd="true", test_cmd="no-such-tool")
    assert ended.code == 1, ended
    assert project.path()[-1] == "cannot_run"


@pytest.mark.parametrize("host", ["no-such-agent", "scripted:no-such-file.yaml"])
def test_a_host_that_cannot_be_used_is_said_before_anything_runs(project: Project, host: str) -> None:
    project.commit(CALCULATOR)
    ended = project.run("fix-until-green", "--host", host)
    assert ended.code == 2, ended
    assert host.removeprefix("scripted:") in ended.said
    assert not list(project.root.glob(".loops/runs/*"))


def test_a_run_that_was_killed_while_the_agent_worked_goes_on_to_green(project: Project) -> None:
    project.commit(CALCULATOR)
    slow = REPAIRING.replace("  text: a sum is a plus", "  text: a sum is a plus\n  delay: 1")
    project.write({"../answers.yaml": slow})
    settings = ("--context", "lint_cmd=true", "--context", f"test_cmd={PYTHON_TESTS}")
    host = ("--host", "scripted:../answers.yaml")
    project.killed_in("fix_tests", "run", "fix-until-green", *host, *settings)
    assert "a - b" in project.read("calc.py")
    ended = project.ll_loop("resume", "fix-until-green")
    assert ended.code == 0, ended
    assert "a + b" in project.read("calc.py")
    assert project.path().count("fix_tests") == 1


def test_tests_and_syntax_errors_are_found_without_being_told(project: Project) -> None:
    sound = CALCULATOR | {"calc.py": "def add(a, b):\n    return a + b\n"}
    project.commit(sound)
    project.write({"../answers.yaml": "[]"})
    ended = project.run("fix-until-green", "--host", "scripted:../answers.yaml")
    assert ended.code == 0, ended


# quality-gate


def test_the_gate_repairs_what_tools_repair(linted: Project) -> None:
    linted.write({"style": "ugly"})
    ended = linted.run(
        "quality-gate",
        format_cmd="grep -q pretty style",
        format_fix="echo pretty >style",
        lint_cmd="python3 lint.py",
        lint_fix="python3 fix.py; python3 fix.py",
        test_cmd="true",
    )
    assert ended.code == 0, ended
    assert linted.read("style") == "pretty\n"
    assert linted.path() == [
        "check_format", "fix_format", "check_format", "check_lint", "fix_lint", "check_lint", "check_tests",
        "all_valid",
    ]  # fmt: skip


def test_the_gate_stays_shut_when_a_tool_does_not_help(linted: Project) -> None:
    ended = linted.run(
        "quality-gate", format_cmd="true", lint_cmd="python3 lint.py", lint_fix="true", test_cmd="true"
    )
    assert ended.code == 1, ended
    assert "src/a.txt:1: bad" in ended.said
    assert linted.path() == ["check_format", "check_lint", "fix_lint", "check_lint"]


def test_the_gate_stays_shut_on_red_tests(project: Project) -> None:
    ended = project.run("quality-gate", format_cmd="true", lint_cmd="true", test_cmd="echo 2 failed; exit 1")
    assert ended.code == 1, ended
    assert "2 failed" in ended.said
    assert project.path()[-1] == "check_tests"


def test_a_command_of_yours_gets_one_try_at_the_tests(project: Project) -> None:
    settings = {"format_cmd": "true", "lint_cmd": "true", "test_cmd": "test -e repaired"}
    ended = project.run("quality-gate", **settings, fix_cmd="true")
    assert ended.code == 1, ended
    assert project.path()[-3:] == ["check_tests", "fix_tests", "check_tests"]
    ended = project.run("quality-gate", **settings, fix_cmd="touch repaired")
    assert ended.code == 0, ended


def test_a_project_without_tools_passes_and_says_so(project: Project) -> None:
    ended = project.run("quality-gate")
    assert ended.code == 0, ended
    assert "tests: none found" in ended.said


# lint-to-zero


COUNT = "python3 lint.py | grep -c ."


def test_fixes_run_for_as_long_as_they_help(linted: Project) -> None:
    ended = linted.run("lint-to-zero", metric_cmd=COUNT, lint_fix="python3 fix.py")
    assert ended.code == 0, ended
    assert linted.path() == ["measure", "apply", "measure", "apply", "measure", "done"]
    assert linted.read("src/a.txt") == "good\ngood\n"


def test_findings_that_no_fix_repairs_are_left_to_a_person(linted: Project) -> None:
    linted.write({"src/c.txt": "hopeless\n"})
    ended = linted.run("lint-to-zero", metric_cmd=COUNT, lint_fix="python3 fix.py")
    assert ended.code == 1, ended
    assert linted.path()[-3:] == ["apply", "measure", "left_to_you"]


def test_some_findings_can_be_accepted(linted: Project) -> None:
    ended = linted.run("lint-to-zero", metric_cmd=COUNT, lint_fix="python3 fix.py", target="1")
    assert ended.code == 0, ended
    assert linted.path() == ["measure", "apply", "measure", "done"]


def test_a_linter_that_breaks_is_not_a_clean_project(project: Project) -> None:
    ended = project.run("lint-to-zero", metric_cmd="echo no such option; exit 2", lint_fix="true")
    assert ended.code == 1, ended
    assert "no such option" in ended.said


# flaky-hunt


def test_a_suite_that_answers_differently_is_flaky(project: Project) -> None:
    sometimes = "echo x >>count; echo case $(wc -l <count); [ $(wc -l <count) != 3 ]"
    ended = project.run("flaky-hunt", test_cmd=sometimes)
    assert ended.code == 1, ended
    assert "Flaky: 2 rounds green, 1 red" in ended.said
    assert "case 3" in ended.said


def test_rounds_that_are_all_green_are_good(project: Project) -> None:
    ended = project.run("flaky-hunt", test_cmd="echo x >>count", rounds="4")
    assert ended.code == 0, ended
    assert project.read("count") == "x\n" * 4


def test_rounds_that_are_all_red_are_broken_and_not_flaky(project: Project) -> None:
    ended = project.run("flaky-hunt", test_cmd="echo always; false", rounds="2")
    assert ended.code == 1, ended
    assert "broken, not flaky" in ended.said


# coverage-ratchet


def test_the_first_run_sets_the_floor_and_a_better_one_raises_it(project: Project) -> None:
    for measured, floor in (("70.25", "70.25"), ("70.20", "70.25"), ("81", "81")):
        ended = project.run("coverage-ratchet", coverage_cmd=f"echo {measured}%")
        assert ended.code == 0, ended
        assert project.read(".coverage-floor").strip() == floor


def test_less_coverage_than_the_floor_fails(project: Project) -> None:
    project.write({".coverage-floor": "80\n"})
    ended = project.run("coverage-ratchet", coverage_cmd="echo 79.5")
    assert ended.code == 1, ended
    assert "coverage fell to 79.5, the floor is 80" in ended.said
    assert project.read(".coverage-floor") == "80\n"


@pytest.mark.parametrize("measured", ["echo nothing", "false", "exit 3"])
def test_what_is_no_percentage_is_no_coverage(project: Project, measured: str) -> None:
    ended = project.run("coverage-ratchet", coverage_cmd=measured)
    assert ended.code == 1, ended
    assert project.path()[-1] == "cannot_measure"
