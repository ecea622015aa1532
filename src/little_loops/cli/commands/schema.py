"""``schema``: the JSON Schema of loop files and of the settings, for editors. Made from what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from little_loops import config as settings
from little_loops.cli import output, usage


@usage.command(
    "schema",
    help="The JSON Schema of a loop file, or of the settings: what editors need to complete and check as you "
    "type.\n\nIn a loop file, the first line '# yaml-language-server: $schema=PATH' tells the editor.",
    examples=[
        ("schema", "of loop files, to the screen"),
        ("schema -o .loops/.loop-schema.json", "to a file; 'install' writes this one by itself"),
        ("schema --config", "of .ll/ll-config.json"),
    ],
)
@click.option("--config", "of_config", is_flag=True, help="The schema of the settings.")
@click.option(
    "-o", "--output", "target", type=click.Path(path_type=Path), metavar="PATH", help="Write it there."
)
def command(of_config: bool, target: Path | None) -> int:
    text = config_schema() if of_config else loop_schema()
    if target is None:
        output.say(text, end="")
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    output.say(f"Wrote {target}")
    return 0


def loop_schema() -> str:
    """The schema of a loop file as text."""
    from little_loops.fsm.loop_schema import loop_schema as made

    return _text(made())


def config_schema() -> str:
    """The schema of the settings as text. Unknown keys are allowed: other programs share the file."""
    top: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "little-loops://ll-config-schema.json",
        "title": "Project settings",
        "type": "object",
        "properties": {},
    }
    values = settings.defaults()
    for name, about in settings.settings():
        here = top
        *sections, last = about.key.split(".")
        for section in sections:
            here = here["properties"].setdefault(section, {"type": "object", "properties": {}})
        here["properties"][last] = _property(about, values[name])
    return _text(top)


_KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": ["string", "null"], "minLength": 1},
    "whole": {"type": ["integer", "null"]},
    "number": {"type": ["number", "null"]},
    "switch": {"type": ["boolean", "null"]},
    "texts": {"type": ["array", "null"], "items": {"type": "string", "minLength": 1}},
    "wholes": {"type": ["array", "null"], "items": {"type": "integer"}, "minItems": 1},
    "words": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
}


def _property(about: settings.Setting, default: Any) -> dict[str, Any]:
    out = {"description": about.doc, **_KINDS[about.kind], "default": default}
    limits = {"minimum": about.low, "maximum": about.high}
    given = {word: limit for word, limit in limits.items() if limit is not None}
    if about.kind == "wholes":
        out["items"] = {**out["items"], **given}
    else:
        out.update(given)
    if about.choices and about.kind == "words":
        out["propertyNames"] = {"enum": list(about.choices)}
    elif about.choices:
        out["enum"] = [*about.choices, None]
    return out


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
