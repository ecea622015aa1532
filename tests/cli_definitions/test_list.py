"""``ll-loop list`` and ``ll-loop next-loop``."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from screens import FIX, LL_LOOP, Project

QUICK = """\
name: {name}
description: quick
initial: a
input_key: what
context: {{what: nothing}}
states:
  a: {{action: '{action}', on_yes: done, on_no: bad}}
  done: {{terminal: true}}
  bad: {{terminal: true, failure: true}}
"""


def quick(name: str, action: str = "true") -> str:
    return QUICK.format(name=name, action=action)


def rows(text: str, heading: str) -> list[str]:
    after = text.split(f"{heading}\n", 1)[1]
    return after.split("\n\n")[0].splitlines()


def test_loops_stand_under_their_category(project: Project) -> None:
    project.loop("plain", quick("plain"))
    project.loop("aaa", FIX.replace("[python, tests]", "[docs]"))
    screen = project.ll("list")
    assert screen.code == 0
    assert rows(screen.out, "quality (2):") == [
        "  aaa               Make the tests pass. … [docs]",
        "  fix               Make the tests pass. … [python] [tests]",
    ]
    assert rows(screen.out, "uncategorized (1):") == ["  plain             quick"]
    assert screen.out.index("quality (2):") < screen.out.index("uncategorized (1):")
    assert "[built-in]" in screen.out


def test_a_loop_of_the_project_hides_the_built_in_one_of_its_name(project: Project) -> None:
    project.loop("quality-gate", FIX)
    said = [item for item in project.ll("list", "--json").json if item["name"] == "quality-gate"]
    assert len(said) == 1
    assert "built_in" not in said[0]
    built_in = project.ll("list", "--builtin", "--json").json
    assert all(item["built_in"] is True for item in built_in)
    assert "quality-gate" in [item["name"] for item in built_in]


def test_json_names_what_a_program_needs(project: Project) -> None:
    said = next(item for item in project.ll("list", "--json").json if item["name"] == "fix")
    assert said["category"] == "quality"
    assert said["labels"] == ["python", "tests"]
    assert said["path"].endswith(".loops/fix.yaml")
    assert said["description"].startswith("Make the tests pass.")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--category", "QUALITY"), True),
        (("-c", "other"), False),
        (("--label", "Python"), True),
        (("--label", "nope", "--label", "tests"), True),
        (("--label", "nope"), False),
    ],
)
def test_filters(project: Project, words: tuple[str, ...], found: bool) -> None:
    screen = project.ll("list", *words)
    assert screen.code == 0
    assert ("fix" in screen.out) is found
    assert found or screen.out == "No loops match.\n"


def test_what_is_inherited_counts(project: Project) -> None:
    project.loop("child", "from: fix\nname: child\n")
    said = next(item for item in project.ll("list", "--json").json if item["name"] == "child")
    assert (said["category"], said["labels"]) == ("quality", ["python", "tests"])


def test_a_broken_file_is_listed_and_named(project: Project) -> None:
    project.loop("torn", "name: [")
    assert "cannot be read: ll-loop validate says why" in project.ll("list").out


def test_no_runs(project: Project) -> None:
    screen = project.ll("list", "--running")
    assert (screen.code, screen.out) == (0, "No runs are going on.\n")
    screen = project.ll("list", "--status", "failed")
    assert (screen.code, screen.out) == (1, "No runs with status failed.\n")
    assert project.ll("list", "--running", "--json").json == []


def test_runs_by_status(project: Project) -> None:
    project.loop("good", quick("good"))
    project.loop("poor", quick("poor", "false"))
    assert project.ll("run", "good").code == 0
    assert project.ll("run", "poor").code == 1
    (said,) = project.ll("list", "--status", "failed", "--json").json
    assert said["loop_name"] == "poor"
    assert said["status"] == "failed"
    assert said["current_state"] == "bad"
    header, line = project.ll("list", "--status", "completed").lines
    assert header.split() == ["run", "status", "state", "entries", "elapsed"]
    assert "-good-" in line
    assert line.split()[1:4] == ["completed", "done", "1"]


def test_a_live_run_is_running(project: Project) -> None:
    project.loop("slow", quick("slow", "echo up; sleep 30"))
    live = subprocess.Popen(
        [LL_LOOP, "run", "slow"], cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert live.stdout is not None
    try:
        while b"up" not in live.stdout.readline():
            assert live.poll() is None
        (said,) = project.ll("list", "--running", "--json").json
        assert said["loop_name"] == "slow"
        assert said["status"] == "running"
        assert said["pid"] == live.pid
        assert "running" in project.ll("list", "--running").lines[1]
    finally:
        live.send_signal(signal.SIGINT)
        live.communicate(timeout=20)
    assert project.ll("list", "--running", "--json").json == []


def test_the_listing_imports_nothing_heavy(project: Project) -> None:
    done = subprocess.run(
        [LL_LOOP.replace("ll-loop", "python"), "-X", "importtime", LL_LOOP, "list"],
        cwd=project.root, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not loaded & {"pydantic", "asyncio", "rich", "jsonschema", "psutil", "tree_sitter", "subprocess"}


# --- next-loop ---------------------------------------------------------------------------------------------


def test_nothing_to_suggest(project: Project) -> None:
    screen = project.ll("next-loop")
    assert (screen.code, screen.out) == (1, "No loop has run here yet.\n")


def test_the_loop_that_ran_often_and_well_comes_first(project: Project) -> None:
    project.loop("good", quick("good"))
    project.loop("poor", quick("poor", "false"))
    project.loop("gone", quick("gone"))
    for words in (("good",), ("good", "the input"), ("poor", "--context", "extra=1 2"), ("gone",)):
        project.ll("run", *words)
    (project.root / ".loops" / "gone.yaml").unlink()
    first, second = project.ll("next-loop", "--json").json
    assert [first["loop"], second["loop"]] == ["good", "poor"]
    assert first["input"] == "the input"
    assert first["command"] == "ll-loop run good 'the input'"
    assert first["rationale"].startswith("2 runs; last just now; 100% success")
    # 0.5 * ln 3 / ln 51 + 0.3 + 0.2, less what a few seconds cost
    assert first["score"] == pytest.approx(0.6397, abs=0.0005)
    assert second["context"] == {"extra": "1 2"}
    assert second["command"] == "ll-loop run poor --context 'extra=1 2'"
    assert second["score"] == pytest.approx(0.3881, abs=0.0005)
    assert [item["loop"] for item in project.ll("next-loop", "--exclude", "good", "--json").json] == ["poor"]
    assert len(project.ll("next-loop", "-n", "1", "--json").json) == 1


def test_the_first_one_can_be_run_at_once(project: Project) -> None:
    project.loop("good", quick("good", "echo got ${context.what}"))
    project.ll("run", "good", "--", "-dashed")
    began = time.time()
    screen = project.ll("next-loop", "--execute")
    assert screen.code == 0
    assert "got -dashed" in screen.out
    assert time.time() - began < 30
    assert len(project.ll("list", "--status", "completed", "--json").json) == 2
