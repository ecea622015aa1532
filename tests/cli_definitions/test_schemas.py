# ruff: noqa: E501 - the table is read line by line
"""The published event schemas, against a table typed in by hand, and the program that writes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from screens import Project

from little_loops.generate_schemas import (
    SCHEMA_DEFINITIONS,
    event_type_to_filename,
    extension_schemas,
    generate_schemas,
)

BIN = Path(sys.executable).parent

# name | title | fields: R required, O optional; S string, I integer, N number, B boolean, ? nullable, [S] list
TABLE = """
loop_start | Loop Start | R loop S
state_enter | State Enter | R state S, R iteration I
route | Route | R from S, R to S, O reason S
action_start | Action Start | R action S, R is_prompt B
action_output | Action Output | R line S
action_complete | Action Complete | R exit_code I, R duration_ms I, O output_preview S?, R is_prompt B, O session_jsonl S?
action_error | Action Error | R state S, R error S, R route S
evaluate | Evaluate | R type S, R verdict S
retry_exhausted | Retry Exhausted | R state S, R retries I, R next S
cycle_detected | Cycle Detected | R edge S, R from S, R to S, R count I, R max I
rate_limit_exhausted | Rate Limit Exhausted | R state S, R retries I, O short_retries I, O long_retries I, O total_wait_seconds N, O next S?
rate_limit_storm | Rate Limit Storm | R state S, R count I
rate_limit_waiting | Rate Limit Waiting | R state S, R elapsed_seconds N, R next_attempt_at N, O total_waited_seconds N, O budget_seconds I, O tier S
throttle_warn | Throttle Warn | R state S, R count I, O normal_max I, R warn_max I, R hard_max I
throttle_hard | Throttle Hard | R state S, R count I, R hard_max I, O next S
throttle_stop | Throttle Stop | R state S, R count I, R hard_max I
learning_target_proven | Learning Target Proven | R state S, R target S
learning_target_stale | Learning Target Stale | R state S, R target S, R cause S
learning_explore_invoked | Learning Explore Invoked | R state S, R target S, R attempt I
learning_target_refuted | Learning Target Refuted | R state S, R target S
learning_complete | Learning Complete | R state S, R targets [S]
learning_blocked | Learning Blocked | R state S, R target S, R reason S
handoff_detected | Handoff Detected | R state S, R iteration I, R continuation S
handoff_spawned | Handoff Spawned | R pid I, R state S
loop_complete | Loop Complete | R final_state S, R iterations I, R terminated_by S
loop_resume | Loop Resume | R loop S, R from_state S, R iteration I, O from_handoff B, O continuation_prompt S?
state.issue_completed | State: Issue Completed | R issue_id S, R status S
state.issue_failed | State: Issue Failed | R issue_id S, R reason S, R status S
issue.failure_captured | Issue: Failure Captured | R issue_id S, R file_path S, R parent_issue_id S
issue.closed | Issue: Closed | R issue_id S, R file_path S, R close_reason S
issue.completed | Issue: Completed | R issue_id S, R file_path S
issue.deferred | Issue: Deferred | R issue_id S, R file_path S, R reason S
parallel.worker_completed | Parallel: Worker Completed | R issue_id S, R worker_name S, R status S, R duration_seconds N
"""
TYPES: dict[str, Any] = {
    "S": "string", "I": "integer", "N": "number", "B": "boolean", "S?": ["string", "null"], "[S]": "array"
}  # fmt: skip
ROWS = [tuple(part.strip() for part in line.split("|")) for line in TABLE.strip().splitlines()]


def test_the_set_is_complete_and_in_order() -> None:
    assert list(SCHEMA_DEFINITIONS) == [name for name, _, _ in ROWS]
    assert len(SCHEMA_DEFINITIONS) == 33


@pytest.mark.parametrize(("name", "title", "fields"), ROWS, ids=[row[0] for row in ROWS])
def test_each_schema_has_exactly_its_fields(name: str, title: str, fields: str) -> None:
    schema = SCHEMA_DEFINITIONS[name]
    wanted = [tuple(field.split()) for field in fields.split(", ")]
    assert list(schema) == [
        "$schema", "$id", "title", "description", "type", "required", "properties", "additionalProperties"
    ]  # fmt: skip
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert schema["$id"] == f"little-loops://event-{name}.json"
    assert schema["title"] == title
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is True
    assert schema["required"] == ["event", "ts", *(key for need, key, _ in wanted if need == "R")]
    assert list(schema["properties"]) == ["event", "ts", *(key for _, key, _ in wanted)]
    assert schema["properties"]["ts"]["format"] == "date-time"
    for _, key, kind in wanted:
        assert schema["properties"][key]["type"] == TYPES[kind], key
    assert all(about["description"] for about in schema["properties"].values())
    jsonschema.Draft7Validator.check_schema(schema)


def test_fixed_values_and_lists_say_what_they_hold() -> None:
    assert SCHEMA_DEFINITIONS["state.issue_completed"]["properties"]["status"]["enum"] == ["completed"]
    assert SCHEMA_DEFINITIONS["state.issue_failed"]["properties"]["status"]["enum"] == ["failed"]
    assert SCHEMA_DEFINITIONS["learning_complete"]["properties"]["targets"]["items"] == {"type": "string"}


def test_files_are_named_after_the_event_and_equal_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    paths = generate_schemas(folder)
    first = [path.read_bytes() for path in paths]
    assert [path.name for path in paths] == [event_type_to_filename(name) for name in SCHEMA_DEFINITIONS]
    assert event_type_to_filename("issue.closed") == "issue_closed.json"
    assert len(list(folder.iterdir())) == 33
    assert [path.read_bytes() for path in generate_schemas(str(folder))] == first
    text = paths[0].read_text("ascii")
    assert text.endswith("}\n")
    assert '\n  "$id": "little-loops://event-loop_start.json",' in text


def test_the_extension_set_adds_the_events_and_keys_of_a_journal() -> None:
    schemas = extension_schemas()
    assert list(schemas)[:33] == list(SCHEMA_DEFINITIONS)
    assert {"action_spawned", "rate_limit_retry", "stall_detected"} <= set(schemas)
    assert schemas["loop_start"]["$id"] == "little-loops://ext-loop_start.json"
    assert {"definition", "seq", "t", "depth"} <= set(schemas["loop_start"]["properties"])
    for schema in schemas.values():
        jsonschema.Draft7Validator.check_schema(schema)


def call(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(args, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("args", "folder"),
    [((), "docs/reference/schemas"), (("-o", "x"), "x"), (("--output", "x/y"), "x/y"), (("z",), "z")],
)
@pytest.mark.parametrize("form", ["program", "module"])
def test_the_program_writes_into_the_folder_asked_for(
    form: str, args: tuple[str, ...], folder: str, tmp_path: Path
) -> None:
    start = (
        [str(BIN / "ll-generate-schemas")]
        if form == "program"
        else [sys.executable, "-m", "little_loops.generate_schemas"]
    )
    done = call(*start, *args, cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout == f"Generated 33 schemas in {folder}\n"
    assert len(list((tmp_path / folder).glob("*.json"))) == 33


def test_the_program_writes_the_extension_set_where_it_is_asked_to(tmp_path: Path) -> None:
    done = call(str(BIN / "ll-generate-schemas"), "-o", "a", "--extensions", "b", cwd=tmp_path)
    assert done.returncode == 0
    loop_start = json.loads((tmp_path / "b" / "loop_start.json").read_text())
    assert loop_start["$id"] == "little-loops://ext-loop_start.json"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = call(str(BIN / "ll-generate-schemas"), "-o", "file/below", cwd=tmp_path)
    assert done.returncode == 1
    assert "file" in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage(tmp_path: Path) -> None:
    assert call(str(BIN / "ll-generate-schemas"), "--nope", cwd=tmp_path).returncode == 2
    assert call(str(BIN / "ll-generate-schemas"), "a", "-o", "b", cwd=tmp_path).returncode == 2
    assert not os.listdir(tmp_path)


def test_every_line_of_a_real_journal_fits_both_sets(project: Project) -> None:
    project.loop(
        "inner", "name: inner\ninitial: a\nstates:\n  a: {action: seq 3, next: b}\n  b: {terminal: true}\n"
    )
    project.loop(
        "outer",
        "name: outer\ninitial: a\nmax_iterations: 6\ncontext: {who: you}\nstates:\n"
        "  a: {action: 'echo ${env.HOME} ${context.who}; exit 1', capture: x, on_yes: b, on_no: c, backoff: 0}\n"
        "  c: {loop: inner, on_yes: d, on_no: d}\n"
        "  d: {action: 'head -c 40000 /dev/zero | tr \"\\\\0\" y', evaluate: {type: output_contains, pattern: y},"
        " on_yes: a, on_no: b}\n"
        "  b: {terminal: true}\n",
    )
    assert project.ll("run", "outer", "the input", "--context", "who=me").code == 1
    (journal,) = (project.root / ".loops" / "runs").glob("*/events.jsonl")
    records = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    assert len(records) > 20
    extended = extension_schemas()
    for record in records:
        name = record["event"]
        jsonschema.validate(record, extended[name])
        if name in SCHEMA_DEFINITIONS:
            jsonschema.validate(record, SCHEMA_DEFINITIONS[name])
        unknown = set(record) - set(extended[name]["properties"])
        assert name == "evaluate" or not unknown, (name, unknown)
