"""``ll-loop install``, ``compile`` and ``fragments``: files out of files."""

from __future__ import annotations

import json
import os

import jsonschema
import pytest
import yaml
from screens import FIX, Project

GOAL = """\
paradigm: goal
name: tidy
goal: No lint
tools: [ruff check ., ruff check --fix .]
description: kept
"""
LIBRARY = """\
fragments:
  gate:
    description: |
      Goes by the exit code.
      And more.
    action: make check
    evaluate: {type: exit_code}
  bare: {action: "yes"}
"""


def test_install_a_built_in_loop(project: Project) -> None:
    screen = project.ll("install", "quality-gate")
    assert screen.code == 0
    assert screen.lines == ["Installed .loops/quality-gate.yaml", "Run it with: ll-loop run quality-gate"]
    assert project.ll("validate", "quality-gate").code == 0
    assert "built_in" not in next(x for x in project.ll("list", "--json").json if x["name"] == "quality-gate")


def test_an_installed_loop_fits_the_schema_that_its_editor_is_told_of(project: Project) -> None:
    project.ll("install", "quality-gate")
    schema = json.loads((project.root / ".loops" / ".loop-schema.json").read_text())
    assert schema == project.ll("schema").json
    jsonschema.Draft7Validator.check_schema(schema)
    checker = jsonschema.Draft7Validator(schema)
    for name in ("quality-gate", "fix"):
        text = (project.root / ".loops" / f"{name}.yaml").read_text()
        assert not list(checker.iter_errors(yaml.safe_load(text)))
    assert list(checker.iter_errors({"name": "x", "initial": "a", "statez": {}}))


def test_the_schema_of_the_settings(project: Project) -> None:
    assert project.ll("schema", "--config", "-o", "out/config.json").out == "Wrote out/config.json\n"
    checker = jsonschema.Draft7Validator(json.loads((project.root / "out" / "config.json").read_text()))
    assert not list(
        checker.iter_errors({"loops": {"run_defaults": {"delay": 1}}, "issues": {"base_dir": "x"}})
    )
    assert not list(checker.iter_errors({"orchestration": {"host_cli": None}}))
    for wrong in (
        {"cli": {"color": "no"}},
        {"loops": {"run_defaults": {"durability": "often"}}},
        {"commands": {"rate_limits": {"long_wait_ladder": [0]}}},
        {"loops": {"glyphs": {"shel": "$"}}},
    ):
        assert list(checker.iter_errors(wrong)), wrong


def test_install_never_overwrites(project: Project) -> None:
    kept = project.loop("quality-gate", FIX)
    screen = project.ll("install", "quality-gate")
    assert screen.code == 1
    assert ".loops/quality-gate.yaml is there already" in screen.err
    assert "--name quality-gate-2" in screen.err
    assert kept.read_text() == FIX


def test_install_under_another_name_keeps_the_comments(project: Project) -> None:
    other = project.write("other/mine.yaml", "# why\nname: 'mine'  # this one\n" + FIX.partition("\n")[2])
    assert project.ll("install", str(other), "--name", "yours").code == 0
    text = (project.root / ".loops" / "yours.yaml").read_text()
    assert text.startswith(
        "# yaml-language-server: $schema=.loop-schema.json\n# why\nname: yours  # this one\n"
    )
    assert project.ll("validate", "yours").code == 0


def test_install_of_nothing_known_names_what_there_is(project: Project) -> None:
    screen = project.ll("install", "quality-gat")
    assert screen.code == 2
    assert "did you mean 'quality-gate'?" in screen.err
    assert "fix-until-green" in screen.err


def test_install_into_a_project_without_loops(project: Project) -> None:
    empty = project.root / "empty"
    (empty / ".git").mkdir(parents=True)
    assert project.ll("install", "quality-gate", cwd=empty).code == 0
    assert (empty / ".loops" / "quality-gate.yaml").is_file()


def test_a_name_cannot_lead_out_of_the_folder(project: Project) -> None:
    assert project.ll("install", "quality-gate", "--name", "../out").code == 2
    assert not (project.root / "out.yaml").exists()


# --- compile -----------------------------------------------------------------------------------------------


def test_compile_writes_beside_the_source_and_runs_use_it(project: Project) -> None:
    project.loop("tidy", GOAL)
    screen = project.ll("compile", "tidy")
    assert screen.code == 0
    assert screen.lines[-1] == "Compiled .loops/tidy.yaml (goal) to .loops/tidy.fsm.yaml"
    text = (project.root / ".loops" / "tidy.fsm.yaml").read_text()
    assert text.startswith("# compiled from tidy.yaml")
    said = project.ll("show", "tidy", "--json").json
    assert list(said["states"]) == ["evaluate", "fix", "done"]
    assert said["paradigm"] == "goal"
    assert said["description"] == "kept"
    assert project.ll("compile", "tidy").code == 0


def test_compile_to_the_screen_and_to_a_file(project: Project) -> None:
    path = project.loop("tidy", GOAL)
    screen = project.ll("compile", str(path), "-o", "-")
    assert "initial: evaluate\n" in screen.out
    assert project.ll("compile", "tidy", "-o", "out/long.yaml").code == 0
    assert project.ll("validate", "out/long.yaml").code == 0
    assert project.ll("compile", "tidy", "-o", str(path)).code == 2


@pytest.mark.parametrize(
    "word", ["yes", "0o17", "1e5", "null", "a: b", "- x", "# c", "multi\n  line\n", "tail \nx", "é ✦"]
)
def test_texts_survive_compilation(project: Project, word: str) -> None:
    project.loop("odd", "paradigm: goal\nname: odd\ngoal: x\ntools: [" + json.dumps(word) + "]\n")
    assert project.ll("compile", "odd").code == 0
    assert project.ll("show", "odd", "--json").json["states"]["evaluate"]["action"] == word


def test_compile_says_what_is_wrong(project: Project) -> None:
    project.loop("odd", "paradigm: gaol\nname: odd\n")
    screen = project.ll("compile", "odd")
    assert screen.code == 2
    assert "Unknown paradigm 'gaol'" in screen.err
    assert project.ll("compile", "nowhere.yaml").code == 2


# --- fragments ---------------------------------------------------------------------------------------------


def test_the_fragments_of_a_library(project: Project) -> None:
    project.loop("lib/own", LIBRARY)
    screen = project.ll("fragments", "lib/own")
    assert screen.code == 0
    assert [line.split(maxsplit=1) for line in screen.lines] == [
        ["fragment", "what it is for"], ["gate", "Goes by the exit code."], ["bare", "-"]
    ]  # fmt: skip
    said = project.ll("fragments", ".loops/lib/own.yaml", "--json").json["fragments"]
    assert said[0]["state"] == {"action": "make check", "evaluate": {"type": "exit_code"}}
    verbose = project.ll("fragments", "lib/own", "-v").out
    assert "    And more.\n" in verbose
    assert "      action: 'yes'\n" in verbose


def test_the_libraries_there_are(project: Project) -> None:
    project.loop("lib/own", LIBRARY)
    out = project.ll("fragments").out
    assert "lib/own.yaml" in out
    assert "lib/common.yaml" in out


def test_a_library_without_fragments(project: Project) -> None:
    project.loop("lib/empty", "a: 1\n")
    screen = project.ll("fragments", "lib/empty")
    assert (screen.code, screen.out) == (0, "No fragments in .loops/lib/empty.yaml.\n")


def test_a_library_that_is_not_there_or_broken(project: Project) -> None:
    screen = project.ll("fragments", "lib/comon")
    assert screen.code == 2
    assert "did you mean 'lib/common'?" in screen.err
    project.loop("lib/torn", "fragments: [")
    screen = project.ll("fragments", "lib/torn")
    assert screen.code == 2
    assert ".loops/lib/torn.yaml:" in screen.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder(project: Project) -> None:
    (project.root / ".loops").chmod(0o500)
    screen = project.ll("install", "quality-gate")
    assert screen.code == 2
    assert "Permission denied" in screen.err
