"""Every prefix of a journal is a run that can be resumed, and the rest is what it would have been.

Random runs are cut after every line. What follows the cut is then compared with the uninterrupted run, from
the intent of the action that was under way, which is run once more with the next attempt number.
"""

from __future__ import annotations

import copy
import json
import os
import random
from typing import Any

import pytest
from tests.differential.compare import comparable
from tests.differential.engine import Memory, cut, resume_engine, run_engine
from tests.differential.generator import Case, make
from tests.differential.test_known import parts_as_known
from tests.differential.world import World

Json = dict[str, Any]
CASES = int(os.environ.get("LL_RESUMED_CASES", "150"))
CHUNK = 50
CUTS = 40
OPENING = ("loop_resume", "loop_start")
CLOSES = (
    "action_complete",
    "action_error",
    "evaluate",
    "rate_limit_retry",
    "api_error_retry",
    "loop_complete",
)


def steady(number: int) -> Case:
    """A case whose run does not depend on line numbers (random waits), on signals, or on calls made twice."""
    case = copy.deepcopy(make(number))
    case.script.pop("stop", None)
    for loop in case.loops.values():
        loop.pop("budget", None)
        for state in loop["states"].values():
            state["rate_limit_backoff_base_seconds"] = 0
    return case


def numbers(first: int) -> list[int]:
    return [number for number in range(first, first + CHUNK) if not parts_as_known(make(number))]


def under_way(lines: list[Json]) -> int | None:
    """Where the intent of the action or judgement under way stands, if there is one."""
    for n in reversed(range(len(lines))):
        if lines[n]["event"] in CLOSES:
            return None
        if lines[n]["event"] in ("action_start", "judge_start"):
            return n
    return None


def shape(events: list[Json]) -> list[Json]:
    """Events without attempt numbers and without signs of life, which a second segment counts anew."""
    kept = [event for event in comparable(events) if event["event"] != "rate_limit_waiting"]
    return [
        {key: value for key, value in event.items() if key != "attempt" or event["event"] not in INTENTS}
        for event in kept
    ]


def enters_again(before: list[Json], tail: list[Json], where: str) -> None:
    """After a handoff the same state is entered once more, told that it goes on."""
    entered = next(line for line in reversed(before) if line["event"] == "state_enter")
    found = next(line for line in reversed(before) if line["event"] == "handoff_detected")
    assert tail[0]["enter"] == entered["state"], where
    assert tail[0]["from_handoff"] is True, where
    assert tail[0]["continuation_prompt"] == found["continuation"], where
    assert tail[2]["event"] == "state_enter", where
    assert tail[2]["iteration"] == entered["iteration"] + 1, where


INTENTS = ("action_start", "judge_start")


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_a_run_cut_after_any_line_goes_on_as_if_nothing_had_happened(first: int) -> None:
    for number in numbers(first):
        case, whole = steady(number), Memory()
        run_engine(case.loops, case.root, World(case.script), case.context, case.options, journal=whole)
        dice = random.Random(number)
        places = range(1, len(whole.lines))
        for place in places if len(places) <= CUTS else sorted(dice.sample(places, CUTS)):
            resumed_is_whole(case, whole, place)


def resumed_is_whole(case: Case, whole: Memory, place: int) -> None:
    world, journal = cut(whole, place, case.script)
    lines = resume_engine(case.loops, world, journal)
    where = f"case {case.number} cut after line {place}: {whole.lines[place - 1]}\n{case}"
    assert lines[:place] == whole.lines[:place], where
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1)), where
    tail = lines[place:]
    assert [line["event"] for line in tail[:2]] == list(OPENING), where
    if whole.lines[place - 1]["event"] in ("handoff_detected", "handoff_spawned"):
        enters_again(whole.lines[:place], tail, where)
        return
    tail = tail[2:]
    start = under_way(whole.lines[:place])
    if start is not None:
        assert tail[0]["event"] == "action_interrupted", where
        assert tail[0]["policy"] == "retry", where
        again, before = tail[1], whole.lines[start]
        assert again.get("attempt", 1) == before.get("attempt", 1) + 1, where
        tail = tail[1:]
    rest = whole.lines[place if start is None else start :]
    assert shape(tail) == shape(rest), where


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_a_run_stopped_at_any_effect_and_resumed_is_the_run_there_would_have_been(first: int) -> None:
    for number in numbers(first):
        case, whole = settled(steady(number)), Memory()
        world = World(case.script)
        run_engine(case.loops, case.root, world, case.context, case.options, journal=whole)
        for at in random.Random(number).sample(range(1, world.effects + 1), min(6, world.effects)):
            stopped_and_resumed_is_whole(case, whole, at)


def settled(case: Case) -> Case:
    """The case without what is known to part after a stop: own captures, stops that an agent asks for."""
    case.script = json.loads(json.dumps(case.script).replace("LOOP_STOP", "LOOP_HALT"))
    for loop in case.loops.values():
        for state in loop["states"].values():
            if "action" in state:
                state.pop("capture", None)
    return case


def stopped_and_resumed_is_whole(case: Case, whole: Memory, at: int) -> None:
    stop = {"at": at, "signal": "SIGTERM", "at_once": True}
    begun = Memory()
    world = World({**case.script, "stop": stop})
    run_engine(case.loops, case.root, world, case.context, case.options, journal=begun)
    where = f"case {case.number} stopped at effect {at}: {begun.lines[-3:]}\n{case}"
    assert begun.lines[-1]["terminated_by"] == "signal", where
    assert begun.lines[-1]["signal"] == "SIGTERM", where
    end = len(begun.lines)
    world, journal = cut(begun, end, case.script)
    lines = resume_engine(case.loops, world, journal)
    tail = [line for line in lines[end:] if line["event"] not in (*OPENING[:1], "action_interrupted")]
    assert tail[0]["event"] == "loop_start", where
    start = stopped_intent(begun.lines)
    before = begun.lines[: end - 1 if start is None else start]
    assert shape([*before, *tail[1:]]) == shape(whole.lines), where


def stopped_intent(lines: list[Json]) -> int | None:
    """Where the intent of the action or judgement that the stop cut short stands, if there was one."""
    closed = lines[:-2] if lines[-2].get("stopped") else lines[:-1]
    return under_way(closed)
