"""``config``: every setting, its value in force and where it comes from. Changes nothing."""

from __future__ import annotations

import json
from typing import Any

import click

from little_loops import config as settings
from little_loops.cli import definitions, output, usage


@usage.command(
    "config",
    help="Every setting of the project, the value in force, and where it comes from.\n\n"
    "KEY limits the list to one setting or section. What decides a value, in this order: a flag of the "
    "command, the loop file, the environment, .ll/ll-config.json (or ll-config.json), the default.",
    examples=[
        ("config", "all settings"),
        ("config loops", "those whose key starts with loops."),
        ("config --loop fix", "as a run of the loop fix would see them"),
        ("config --json", "the same for programs"),
    ],
)
@click.argument("key", required=False)
@click.option("--loop", metavar="LOOP", help="Lay the settings of this loop's file over the project's.")
@click.option("-v", "--verbose", is_flag=True, help="Say what each setting means.")
@usage.json_option
def command(key: str | None, loop: str | None, verbose: bool, as_json: bool) -> int:
    found = definitions.project()
    values = _wanted(settings.values(found, _mapping(loop)), key)
    if as_json:
        output.say_json({
            "project": str(found.root),
            "file": str(found.file) if found.file else None,
            "settings": {
                item.setting.key: {"value": item.value, "origin": item.origin} for item in values
            },
            "notes": list(found.notes),
        })  # fmt: skip
        return 0
    output.say(f"{output.paint('Project', 'dim')}  {found.root}")
    file = found.file or f"none (.ll/{settings.FILE_NAME} would be read)"
    output.say(f"{output.paint('File', 'dim')}     {file}\n")
    if verbose:
        _explained(values)
    else:
        output.table([_row(item) for item in values], header=("setting", "origin", "value"))
    for note in found.notes:
        output.warning(note)
    return 0


def _mapping(loop: str | None) -> dict[str, Any] | None:
    if loop is None:
        return None
    return definitions.loaded(loop).loop.to_dict()


def _wanted(values: list[settings.Value], key: str | None) -> list[settings.Value]:
    if key is None:
        return values
    wanted = [v for v in values if v.setting.key == key or v.setting.key.startswith(key.rstrip(".") + ".")]
    if not wanted:
        keys = [v.setting.key for v in values]
        raise definitions.unknown("setting", key, keys)
    return wanted


def _row(item: settings.Value) -> tuple[str, str, str]:
    origin = output.paint(item.origin, "dim" if item.origin == "default" else "bold")
    return (item.setting.key, origin, _shown(item.value))


def _explained(values: list[settings.Value]) -> None:
    for item in values:
        origin = output.paint(f"({item.origin})", "dim")
        output.say(f"{output.paint(item.setting.key, 'bold')} = {_shown(item.value)}  {origin}")
        output.say(f"    {item.setting.doc}{_law(item.setting)}")


def _law(about: settings.Setting) -> str:
    parts = []
    if about.choices:
        parts.append(f"One of {', '.join(about.choices)}.")
    if about.low is not None or about.high is not None:
        low = "" if about.low is None else f"at least {about.low:g}"
        high = "" if about.high is None else f"at most {about.high:g}"
        parts.append(f"{', '.join(part for part in (low, high) if part).capitalize()}.")
    if about.env:
        parts.append(f"Environment: {about.env}.")
    if about.loop:
        parts.append(f"In a loop file: {about.loop}.")
    if about.idle:
        parts.append("Nothing in this version acts on it.")
    return "".join(f" {part}" for part in parts)


def _shown(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case dict():
            return ", ".join(f"{name} {text}" for name, text in value.items())
        case tuple() | list():
            return ", ".join(str(item) for item in value) or "-"
        case _:
            return json.dumps(value)
