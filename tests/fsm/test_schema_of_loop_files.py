"""The JSON Schema of a loop file agrees with the loader; findings in the formats of other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from little_loops.fsm.diagnostics import Diagnostic, Source, Span, ValidationSeverity
from little_loops.fsm.library import BUILT_IN_DIR
from little_loops.fsm.load import load
from little_loops.fsm.loop_schema import loop_schema
from little_loops.fsm.reports import github, sarif
from little_loops.fsm.schema import FSMLoop
from little_loops.fsm.validation.names import KNOWN_TOP_LEVEL_KEYS
from little_loops.fsm.validation.rule import NOTHING_KNOWN, Known
from little_loops.fsm.yaml import read_document

RULES = Path(__file__).parent / "rules"
GOOD = sorted(RULES.glob("*.good.yaml")) + sorted(BUILT_IN_DIR.glob("*.yaml"))


def complaints(path: Path, known: Known = NOTHING_KNOWN) -> list[str]:
    data = json.loads(json.dumps(read_document(path).data))
    return [error.message for error in Draft7Validator(loop_schema(known)).iter_errors(data)]


def test_it_is_a_schema_with_a_description_for_every_key() -> None:
    schema = loop_schema()
    Draft7Validator.check_schema(schema)
    assert set(schema["properties"]) >= KNOWN_TOP_LEVEL_KEYS
    owners: list[dict[str, Any]] = [schema, *schema["definitions"].values()]
    for owner in owners:
        for key, value in owner["properties"].items():
            assert value.get("description") or "properties" in value, key


def test_it_is_the_same_every_time() -> None:
    assert json.dumps(loop_schema()) == json.dumps(loop_schema())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_valid_file_is_valid_for_the_editor(path: Path) -> None:
    assert complaints(path) == []


@pytest.mark.parametrize(
    "code",
    [
        "LL121",
        "LL122",
        "LL124",
        "LL125",
        "LL202",
        "LL208",
        "LL215",
        "LL304",
        "LL305",
        "LL306",
        "LL316",
        "LL329",
    ],
)
def test_what_the_editor_can_see_it_reports(code: str) -> None:
    assert complaints(RULES / f"{code}.bad.yaml")


def test_names_of_plug_ins_are_accepted() -> None:
    assert complaints(RULES / "LL316.bad.yaml", Known(actions=frozenset({"bash"}))) == []


def test_evaluators_of_plug_ins_are_accepted_in_short_forms_too() -> None:
    spec = {"name": "x", "paradigm": "goal", "goal": "g", "tools": ["a"], "evaluator": {"type": "smell"}}
    assert list(Draft7Validator(loop_schema()).iter_errors(spec))
    known = Known(evaluators=frozenset({"smell"}))
    assert not list(Draft7Validator(loop_schema(known)).iter_errors(spec))
    assert list(Draft7Validator(loop_schema()).iter_errors(spec))


def test_what_a_loop_writes_is_valid() -> None:
    for path in GOOD:
        loop = load(path).require()
        data = json.loads(json.dumps(loop.to_dict()))
        assert list(Draft7Validator(loop_schema()).iter_errors(data)) == [], path
        assert FSMLoop.from_dict(data) == loop


# ---------------------------------------------------------------- other tools

SPAN = Span(Source("a,b:c/x.yaml", "name: x\ninitial: y\n"), 2, 10, 2, 11)
FOUND = [
    Diagnostic("no such state\n100%", "initial", ValidationSeverity.ERROR, "LL206", SPAN, "help", "z"),
    Diagnostic("nothing to see", None, ValidationSeverity.WARNING),
]


def test_github_annotations() -> None:
    assert github(FOUND) == [
        "::error file=a%2Cb%3Ac/x.yaml,line=2,endLine=2,col=10,endColumn=11,title=LL206"
        "::no such state%0A100%25; did you mean 'z'?%0Ahelp",
        "::warning title=ll-loop::nothing to see",
    ]


def test_sarif() -> None:
    log = sarif(FOUND, "1.0")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["LL206"]
    first, second = run["results"]
    assert (first["level"], first["ruleId"], first["ruleIndex"]) == ("error", "LL206", 0)
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a,b:c/x.yaml"},
        "region": {"startLine": 2, "startColumn": 10, "endLine": 2, "endColumn": 11},
    }
    assert "locations" not in second and "ruleId" not in second
