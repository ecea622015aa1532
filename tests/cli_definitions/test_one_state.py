"""``ll-loop test``: one state, once."""

from __future__ import annotations

from screens import Project

LOOP = """\
name: parts
description: states to try
scope: [.]
initial: shell
context: {who: world}
parameters:
  path: {type: path, default: src}
states:
  shell:
    action: |
      echo "hello ${context.who} ${context.path}"
      echo oops >&2
      exit ${context.code:default=0}
    on_yes: done
    on_no: agent
    on_error: off
  number:
    action: echo 7
    evaluate: {type: output_numeric, operator: lt, target: 5}
    on_yes: done
    on_no: agent
  pattern:
    action: echo abc
    evaluate: {type: output_contains, pattern: "a.c"}
    on_yes: done
    on_no: agent
  agent:
    action: "/do it for ${context.who}"
    next: shell
    on_error: off
  judged:
    action: look
    action_type: prompt
    on_yes: done
    on_no: agent
    on_partial: shell
    on_blocked: off
  lonely: {action: "false", on_yes: done}
  unset: {action: "echo ${captured.none.output}", on_yes: done}
  long: {action: seq 30, on_yes: done}
  slow: {action: sleep 30, timeout: 1, on_yes: done, on_no: done, on_error: off}
  where: {action: 'echo "$PWD"; ls ${context.run_dir} && touch ${context.run_dir}/x', on_yes: done}
  child: {loop: parts, on_yes: done, on_no: off}
  done: {terminal: true}
  off: {terminal: true, failure: true}
"""


def parts(project: Project) -> Project:
    project.loop("parts", LOOP)
    return project


def test_the_whole_screen_of_a_shell_state(project: Project) -> None:
    screen = parts(project).ll("test", "parts")
    assert screen.code == 0
    timeless = screen.out.replace(screen.out.split("Exit code: 0  ")[1].split("\n")[0], "TIME")
    assert (
        timeless
        == """\
Testing one state of parts

State: shell (shell)
Action: echo "hello world src"
        echo oops >&2
        exit 0

Exit code: 0  TIME
Output:
  hello world src
Stderr:
  oops

Evaluator: default for its action
Verdict: YES
  exit_code: 0

Would transition: shell → done
"""
    )


def test_context_is_pasted_and_parameters_are_data(project: Project) -> None:
    screen = parts(project).ll("t", "parts", "--context", "code=1", "--param", "path=$(id) `id`", "--json")
    said = screen.json
    assert said["output"] == "hello world $(id) `id`\n"
    assert said["stderr"] == "oops\n"
    assert (said["exit_code"], said["verdict"], said["next"]) == (1, "no", "agent")
    assert screen.code == 0


def test_evaluators_judge_for_real(project: Project) -> None:
    said = parts(project).ll("test", "parts", "--state", "number", "--json").json
    assert (said["evaluator"], said["verdict"], said["details"]["value"]) == ("output_numeric", "no", 7.0)
    said = project.ll("test", "parts", "--state", "pattern", "--json").json
    assert (said["verdict"], said["details"]["matched"], said["next"]) == ("yes", True, "done")


def test_an_error_is_a_failed_test(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--context", "code=3")
    assert screen.code == 1
    assert "Verdict: ERROR" in screen.out
    assert "shell → off" in screen.out


def test_agents_are_not_called(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--state", "agent", "--exit-code", "0")
    assert screen.code == 0
    assert "Action: ✦ /do it for world" in screen.out
    assert "Would transition: agent → shell" in screen.out
    assert "agent → off" in project.ll("test", "parts", "--state", "agent", "--exit-code", "1").out


def test_a_person_stands_in_for_the_judge(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--state", "judged", stdin="4\n")
    assert "3 error  4 partial  5 blocked" in screen.out
    assert "Verdict: PARTIAL" in screen.out
    assert "judged → shell" in screen.out
    screen = project.ll("test", "parts", "--state", "judged", "--exit-code", "2")
    assert screen.code == 1
    assert "Verdict: ERROR" in screen.out
    assert "judged → no route" in screen.out


def test_no_route_is_said(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--state", "lonely")
    assert screen.code == 0
    assert "Would transition: lonely → no route\n  state lonely: no route for verdict 'no'" in screen.out


def test_a_value_that_is_not_there(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--state", "unset")
    assert screen.code == 1
    assert "Could not run:" in screen.out
    assert "captured.none" in screen.out


def test_long_output_is_cut_unless_asked_for(project: Project) -> None:
    out = parts(project).ll("test", "parts", "--state", "long").out
    assert "  10\n  … 20 more lines (-v shows them)\n" in out
    assert "  30\n" in project.ll("test", "parts", "--state", "long", "-v").out


def test_its_own_timeout_holds(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--state", "slow")
    assert "Exit code: 124 (timed out)" in screen.out
    assert screen.code == 1


def test_it_runs_in_the_project_and_leaves_nothing_behind(project: Project) -> None:
    before = sorted(parts(project).root.rglob("*"))
    below = project.root / ".loops"
    said = project.ll("test", "parts", "--state", "where", "--json", cwd=below).json
    assert said["output"].splitlines() == [str(project.root)]
    assert said["verdict"] == "yes"
    assert sorted(project.root.rglob("*")) == before


def test_states_without_an_action(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--state", "done")
    assert (screen.code, screen.lines[-1]) == (0, "It has no action of its own: it ends the loop.")
    assert "it runs the loop parts" in project.ll("test", "parts", "--state", "child").out


def test_an_unknown_state(project: Project) -> None:
    screen = parts(project).ll("test", "parts", "--state", "shel")
    assert screen.code == 1
    assert "did you mean 'shell'?" in screen.err
    assert "states: shell, number, pattern" in screen.err


def test_expectations(project: Project) -> None:
    assert parts(project).ll("test", "parts", "--expect", "yes").code == 0
    assert project.ll("test", "parts", "--expect", "done").code == 0
    screen = project.ll("test", "parts", "--expect", "no")
    assert screen.code == 1
    assert "expected no, but it was yes → done" in screen.err
    assert project.ll("test", "parts", "--context", "code=3", "--expect", "error").code == 0
