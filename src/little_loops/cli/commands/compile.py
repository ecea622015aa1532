"""``compile``: a short form written out as the states it stands for. People go on editing the short form."""

from __future__ import annotations

from pathlib import Path

import click

from little_loops.cli import definitions, findings, output, usage
from little_loops.config import Config
from little_loops.errors import LoadError, UserError


@usage.command(
    "compile",
    help="Write out a short form (goal, convergence, invariants, imperative) as the states it stands for.\n\n"
    "INPUT is a name or a path. The result goes to NAME.fsm.yaml beside it, which is what runs of that name "
    "then use.",
    examples=[
        ("compile gate", ".loops/gate.yaml to .loops/gate.fsm.yaml"),
        ("compile gate -o -", "to the screen"),
        ("compile short.yaml -o long.yaml", "to a file of your choice"),
    ],
)
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", "target", metavar="PATH", help="Where to write; - for the screen.")
def command(source: str, target: str | None) -> int:
    from little_loops.cli.yaml_text import block

    config = definitions.project()
    path = _found(source, config)
    result = definitions.examined(path, config)
    loop = result.require()
    text = f"# compiled from {path.name} by ll-loop compile; edit that file and compile again\n"
    text += block(loop.to_dict())
    if target == "-":
        output.say(text, end="")
        return 0
    goal = Path(target) if target else _beside(path, config)
    if goal.absolute() == path.absolute() or (goal.exists() and goal.samefile(path)):
        raise UserError(f"{goal} would be replaced by what it is compiled to", "choose another file with -o")
    goal.parent.mkdir(parents=True, exist_ok=True)
    goal.write_text(text, "utf-8")
    findings.say(result.warnings)
    paradigm = f" ({loop.paradigm})" if loop.paradigm else ""
    output.say(f"Compiled {definitions.nearby(path)}{paradigm} to {definitions.nearby(goal)}")
    return 0


def _beside(path: Path, config: Config) -> Path:
    """Next to the source; for a built-in loop in the project, because the package is not ours to write."""
    from little_loops.fsm.library import BUILT_IN_DIR

    folder = config.loops_path if BUILT_IN_DIR in path.absolute().parents else path.parent
    return folder / f"{definitions.stem(path)}.fsm.yaml"


def _found(source: str, config: Config) -> Path:
    """The source of a loop, not what was compiled from it before."""
    from little_loops.fsm.library import looks_like_path

    beside = definitions.loops_folder(config) / f"{source}.yaml"
    if not looks_like_path(source) and beside.is_file():
        return beside
    path = definitions.found(source, config)
    if path.name.endswith(".fsm.yaml"):
        raise LoadError(
            f"{definitions.nearby(path)} is a compiled loop", "give the file it was compiled from"
        )
    return path
