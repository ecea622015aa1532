"""Where a run stands, told from its records alone."""

from __future__ import annotations

import pytest
from tests.projections.records import Tale

from little_loops.projections.ending import Caps, caps, ending
from little_loops.projections.summary import status_word, summarise


@pytest.mark.parametrize(
    ("cause", "more", "status"),
    [
        ("terminal", {}, "completed"),
        ("terminal", {"failure_terminal": True}, "failed"),
        ("error", {"resumable": True}, "failed"),
        ("max_iterations", {"resumable": True}, "interrupted"),
        ("budget_exhausted", {"resumable": True}, "interrupted"),
        ("timeout", {"resumable": True}, "timed_out"),
        ("cycle_detected", {"resumable": True}, "failed"),
        ("stall_detected", {"resumable": True}, "failed"),
        ("signal", {"resumable": True, "signal": "SIGTERM"}, "interrupted"),
        ("handoff", {"resumable": True}, "awaiting_continuation"),
        ("handoff", {}, "failed"),
        ("invented_later", {"resumable": True}, "failed"),
    ],
)
def test_the_status_follows_from_the_cause_of_the_end(
    cause: str, more: dict[str, object], status: str
) -> None:
    run = summarise(Tale().start().step("check", 1, 0, "done").end(cause, "done", 1, **more).records)
    assert run.status(live=False) == status
    assert ending(run, Caps()).good is (status == "completed")


def test_a_run_without_an_end_is_running_while_held_and_interrupted_when_its_owner_is_gone() -> None:
    run = summarise(Tale().start().add("state_enter", state="check", iteration=1).records)
    assert run.status(live=True) == "running"
    assert run.status(live=False) == "interrupted"
    assert run.status(live=True, queued=True) == "queued"
    assert summarise([]).status(live=True) == "starting"
    assert status_word(None) == "interrupted"


def test_a_resume_opens_the_run_again_and_keeps_its_counts() -> None:
    tale = (
        Tale().start().step("check", 1, 1, "check").end("signal", "check", 1, resumable=True, signal="SIGINT")
    )
    tale.add(
        "loop_resume", loop="fix", from_state="check", iteration=1, run_id="r", v=1, segment=2,
        overrides={"max_iterations": 9}, engine={"pid": 5},
    )  # fmt: skip
    tale.add("loop_start", loop="fix")
    run = summarise(tale.records)
    assert (run.cause, run.segments, run.iteration, run.state) == (None, 2, 1, "check")
    assert run.overrides == {"max_iterations": 9}
    assert run.retries == 1
    assert run.edges == {"check->check": 1}


def test_steps_of_a_child_do_not_move_the_root() -> None:
    tale = Tale().start(initial="gate").add("state_enter", state="gate", iteration=1)
    tale.add("loop_start", loop="unit", definition="d2", initial="test", context={}, depth=1)
    tale.step("test", 1, 1, "test", depth=1)
    run = summarise(tale.records)
    assert (run.state, run.iteration, run.path, run.steps) == ("gate", 1, ("gate", "test"), 2)
    assert run.captured == {}
    tale.end("terminal", "ok", 1, depth=1, verdict="yes").add(
        "route", from_="gate", to="done", via="sub_loop"
    )
    assert summarise(tale.records).path == ("done",)


def test_what_was_captured_is_the_last_outcome_of_that_name() -> None:
    tale = Tale().start()
    for text in ("one", "two"):
        tale.add("state_enter", state="check", iteration=1)
        tale.add("action_complete", exit_code=0, duration_ms=1, is_prompt=False, output=text, capture="tests")
        tale.add("route", from_="check", to="check", via="next")
    assert summarise(tale.records).captured["tests"]["output"] == "two"


def test_records_of_unknown_kinds_are_counted_and_change_nothing() -> None:
    tale = Tale().start().add("state_enter", state="check", iteration=1)
    before = summarise(tale.records)
    tale.add("invented_later", state="elsewhere", depth=3, iteration=99)
    after = summarise(tale.records)
    assert (after.events, after.state, after.iteration) == (before.events + 1, "check", 1)


def test_the_outcome_that_went_wrong_is_remembered_after_one_that_did_not() -> None:
    tale = Tale().start().step("check", 1, 1, "fix").step("fix", 2, 0, "check", judged=False)
    run = summarise(tale.records)
    assert run.trouble is not None
    assert run.trouble.place == ("check", 1, 1)
    assert run.acted == ("fix", 2, 1)


def test_a_cycle_ends_the_way_where_the_run_really_was() -> None:
    tale = Tale().start(initial="a").step("a", 1, 0, "b", judged=False)
    tale.add("cycle_detected", edge="a->b", from_="a", to="b", count=1, max=0)
    run = summarise(tale.end("cycle_detected", "a", 1, resumable=True).records)
    assert run.way == ["a"]


@pytest.mark.parametrize(
    ("definition", "overrides", "expected"),
    [
        ({}, {}, Caps(50, None, 100, None)),
        ({"max_iterations": 7}, {}, Caps(7, None, 100, None)),
        ({"max_iterations": 7}, {"max_iterations": 9}, Caps(9, None, 100, None)),
        ({"max_steps": 30}, {}, Caps(30, None, 100, None)),
        ({"max_steps": 30, "max_iterations": 4}, {}, Caps(30, 4, 100, None)),
        ({"max_steps": 30}, {"max_iterations": 5}, Caps(30, 5, 100, None)),
        ({"timeout": 60, "max_edge_revisits": 3}, {"timeout": 90}, Caps(50, None, 3, 90)),
    ],
)
def test_limits_are_those_of_the_command_line_before_those_of_the_loop(
    definition: dict[str, int], overrides: dict[str, int], expected: Caps
) -> None:
    assert caps(definition, overrides) == expected


@pytest.mark.parametrize(
    ("cause", "more", "command"),
    [
        ("max_iterations", {}, "--max-iterations 8"),
        ("timeout", {}, "--timeout 120"),
        ("budget_exhausted", {}, "--budget KIND=AMOUNT"),
        ("signal", {"signal": "SIGINT"}, "7k2m"),
        ("error", {"error": "no"}, "7k2m"),
    ],
)
def test_the_next_step_is_a_command_that_raises_the_limit_that_was_hit(
    cause: str, more: dict[str, object], command: str
) -> None:
    run = summarise(
        Tale().start().step("check", 1, 1, "check").end(cause, "check", 4, resumable=True, **more).records
    )
    end = ending(run, Caps(steps=4, timeout=60, edge=100))
    assert end.command is not None
    assert end.command.startswith("ll-loop resume 20261120-101500-fix-7k2m")
    assert end.command.endswith(command)


def test_what_cannot_be_resumed_is_to_be_started_again() -> None:
    run = summarise(Tale().start().end("terminal", "failed", 0, failure_terminal=True).records)
    assert ending(run, Caps()).command == "ll-loop run fix"
