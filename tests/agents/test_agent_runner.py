"""Agent actions against programs that behave, and programs that do not."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.agents.stage import INIT, Stage, alive, result, said, used
from tests.hosts.recorded import lines
from tests.runners.tools import lines_of

from little_loops.machine.effects import (
    Budget,
    Failure,
    Marker,
    OutputRead,
    PermissionAnswered,
    Spawned,
    Stopped,
    ToolCalled,
)
from little_loops.process import StopToken


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def _steps(*records: Any) -> list[dict[str, Any]]:
    return [{"say": record} for record in records]


def test_what_an_agent_says_is_the_output_and_told_line_by_line(stage: Stage) -> None:
    outcomes = stage.perform(
        *_steps(INIT, said("first\nsecond"), used("Edit", file_path="a.py"), said("third"), result())
    )
    assert isinstance(outcomes[0], Spawned)
    assert lines_of(outcomes) == ["first", "second", "third"]
    told = [type(one) for one in outcomes[1:-1]]
    assert told == [OutputRead, ToolCalled, OutputRead]
    assert ToolCalled("Edit", "a.py") in outcomes
    done = stage.done(outcomes)
    assert (done.output, done.exit_code, done.failure) == ("first\nsecond\nthird", 0, None)
    assert (done.session_id, done.session_jsonl) == ("s-1", None)
    assert done.usage is not None
    assert done.usage["cost_usd"] == 0.5
    assert done.usage["model"] == "opus"
    assert (stage.run / "output/0001.out").read_text() == "first\nsecond\nthird\n"
    assert len((stage.run / "output/0001.stream").read_text().splitlines()) == 5


def test_the_call_carries_prompt_marks_and_limits(stage: Stage) -> None:
    stage.result(
        *_steps(result()),
        prompt="for ${env.WHO}\n", env=((4, "WHO"),), model="opus", permissions="read",
        reserved=Budget(usd=0.125, agent_calls=1), run_id="r1", attempt=2,
    )  # fmt: skip
    (asked,) = stage.asked
    assert asked["stdin"] == "for me\n"
    assert asked["env"] == {"LL_RUN_ID": "r1", "LL_STEP": "1", "LL_ATTEMPT": "2", "CLAUDECODE": None}
    assert asked["cwd"] == str(stage.project)
    words = " ".join(asked["argv"])
    assert "for me" not in words
    assert "--max-budget-usd 0.125" in words
    assert "--permission-mode plan" in words
    assert (stage.run / "output/0001-2.stream").exists()


def test_a_session_file_is_named_where_it_lies(stage: Stage) -> None:
    encoded = "".join(char if char.isalnum() else "-" for char in str(stage.project))
    log = stage.folder / ".claude/projects" / encoded / "s-1.jsonl"
    log.parent.mkdir(parents=True)
    log.touch()
    assert stage.result(*_steps(INIT, result())).session_jsonl == str(log)


@pytest.mark.parametrize("name", ["text", "tools", "denied", "rate_limited_once", "two_results", "thinking"])
def test_recorded_streams_of_good_calls_are_good_results(stage: Stage, name: str) -> None:
    done = stage.result(*({"say": line} for line in lines("claude", name)))
    assert (done.exit_code, done.failure, done.stderr) == (0, None, "")
    assert done.output


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("overloaded", Failure("server", status=529)),
        ("connection_refused", Failure("network")),
        ("prompt_too_long", Failure("context", status=400)),
        ("budget", Failure("budget")),
        ("interrupted", None),
    ],
)
def test_an_error_result_with_exit_code_zero_is_a_failure(
    stage: Stage, name: str, failure: Failure | None
) -> None:
    done = stage.result(*({"say": line} for line in lines("claude", name)), {"exit": 0})
    assert (done.exit_code, done.failure) == (1, failure)
    assert done.stderr.startswith("[result] ")


def test_codex_runs_too(stage: Stage) -> None:
    outcomes = stage.perform(*({"say": line} for line in lines("codex", "tools")), host="codex")
    assert lines_of(outcomes) == ["Looking.", "All done PASS"]
    assert [one.tool for one in outcomes if isinstance(one, ToolCalled)] == ["shell", "shell"]
    done = stage.done(outcomes)
    assert done.exit_code == 0
    assert done.usage is not None
    assert "cost_usd" not in done.usage


def test_what_a_host_cannot_do_is_said(stage: Stage) -> None:
    done = stage.result(*({"say": line} for line in lines("codex", "text")), host="codex", tools=("Read",))
    assert "codex cannot be limited to a list of tools" in done.stderr


def test_a_denied_tool_is_a_permission_that_was_answered(stage: Stage) -> None:
    outcomes = stage.perform(*({"say": line} for line in lines("claude", "denied")))
    answered = [one for one in outcomes if isinstance(one, PermissionAnswered)]
    assert [(one.tool, one.answer, one.rule) for one in answered] == [("Bash", "denied", "safetyCheck")]


def test_a_control_line_counts_only_where_a_line_begins(stage: Stage) -> None:
    done = stage.result(
        *_steps(said("see CONTEXT_HANDOFF: not this"), said("CONTEXT_HANDOFF: go on"), result())
    )
    assert done.marker == Marker("handoff", "go on")


def test_failures_are_never_looked_for_in_what_an_agent_says(stage: Stage) -> None:
    good = stage.result(*_steps(said("I fixed the 429 rate limit bug, was unauthorized"), result()))
    assert good.failure is None
    bad = stage.result(*_steps(said("429 rate limit"), result(is_error=True, result="it broke")))
    assert (bad.exit_code, bad.failure) == (1, None)
    by_text = stage.result({"err": "API Error: 429 too many requests"}, {"exit": 1})
    assert by_text.failure == Failure("rate_limit", source="text")


# --- logins ----------------------------------------------------------------------------------------------


def test_a_host_that_is_not_logged_in_says_how_to_log_in(stage: Stage) -> None:
    reason = stage.refused(*({"say": line} for line in lines("claude", "not_logged_in")), {"exit": 1})
    assert "Not logged in" in reason
    assert "ANTHROPIC_API_KEY" in reason


def test_a_refused_key_ends_the_call_at_once(stage: Stage) -> None:
    began = time.monotonic()
    reason = stage.refused(*({"say": line} for line in lines("claude", "refused_key")), {"sleep": 60})
    assert "401" in reason
    assert time.monotonic() - began < 20


def test_a_host_that_is_not_installed_says_how_to_install_it(stage: Stage) -> None:
    from tests.agents.stage import action
    from tests.runners.tools import perform

    (end,) = perform(stage.runner("codex"), action())
    assert "npm install -g @openai/codex" in end.error


# --- bad streams ------------------------------------------------------------------------------------------


def test_garbage_is_text_and_no_answer(stage: Stage) -> None:
    garbage = "\x00\x1b[31m{{{ ]]] \udcff".encode("utf-8", "replace").decode()
    done = stage.result({"say": garbage}, {"say": "5"}, {"say": '["a"]'}, {"say": '{"type": "unheard of"}'})
    assert done.output.splitlines()[-2:] == ["5", '["a"]']
    assert done.exit_code == 1
    assert "ended without an answer" in done.stderr


def test_a_result_in_the_middle_of_garbage_counts(stage: Stage) -> None:
    done = stage.result({"raw": "warning: x\n\n\r\n"}, *_steps(said("ok"), result()), {"raw": "bye"})
    assert (done.exit_code, done.output) == (0, "warning: x\nok\nbye")


def test_a_stream_cut_in_the_middle_of_a_record_is_no_answer(stage: Stage) -> None:
    done = stage.result(*_steps(said("half way")), {"raw": '{"type":"result","is_er'})
    assert done.exit_code == 1
    assert done.output.startswith("half way")


def test_an_agent_that_closes_its_streams_is_waited_for(stage: Stage) -> None:
    done = stage.result(*_steps(said("x"), result()), {"close": True}, {"sleep": 0.3}, {"exit": 3})
    assert done.exit_code == 3
    assert done.duration_ms >= 250
    assert done.stderr == "[result] claude ended with exit code 3 after its answer\n"


def test_a_child_that_keeps_the_pipes_does_not_keep_the_step(stage: Stage) -> None:
    began = time.monotonic()
    done = stage.result({"child_keeps_pipes": 60}, *_steps(said("done"), result()))
    assert (done.exit_code, done.output) == (0, "done")
    assert time.monotonic() - began < 20


def test_a_line_of_a_hundred_megabytes_is_left_out_in_bounded_memory(stage: Stage) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = stage.result({"long_line": 100}, *_steps(said("after it"), result()))
    assert (done.exit_code, done.output) == (0, "after it")
    assert "lines left out because of their length: 1" in done.stderr
    assert (stage.run / "output/0001.stream").stat().st_size > 100 << 20
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 80 * 1024


# --- limits and stops -------------------------------------------------------------------------------------


def _ended(outcomes: list[Any]) -> Stopped:
    assert isinstance(outcomes[-1], Stopped), outcomes[-1]
    return outcomes[-1]


@pytest.mark.parametrize("limit", ["timeout_s", "idle_s", "seconds"])
def test_what_was_said_before_a_deadline_is_kept(stage: Stage, limit: str) -> None:
    plan = [*_steps(INIT, said("partial words")), {"sleep": 60}]
    given: dict[str, Any] = {limit: 1.0}
    end = _ended(stage.perform(*plan, **given))
    kind = {"timeout_s": "wall", "idle_s": "idle", "seconds": "budget"}[limit]
    assert end.cause == kind
    assert end.result is not None
    assert (end.result.exit_code, end.result.timeout_kind, end.result.output) == (124, kind, "partial words")
    assert end.result.session_id == "s-1"
    assert end.result.usage is not None
    assert "cost_usd" not in end.result.usage


def test_any_byte_is_a_sign_of_life(stage: Stage) -> None:
    dots = [step for _ in range(6) for step in ({"raw": " "}, {"sleep": 0.3})]
    done = stage.result(*dots, *_steps(result()), idle_s=1.2)
    assert done.exit_code == 0


def test_a_stop_ends_the_agent_and_its_children(stage: Stage) -> None:
    stop = StopToken()
    plan = [{"child_keeps_pipes": 60}, *_steps(said("working")), {"sleep": 60}]

    def ask_for_it() -> None:
        while not (stage.bin / "child").exists() or not (stage.bin / "child").read_text():
            time.sleep(0.01)
        stop.request("SIGTERM")

    asker = threading.Thread(target=ask_for_it)
    asker.start()
    end = _ended(stage.perform(*plan, stop=stop))
    asker.join()
    assert end.cause == "SIGTERM"
    child = int((stage.bin / "child").read_text())
    deadline = time.monotonic() + 10
    while alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(child)
