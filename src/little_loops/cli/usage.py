"""What the commands share of their command lines: a command with examples in its help, and common options.

Decides nothing about what a command does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    _WholeType = click.ParamType[int]
    _SecondsType = click.ParamType[float]
else:  # not every release of click that is allowed can be subscripted
    _WholeType = _SecondsType = click.ParamType

F = TypeVar("F", bound=Callable[..., Any])

Example = tuple[str, str]
"""A command line without ``ll-loop``, and what it does."""


class Command(click.Command):
    """A command whose help ends with examples."""

    def __init__(self, *args: Any, examples: Sequence[Example] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_dl([(f"ll-loop {line}", about) for line, about in self.examples], col_max=42)
        super().format_epilog(ctx, formatter)


class _Whole(_WholeType):
    """A whole number, not below 0."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value).strip()
        if not (text.isascii() and text.isdigit()):
            self.fail(f"{value!r} is not a whole number from 0 up", param, ctx)
        return int(text)


class _Seconds(_SecondsType):
    """Seconds, or a time with its unit."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        from little_loops.projections.timeline import seconds_of

        seconds = seconds_of(str(value))
        if seconds is None:
            self.fail(f"{value!r} is not a time; write seconds, or 90s, 10m, 1h30m", param, ctx)
        return int(seconds) if seconds == int(seconds) else seconds


WHOLE = _Whole()
SECONDS = _Seconds()


def command(
    name: str, *, examples: Sequence[Example], **attrs: Any
) -> Callable[[Callable[..., Any]], Command]:
    """A click command with examples. The function returns its exit code, or None for 0."""
    return click.command(name, cls=Command, examples=examples, **attrs)


def json_option(function: F) -> F:
    """``-j``/``--json``, handed over as ``as_json``."""
    return click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")(function)


def complete_runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Run ids and names of loops that were run, for the shell."""
    from little_loops.cli import runs
    from little_loops.journal.folder import RUN_ID

    ids = [folder.run_id for folder in runs.store().folders()]
    names = {match["slug"] for run_id in ids if (match := RUN_ID.fullmatch(run_id))}
    return [word for word in (*sorted(names), *ids) if word.startswith(incomplete)]


def complete_loops(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of loops that can be run, for the shell."""
    from little_loops.cli import definitions
    from little_loops.fsm.library import known_names

    known = known_names(definitions.project().loops_path)
    return [word for word in sorted(known) if word.startswith(incomplete)]
