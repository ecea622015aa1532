"""``install``: a copy of a built-in loop (or of any loop file) in the project. Never overwrites."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from little_loops.cli import definitions, editor_line, output, usage
from little_loops.config import Config
from little_loops.errors import LoopNotFound, UserError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@usage.command(
    "install",
    help="Copy a built-in loop into the project to change it; the copy is then what its name means.\n\n"
    "LOOP is the name of a built-in loop, or the path of a loop file.",
    examples=[
        ("install quality-gate", "to .loops/quality-gate.yaml"),
        ("install quality-gate --name gate", "under another name"),
        ("install ../other/.loops/fix.yaml", "from another project"),
    ],
)
@click.argument("loop")
@click.option("--name", metavar="NAME", help="Name of the copy.")
def command(loop: str, name: str | None) -> int:
    config = definitions.project()
    source = _source(loop)
    name = name or definitions.stem(source)
    if not NAME.fullmatch(name):
        raise UserError(f"'{name}' cannot be a name: letters, digits, dots, - and _ only", "choose another")
    target = _copy(source, name, config)
    editor_line.write_schema(target.parent)
    output.say(f"Installed {definitions.nearby(target)}")
    _doubts(source, target, config)
    output.say(f"Run it with: ll-loop run {name}")
    return 0


def _source(loop: str) -> Path:
    from little_loops.fsm.library import BUILT_IN_DIR, looks_like_path

    built_in = BUILT_IN_DIR / f"{loop}.yaml"
    if built_in.is_file():
        return built_in
    if looks_like_path(loop) and Path(loop).is_file():
        return Path(loop)
    if looks_like_path(loop):
        raise LoopNotFound(
            f"no such loop file: {loop}", "`ll-loop list --builtin` shows what can be installed"
        )
    names = sorted(path.stem for path in BUILT_IN_DIR.glob("*.yaml"))
    wrong = definitions.unknown("built-in loop", loop, names)
    listed = f"built-in loops: {', '.join(names)}"
    raise LoopNotFound(wrong.message, f"{wrong.hint}\n{listed}" if "mean" in (wrong.hint or "") else listed)


def _copy(source: Path, name: str, config: Config) -> Path:
    folder = config.loops_path
    target = folder / f"{name}.yaml"
    text = editor_line.with_line(_renamed(source.read_text("utf-8"), name))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(
            f"{definitions.nearby(target)} is there already, and is kept as it is",
            f"give the copy another name: ll-loop install {definitions.stem(source)} --name {name}-2",
            exit_code=1,
        ) from None
    return target


def _renamed(text: str, name: str) -> str:
    """The text with its ``name:`` set; nothing else is touched, comments stay."""
    return re.sub(
        r"(?m)^(name:[ \t]*)(?:'[^'\n]*'|\"[^\"\n]*\"|[^#\n]*?)([ \t]*(?:#.*)?)$",
        rf"\g<1>{name}\2",
        text,
        count=1,
    )


def _doubts(source: Path, target: Path, config: Config) -> None:
    compiled = target.with_suffix(".fsm.yaml")
    if compiled.exists():
        output.warning(f"{definitions.nearby(compiled)} hides the copy: delete it, or compile again")
    try:
        definitions.loaded(os.fspath(target), config)
    except UserError as problem:
        output.warning(f"the copy does not load here:\n{problem.message}")
