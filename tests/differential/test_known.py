"""Partings of the engine and its description that are known and not settled yet; each goes when it is."""

from __future__ import annotations

from typing import Any

import pytest
from tests.differential.engine import run_engine
from tests.differential.world import World


@pytest.mark.xfail(
    strict=True, reason="a call that never started is charged with all that was reserved for it"
)
def test_a_call_that_cannot_start_in_a_called_loop_costs_nothing_but_the_call() -> None:
    judged: dict[str, Any] = {"evaluate": {"type": "exit_code"}, "on_yes": "end"}
    caller = {
        "name": "v",
        "initial": "call",
        "budget": {"tokens": 100},
        "states": {
            "call": {"loop": "child", "on_yes": "end", "on_no": "ask"},
            "ask": {"action": "/ask", **judged},
            "end": {"terminal": True},
        },
    }
    states = {"try": {"action": "/try", **judged}, "end": {"terminal": True}}
    loops = {"v": caller, "child": {"name": "child", "initial": "try", "states": states}}
    script = {"answers": {"/try": [{"raises": "no such host"}], "/ask": [{"usage": {"input_tokens": 5}}]}}
    assert run_engine(loops, "v", World(script))[-1]["terminated_by"] == "terminal"
