"""The published schemas as an independent validator sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jsonschema

from little_loops.generate_schemas import SCHEMA_DEFINITIONS, extension_schemas


@cache
def validators(event: str) -> list[jsonschema.Draft7Validator]:
    """The published schema of an event where there is one, and the schema with all keys."""
    schemas = [SCHEMA_DEFINITIONS.get(event), extension_schemas().get(event)]
    return [jsonschema.Draft7Validator(schema) for schema in schemas if schema is not None]


def breaches(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with records of a journal, one line a finding."""
    found = []
    for record in records:
        checked = validators(record["event"])
        if not checked:
            found.append(f"record {record.get('seq')}: no schema for {record['event']}")
        found += [
            f"record {record.get('seq')}: {problem.message}"
            for schema in checked
            for problem in schema.iter_errors(dict(record))
        ]
    return found
