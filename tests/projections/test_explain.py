"""The story of a run, told from hand-written records."""

from __future__ import annotations

import pytest
from tests.projections.records import Tale

from little_loops.fsm.schema import FSMLoop
from little_loops.projections.explain import explain
from little_loops.projections.rules import rule_of

LOOP = FSMLoop.from_dict(
    {
        "name": "fix",
        "initial": "check",
        "max_iterations": 20,
        "timeout": 60,
        "states": {
            "check": {
                "action": "x",
                "on_yes": "done",
                "on_no": "check",
                "max_retries": 3,
                "on_retry_exhausted": "done",
            },
            "gate": {
                "action": "y",
                "evaluate": {"type": "output_numeric", "source": "${captured.a.output}", "target": 3},
                "route": {"yes": "done", "_": "check", "_error": "check"},
            },
            "done": {"terminal": True},
        },
    }
)


def test_counters_are_told_before_and_after_each_step() -> None:
    tale = Tale().start().step("check", 1, 1, "check").step("check", 2, 1, "check")
    story = explain(tale.records, {"d1": LOOP})
    assert story.unfolded is None
    told = [
        {item.name: (item.before, item.after, item.limit) for item in step.counters} for step in story.steps
    ]
    assert told[1]["steps"] == (1, 2, 20)
    assert told[1]["check -> check"] == (1, 2, 100)
    assert told[1]["retries of check"] == (1, 2, 3)
    assert told[0]["time"][2] == 60_000


def test_an_evaluator_with_a_source_names_it_and_its_value() -> None:
    tale = Tale().start(initial="gate").add("state_enter", state="gate", iteration=1)
    tale.add("action_start", action="y", is_prompt=False)
    tale.add("action_complete", exit_code=0, duration_ms=1, is_prompt=False)
    tale.add("evaluate", type="output_numeric", verdict="no", value=7.0, operator="le", target=3)
    tale.add("route", from_="gate", to="check", via="verdict", verdict="no")
    step = explain(tale.records, {"d1": LOOP}).steps[0]
    assert step.judgement is not None
    assert step.choice is not None
    assert (step.judgement.value, step.judgement.source) == ("value 7.0", "${captured.a.output}")
    assert step.judgement.details == {"operator": "le", "target": 3}
    assert step.choice.rule == "route._"


def test_a_journal_that_cannot_be_folded_is_told_without_counters() -> None:
    tale = Tale().start().step("check", 1, 1, "check")
    tale.records[3]["seq"] = 99
    story = explain(tale.records, {"d1": LOOP})
    assert story.unfolded is not None
    assert "line 99" in story.unfolded
    assert [step.state for step in story.steps] == ["check"]
    assert story.steps[0].choice is not None
    assert story.steps[0].counters == []


def test_without_the_definition_the_verdict_is_still_told() -> None:
    step = explain(Tale().start().step("check", 1, 1, "check").records, {}).steps[0]
    assert step.judgement is not None
    assert step.choice is not None
    assert (step.judgement.verdict, step.choice.rule, step.choice.via) == ("no", "", "verdict")


def test_an_attempt_cut_short_and_repeated_is_told_as_both() -> None:
    tale = Tale().start().add("state_enter", state="check", iteration=1)
    tale.add("action_start", action="x", is_prompt=False)
    tale.add(
        "loop_resume", loop="fix", from_state="check", iteration=1, run_id="r", v=1, segment=2, engine={}
    )
    tale.add("loop_start", loop="fix")
    tale.add("action_interrupted", state="check", attempt=1, policy="retry", orphan="killed")
    tale.add("action_start", action="x", is_prompt=False, attempt=2)
    tale.add("action_complete", exit_code=0, duration_ms=1, is_prompt=False)
    story = explain(tale.records, {"d1": LOOP})
    assert story.unfolded is None
    first, second = story.steps[0].attempts
    assert first.exit_code is None
    assert first.notes == ["cut short, nobody knows its exit code, its processes were ended, run again"]
    assert (second.number, second.exit_code) == (2, 0)
    assert story.steps[0].notes == ["resumed here (segment 2)"]


def test_unknown_events_stand_as_notes() -> None:
    tale = Tale().start().add("state_enter", state="check", iteration=1).add("from_tomorrow", mood="fine")
    assert explain(tale.records, {"d1": LOOP}).steps[0].notes == ["from tomorrow: mood fine"]


@pytest.mark.parametrize(
    ("state", "via", "verdict", "rule"),
    [
        ("check", "verdict", "yes", "on_yes"),
        ("gate", "verdict", "yes", "route.yes"),
        ("gate", "verdict", "error", "route._error"),
        ("gate", "verdict", "surprise", "route._"),
        ("check", "next", None, "next"),
        ("check", "action_error", None, "on_error"),
        ("check", "maintain", None, "maintain: back to the initial state"),
    ],
)
def test_rules(state: str, via: str, verdict: str | None, rule: str) -> None:
    assert rule_of(LOOP.states[state], via, verdict) == rule
