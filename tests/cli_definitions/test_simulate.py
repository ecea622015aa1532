"""``ll-loop simulate``: the rules of a real run, and nothing executed."""

from __future__ import annotations

import pytest
from screens import FIX, Project

TOUCH = FIX.replace("pytest -q", "touch was-run").replace('"/repair the tests"', '"touch was-run"')
EVERY = """\
name: every
description: one state of each kind of verdict
scope: [.]
initial: number
states:
  number:
    action: "echo 1"
    evaluate: {type: output_numeric, operator: lt, target: 0}
    on_yes: metric
    on_no: off
    on_error: off
  metric:
    action: "echo x"
    evaluate: {type: convergence, target: 0}
    route: {target: stall, progress: metric, stall: off, _error: off}
  stall:
    action: "true"
    evaluate: {type: diff_stall}
    on_yes: tool
    on_no: off
    on_error: off
  tool:
    action: server/tool
    action_type: mcp_tool
    route: {success: judge, tool_error: off, _: off}
  judge:
    action: "look at it"
    action_type: prompt
    on_yes: pattern
    on_no: off
    on_error: off
  pattern:
    evaluate: {type: output_contains, pattern: "a.c", source: "${captured.nothing.output}"}
    on_yes: kind
    on_no: off
    on_error: off
  kind:
    action: "echo bug"
    evaluate: {type: classify}
    route: {bug: done, feature: off, _: off}
  done: {terminal: true}
  off: {terminal: true, failure: true}
"""


def test_the_whole_screen_of_a_walk(project: Project) -> None:
    screen = project.ll("simulate", "fix", "--scenario", "first-fail")
    assert screen.code == 0
    assert (
        screen.out
        == """\
Simulating fix: scenario first-fail; nothing is executed

[1/20] check
    -> pytest -q
       exit code 1
       default: NO
       -> repair (no)
[2/20] repair
    -> ✦ /repair the tests
       exit code 0
       -> check (next)
[3/20] check
    -> pytest -q
       exit code 0
       default: YES
       -> done (yes)

Summary
  States visited: check → repair → check → done
  Iterations: 3
  Commands that would have run: 3
    2 × pytest -q
    1 × ✦ /repair the tests
  Ended: terminal at done (completed)
"""
    )


@pytest.mark.parametrize(
    ("scenario", "visited", "cause", "code"),
    [
        ("all-pass", ["check"], "terminal", 0),
        ("all-error", ["check"], "terminal", 1),
        ("first-fail", ["check", "repair", "check"], "terminal", 0),
        ("alternating", ["check", "repair"] * 10, "max_iterations", 1),
        ("all-fail", ["check", "repair"] * 10, "max_iterations", 1),
    ],
)
def test_scenarios(project: Project, scenario: str, visited: list[str], cause: str, code: int) -> None:
    screen = project.ll("sim", "fix", "--scenario", scenario, "--json")
    said = screen.json
    assert said["visited"] == visited
    assert said["terminated_by"] == cause
    assert screen.code == said["exit_code"] == code


def test_nothing_is_executed_and_nothing_is_left_behind(project: Project) -> None:
    project.loop("touch", TOUCH)
    before = sorted(project.root.rglob("*"))
    for scenario in ("all-pass", "all-fail", "first-fail"):
        project.ll("simulate", "touch", "--scenario", scenario)
    assert sorted(project.root.rglob("*")) == before


def test_the_exit_code_is_the_verdict_of_every_evaluator(project: Project) -> None:
    project.loop("every", EVERY)
    screen = project.ll("simulate", "every", "--scenario", "all-pass", "--json")
    said = screen.json
    assert screen.code == 0
    assert said["final_state"] == "done"
    assert [step["verdict"] for step in said["steps"]] == [
        "yes", "target", "yes", "success", "yes", "yes", "bug"
    ]  # fmt: skip
    for initial, verdict in (
        ("metric", "stall"),
        ("tool", "tool_error"),
        ("judge", "no"),
        ("kind", "feature"),
    ):
        project.loop("from-here", EVERY.replace("initial: number", f"initial: {initial}"))
        (step,) = project.ll("simulate", "from-here", "--scenario", "all-fail", "--json").json["steps"]
        assert step["verdict"] == verdict


def test_the_cap_is_raised_by_flag(project: Project) -> None:
    said = project.ll("simulate", "fix", "--scenario", "all-fail", "-n", "7", "--json").json
    assert said["iterations"] == 7
    assert said["error"] == "the limit of 7 steps is reached"


def test_a_person_says_how_actions_end(project: Project) -> None:
    screen = project.ll("simulate", "fix", stdin="2\nnonsense\n1\n3\n")
    assert screen.code == 1
    assert "States visited: check → repair → check → broken" in screen.out
    assert screen.out.count("how does it end?") == 4


def test_the_end_of_the_input_is_a_success(project: Project) -> None:
    assert project.ll("simulate", "fix").code == 0


def test_other_verdicts_can_be_chosen_too(project: Project) -> None:
    project.loop("every", EVERY.replace("initial: number", "initial: metric"))
    screen = project.ll("simulate", "every", stdin="4\n2\n")
    assert "3 error  4 progress" in screen.out
    assert "convergence: PROGRESS" in screen.out
    assert "States visited: metric → metric → off" in screen.out


def test_sub_loops_are_walked_through(project: Project) -> None:
    project.loop(
        "outer",
        "name: outer\ninitial: a\nstates:\n  a: {loop: fix, on_yes: b, on_no: c}\n"
        "  b: {terminal: true}\n  c: {terminal: true, failure: true}\n",
    )
    screen = project.ll("simulate", "outer", "--scenario", "all-error")
    assert screen.code == 1
    assert "  ↳ loop fix\n  [1] check\n" in screen.out
    assert "ends at broken (terminal): no" in screen.out
    endless = project.ll("simulate", "outer", "--scenario", "all-fail", "--json").json
    assert endless["final_state"] == "c"


def test_parameters_are_checked_and_missing_context_is_made_up(project: Project) -> None:
    more = "parameters:\n  path: {type: string, required: true}\n  n: {type: integer, default: 1}\n"
    project.loop("fix", FIX.replace("pytest -q", "pytest ${context.path} ${context.extra}") + more)
    screen = project.ll("simulate", "fix", "--scenario", "all-pass")
    assert screen.code == 2
    assert "path" in screen.err
    assert project.ll("simulate", "fix", "--param", "path=x", "--param", "n=one").code == 2
    screen = project.ll("simulate", "fix", "--scenario", "all-pass", "--param", "path=tests")
    assert screen.code == 0
    assert "Made up: extra (a run wants --context extra=VALUE)" in screen.out


def test_limits_are_the_real_ones(project: Project) -> None:
    project.loop(
        "tries",
        FIX.replace("on_no: repair", "on_no: $current\n    max_retries: 2\n    on_retry_exhausted: broken"),
    )
    said = project.ll("simulate", "tries", "--scenario", "all-fail", "--json").json
    assert said["visited"] == ["check"] * 3
    assert said["final_state"] == "broken"


def test_json_without_a_scenario_is_refused(project: Project) -> None:
    assert project.ll("simulate", "fix", "--json").code == 2
    assert project.ll("simulate", "fix", "--scenario", "sometimes").code == 2


def test_from_python(project: Project) -> None:
    import little_loops
    from little_loops.errors import UserError

    done = little_loops.simulate("fix", "all-error", project=project.root)
    assert done.outcome.exit_code == 1
    assert done.snapshot.root.state == "broken"
    assert little_loops.simulate("fix", project=project.root).outcome.status == "completed"
    with pytest.raises(UserError, match="no scenario 'odd'"):
        little_loops.simulate("fix", "odd", project=project.root)
