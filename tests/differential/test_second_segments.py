"""What a second segment does after each kind of end: policies, raised caps, failures, handoffs, budgets."""

from __future__ import annotations

from typing import Any

import pytest
from tests.differential.engine import Memory, cut, resume_engine, run_engine
from tests.differential.world import World

Json = dict[str, Any]


def loop(**states: Json) -> Json:
    ends = {"end": {"terminal": True}, "bad": {"terminal": True}}
    return {"name": "v", "initial": next(iter(states)), "states": {**states, **ends}}


def second_segment(
    definition: Json, script: Json | None = None, *, lines: int | None = None, **answers: Any
) -> list[Json]:
    """The second segment, without its opening, of a run that died after ``lines`` or came to its end."""
    loops, begun = {"v": definition}, Memory()
    run_engine(loops, "v", World(script or {}), journal=begun)
    place = len(begun.lines) if lines is None else lines
    world, journal = cut(begun, place, script or {})
    told = resume_engine(loops, world, journal, **answers)[place:]
    assert [line["event"] for line in told[:2]] == ["loop_resume", "loop_start"]
    return [line for line in told[2:] if line["event"] != "action_spawned"]


def names(lines: list[Json]) -> list[str]:
    return [line["event"] for line in lines]


JUDGED = {"action": "./work", "on_yes": "end", "on_error": "bad"}
ONWARD = {"action": "./work", "next": "end"}
IN_FLIGHT = 4
"""Lines after which the first action is under way: start, entry, intent, process."""


@pytest.mark.parametrize(
    ("definition", "answer"),
    [
        (loop(work={**JUDGED, "interrupted": "fail"}), None),
        ({**loop(work=JUDGED), "interrupted": "fail"}, None),
        (loop(work={**JUDGED, "interrupted": "ask"}), "fail"),
    ],
)
def test_an_interrupted_action_that_shall_fail_gives_the_verdict_error(definition: Json, answer: Any) -> None:
    told = second_segment(definition, lines=IN_FLIGHT, interrupted=answer)
    assert names(told) == ["action_interrupted", "evaluate", "route", "loop_complete"]
    assert (told[0]["policy"], told[1]["verdict"], told[2]["to"]) == ("fail", "error", "bad")


def test_an_interrupted_action_that_shall_fail_takes_the_error_exit_of_an_unconditional_state() -> None:
    told = second_segment(loop(work={**ONWARD, "on_error": "bad", "interrupted": "fail"}), lines=IN_FLIGHT)
    assert names(told) == ["action_interrupted", "route", "loop_complete"]
    assert (told[1]["to"], told[1]["via"]) == ("bad", "interrupted")


def test_an_interrupted_action_that_shall_fail_ends_the_run_without_an_exit() -> None:
    told = second_segment(loop(work={**ONWARD, "interrupted": "fail"}), lines=IN_FLIGHT)
    assert names(told) == ["action_interrupted", "loop_complete"]
    assert told[-1]["terminated_by"] == "error"


def test_an_answer_to_the_question_makes_the_action_again() -> None:
    told = second_segment(loop(work={**JUDGED, "interrupted": "ask"}), lines=IN_FLIGHT, interrupted="retry")
    assert names(told)[:2] == ["action_interrupted", "action_start"]
    assert (told[0]["policy"], told[1]["attempt"], told[-1]["final_state"]) == ("retry", 2, "end")


def test_a_raised_cap_goes_on_where_the_cap_was_hit() -> None:
    capped = {**loop(work={**JUDGED, "on_yes": "work", "on_no": "end"}), "max_iterations": 2}
    script = {"answers": {"./work": [{}, {}, {"exit_code": 1}]}}
    assert names(second_segment(capped, script)) == ["loop_complete"]
    told = second_segment(capped, script, overrides={"max_iterations": 3})
    assert (told[0]["event"], told[0]["iteration"], told[-1]["terminated_by"]) == (
        "state_enter",
        3,
        "terminal",
    )


def test_a_state_that_failed_is_entered_again() -> None:
    failing = loop(first={"action": "./first", "on_yes": "work"}, work={"action": "./work", "on_yes": "end"})
    told = second_segment(failing, {"answers": {"./work": [{"exit_code": 1}, {}]}})
    assert (told[0]["event"], told[0]["state"], told[0]["iteration"]) == ("state_enter", "work", 3)
    assert told[-1]["terminated_by"] == "terminal"


def test_the_text_handed_over_can_be_read_until_the_state_is_left() -> None:
    judged = {"evaluate": {"type": "exit_code"}}
    handing = loop(
        a={"action": "/a [${loop.continuation?}]", "on_yes": "b", **judged},
        b={"action": "/b [${loop.continuation?}]", "on_yes": "end", **judged},
    )
    told = second_segment(handing, {"answers": {"/a": [{"stdout": "CONTEXT_HANDOFF: go on"}, {}]}})
    texts = [line["action"] for line in told if line["event"] == "action_start"]
    assert texts == ["/a [go on]", "/b []"]
    assert told[0]["iteration"] == 2


def test_a_call_that_was_cut_short_stays_charged() -> None:
    judged = {"evaluate": {"type": "exit_code"}}
    spending = {**loop(ask={"action": "/ask", "on_yes": "ask", **judged}), "budget": {"agent_calls": 2}}
    whole = names(run_engine({"v": spending}, "v", World({})))
    assert whole.count("action_start") == 2
    told = second_segment(spending, lines=IN_FLIGHT)
    assert names(told).count("action_start") == 1
    assert told[-1]["terminated_by"] == "budget_exhausted"


def test_a_loop_that_calls_itself_is_stopped_at_the_eighth_level() -> None:
    calling = {"loop": "v", "on_yes": "done", "on_no": "done", "on_error": "done"}
    definition = {"name": "v", "initial": "a", "states": {"a": calling, "done": {"terminal": True}}}
    told = run_engine({"v": definition}, "v", World({}))
    assert max(line.get("depth", 0) for line in told) == 8
    assert told[-1]["terminated_by"] == "terminal"
