"""Every prefix of a journal is a run that can be resumed, and the rest is what it would have been.

Random runs die after any line, are stopped at any effect, and both again and again. A journal is then
*healed*: what a resume says of itself goes, and so does the attempt that was cut short. What is left must be
the run that nobody disturbed, event by event.
"""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from tests.differential.compare import comparable
from tests.differential.engine import Memory, cut, resume_engine, run_engine
from tests.differential.generator import Case, make
from tests.differential.world import World

Json = dict[str, Any]
CASES = int(os.environ.get("LL_RESUMED_CASES", "150"))
CHUNK = 50
CUTS = 40
STOPS = 6
INTENTS = ("action_start", "judge_start")
HANDED_OVER = ("handoff_detected", "handoff_spawned")


def cases(first: int) -> Iterable[tuple[Case, Memory, random.Random]]:
    """Cases of a chunk with their undisturbed runs."""
    for number in range(first, first + CHUNK):
        case = steady(number)
        whole = Memory()
        run_engine(case.loops, case.root, World(case.script), case.context, case.options, journal=whole)
        yield case, whole, random.Random(number)


def steady(number: int) -> Case:
    """A case whose run does not depend on line numbers (random waits), on signals, or on calls made twice."""
    case = copy.deepcopy(make(number))
    case.script.pop("stop", None)
    case.options.pop("resumes", None)
    for loop in case.loops.values():
        loop.pop("budget", None)
        for state in loop["states"].values():
            state["rate_limit_backoff_base_seconds"] = 0
    return case


def settled(case: Case) -> Case:
    """The case without what is known to part after a stop: own captures, stops that an agent asks for."""
    case = copy.deepcopy(case)
    case.script = json.loads(json.dumps(case.script).replace("LOOP_STOP", "LOOP_HALT"))
    for loop in case.loops.values():
        for state in loop["states"].values():
            if "action" in state:
                state.pop("capture", None)
    return case


def healed(lines: Iterable[Json]) -> list[Json]:
    """The journal of a resumed run without its wounds."""
    out: list[Json] = []
    for line in lines:
        match line["event"]:
            case "loop_resume":
                close_segment(out)
            case "loop_start" if out and not line.get("depth"):
                continue
            case "action_interrupted":
                drop_attempt(out)
            case _:
                out.append(line)
    return out


def close_segment(out: list[Json]) -> None:
    """Forget that a segment was stopped, and the attempt it was stopped in."""
    if out[-1]["event"] == "loop_complete" and not out[-1].get("depth"):
        out.pop()
    if out[-1].get("stopped"):
        drop_attempt(out)


def drop_attempt(out: list[Json]) -> None:
    while out.pop()["event"] not in INTENTS:
        pass


def shape(events: Iterable[Json]) -> list[Json]:
    """Events without attempt numbers and without signs of life, which a second segment counts anew."""
    kept = [event for event in comparable(events) if event["event"] != "rate_limit_waiting"]
    return [
        {key: value for key, value in event.items() if key != "attempt" or event["event"] not in INTENTS}
        for event in kept
    ]


def is_whole(case: Case, whole: Memory, lines: list[Json], how: str) -> None:
    """``lines`` tell the undisturbed run; they are one journal; attempts of a step count up."""
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1)), where(case, how)
    assert all(a["t"] <= b["t"] for a, b in pairwise(lines)), where(case, how)
    assert shape(healed(lines)) == shape(whole.lines), where(case, how)
    attempts: dict[int, int] = {}
    for line in lines:
        depth = line.get("depth", 0)
        if line["event"] == "state_enter":
            attempts[depth] = 0
        elif line["event"] == "action_start":
            attempts[depth] += 1
            assert line.get("attempt", 1) == attempts[depth], where(case, how)


def where(case: Case, how: str) -> str:
    return f"case {case.number} {how}\n{case}"


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_a_run_cut_after_any_line_goes_on_as_if_nothing_had_happened(first: int) -> None:
    for case, whole, dice in cases(first):
        places = range(1, len(whole.lines))
        for place in places if len(places) <= CUTS else sorted(dice.sample(places, CUTS)):
            world, journal = cut(whole, place, case.script)
            lines = resume_engine(case.loops, world, journal)
            how = f"cut after line {place}: {whole.lines[place - 1]}"
            assert lines[:place] == whole.lines[:place], f"case {case.number} {how}"
            if whole.lines[place - 1]["event"] in HANDED_OVER:
                enters_again(lines, place)
            else:
                is_whole(case, whole, lines, how)


def enters_again(lines: list[Json], place: int) -> None:
    """After a handoff the same state is entered once more, told that it goes on."""
    entered = next(line for line in reversed(lines[:place]) if line["event"] == "state_enter")
    found = next(line for line in reversed(lines[:place]) if line["event"] == "handoff_detected")
    resumed, _, again = lines[place : place + 3]
    assert resumed["enter"] == entered["state"]
    assert resumed["from_handoff"] is True
    assert resumed["continuation_prompt"] == found["continuation"]
    if again.get("terminated_by") in ("max_iterations", "timeout"):
        return
    assert (again["event"], again["state"]) == ("state_enter", entered["state"])
    assert again["iteration"] == entered["iteration"] + 1


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_a_run_stopped_at_any_effect_goes_on_as_if_nothing_had_happened(first: int) -> None:
    for found, _, dice in cases(first):
        case, whole, world = settled(found), Memory(), World(settled(found).script)
        run_engine(case.loops, case.root, world, case.context, case.options, journal=whole)
        for at in dice.sample(range(1, world.effects + 1), min(STOPS, world.effects)):
            stopped = Memory()
            script = {**case.script, "stop": {"at": at, "signal": "SIGTERM", "at_once": True}}
            run_engine(case.loops, case.root, World(script), case.context, case.options, journal=stopped)
            how = f"stopped at effect {at}: {stopped.lines[-1]}"
            assert stopped.lines[-1]["terminated_by"] == "signal", how
            assert stopped.lines[-1]["signal"] == "SIGTERM", how
            world, journal = cut(stopped, len(stopped.lines), case.script)
            is_whole(case, whole, resume_engine(case.loops, world, journal), how)


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_a_run_disturbed_again_and_again_comes_to_its_end(first: int) -> None:
    for found, _, dice in cases(first):
        case, whole = settled(found), Memory()
        run_engine(case.loops, case.root, World(case.script), case.context, case.options, journal=whole)
        journal, story = whole, ""
        for _ in range(4):
            place = dice.randrange(1, len(journal.lines))
            if journal.lines[place - 1]["event"] in HANDED_OVER:
                break
            stop = {"at": dice.randint(1, 9), "signal": "SIGINT", "at_once": True}
            world, journal = cut(journal, place, {**case.script, "stop": stop})
            story += f"; cut after line {place}: {journal.lines[-1]}, stopped at effect {stop['at']}"
            resume_engine(case.loops, world, journal)
            if journal.lines[-1]["terminated_by"] == "signal":
                world, journal = cut(journal, len(journal.lines), case.script)
                resume_engine(case.loops, world, journal)
            is_whole(case, whole, journal.lines, story)
