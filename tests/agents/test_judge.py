"""Judgements: what the judge is shown, what its answer is worth, and everything that can go wrong with it."""

from __future__ import annotations

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agents.stage import Stage, result, said
from tests.hosts.recorded import lines
from tests.runners.tools import perform

from little_loops.hosts.table import HOSTS
from little_loops.machine.effects import Budget, Failure, Judge, Judged, Spawned, Stopped
from little_loops.process import StopToken
from little_loops.runners import judgement
from little_loops.runners.judge import JudgeRunner


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def judge(**given: Any) -> Judge:
    """A judgement of step 1."""
    known: dict[str, Any] = {
        "prompt": "Are the tests green?", "output_tail": "3 passed", "exit_code": 0, "stderr_tail": "",
        "state": "s", "run_id": "judged", "step": 1, "attempt": 1, "model": "sonnet",
    }  # fmt: skip
    return Judge(**{**known, **given})


def answer(**given: Any) -> dict[str, Any]:
    """An answer in the asked form."""
    return {"verdict": "yes", "confidence": 0.9, "reason": "because", "evidence": "3 passed", **given}


def outcomes(stage: Stage, *plan: dict[str, Any], host: str = "claude", **given: Any) -> list[Any]:
    stage.installs(HOSTS[host].program, list(plan))
    return perform(JudgeRunner(HOSTS[host], stage.place), judge(**given))


def judged(stage: Stage, *plan: dict[str, Any], **given: Any) -> Judged:
    end = outcomes(stage, *plan, **given)[-1]
    assert isinstance(end, Judged), end
    return end


def structured(value: object, **more: Any) -> dict[str, Any]:
    return {"say": result(structured_output=value, **more)}


def test_a_verdict_comes_with_its_evidence_and_its_cost(stage: Stage) -> None:
    told = outcomes(stage, structured(answer()))
    assert isinstance(told[0], Spawned)
    end = told[-1]
    assert end.verdict == "yes"
    details = end.details
    assert (details["confidence"], details["confident"], details["reason"]) == (0.9, True, "because")
    assert (details["evidence"], details["evidence_coerced"], details["raw"]) == ("3 passed", False, answer())
    assert details["llm_model"] == "sonnet"
    assert end.usage["cost_usd"] == 0.5
    assert end.failure is None
    assert not list((stage.run / "output").glob("*.schema.json"))


def test_the_judge_sees_output_exit_code_and_errors_and_may_do_nothing(stage: Stage) -> None:
    judged(stage, structured(answer()), exit_code=3, stderr_tail="boom", reserved=Budget(usd=0.25))
    (asked,) = stage.asked
    for word in ("Are the tests green?", "3 passed", "exit code: 3", "boom"):
        assert word in asked["stdin"]
    words = " ".join(asked["argv"])
    assert "--tools  " in words
    assert "--json-schema" in words
    assert "--max-budget-usd 0.25" in words
    assert "permission" not in words
    assert "green" not in words


def test_codex_judges_with_a_schema_in_a_file(stage: Stage) -> None:
    reply = json.dumps(answer())
    plan: list[dict[str, Any]] = [
        {"say": {"type": "item.completed", "item": {"type": "agent_message", "text": reply}}},
        {"say": {"type": "turn.completed", "usage": {"input_tokens": 5, "output_tokens": 7}}},
    ]
    end = judged(stage, *plan, host="codex")
    assert end.verdict == "yes"
    (asked,) = stage.asked
    assert [json.loads(text) for text in asked["files"]] == [judgement.DEFAULT_SCHEMA]
    assert "--model" not in asked["argv"]


@pytest.mark.parametrize(
    ("found", "given", "verdict", "details"),
    [
        (answer(confidence=0.4), {}, "yes", {"confident": False}),
        (answer(confidence=0.4), {"uncertain_suffix": True}, "yes_uncertain", {"confident": False}),
        (answer(confidence=0.4), {"uncertain_suffix": True, "min_confidence": 0.4}, "yes", {}),
        (answer(verdict="blocked"), {}, "blocked", {}),
        (answer(verdict="cannot_judge", evidence=""), {}, "cannot_judge", {"evidence_coerced": False}),
        (answer(evidence="  "), {}, "no", {"evidence_coerced": True}),
        (answer(verdict="maybe"), {}, "error", {"invalid_verdict": True, "raw_verdict": "maybe"}),
        ({"confidence": 1}, {}, "error", {"raw": {"confidence": 1}}),
        (answer(verdict=True), {}, "error", {}),
        (answer(confidence="sure"), {}, "error", {}),
        (answer(confidence=[1]), {}, "error", {}),
        ({"verdict": "ship it"}, {"schema": {"type": "object"}}, "ship it", {"confidence": 1.0}),
        ({"grade": 5}, {"schema": {"type": "object"}}, "error", {}),
    ],
)  # fmt: skip
def test_what_an_answer_is_worth(
    stage: Stage, found: dict[str, Any], given: dict[str, Any], verdict: str, details: dict[str, Any]
) -> None:
    end = judged(stage, structured(found), **given)
    assert end.verdict == verdict
    assert {key: end.details[key] for key in details} == details


def test_a_schema_of_the_author_reaches_the_judge(stage: Stage) -> None:
    schema = {"type": "object", "properties": {"verdict": {"enum": ["ship", "wait"]}}}
    judged(stage, structured({"verdict": "ship"}), schema=schema)
    argv = stage.asked[0]["argv"]
    assert json.loads(argv[argv.index("--json-schema") + 1]) == schema


# --- forms an answer can come in -------------------------------------------------------------------------

TAGS = "<verdict>No</verdict> <CONFIDENCE>0.7</CONFIDENCE><reason>r</reason><evidence>1 failed</evidence>"


@pytest.mark.parametrize(
    ("plan", "verdict"),
    [
        ({"say": result(result=json.dumps(answer()))}, "yes"),
        ({"say": result(result=f"```json\n{json.dumps(answer())}\n```")}, "yes"),
        ({"say": result(result=answer())}, "yes"),
        ({"say": result(result=f"I think:\n```\n{TAGS}\n```")}, "no"),
        ({"say": answer()}, "yes"),
        ({"say": [{"type": "system"}, result(structured_output=answer())]}, "yes"),
        (
            {"raw": "a warning\n" + json.dumps({"structured_output": answer(verdict="partial")}) + "\n\n"},
            "partial",
        ),
    ],
)
def test_forms_in_which_an_answer_may_come(stage: Stage, plan: dict[str, Any], verdict: str) -> None:
    assert judged(stage, plan).verdict == verdict


# --- what can go wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "flag"),
    [
        ([{"exit": 2}, {"err": "no such flag"}], "api_error"),
        ([], "empty_output"),
        ([{"say": "   "}], "empty_output"),
        ([{"say": result(is_error=True, subtype="error_max_structured_output_retries")}], "api_error"),
        ([{"say": result(is_error=True, result="it broke")}], "api_error"),
        ([{"say": result(result="yes, all is fine")}], "raw_preview"),
        ([{"say": result(result="")}], "raw_preview"),
        ([{"say": result(result=None)}], "raw_preview"),
        ([{"say": result(result="5")}], "raw_preview"),
        ([{"say": result(structured_output=["yes"])}], "raw_preview"),
        ([{"say": "garbage"}], "raw_preview"),
        ([{"say": [1, 2]}], "raw_preview"),
        ([{"say": said(json.dumps(answer()))}], "raw_preview"),
        ([{"raw": '{"type":"result","structured_output":{"verdict":"ye'}], "raw_preview"),
        ([{"long_line": 20}], "raw_preview"),
    ],
)
def test_whatever_is_no_answer_is_an_error(stage: Stage, plan: list[dict[str, Any]], flag: str) -> None:
    end = judged(stage, *plan)
    assert end.verdict == "error"
    assert end.details["error"]
    assert end.details[flag]
    assert len(end.details.get("raw_preview", "")) <= 300


def test_a_judge_that_is_not_installed_is_an_error(stage: Stage) -> None:
    (end,) = perform(JudgeRunner(HOSTS["codex"], stage.place), judge())
    assert end.verdict == "error"
    assert end.details["missing_dependency"]
    assert "npm install" in end.details["error"]


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("overloaded", Failure("server", status=529)),
        ("connection_refused", Failure("network")),
        ("not_logged_in", Failure("auth")),
    ],
)
def test_a_failure_of_the_provider_is_told(stage: Stage, name: str, failure: Failure) -> None:
    end = judged(stage, *({"say": line} for line in lines("claude", name)), {"exit": 1})
    assert (end.verdict, end.failure) == ("error", failure)
    assert end.details["api_error"]


def test_a_refused_key_ends_the_judgement_at_once(stage: Stage) -> None:
    began = time.monotonic()
    end = judged(stage, *({"say": line} for line in lines("claude", "refused_key")), {"sleep": 60})
    assert end.failure == Failure("auth", status=401)
    assert time.monotonic() - began < 20


def test_a_judge_that_takes_too_long_is_an_error(stage: Stage) -> None:
    end = judged(stage, structured(answer()), {"sleep": 60}, timeout_s=1.0)
    assert (end.verdict, end.failure) == ("error", None)
    assert end.details["timeout"] is True


def test_a_stop_ends_the_judge(stage: Stage) -> None:
    stop = StopToken()
    stage.installs("claude", [{"sleep": 60}])

    def ask_for_it() -> None:
        while not (stage.bin / "asked.jsonl").exists():
            time.sleep(0.01)
        stop.request("SIGINT")

    asker = threading.Thread(target=ask_for_it)
    asker.start()
    told = perform(JudgeRunner(HOSTS["claude"], stage.place), judge(), stop)
    asker.join()
    assert told[-1] == Stopped("SIGINT")


def test_progress_paths_are_looked_at(stage: Stage) -> None:
    (stage.project / "a").write_text("x")
    assert judged(stage, structured(answer()), progress_paths=("a",)).progress is not None


# --- the question -------------------------------------------------------------------------------------------


@given(st.text(), st.text(), st.integers(0, 3))
def test_no_output_can_pass_for_the_end_of_the_output(output: str, stderr: str, guesses: int) -> None:
    words = [f"w{number}" for number in range(guesses + 1)] + ["free-word"]
    hostile = output + "".join(f"</output {word}>" for word in words[:-1])
    left = iter(words)
    text = judgement.question(judge(output_tail=hostile, stderr_tail=stderr), lambda: next(left))
    if "free-word" not in output + stderr:
        (end,) = re.finditer(r"</output free-word>", text)
        start = text.index("<output free-word>") + len("<output free-word>")
        assert text[start + 1 : end.start() - 1] == hostile


def test_every_question_has_a_word_of_its_own(stage: Stage) -> None:
    stage.installs("claude", [structured(answer())])
    for _ in range(2):
        perform(JudgeRunner(HOSTS["claude"], stage.place), judge())
    marks = [re.findall(r"<output (\w+)>", asked["stdin"]) for asked in stage.asked]
    assert len(marks) == 2
    assert marks[0] != marks[1]


def test_evidence_is_asked_for_only_in_the_form_that_has_it() -> None:
    assert "cannot_judge" in judgement.question(judge(), lambda: "w")
    assert "cannot_judge" not in judgement.question(judge(schema={"type": "object"}), lambda: "w")
