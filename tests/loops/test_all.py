"""What holds for every built-in loop and library."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from loop_project import Project

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "src" / "little_loops" / "loops"
LOOPS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
FILES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.rglob("*.yaml"))
LIBRARIES = [name for name in FILES if name.startswith("lib/")]


@pytest.mark.parametrize("name", [name for name in FILES if name not in LIBRARIES])
def test_it_loads_without_a_single_finding(project: Project, name: str) -> None:
    ended = project.ll_loop("validate", "--strict", name)
    assert ended.code == 0, ended


def test_they_are_listed(project: Project) -> None:
    said = project.ll_loop("list", "--builtin").said
    assert [name for name in LOOPS if name not in said] == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_begins_with_how_it_is_used(name: str) -> None:
    head = (FOLDER / f"{name}.yaml").read_text("utf-8").split("\n\n")[0]
    assert head.startswith("# ")
    if name in LOOPS:
        assert f"ll-loop run {name}" in (FOLDER / f"{name}.yaml").read_text("utf-8")


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_fragment_says_what_it_gives(project: Project, library: str) -> None:
    fragments = yaml.safe_load((FOLDER / f"{library}.yaml").read_text("utf-8"))["fragments"]
    said = project.ll_loop("fragments", library).said
    for name, fragment in fragments.items():
        assert fragment["description"].strip(), name
        assert name in said


def test_the_documentation_has_a_line_for_each() -> None:
    page = (ROOT / "docs" / "built-in-loops.md").read_text("utf-8")
    fragments = yaml.safe_load((FOLDER / "lib/common.yaml").read_text("utf-8"))["fragments"]
    missing = [name for name in [*LOOPS, *fragments] if not re.search(rf"^\| `{name}` \|", page, re.M)]
    assert missing == []


def test_a_built_in_loop_can_be_copied_and_changed(project: Project) -> None:
    assert project.ll_loop("install", "each-file").code == 0
    copy = project.root / ".loops" / "each-file.yaml"
    assert copy.read_bytes().endswith((FOLDER / "each-file.yaml").read_bytes())
    assert project.ll_loop("validate", "--strict", "each-file").code == 0


# fragments, in loops of their users


def test_retries_are_counted(project: Project) -> None:
    project.write(
        {
            ".loops/tries.yaml": """
name: tries
description: two tries, then no more
import: [lib/common.yaml]
context: {counter_key: build, max_retries: 2}
initial: count
states:
  count: {fragment: retry_counter, on_yes: again, on_no: failed, on_error: failed}
  again: {action: echo try, next: count}
  failed: {terminal: true}
"""
        }
    )
    ended = project.ll_loop("run", "tries")
    assert ended.code == 1, ended
    assert project.path() == ["count", "again", "count", "again", "count", "failed"]


def test_a_number_is_followed_to_its_goal(project: Project) -> None:
    project.write(
        {
            "left": "3",
            ".loops/down.yaml": """
name: down
description: count down to zero
import: [lib/common.yaml]
initial: measure
states:
  measure:
    fragment: convergence_gate
    action: cat left
    capture: now
    evaluate: {target: 0}
    route: {target: done, progress: work, stall: failed, _error: failed}
  work:
    action: |
      echo $(($(cat left) - 1)) >next
      mv next left
      echo ${captured.now.output}
    next: measure
  done: {terminal: true}
  failed: {terminal: true}
""",
        }
    )
    ended = project.ll_loop("run", "down")
    assert ended.code == 0, ended
    assert project.read("left").strip() == "0"


def test_a_tree_that_stands_still_is_noticed(project: Project) -> None:
    project.commit({"file": "1"})
    project.write(
        {
            ".loops/still.yaml": """
name: still
description: nothing changes any more
import: [lib/common.yaml]
initial: look
states:
  look: {fragment: diff_stall_gate, on_yes: work, on_no: done, on_error: failed}
  work: {action: "true", next: look}
  done: {terminal: true}
  failed: {terminal: true}
"""
        }
    )
    ended = project.ll_loop("run", "still")
    assert ended.code == 0, ended
    assert project.path().count("look") == 3


def test_a_score_that_stops_rising_is_noticed(project: Project) -> None:
    project.write(
        {
            ".loops/score.yaml": """
name: score
description: the same score every time
import: [lib/common.yaml]
initial: score
states:
  score:
    fragment: score_stall_gate
    action: echo 5 >>${context.run_dir}/score_history
    on_yes: again
    on_no: done
    on_error: failed
  again: {action: "true", next: score}
  done: {terminal: true}
  failed: {terminal: true}
"""
        }
    )
    ended = project.ll_loop("run", "score", "-n", "20")
    assert ended.code == 0, ended
    assert project.path().count("score") == 4


def test_a_step_that_repeats_itself_is_noticed(project: Project) -> None:
    project.write(
        {
            ".loops/same.yaml": """
name: same
description: the same answer every time
import: [lib/common.yaml]
initial: work
states:
  work: {action: echo the same, next: look}
  look: {fragment: action_stall_gate, on_yes: work, on_no: done}
  done: {terminal: true}
"""
        }
    )
    ended = project.ll_loop("run", "same", "-n", "20")
    assert ended.code == 0, ended
    assert project.path().count("work") == 3


@pytest.mark.parametrize(
    "state",
    [
        "{fragment: shell_exit, action: make, %s}",
        "{fragment: numeric_gate, action: echo 1, evaluate: {operator: ge, target: 1}, %s}",
        "{fragment: llm_gate, action: think, evaluate: {prompt: Quote the evidence.}, on_partial: done, %s}",
        "{fragment: with_rate_limit_handling, action_type: prompt, action: think,"
        " on_rate_limit_exhausted: done, next: done}",
        "{fragment: with_throttle, action: make, on_throttle_hard: done, %s}",
    ],
)
def test_a_fragment_makes_a_sound_state(project: Project, state: str) -> None:
    routes = "on_yes: done, on_no: done, on_error: done"
    project.write(
        {
            ".loops/one.yaml": "name: one\ndescription: one state\nscope: [.]\nimport: [lib/common.yaml]\n"
            f"initial: work\nstates:\n  work: {state.replace('%s', routes)}\n  done: {{terminal: true}}\n"
        }
    )
    ended = project.ll_loop("validate", "--strict", "one")
    assert ended.code == 0, ended
