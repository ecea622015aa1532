"""The random cases reach every rule, and are loops that an author could have written."""

from __future__ import annotations

from collections import Counter

from tests.differential.generator import make
from tests.differential.world import World
from tests.reference import Execution, execute

from little_loops.fsm.schema import FSMLoop
from little_loops.fsm.validation import ValidationSeverity, validate_fsm

CASES = 1500
EVENTS = {
    "loop_start", "loop_resume", "state_enter", "route", "action_start", "action_output", "action_complete",
    "action_error", "evaluate", "retry_exhausted", "cycle_detected",  "rate_limit_exhausted",
    "rate_limit_storm",
    "rate_limit_waiting", "rate_limit_retry", "throttle_warn", "throttle_hard", "throttle_stop",
    "learning_target_proven", "learning_target_stale", "learning_explore_invoked", "learning_target_refuted",
    "learning_complete", "learning_blocked", "handoff_detected", "handoff_spawned", "loop_complete",
    "api_error_retry", "api_error_exhausted", "stall_detected", "judge_start",
}  # fmt: skip
ENDS = {
    "terminal", "error", "max_iterations", "timeout", "cycle_detected", "stall_detected", "signal", "handoff",
    "budget_exhausted",
}  # fmt: skip
WAYS = {
    "verdict", "next", "exit_code", "on_error", "action_error", "throttle", "rate_limit_exhausted",
    "sub_loop", "learning_complete", "learning_blocked", "stall", "maintain",
}  # fmt: skip


def play(number: int) -> Execution:
    case = make(number)
    return execute(case.loops, case.root, World(case.script), case.context, case.options)


def test_the_cases_reach_every_event_every_end_and_every_way_out_of_a_state() -> None:
    runs = [play(number) for number in range(CASES)]
    events = Counter(event["event"] for run in runs for event in run.events)
    ways = Counter(event["via"] for run in runs for event in run.events if event["event"] == "route")
    ends = Counter(run.terminated_by for run in runs)
    assert set(events) == EVENTS
    assert set(ways) == WAYS
    assert set(ends) == ENDS
    assert ends["terminal"] > CASES / 6, "a good part of the runs comes through"
    assert any(event.get("flushed") for run in runs for event in run.events)
    assert {event.get("depth", 0) for run in runs for event in run.events} == {0, 1, 2}


def test_a_case_is_its_number() -> None:
    assert str(make(7)) == str(make(7))
    assert play(7).events == play(7).events


def test_the_loops_break_no_rule_of_the_language() -> None:
    for number in range(300):
        for loop in make(number).loops.values():
            found = validate_fsm(FSMLoop.from_dict(loop))
            assert not [str(item) for item in found if item.severity is ValidationSeverity.ERROR], number


def test_the_loops_can_be_written_in_a_file_and_read_back() -> None:
    for number in range(200):
        for loop in make(number).loops.values():
            read = FSMLoop.from_dict(loop)
            assert FSMLoop.from_dict(read.to_dict()) == read
