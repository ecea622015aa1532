"""The parts of the naive executor agree with the tables they were written from."""

from __future__ import annotations

from typing import Any

import pytest
from tests.differential.texts import Missing, elapsed, render
from tests.differential.verdicts import Seen, verdict_of
from tests.differential.world import marker_in

SCOPE = {"context": {"a": True, "n": None, "m": {"x": 1.0}, "t": "${context.a}"}, "state": {"name": "s"}}
JSON = {"type": "output_json", "operator": "eq"}
CONVERGENCE = {"type": "convergence", "target": 0, "previous": "5"}


@pytest.mark.parametrize(
    ("config", "text", "code", "verdict"),
    [
        *[
            ({"type": "exit_code"}, "", n, v)
            for n, v in ((0, "yes"), (1, "no"), (2, "error"), (124, "error"))
        ],
        ({"type": "exit_code"}, "", -9, "error"),
        *[
            ({"type": "output_numeric", "operator": "eq", "target": 5}, text, 0, verdict)
            for text, verdict in (
                (" 5 \n", "yes"),
                ("5%", "error"),
                ("", "error"),
                ("3\n4", "error"),
                ("1e3", "no"),
            )
        ],
        ({"type": "output_numeric", "operator": "ne", "target": 5}, "nan", 0, "error"),
        ({"type": "output_numeric", "operator": "gt", "target": 5}, "inf", 0, "yes"),
        ({"type": "output_numeric", "operator": "eq", "target": 2, "key": "x"}, "x=1 x=2", 0, "yes"),
        ({**JSON, "path": ".1", "operator": "gt", "target": 1}, "[1,2]", 0, "yes"),
        ({**JSON, "path": "a", "target": "5"}, '{"a":5}', 0, "no"),
        ({**JSON, "path": "a", "target": 1}, '{"a":true}', 0, "yes"),
        ({**JSON, "path": "a", "operator": "gt", "target": "w"}, '{"a":"x"}', 0, "error"),
        ({**JSON, "path": "a.0", "target": 9}, '{"a":{"0":9}}', 0, "yes"),
        ({**JSON, "path": ".", "target": 5}, "5", 0, "error"),
        ({"type": "output_contains", "pattern": "^b"}, "a\nb", 0, "no"),
        ({"type": "output_contains", "pattern": "(?m)^b"}, "a\nb", 0, "yes"),
        ({"type": "output_contains", "pattern": "a*b["}, "x a*b[ y", 0, "yes"),
        ({"type": "output_contains", "pattern": "", "negate": True}, "x", 0, "no"),
        ({"type": "convergence", "target": 0}, "5", 0, "progress"),
        *[(CONVERGENCE, text, 0, v) for text, v in (("5", "stall"), ("7", "stall"), ("3", "progress"))],
        ({"type": "convergence", "target": 10, "tolerance": 1, "direction": "maximize"}, "9", 0, "target"),
        *[
            ({"type": "mcp_result"}, text, code, verdict)
            for text, code, verdict in (
                ("", 0, "success"),
                ("", 1, "tool_error"),
                ('{"isError":false}', 1, "success"),
                ("x", 127, "not_found"),
                ("x", 124, "timeout"),
                ("junk", 0, "tool_error"),
            )
        ],
        ({"type": "harbor_scorer"}, "0.5", 0, "yes"),
        ({"type": "harbor_scorer"}, "abc", 0, "error"),
        ({"type": "harbor_scorer"}, "0.5", 1, "no"),
        ({"type": "classify"}, "a\nb\n", 0, "b"),
        ({"type": "classify"}, "", 0, ""),
        ({"type": "classify", "line": 5}, "a", 0, ""),
    ],
)
def test_a_verdict_is_as_listed(config: dict[str, Any], text: str, code: int, verdict: str) -> None:
    assert verdict_of(config, Seen(text, code, {}, {}))[0] == verdict


def test_an_unchanged_tree_is_a_stall_from_the_given_round_on() -> None:
    memory: dict[str, Any] = {}
    verdicts = []
    for _ in range(4):
        seen = Seen("", 0, {}, memory, measured="same")
        verdicts.append(verdict_of({"type": "diff_stall", "max_stall": 2}, seen)[0])
        memory = seen.notes["memory"]
    assert verdicts == ["yes", "yes", "no", "no"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$${x", "${x"),
        ("$$${context.a}", "$${context.a}"),
        ("$HOME $(pwd) $$ ${}", "$HOME $(pwd) $$ ${}"),
        ("${context.a}", "True"),
        ("[${context.n}]", "[]"),
        ("${context.m.x}", "1.0"),
        ("${context.t}", "${context.a}"),
        ("$${DEPTH:-0}", "${DEPTH:-0}"),
        ("${context.b:default=a:b?}", "a:b?"),
        ("[${context.b?}]", "[]"),
        ("${context.n:default=x}", ""),
    ],
)
def test_a_template_is_filled_as_listed(template: str, text: str) -> None:
    assert render(template, SCOPE) == text


@pytest.mark.parametrize(
    "template", ["${HOME}", "${#arr[@]}", "${context.a:-x}", "${ context.a}", "${odd.a}"]
)
def test_what_is_not_there_is_missing(template: str) -> None:
    with pytest.raises(Missing):
        render(template, SCOPE)


def test_a_duration_is_told_in_minutes_and_seconds() -> None:
    told = [elapsed(ms) for ms in (0, 999, 1000, 59000, 60000, 90000, 3600000)]
    assert told == ["0ms", "999ms", "1s", "59s", "1m", "1m 30s", "60m"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("FATAL_ERROR: a\nCONTEXT_HANDOFF: b", ("error", "a")),
        ("x\nCONTEXT_HANDOFF:  b  \n", ("handoff", "b")),
        ("LOOP_STOP:", ("stop", "")),
        (" FATAL_ERROR: a", None),
        ("FATAL_ERROR:\nnext line", None),
        ("see LOOP_STOP: here", None),
    ],
)
def test_a_marker_stands_at_the_start_of_a_line(text: str, found: tuple[str, str] | None) -> None:
    assert marker_in(text) == found
