"""Loops with agents, run by the real program: which host is asked, what is refused, what the journal says."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.agents.stage import INIT, Stage, alive, result, said, used
from tests.cli_runs.shop import PROGRAM

LOOP = """
name: mend
description: an agent writes a file
initial: ask
{loop}
states:
  ask:
    action_type: prompt
    action: please mend it
    {state}
    next: check
  check:
    action: test -f mended
    on_yes: done
    on_no: ask
  done: {{terminal: true}}
"""
GOOD: list[dict[str, Any]] = [
    {"say": INIT},
    {"say": used("Write", file_path="mended")},
    {"write": "mended"},
    {"say": said("mended")},
    {"say": result()},
]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    (stage.project / ".loops").mkdir()
    _loop(stage)
    return stage


def _loop(stage: Stage, loop: str = "", state: str = "") -> None:
    (stage.project / ".loops/mend.yaml").write_text(LOOP.format(loop=loop, state=state))


def _ll(stage: Stage, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words], cwd=stage.project, env={**stage.env, **env}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def _journal(stage: Stage) -> list[dict[str, Any]]:
    (path,) = stage.project.glob(".loops/runs/*/events.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_loop_with_an_agent_runs_and_its_journal_tells_what_the_agent_did(stage: Stage) -> None:
    stage.installs("claude", GOOD)
    done = _ll(stage, "run", "mend")
    assert done.returncode == 0, done.stderr
    assert "mended" in done.stdout
    told = {record["event"]: record for record in _journal(stage)}
    assert told["tool_called"]["tool"] == "Write"
    ask = next(record for record in _journal(stage) if record["event"] == "action_complete")
    assert (ask["output"], ask["session_id"], ask["usage"]["cost_usd"]) == ("mended", "s-1", 0.5)


def test_the_host_is_what_is_named_first(stage: Stage) -> None:
    stage.installs("claude", GOOD)
    stage.installs("codex", [{"say": {"type": "turn.completed"}}, {"write": "mended"}])
    wanted = {"claude": "stream-json", "codex": "--sandbox"}

    def asked(*flags: str, **env: str) -> str:
        (stage.bin / "asked.jsonl").unlink(missing_ok=True)
        (stage.project / "mended").unlink(missing_ok=True)
        _ll(stage, "run", "mend", "-n", "2", *flags, **env)
        words = " ".join(stage.asked[0]["argv"])
        return next(name for name, sign in wanted.items() if sign in words)

    assert asked() == "claude"
    assert asked(LL_HOST_CLI="codex") == "codex"
    _loop(stage, loop="host: claude")
    assert asked(LL_HOST_CLI="codex") == "claude"
    _loop(stage, loop="host: claude", state="host: codex")
    assert asked() == "codex"
    assert asked("--host", "claude-code") == "claude"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["ask", "no agent is installed", "npm install -g @anthropic-ai/claude-code", "scripted:FILE"]),
        (("--host", "codex"), ["codex", "not installed", "npm install -g @openai/codex"]),
        (("--host", "nobody"), ["nobody", "claude", "codex"]),
    ],
)
def test_a_host_that_is_not_there_is_said_before_anything_runs(
    stage: Stage, words: tuple[str, ...], expected: list[str]
) -> None:
    done = _ll(stage, "run", "mend", *words)
    assert done.returncode == 2
    assert all(word in done.stderr for word in expected), done.stderr
    assert not list(stage.project.glob(".loops/runs/*"))


def test_a_login_that_is_missing_ends_the_run_and_the_run_can_go_on_later(stage: Stage) -> None:
    refused = result(is_error=True, result="Not logged in", subtype="success")
    complaint = {**said("Not logged in"), "error": "authentication_failed"}
    stage.installs("claude", [{"say": complaint}, {"say": refused}, {"exit": 1}])
    done = _ll(stage, "run", "mend")
    assert done.returncode == 1
    assert "log in" in done.stdout + done.stderr
    assert len(stage.asked) == 1
    stage.installs("claude", GOOD)
    assert _ll(stage, "resume", "mend").returncode == 0
    assert len(stage.asked) == 2


def test_an_overloaded_provider_is_waited_for(stage: Stage) -> None:
    overloaded = result(is_error=True, api_error_status=529, result="API Error: 529", total_cost_usd=0)
    _loop(stage, state="timeout: 30")
    stage.installs("claude", [{"say": overloaded}, {"exit": 1}], GOOD)
    process = subprocess.Popen(
        [*PROGRAM, "run", "mend", "--quiet"], cwd=stage.project, env=stage.env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while not any(record["event"] == "api_error_retry" for record in _records(stage)):
            assert process.poll() is None, process.communicate()
    finally:
        process.terminate()
        process.communicate(timeout=30)
    (retry,) = (record for record in _records(stage) if record["event"] == "api_error_retry")
    assert retry["backoff"] == 30
    complete = next(record for record in _records(stage) if record["event"] == "action_complete")
    assert complete["failure"] == {"kind": "server", "source": "host", "status": 529}


def test_an_agent_whose_engine_was_killed_is_ended_before_it_is_asked_again(stage: Stage) -> None:
    stage.installs("claude", [{"child_keeps_pipes": 60}, {"say": said("working")}, {"sleep": 60}], GOOD)
    engine = subprocess.Popen(
        [*PROGRAM, "run", "mend", "--quiet"], cwd=stage.project, env=stage.env, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not any(record["event"] == "action_output" for record in _records(stage)):
        assert engine.poll() is None
    engine.kill()
    engine.wait()
    (spawned,) = (record for record in _records(stage) if record["event"] == "action_spawned")
    child = int((stage.bin / "child").read_text())
    assert alive(spawned["pid"])
    assert alive(child)
    done = _ll(stage, "resume", "mend")
    assert done.returncode == 0, done.stderr
    assert not alive(spawned["pid"])
    assert not alive(child)
    assert [asked["env"]["LL_ATTEMPT"] for asked in stage.asked] == ["1", "2"]


def test_an_agent_that_hands_over_ends_the_segment(stage: Stage) -> None:
    stage.installs(
        "claude", [{"say": said("CONTEXT_HANDOFF: the file is half done")}, {"say": result()}], GOOD
    )
    assert _ll(stage, "run", "mend").returncode == 75
    assert _ll(stage, "resume", "mend").returncode == 0
    assert len(stage.asked) == 2


def test_model_and_permissions_come_from_the_settings_where_the_loop_says_nothing(stage: Stage) -> None:
    stage.installs("claude", GOOD)
    defaults = {"model": "opus", "permissions": "read"}
    (stage.project / "ll-config.json").write_text(json.dumps({"loops": {"run_defaults": defaults}}))

    def asked() -> str:
        (stage.project / "mended").unlink(missing_ok=True)
        assert _ll(stage, "run", "mend").returncode == 0
        return " ".join(stage.asked[-1]["argv"])

    assert "--model opus --permission-mode plan" in asked()
    _loop(stage, loop="permissions: workspace", state="model: haiku")
    assert "--model haiku --permission-mode acceptEdits" in asked()


def test_full_permissions_and_budgets_that_are_not_kept_are_said_at_the_start(stage: Stage) -> None:
    plan = [{"say": {"type": "turn.completed"}}, {"write": "mended"}]
    stage.installs("codex", plan)
    _loop(stage, loop="budget: {usd: 1, unknown_price: 0.125}", state="permissions: full")
    done = _ll(stage, "run", "mend")
    assert done.returncode == 0, done.stderr
    complete = next(record for record in _records(stage) if record["event"] == "action_complete")
    assert complete["usage"]["cost_usd"] == 0.125
    assert "agents of ask may touch anything" in done.stderr
    assert "codex does not keep a budget itself" in done.stderr


@pytest.mark.parametrize("flags", [(), ("--budget", "usd=1")])
def test_a_budget_in_usd_needs_a_host_that_tells_the_cost_or_a_price(
    stage: Stage, flags: tuple[str, ...]
) -> None:
    stage.installs("codex", [{"say": {"type": "turn.completed"}}])
    _loop(stage, loop="" if flags else "budget: {usd: 1}")
    done = _ll(stage, "run", "mend", *flags)
    assert done.returncode == 2
    assert "codex does not tell what a call costs" in done.stderr
    assert "unknown_price" in done.stderr
    assert stage.asked == []


def test_a_price_that_is_said_is_what_a_call_costs(stage: Stage) -> None:
    stage.installs("codex", [{"say": {"type": "turn.completed"}}])
    _loop(stage, loop="budget: {usd: 1, unknown_price: 0.4}")
    assert _ll(stage, "run", "mend").returncode == 1
    assert len(stage.asked) == 3
    assert _records(stage)[-1]["terminated_by"] == "budget_exhausted"


JUDGED = """
name: judged
description: a model judges what a command printed
initial: check
states:
  check:
    action: echo 3 passed
    evaluate: {type: llm_structured, prompt: Are the tests green?}
    on_yes: done
    on_no: failed
  done: {terminal: true}
  failed: {terminal: true}
"""


def test_a_model_judges_where_a_host_can(stage: Stage) -> None:
    (stage.project / ".loops/judged.yaml").write_text(JUDGED)
    answer = {"verdict": "yes", "confidence": 0.9, "reason": "all of them", "evidence": "3 passed"}
    stage.installs("claude", [{"say": result(structured_output=answer)}])
    done = _ll(stage, "run", "judged")
    assert done.returncode == 0, done.stderr
    assert "all of them" in done.stdout
    assert "1 agent call, 30 tokens, $0.50" in done.stdout
    (verdict,) = (record for record in _records(stage) if record["event"] == "evaluate")
    assert verdict["usage"]["cost_usd"] == 0.5


def test_a_judge_whose_provider_is_overloaded_is_asked_again_later(stage: Stage) -> None:
    (stage.project / ".loops/judged.yaml").write_text("timeout: 6\n" + JUDGED)
    overloaded = result(is_error=True, api_error_status=529, result="API Error: 529", total_cost_usd=0)
    stage.installs("claude", [{"say": overloaded}, {"exit": 1}])
    assert _ll(stage, "run", "judged").returncode == 1
    (retry,) = (record for record in _records(stage) if record["event"] == "api_error_retry")
    assert retry["purpose"] == "judge"
    assert len(stage.asked) == 1


@pytest.mark.parametrize("words", [(), ("--host", "scripted:answers.yaml")])
def test_a_judged_loop_without_a_judge_is_refused_before_it_runs(
    stage: Stage, words: tuple[str, ...]
) -> None:
    (stage.project / ".loops/judged.yaml").write_text(JUDGED)
    (stage.project / "answers.yaml").write_text("- text: hello\n")
    done = _ll(stage, "run", "judged", *words)
    assert done.returncode == 2
    assert "its verdict comes from a model" in done.stderr
    assert "--no-llm" in done.stderr
    assert not list(stage.project.glob(".loops/runs/*"))


def _records(stage: Stage) -> list[dict[str, Any]]:
    found = list(stage.project.glob(".loops/runs/*/events.jsonl"))
    lines = found[0].read_text().split("\n")[:-1] if found else []
    return [json.loads(line) for line in lines]


def test_a_run_without_agents_reads_nothing_of_hosts(stage: Stage) -> None:
    (stage.project / ".loops/plain.yaml").write_text(
        "name: plain\ndescription: d\ninitial: a\n"
        "states:\n  a: {action: 'true', next: z}\n  z: {terminal: true}\n"
    )
    code = (
        "import sys\nfrom little_loops.cli.main import main\ncode = main(['run', 'plain'])\n"
        "print([name for name in sys.modules if '.hosts' in name or name.endswith('runners.agent')])"
    )
    done = subprocess.run(
        [PROGRAM[0], "-c", code], cwd=stage.project, env=stage.env, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"
