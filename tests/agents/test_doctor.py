"""``ll-loop doctor``: what is installed, what answers, what would be asked."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.agents.stage import Stage
from tests.cli_runs.shop import PROGRAM


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def _doctor(stage: Stage, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "doctor", *words], cwd=stage.project, env={**stage.env, **env}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_without_an_agent_it_says_how_to_install_one(stage: Stage) -> None:
    done = _doctor(stage)
    assert done.returncode == 1
    assert "npm install -g @anthropic-ai/claude-code" in done.stdout
    assert "npm install -g @openai/codex" in done.stdout


def test_what_is_installed_is_shown_with_what_it_can(stage: Stage) -> None:
    stage.installs("claude", [{"say": "9.9.9 (Claude Code)"}])
    done = _doctor(stage)
    assert done.returncode == 0, done.stderr
    assert "✓ claude  9.9.9 (Claude Code)" in done.stdout
    assert "judging" in done.stdout
    assert done.stdout.endswith("Asked where nothing else is said: claude\n")
    assert [asked["argv"] for asked in stage.asked] == [["--version"]]


def test_for_programs_it_is_json(stage: Stage) -> None:
    stage.installs("codex", [{"say": "codex-cli 1.0"}])
    told = json.loads(_doctor(stage, "--json").stdout)
    assert told["default"] == "codex"
    usable = {host["name"]: (host["usable"], host["version"]) for host in told["hosts"]}
    assert usable == {"claude": (False, None), "codex": (True, "codex-cli 1.0")}
    assert told["hosts"][1]["can"]["judging"].startswith("yes")


@pytest.mark.parametrize("plan", [[{"err": "broken install"}, {"exit": 3}], []])
def test_a_program_that_does_not_answer_is_no_agent(stage: Stage, plan: list[dict[str, object]]) -> None:
    stage.installs("claude", plan)
    done = _doctor(stage)
    assert done.returncode == 1
    assert "✗ claude" in done.stdout


def test_a_host_of_the_settings_that_is_not_there_is_said(stage: Stage) -> None:
    stage.installs("claude", [{"say": "1"}])
    done = _doctor(stage, LL_HOST_CLI="codex")
    assert done.returncode == 0
    assert "the host codex is not installed" in done.stdout
