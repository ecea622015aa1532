"""A key that a short form does not read is told, in its place, with what was perhaps meant."""

from __future__ import annotations

import pytest

from little_loops.fsm.load import load_text

GOAL = """paradigm: goal
name: green
description: all green
goal: all green
tools: [make test, make fix]
scope: [.]
"""


@pytest.mark.parametrize(
    ("line", "meant"), [("context: {a: 1}", None), ("descripton: x", "description"), ("max_step: 4", None)]
)
def test_a_key_without_effect_is_told(line: str, meant: str | None) -> None:
    found = [d for d in load_text(GOAL + line).diagnostics if d.code == "LL125"]
    assert [(d.span.line, d.span.column) for d in found if d.span] == [(7, 1)]
    if meant is not None:
        assert found[0].suggestion == meant


@pytest.mark.parametrize(
    "line", ["max_iterations: 4", "allow: [LL201]", "on_partial_target: fix", "timeout: 9"]
)
def test_a_key_with_effect_is_not(line: str) -> None:
    assert [d for d in load_text(GOAL + line).diagnostics if d.code == "LL125"] == []
