"""Events -> JSON Schema files, derived from the records alone; the same bytes each time.

The published set is what the records mark as wire; the extension set has every key that a journal may hold.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from little_loops import events
from little_loops.events import KINDS, Event, Slot, plan
from little_loops.events import issues as work

DIALECT = "http://json-schema.org/draft-07/schema#"
DEFAULT_DIR = Path("docs") / "reference" / "schemas"

PUBLISHED: tuple[type[Event], ...] = (
    events.LoopStart,
    events.StateEnter,
    events.Route,
    events.ActionStart,
    events.ActionOutput,
    events.ActionComplete,
    events.ActionError,
    events.Evaluate,
    events.RetryExhausted,
    events.CycleDetected,
    events.RateLimitExhausted,
    events.RateLimitStorm,
    events.RateLimitWaiting,
    events.ThrottleWarn,
    events.ThrottleHard,
    events.ThrottleStop,
    events.LearningTargetProven,
    events.LearningTargetStale,
    events.LearningExploreInvoked,
    events.LearningTargetRefuted,
    events.LearningComplete,
    events.LearningBlocked,
    events.HandoffDetected,
    events.HandoffSpawned,
    events.LoopComplete,
    events.LoopResume,
    work.StateIssueCompleted,
    work.StateIssueFailed,
    work.IssueFailureCaptured,
    work.IssueClosed,
    work.IssueCompleted,
    work.IssueDeferred,
    work.ParallelWorkerCompleted,
)
"""The records of the published set, in the order in which they are listed everywhere."""

_STAMP = {
    "event": {"type": "string", "description": "Name of the event."},
    "ts": {"type": "string", "format": "date-time", "description": "Moment of the event, ISO 8601 in UTC."},
}
_ENVELOPE = {
    "seq": {"type": "integer", "description": "Line number in the journal, from 1."},
    "t": {"type": "integer", "description": "Run clock in milliseconds; never decreases."},
    "depth": {"type": "integer", "description": "Nesting of the loop that sent it; absent at the root."},
    "refs": {"type": "object", "description": "Values that stand in files, by key: file, bytes, sha256."},
    "run_id": {"type": "string", "description": "Name of the run folder."},
}


def _schema(kind: type[Event], slots: Iterable[Slot], prefix: str, more: dict[str, Any]) -> dict[str, Any]:
    slots = list(slots)
    needed = [slot.key for slot in slots if not slot.optional and not slot.nullable]
    return {
        "$schema": DIALECT,
        "$id": f"little-loops://{prefix}-{kind.NAME}.json",
        "title": kind.TITLE,
        "description": (kind.__doc__ or "").strip().splitlines()[0],
        "type": "object",
        "required": ["event", "ts", *needed],
        "properties": {**_STAMP, **{slot.key: _property(slot) for slot in slots}, **more},
        "additionalProperties": True,
    }


def _property(slot: Slot) -> dict[str, Any]:
    name = "array" if slot.kind == "strings" else slot.kind
    out: dict[str, Any] = {"type": [name, "null"] if slot.nullable else name, "description": slot.doc}
    if slot.kind == "strings":
        out["items"] = {"type": "string"}
    if slot.enum:
        out["enum"] = list(slot.enum)
    return out


def _wire(kind: type[Event]) -> list[Slot]:
    return [slot for slot in plan(kind) if slot.on == "wire"]


SCHEMA_DEFINITIONS: dict[str, dict[str, Any]] = {
    kind.NAME: _schema(kind, _wire(kind), "event", {}) for kind in PUBLISHED
}
"""The schema of every published event, by its name."""


def extension_schemas() -> dict[str, dict[str, Any]]:
    """The schema of every event with every key a journal may hold: the published ones, then the others."""
    others = [kind for kind in KINDS.values() if kind.EXTENSION]
    out: dict[str, dict[str, Any]] = {}
    for kind in (*PUBLISHED, *others):
        more = dict(_ENVELOPE)
        if kind is events.Evaluate:
            more["details_"] = {
                "type": "object",
                "description": "Details whose names are taken by other keys.",
            }
        out[kind.NAME] = _schema(kind, plan(kind), "ext", more)
    return out


def event_type_to_filename(event_type: str) -> str:
    """The name of an event's file: dots become underscores."""
    return event_type.replace(".", "_") + ".json"


def generate_schemas(output_dir: Path | str) -> list[Path]:
    """Write the published set into a folder, made if it is missing; the paths in order.

    Raises:
        OSError: the folder or a file cannot be written.
    """
    return _write(SCHEMA_DEFINITIONS, Path(output_dir))


def _write(schemas: dict[str, dict[str, Any]], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, schema in schemas.items():
        path = folder / event_type_to_filename(name)
        path.write_text(json.dumps(schema, indent=2) + "\n", "ascii")
        written.append(path)
    return written


def main(argv: Sequence[str] | None = None) -> int:
    """The command line ``ll-generate-schemas``; its exit code."""
    import argparse

    from little_loops.cli import output

    reader = argparse.ArgumentParser(
        prog="ll-generate-schemas", description="Write the JSON Schema of every event into a folder."
    )
    reader.add_argument("folder", nargs="?", type=Path, metavar="DIR", help=f"default: {DEFAULT_DIR}")
    reader.add_argument("-o", "--output", type=Path, metavar="DIR", help="the same as DIR")
    reader.add_argument(
        "--extensions", type=Path, metavar="DIR", help="write the schemas with all keys of a journal here too"
    )
    try:
        asked = reader.parse_args(None if argv is None else list(argv))
    except SystemExit as leaving:
        return int(leaving.code or 0)
    if asked.folder and asked.output:
        output.failure("the folder is given twice", "leave out DIR or --output")
        return 2
    try:
        _generate(asked.output or asked.folder or DEFAULT_DIR, asked.extensions)
    except OSError as problem:
        output.failure(f"{problem.filename or 'the folder'}: {problem.strerror or problem}")
        return 1
    return 0


def _generate(folder: Path, extensions: Path | None) -> None:
    from little_loops.cli import output

    output.say(f"Generated {len(generate_schemas(folder))} schemas in {folder}")
    if extensions is not None:
        output.say(f"Generated {len(_write(extension_schemas(), extensions))} schemas in {extensions}")


if __name__ == "__main__":
    sys.exit(main())
