"""``fragments``: the partial states a library offers, and what each is for. Checks nothing beyond that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from little_loops.cli import definitions, output, usage
from little_loops.config import Config
from little_loops.errors import LoadError, UserError


@usage.command(
    "fragments",
    help="What a fragment library offers.\n\n"
    "LIBRARY is a path, or a name below the loops folder or among the built-in ones. Without it: the "
    "libraries there are.",
    examples=[
        ("fragments", "the libraries"),
        ("fragments lib/common", "what lib/common offers"),
        ("fragments lib/common -v", "with the keys of each fragment"),
    ],
)
@click.argument("library", required=False)
@click.option("-v", "--verbose", is_flag=True, help="Whole descriptions, and the keys of each fragment.")
@usage.json_option
def command(library: str | None, verbose: bool, as_json: bool) -> int:
    config = definitions.project()
    if library is None:
        return _libraries(config, as_json)
    path = _found(library, config)
    fragments = _read(path)
    if as_json:
        output.say_json({
            "library": str(path),
            "fragments": [
                {"name": name, "description": _description(body), "state": _keys(body)}
                for name, body in fragments.items()
            ],
        })  # fmt: skip
    elif not fragments:
        output.say(f"No fragments in {definitions.nearby(path)}.")
    elif verbose:
        _explained(fragments)
    else:
        rows = [(name, _first_line(_description(body))) for name, body in fragments.items()]
        output.table(rows, header=("fragment", "what it is for"))
    return 0


def _libraries(config: Config, as_json: bool) -> int:
    found = {name: path for name, path in _candidates(config).items() if definitions.is_readable(path)}
    rows = []
    for name, path in found.items():
        try:
            rows.append((name, path, list(_read(path))))
        except UserError:  # a broken library is shown by name; asking for it says what is wrong
            rows.append((name, path, []))
    if as_json:
        output.say_json([{"name": name, "path": str(path), "fragments": held} for name, path, held in rows])
    elif rows:
        output.table(
            [(name, ", ".join(held) or "-") for name, _, held in rows], header=("library", "fragments")
        )
    else:
        output.say("No fragment libraries.")
    return 0


def _candidates(config: Config) -> dict[str, Path]:
    """Libraries by the name an ``import:`` gives them; the project's own first."""
    from little_loops.fsm.library import BUILT_IN_DIR

    out: dict[str, Path] = {}
    for root in (definitions.loops_folder(config), BUILT_IN_DIR):
        for path in sorted(root.glob("lib/*.yaml")):
            out.setdefault(path.relative_to(root).as_posix(), path)
    return out


def _found(library: str, config: Config) -> Path:
    from little_loops.fsm.library import BUILT_IN_DIR

    roots = (Path(), definitions.loops_folder(config), BUILT_IN_DIR)
    names = [library] if library.endswith((".yaml", ".yml")) else [f"{library}.yaml", library]
    for root in roots:
        for name in names:
            if (root / name).is_file():
                return root / name
    known = [name.removesuffix(".yaml") for name in _candidates(config)]
    raise definitions.unknown("fragment library", library, known)


def _read(path: Path) -> dict[str, Any]:
    from little_loops.fsm.diagnostics import render_all
    from little_loops.fsm.yaml import read_document

    document = read_document(path)
    if any(one.is_error for one in document.found):
        raise LoadError(render_all(document.found))
    held = document.data.get("fragments") if isinstance(document.data, Mapping) else None
    return {str(name): body for name, body in held.items()} if isinstance(held, Mapping) else {}


def _description(body: Any) -> str:
    return str(body.get("description") or "").strip() if isinstance(body, Mapping) else ""


def _keys(body: Any) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k != "description"} if isinstance(body, Mapping) else {}


def _first_line(text: str) -> str:
    from little_loops.projections.text import one_line

    return one_line(text.partition("\n")[0]) or "-"


def _explained(fragments: Mapping[str, Any]) -> None:
    from little_loops.cli.yaml_text import block
    from little_loops.projections.text import clean

    for number, (name, body) in enumerate(fragments.items()):
        if number:
            output.say()
        output.say(output.paint(name, "bold"))
        for line in _description(body).splitlines():
            output.say(f"    {clean(line)}")
        for line in block(_keys(body)).splitlines():
            output.say(f"      {output.paint(clean(line), 'dim')}")
