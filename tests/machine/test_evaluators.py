"""What each evaluator says, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from little_loops.fsm.schema import EvaluateConfig
from little_loops.machine.effects import Matched
from little_loops.machine.verdicts import (
    PURE,
    Evidence,
    Terms,
    action_stall,
    clean,
    diff_stall,
    gate,
    matched,
    score_stall,
)

NONE = Terms()


def judge(
    kind: str, text: str = "", code: int = 0, terms: Terms = NONE, **config: Any
) -> tuple[str, dict[str, Any]]:
    verdict = PURE[kind](EvaluateConfig(type=kind, **config), Evidence(text, code), terms)
    return verdict.verdict, dict(verdict.details)


@pytest.mark.parametrize(
    ("code", "verdict"), [(0, "yes"), (1, "no"), (2, "error"), (124, "error"), (-9, "error")]
)
def test_exit_codes(code: int, verdict: str) -> None:
    assert judge("exit_code", code=code) == (verdict, {"exit_code": code})


@pytest.mark.parametrize(
    ("text", "operator", "target", "verdict"),
    [
        (" 5 \n", "eq", 5, "yes"),
        ("5%", "eq", 5, "error"),
        ("", "eq", 5, "error"),
        ("3\n4", "eq", 5, "error"),
        ("1e3", "eq", 5, "no"),
        ("1_000", "eq", 1000, "error"),
        ("0x10", "eq", 16, "error"),
        ("inf", "gt", 1, "yes"),
        ("nan", "ne", 1, "error"),
        ("٣", "eq", 3, "error"),
        ("4", "le", "4.0", "yes"),
        ("4", "le", "many", "error"),
        ("4", "like", 4, "error"),
        ("4", None, 4, "yes"),
        ("-0.5", "lt", 0, "yes"),
    ],
)
def test_numbers(text: str, operator: str | None, target: Any, verdict: str) -> None:
    assert judge("output_numeric", text, operator=operator, terms=Terms(target))[0] == verdict


def test_the_last_value_of_a_key_counts() -> None:
    verdict, details = judge(
        "output_numeric", "x=1\ncoverage = 80.5%\nx = 2", key="x", operator="eq", terms=Terms(2)
    )
    assert (verdict, details["value"]) == ("yes", 2.0)
    assert judge("output_numeric", "y=1", key="x", terms=Terms(2))[0] == "error"


@pytest.mark.parametrize(
    ("text", "path", "operator", "target", "verdict"),
    [
        ("[1,2]", ".1", "gt", 1, "yes"),
        ('{"a":5}', "a", "eq", "5", "no"),
        ('{"a":true}', "a", "eq", 1, "yes"),
        ('{"a":"x"}', "a", "gt", "w", "error"),
        ('{"a":{"0":9}}', "a.0", "eq", 9, "yes"),
        ("5", ".", "eq", 5, "error"),
        ('{"a":1}', "..a", "eq", 1, "error"),
        ('{"a":1} tail', "a", "eq", 1, "error"),
        ("[1]", "-1", "eq", 1, "error"),
        ("[1]", "1", "eq", 1, "error"),
        ('{"a":[1,{"b":null}]}', "a.1.b", "ne", 1, "yes"),
        ("[" * 100_000, "0", "eq", 1, "error"),
    ],
)
def test_json(text: str, path: str, operator: str, target: Any, verdict: str) -> None:
    assert judge("output_json", text, path=path, operator=operator, terms=Terms(target))[0] == verdict


def test_contains() -> None:
    assert judge("output_contains", "all passed", pattern="passed")[0] == "yes"
    assert judge("output_contains", "all passed", pattern="passed", negate=True)[0] == "no"
    assert judge("output_contains", "anything", pattern="", negate=True)[0] == "no"
    found = judge("output_contains", "bash: x: command not found", pattern="ok", error_patterns=["not found"])
    assert found == (
        "error",
        {"matched": False, "pattern": "ok", "negate": False, "error_pattern": "not found"},
    )
    assert (
        judge("output_contains", "not found", pattern="ok", negate=True, error_patterns=["not found"])[0]
        == "yes"
    )


def test_what_a_pattern_worker_answers() -> None:
    config = EvaluateConfig(type="output_contains", pattern="a*b[")
    text = Evidence("x a*b[ y")
    assert matched(config, text, Matched(compiled=False), Terms()).verdict == "yes"
    slow = matched(config, text, Matched(error="took longer than 5 s", timeout=True), Terms())
    assert (slow.verdict, slow.details) == ("error", {"error": "took longer than 5 s", "timeout": True})
    json_config = EvaluateConfig(type="output_json", path="[.a[]|.b]", operator="eq", target=[1, 2])
    assert matched(json_config, text, Matched(value=[1, 2]), Terms([1, 2])).verdict == "yes"


@pytest.mark.parametrize(
    ("current", "previous", "config", "verdict"),
    [
        ("5", None, {}, "progress"),
        ("5", "5", {}, "stall"),
        ("7", "5", {}, "stall"),
        ("3", "5", {}, "progress"),
        ("3", "not a number", {}, "progress"),
        ("0", "5", {}, "target"),
        ("-3", "0", {}, "progress"),
        ("9", "5", {"direction": "maximize"}, "progress"),
        ("4", "5", {"direction": "maximize"}, "stall"),
        ("five", "5", {}, "error"),
    ],
)
def test_convergence_to_zero(current: str, previous: str | None, config: Any, verdict: str) -> None:
    assert judge("convergence", current, terms=Terms(0, previous), **config)[0] == verdict


def test_convergence_within_a_tolerance() -> None:
    assert judge("convergence", "9", terms=Terms(10, None, 1), direction="maximize")[0] == "target"
    assert judge("convergence", "9", terms=Terms(10, None, "much"))[0] == "error"


@pytest.mark.parametrize(
    ("text", "code", "verdict"),
    [
        ("", 0, "success"),
        ("", 1, "tool_error"),
        ('{"isError":false}', 1, "success"),
        ('{"isError":true}', 0, "tool_error"),
        ("x", 127, "not_found"),
        ("x", 124, "timeout"),
        ("junk", 0, "tool_error"),
        ("[1]", 0, "tool_error"),
    ],
)
def test_tool_results(text: str, code: int, verdict: str) -> None:
    assert judge("mcp_result", text, code)[0] == verdict


@pytest.mark.parametrize(
    ("text", "code", "verdict"), [("0.5", 0, "yes"), ("abc", 0, "error"), ("0.5", 1, "no")]
)
def test_scorers(text: str, code: int, verdict: str) -> None:
    assert judge("harbor_scorer", text, code)[0] == verdict


@pytest.mark.parametrize(
    ("text", "line", "verdict"),
    [("a\nb\n", "last", "b"), ("a\n\nb", "first", "a"), ("", "last", ""), ("a", 5, "")],
)
def test_classes(text: str, line: Any, verdict: str) -> None:
    assert judge("classify", text, line=line)[0] == verdict


def test_the_tree_that_does_not_change() -> None:
    config, memory, said = EvaluateConfig(type="diff_stall", max_stall=2), None, []
    for digest in ("a", "a", "a", "a", "b"):
        verdict = diff_stall(config, digest, memory)
        memory = verdict.memory
        said.append((verdict.verdict, verdict.details["stall_count"]))
    assert said == [("yes", 0), ("yes", 1), ("no", 2), ("no", 3), ("yes", 0)]


def test_the_action_that_repeats_itself() -> None:
    config, memory, said = EvaluateConfig(type="action_stall"), None, []
    for digest in ("a", "a", "a", "b"):
        verdict = action_stall(config, digest, ("action",), memory)
        memory = verdict.memory
        said.append(verdict.verdict)
    assert said == ["yes", "yes", "no", "yes"]


@pytest.mark.parametrize(
    ("scores", "verdict", "stall"),
    [
        ([], "yes", 0),
        ([1.0], "yes", 0),
        ([1.0, 2.0], "yes", 0),
        ([1.0, 1.4], "no", 1),
        ([1.0, 3.0, 3.2, 3.4], "no", 2),
    ],
)
def test_scores_that_stall(scores: list[float], verdict: str, stall: int) -> None:
    found = score_stall(EvaluateConfig(type="score_stall"), scores)
    assert (found.verdict, found.details["stall_count"]) == (verdict, stall)


@pytest.mark.parametrize(
    ("kind", "code", "gated"),
    [
        ("output_contains", 0, False),
        ("output_contains", 1, True),
        ("output_contains", 124, True),
        ("exit_code", 1, False),
        ("exit_code", 124, True),
        ("mcp_result", 124, False),
        ("diff_stall", 3, False),
    ],
)
def test_the_exit_code_gate(kind: str, code: int, gated: bool) -> None:
    assert (gate(kind, code) is not None) == gated


def test_details_can_always_be_written_down() -> None:
    dirty = {"a": float("inf"), "b": ["\ud800", float("nan")], 3: (1, None)}
    assert clean(dirty) == {"a": "Infinity", "b": ["\ufffd", "NaN"], "3": [1, None]}
