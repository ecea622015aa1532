"""What the commands share of their command lines: a command with examples in its help, and common options.

Decides nothing about what a command does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

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
                formatter.write_dl([(f"ll-loop {line}", about) for line, about in self.examples], col_max=60)
        super().format_epilog(ctx, formatter)


def command(
    name: str, *, examples: Sequence[Example], **attrs: Any
) -> Callable[[Callable[..., Any]], Command]:
    """A click command with examples. The function returns its exit code, or None for 0."""
    return click.command(name, cls=Command, examples=examples, **attrs)


def json_option(function: F) -> F:
    """``-j``/``--json``, handed over as ``as_json``."""
    return click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")(function)
