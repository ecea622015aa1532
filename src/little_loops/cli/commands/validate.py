"""``validate``: load loops and say everything that is wrong with them, without running anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import definitions, findings, output, usage
from little_loops.config import Config
from little_loops.errors import UserError

if TYPE_CHECKING:
    from little_loops.fsm.diagnostics import Diagnostic
    from little_loops.fsm.schema import FSMLoop

SKIPPED = frozenset({"runs", "locks", "tmp"})


@dataclass(frozen=True, slots=True)
class Examined:
    """One loop as asked for, and what was found. ``problem`` is set when it could not even be read."""

    name: str
    loop: FSMLoop | None = None
    found: tuple[Diagnostic, ...] = ()
    silenced: int = 0
    problem: UserError | None = None

    @property
    def is_valid(self) -> bool:
        return self.problem is None and not any(finding.is_error for finding in self.found)


@usage.command(
    "validate",
    help="Load loops and say everything that is wrong with them. Nothing is run.\n\n"
    "LOOP is a name, a path, a folder (every loop in it) or - for standard input. Without it: all loops of "
    "the project. Exits 0 when all are valid, 1 when one is not, 2 when one cannot be read.",
    examples=[
        ("validate fix", "one loop"),
        ("validate", "all loops of the project"),
        ("validate --strict .loops other/", "folders; warnings count as errors"),
        ("validate - < fix.yaml", "from standard input"),
        ("validate --format github", "annotations in a pull request"),
    ],
)
@click.argument("loops", metavar="[LOOP]...", nargs=-1)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option(
    "--builtin",
    "built_in",
    is_flag=True,
    help="Names mean built-in loops, even where the project hides them.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How findings are written; sarif and github are for CI.",
)
@usage.json_option
def command(loops: tuple[str, ...], strict: bool, built_in: bool, form: str, as_json: bool) -> int:
    config = definitions.project()
    several = len(loops) != 1 or _is_folder(loops[0], config)
    examined = [_strictly(one) if strict else one for one in _all(loops, config, built_in)]
    if as_json or form == "json":
        plain = [_plain(one) for one in examined]
        output.say_json(plain if several else plain[0])
    elif form != "text":
        _report(form, examined)
    elif not examined:
        output.say("No loops to validate.")
    else:
        _show(examined, several)
    if any(one.problem for one in examined):
        return 2
    return 0 if all(one.is_valid for one in examined) else 1


def _all(loops: Sequence[str], config: Config, built_in: bool) -> Iterator[Examined]:
    for reference in loops or [str(definitions.loops_folder(config))]:
        if reference == "-":
            yield _standard_input(config)
        elif not loops or _is_folder(reference, config):
            yield from _folder(Path(reference), config)
        else:
            yield _one(reference, config, built_in)


def _is_folder(reference: str, config: Config) -> bool:
    """Whether a folder is meant; a word that also names a loop is the loop."""
    from little_loops.fsm.library import known_names

    if not Path(reference).is_dir():
        return False
    return "/" in reference or reference in (".", "..") or reference not in known_names(config.loops_path)


def _one(reference: str, config: Config, built_in: bool) -> Examined:
    try:
        path = definitions.found(reference, config, built_in=built_in)
        result = definitions.examined(path, config)
    except UserError as problem:
        return Examined(reference, problem=problem)
    return Examined(reference, result.loop, result.diagnostics, len(result.suppressed))


def _standard_input(config: Config) -> Examined:
    from little_loops.fsm.load import load_text

    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        return Examined("-", problem=UserError(f"standard input is not UTF-8 text (byte {problem.start})"))
    result = load_text(text, "<stdin>", loops_dir=definitions.loops_folder(config))
    return Examined("-", result.loop, result.diagnostics, len(result.suppressed))


def _folder(folder: Path, config: Config) -> Iterator[Examined]:
    """Every loop below a folder; a fragment library or a template to build on is no loop by itself."""
    for path in sorted(folder.rglob("*.yaml")):
        below = path.relative_to(folder)
        if SKIPPED & set(below.parts[:-1]) or any(part.startswith(".") for part in below.parts):
            continue
        if not _is_part(path):
            yield _one(str(path), config, False)


def _is_part(path: Path) -> bool:
    from little_loops.fsm.parts import is_part
    from little_loops.fsm.yaml import read_document

    try:
        return is_part(read_document(path).data, path)
    except UserError:
        return False


def _strictly(one: Examined) -> Examined:
    from little_loops.fsm.validation.judge import strict

    return Examined(one.name, one.loop, tuple(strict(one.found)), one.silenced, one.problem)


# --- showing -----------------------------------------------------------------------------------------------


def _show(examined: Sequence[Examined], several: bool) -> None:
    for one in examined:
        if one.problem is not None:
            output.failure(one.problem.message, one.problem.hint)
        elif several:
            findings.say(one.found)
            output.say(_line(one, several=True))
        else:
            _whole(one)
    if several:
        bad = sum(not one.is_valid for one in examined)
        output.say(
            f"\n{len(examined)} loop{'' if len(examined) == 1 else 's'} checked, {bad or 'none'} invalid"
        )


def _report(form: str, examined: Sequence[Examined]) -> None:
    from little_loops import __version__
    from little_loops.fsm.diagnostics import Diagnostic, in_file_order
    from little_loops.fsm.reports import github, sarif

    found = [finding for one in examined for finding in in_file_order(one.found)]
    found += [Diagnostic(f"{one.name}: {one.problem.message}") for one in examined if one.problem]
    if form == "sarif":
        output.say_json(sarif(found, __version__))
        return
    for line in github(found):
        output.say(line)


def _whole(one: Examined) -> None:
    findings.say(one.found)
    if not one.is_valid:
        output.failure(f"{one.name} is not valid: {findings.count(one.found)}")
        return
    output.say(_line(one))
    if one.loop is not None:
        from little_loops.projections.text import one_line

        output.say(f"  States: {one_line(', '.join(one.loop.states))}")
        output.say(f"  Initial: {one_line(one.loop.initial)}")
        output.say(f"  Max iterations: {one.loop.step_cap}")
    if one.silenced:
        output.say(f"  Silenced by allow: {one.silenced}")


def _line(one: Examined, *, several: bool = False) -> str:
    silenced = f"{one.silenced} silenced" if one.silenced and several else ""
    said = ", ".join(part for part in (findings.count(one.found), silenced) if part)
    if not one.is_valid:
        return f"{output.paint('✗', 'red')} {one.name} is not valid: {said}"
    mark = output.paint("⚠", "yellow") if one.found else output.paint("✓", "green")
    said = f" ({said})" if said else ""
    return f"{mark} {one.name} is valid{said}"


def _plain(one: Examined) -> dict[str, Any]:
    out: dict[str, Any] = {"loop": one.name, "valid": one.is_valid, "violations": findings.as_json(one.found)}
    if one.silenced:
        out["silenced"] = one.silenced
    if one.problem is not None:
        message = one.problem.message
        out["violations"] = [{"code": "", "severity": "error", "path": None, "message": message}]
    return out
