"""Every line that the engine writes is a record of the published schemas and reads back as itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.differential.engine import Memory, fold, run_engine
from tests.differential.generator import make
from tests.differential.world import World
from tests.published import breaches

from little_loops.events import from_wire, to_wire

CASES = 250
CHUNK = 50


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_every_line_of_every_run_validates(first: int) -> None:
    for number in range(first, first + CHUNK):
        case = make(number)
        lines = run_engine(case.loops, case.root, World(case.script), case.context, case.options)
        for n, line in enumerate(lines, 1):
            assert breaches([plain(line)]) == [], f"case {number}, line {n}: {line}"
            assert line["seq"] == n
            assert to_wire(from_wire(line)) == [line]


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_the_journal_folds_to_the_snapshot_that_was_live(first: int) -> None:
    for number in range(first, first + CHUNK):
        case, journal = make(number), Memory()
        run_engine(case.loops, case.root, World(case.script), case.context, case.options, journal=journal)
        assert fold(map(plain, journal.lines)) == journal.live, f"case {number}"


def plain(line: dict[str, Any]) -> Any:
    """The line as JSON has it."""
    return json.loads(json.dumps(line))
