"""Journals written by earlier versions load for ever, and mean line by line what they meant then."""

from __future__ import annotations

from pathlib import Path

import pytest

from little_loops.events import from_wire
from little_loops.journal.fold import records, replay
from little_loops.journal.folder import RunFolder
from little_loops.journal.pins import pinned_loops
from little_loops.journal.text import line_of, record_of
from little_loops.journal.values import encode
from little_loops.machine.snapshot import (
    Acting,
    Arriving,
    Ended,
    Frame,
    Judged,
    Opened,
    Running,
    Snapshot,
    Waiting,
)

GOLDEN = Path(__file__).parent / "golden"
FIX = RunFolder(GOLDEN / "20261120-101500-fix-7k2m")
VALUES = RunFolder(GOLDEN / "20261120-110000-values-m3xa")
SHIP = RunFolder(GOLDEN / "20261120-103000-ship-q4d9")


def phase_of(frame: Frame) -> str:
    return f"{frame.name} {type(frame.phase).__name__} ({frame.state}, {frame.iteration})"


FIX_PHASES = {
    (1,): ["fix Arriving (check, 0)"],
    (2,): ["fix Entered (check, 1)"],
    (3, 4, 5): ["fix Acting (check, 1)"],
    (6,): ["fix Acted (check, 1)"],
    (7,): ["fix Judged (check, 1)"],
    (8,): ["fix Arriving (repair, 1)"],
    (9,): ["fix Entered (repair, 2)"],
    (10, 11, 12): ["fix Acting (repair, 2)"],
    (13, 14): ["fix Stranded (repair, 2)"],
    (15,): ["fix Interrupted (repair, 2)"],
    (16, 17, 18): ["fix Acting (repair, 2)"],
    (19,): ["fix Acted (repair, 2)"],
    (20,): ["fix Arriving (check, 2)"],
    (21,): ["fix Entered (check, 3)"],
    (22, 23, 24): ["fix Acting (check, 3)"],
    (25,): ["fix Acted (check, 3)"],
    (26,): ["fix Judged (check, 3)"],
    (27, 28): ["fix Arriving (done, 3)"],
}
SHIP_PHASES = {
    (1,): ["ship Arriving (gate, 0)"],
    (2,): ["ship Entered (gate, 1)"],
    (3,): ["ship Called (gate, 1)", "unit Arriving (test, 0)"],
    (4,): ["ship Called (gate, 1)", "unit Entered (test, 1)"],
    (5, 6, 7): ["ship Called (gate, 1)", "unit Acting (test, 1)"],
    (8,): ["ship Called (gate, 1)", "unit Acted (test, 1)"],
    (9,): ["ship Called (gate, 1)", "unit Judged (test, 1)"],
    (10,): ["ship Called (gate, 1)", "unit Arriving (done, 1)"],
    (11,): ["ship Returned (gate, 1)"],
    (12, 13): ["ship Arriving (done, 1)"],
}
TABLES = [
    pytest.param(folder, number, phases, id=f"{folder.run_id}-{number}")
    for folder, table in ((FIX, FIX_PHASES), (SHIP, SHIP_PHASES))
    for numbers, phases in table.items()
    for number in numbers
]


def fix(number: int) -> Snapshot:
    return replay(FIX, upto=number).snapshot


def ship(number: int) -> Snapshot:
    return replay(SHIP, upto=number).snapshot


@pytest.mark.parametrize(("folder", "number", "phases"), TABLES)
def test_every_line_leads_to_the_phase_it_always_led_to(
    folder: RunFolder, number: int, phases: list[str]
) -> None:
    snapshot = replay(folder, upto=number).snapshot
    assert [phase_of(frame) for frame in snapshot.frames] == phases
    assert snapshot.seq == number


@pytest.mark.parametrize("folder", [FIX, SHIP, VALUES], ids=["fix", "ship", "values"])
def test_reading_a_record_and_writing_it_again_gives_the_same_bytes(folder: RunFolder) -> None:
    lines = folder.journal.read_bytes().splitlines(keepends=True)
    assert [line_of(record) for record in records(folder)] == lines
    for record in records(folder):
        if "refs" not in record:
            assert record_of(encode(from_wire(record), 1).lines) == record


def test_the_statuses_of_the_repaired_run() -> None:
    assert isinstance(fix(12).status, Running)
    assert isinstance(fix(13).status, Opened)
    assert isinstance(fix(14).status, Running)
    assert fix(28).status == Ended("terminal", resumable=False)
    assert (fix(12).segment, fix(13).segment) == (1, 2)
    assert fix(13).t == fix(12).t


def test_what_the_repaired_run_captured_and_remembers_of_its_steps() -> None:
    captured = fix(6).top.captured["tests"]
    assert (captured["output"], captured["exit_code"]) == ("1 failed, 2 passed\n", 1)
    assert fix(7).top.stall.run == 1
    assert fix(8).top.prev is not None
    assert (fix(8).top.prev.state, fix(8).top.prev.exit_code) == ("check", 1)
    assert fix(8).top.edges == {("check", "repair"): 1}
    assert fix(20).top.edges == {("check", "repair"): 1, ("repair", "check"): 1}
    assert fix(25).top.captured["tests"]["output"] == "3 passed\n"
    assert [fix(number).steps for number in (1, 2, 9, 21)] == [0, 1, 2, 3]


def test_the_processes_and_attempts_of_the_repaired_run() -> None:
    def acting(number: int) -> Acting:
        phase = fix(number).top.phase
        assert isinstance(phase, Acting)
        return phase

    assert [len(acting(number).processes) for number in (3, 4, 5)] == [0, 1, 1]
    assert acting(11).processes[0].pid == 4733
    assert [acting(number).attempt for number in (10, 16, 22)] == [1, 2, 1]
    assert acting(17).processes[0].pid == 4840


def test_what_the_agent_calls_of_the_repaired_run_cost() -> None:
    assert fix(12).call is not None
    assert fix(15).call is None
    assert fix(15).top.spent.agent_calls == 1
    assert fix(15).top.spent.unknown["usd"] == 1
    assert fix(19).top.spent.agent_calls == 2
    assert fix(19).top.spent.usd == pytest.approx(0.0117)
    assert fix(19).top.spent.unknown["usd"] == 1


def test_the_child_of_the_shipping_run() -> None:
    child = ship(3).top
    assert child.context == {"target": "core"}
    assert child.data == frozenset()
    assert ship(4).steps == 2
    assert ship(8).top.captured["out"]["output"] == "ok 12\n"
    back = ship(11).top
    assert back.captured["g"]["events"] == [3, 11]
    assert back.captured["gate"]["out"]["output"] == "ok 12\n"
    assert back.prev is None
    assert ship(12).top.edges == {("gate", "done"): 1}
    assert ship(13).status == Ended("terminal", resumable=False)


def test_the_verdicts_stand_where_they_were_given() -> None:
    judged, arriving = fix(7).top.phase, fix(8).top.phase
    assert isinstance(judged, Judged)
    assert (judged.verdict, judged.details) == ("no", {"exit_code": 1})
    assert isinstance(arriving, Arriving)
    assert arriving.edge == ("check", "repair")


def test_the_opening_record_and_the_segments_are_known() -> None:
    found = replay(FIX)
    assert (found.records, found.segments) == (28, 2)
    assert found.opening is not None
    assert (found.opening["event"], found.opening["engine"]["pid"]) == ("loop_resume", 4820)


def test_values_that_stand_in_files_are_where_they_were() -> None:
    snapshot = replay(VALUES).snapshot
    frame = snapshot.top
    assert frame.context["notes"].startswith("note 0: größer\n")
    assert frame.context["notes"].count("\n") == 900
    assert frame.data == {"/notes"}
    assert frame.captured["tests"]["output"] == (VALUES.output / "0001.out").read_text()
    assert frame.captured["tests"]["stderr"] == "warning\n"
    assert frame.prev is not None
    assert frame.prev.details == {"exit_code": 1, "score": "Infinity", "type": "inner"}
    started = replay(VALUES, upto=12).snapshot.top.phase
    assert isinstance(started, Acting)
    assert started.action == "/fix " + frame.captured["tests"]["output"]


def test_a_wait_for_a_provider_is_where_it_was() -> None:
    phase = replay(VALUES).snapshot.top.phase
    assert isinstance(phase, Waiting)
    assert (phase.tier, phase.until, phase.since) == ("short", 37550, 140)


def test_a_pinned_definition_is_what_it_was() -> None:
    loops = pinned_loops(VALUES)
    assert list(loops) == [replay(VALUES).snapshot.root.definition]
    assert loops["c54f461325798998"].states["repair"].action == "/fix ${captured.tests.output}"
