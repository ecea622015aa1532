"""Every line that the engine writes is a record of the published schemas and reads back as itself."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import jsonschema
import pytest
from tests.differential.engine import Memory, fold, run_engine
from tests.differential.generator import make
from tests.differential.world import World

from little_loops.events import from_wire, to_wire
from little_loops.generate_schemas import SCHEMA_DEFINITIONS, extension_schemas

CASES = 250
CHUNK = 50


@cache
def validators(event: str) -> list[jsonschema.Draft7Validator]:
    """The published schema of an event where there is one, and the schema with all keys."""
    schemas = [SCHEMA_DEFINITIONS.get(event), extension_schemas().get(event)]
    return [jsonschema.Draft7Validator(schema) for schema in schemas if schema is not None]


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_every_line_of_every_run_validates(first: int) -> None:
    for number in range(first, first + CHUNK):
        case = make(number)
        lines = run_engine(case.loops, case.root, World(case.script), case.context, case.options)
        for n, line in enumerate(lines, 1):
            checked = validators(line["event"])
            assert checked, f"no schema for {line['event']}"
            problems = [problem.message for schema in checked for problem in schema.iter_errors(plain(line))]
            assert not problems, f"case {number}, line {n}: {problems}\n{line}"
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
