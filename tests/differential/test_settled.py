"""Places where the engine and its description once parted."""

from __future__ import annotations

from typing import Any

from tests.differential.engine import Memory, cut, resume_engine, run_engine
from tests.differential.world import World

Json = dict[str, Any]


def loop(**states: Json) -> dict[str, Json]:
    return {
        "v": {"name": "v", "initial": next(iter(states)), "states": {**states, "end": {"terminal": True}}}
    }


def stopped_then_resumed(loops: dict[str, Json], script: Json, at: int) -> list[Json]:
    """The lines of the second segment of a run that a signal stopped at its ``at``-th effect."""
    begun = Memory()
    stop = {"at": at, "signal": "SIGTERM", "at_once": True}
    run_engine(loops, "v", World({**script, "stop": stop}), journal=begun)
    world, journal = cut(begun, len(begun.lines), script)
    return resume_engine(loops, world, journal)[len(begun.lines) :]


def test_a_condition_may_read_the_environment_while_progress_is_watched() -> None:
    config = {"type": "output_numeric", "operator": "eq", "target": "${env.LL_ONE}"}
    loops = loop(work={"action": "./work", "evaluate": config, "on_yes": "end"})
    loops["v"]["circuit"] = {"repeated_failure": {"progress_paths": ["notes"]}}
    script = {"answers": {"./work": [{"stdout": "1"}]}, "env": {"LL_ONE": "1"}}
    assert run_engine(loops, "v", World(script))[-1]["final_state"] == "end"


def test_progress_counts_even_when_the_evaluator_cannot_judge() -> None:
    config = {"type": "output_numeric", "operator": "eq", "target": "${context.gone}"}
    loops = loop(work={"action": "./work", "evaluate": config, "on_yes": "end", "on_error": "work"})
    loops["v"]["circuit"] = {"repeated_failure": {"window": 2, "progress_paths": ["notes"]}}
    loops["v"]["max_iterations"] = 3
    script = {"answers": {"./work": [{"stdout": "1"}]}, "progress": ["p", "q", "r"]}
    assert run_engine(loops, "v", World(script))[-1]["terminated_by"] == "max_iterations"


def test_a_stopped_attempt_leaves_the_captures_alone() -> None:
    loops = loop(ask={"action": "/ask [${captured.c.exit_code?}]", "capture": "c", "next": "end"})
    resumed = stopped_then_resumed(loops, {"answers": {"/ask": [{"exit_code": 0}]}}, at=1)
    texts = [line["action"] for line in resumed if line["event"] == "action_start"]
    assert texts == ["/ask []"]


def test_a_stop_that_the_agent_asked_for_outlives_a_signal() -> None:
    loops = loop(ask={"action": "/ask", "on_yes": "next"}, next={"action": "/next", "next": "end"})
    script = {"answers": {"/ask": [{"stdout": "LOOP_STOP:"}]}, "opinions": [{}]}
    resumed = stopped_then_resumed(loops, script, at=2)
    assert resumed[-1]["terminated_by"] == "signal"
    assert not [line for line in resumed if line.get("state") == "next"]


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
