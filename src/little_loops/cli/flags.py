"""The flags that ``run`` and ``resume`` share: declared once, checked once, turned into options once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from little_loops.cli import background, running, usage
from little_loops.cli.pictures import Artist
from little_loops.cli.progress import Looks
from little_loops.errors import UserError

if TYPE_CHECKING:
    from little_loops.compose import RunOptions
    from little_loops.config import Config
    from little_loops.fsm.schema import FSMLoop

F = TypeVar("F", bound=Callable[..., Any])
Option = Callable[[F], F]


def _group(options: Iterable[Callable[[Any], Any]]) -> Callable[[F], F]:
    ordered = list(options)

    def apply(function: F) -> F:
        for option in reversed(ordered):
            function = option(function)
        return function

    return apply


_COUNT = usage.WHOLE
_SECONDS = usage.SECONDS

limits = _group(
    [
        click.option(
            "-n", "--max-iterations", type=_COUNT, metavar="N", help="Most steps (0: as the loop says)."
        ),
        click.option(
            "--max-steps", type=_COUNT, metavar="N", help="Most steps; --max-iterations then caps laps."
        ),
        click.option(
            "--max-edge-revisits", type=_COUNT, metavar="N", help="How often one transition may be taken."
        ),
        click.option(
            "--timeout", type=_SECONDS, metavar="TIME", help="Running time of the whole run: 90, 10m, 2h."
        ),
        click.option(
            "--budget",
            multiple=True,
            metavar="KIND=AMOUNT",
            help="What agents may use: usd, tokens, agent_calls, seconds; repeatable.",
        ),
        click.option("--delay", type=_SECONDS, metavar="TIME", help="Pause between two steps."),
        click.option(
            "--durability",
            type=click.Choice(("relaxed", "step", "strict")),
            help="When the record is forced to disk (step).",
        ),
    ]
)

values = _group(
    [
        click.option(
            "--param",
            multiple=True,
            metavar="NAME=VALUE",
            help="Value of a declared parameter: data, type-checked. @FILE reads a file, - standard input.",
        ),
        click.option(
            "--context",
            multiple=True,
            metavar="KEY=VALUE",
            help="Value of a context key. It is CODE: pasted into shell actions as it stands. "
            "Use --param for anything you did not write yourself.",
        ),
    ]
)

agents = _group(
    [
        click.option(
            "--host",
            metavar="HOST",
            help="Who runs agent actions and judges: claude, codex, or scripted:FILE with prepared answers.",
        ),
        click.option("--model", metavar="NAME", help="Model of agent actions."),
        click.option("--llm-model", metavar="NAME", help="Model that judges."),
        click.option("--no-llm", is_flag=True, help="Ask no model for a verdict; such verdicts are 'error'."),
        click.option(
            "--permissions", type=click.Choice(("workspace", "full", "read")), help="What agents may touch."
        ),
        click.option(
            "--handoff-threshold",
            type=int,
            metavar="PERCENT",
            help="Share of its context window at which an agent hands over, 1 to 100.",
        ),
        click.option("--context-limit", type=int, metavar="TOKENS", help="Size of its context window."),
    ]
)

shown = _group(
    [
        click.option("-v", "--verbose", is_flag=True, help="Whole prompts and every printed line."),
        click.option("--quiet", "--qt", is_flag=True, help="Say nothing unless it fails."),
        click.option("-f", "--follow", is_flag=True, help="Every event as a line, as 'history' shows it."),
        click.option("--show-diagrams", is_flag=True, help="Draw the graph at every state."),
        click.option("--clear", is_flag=True, help="Clear the terminal at every state."),
        click.option(
            "-j", "--json", "as_json", is_flag=True, help="The result as JSON; with --follow all events."
        ),
    ]
)

hidden = _group(
    [
        click.option("--foreground-internal", is_flag=True, hidden=True),
        click.option("--instance-id", hidden=True),
        click.option("--given", hidden=True),
        click.option("--ready", type=int, hidden=True),
    ]
)


def checked(given: dict[str, Any]) -> None:
    """Refuse what cannot be, before anything is read.

    Raises:
        UserError: a value out of range, or flags that exclude each other.
    """
    threshold, limit = given["handoff_threshold"], given["context_limit"]
    if threshold is not None and not 1 <= threshold <= 100:
        raise UserError(f"--handoff-threshold {threshold}: expected 1 to 100")
    if limit is not None and limit < 1:
        raise UserError(f"--context-limit {limit}: expected a positive number of tokens")
    if given["detached"] and given["follow"]:
        raise UserError(
            "--background and --follow exclude each other", "ll-loop history RUN --follow watches it"
        )
    if given["detached"] and given["clear"]:
        raise UserError("--background and --clear exclude each other")


def options(given: dict[str, Any]) -> RunOptions:
    """The options of a run; a number that was not given, or is 0, says nothing."""
    from little_loops.compose import RunOptions

    overrides = {
        "max_iterations": given["max_iterations"] or None,
        "max_steps": given["max_steps"] or None,
        "max_edge_revisits": given["max_edge_revisits"] or None,
        "timeout": given["timeout"] or None,
        "backoff": given["delay"],
        "budget": running.budget(given["budget"]),
        "model": given["model"],
        "llm_model": given["llm_model"],
        "no_llm": given["no_llm"] or None,
        "permissions": given["permissions"],
    }
    return RunOptions(
        overrides={key: value for key, value in overrides.items() if value is not None},
        host=given["host"],
        durability=given["durability"],
        queue=bool(given.get("queue") or given.get("queue_timeout") is not None),
        queue_seconds=given.get("queue_timeout"),
        run_id=given["instance_id"],
    )


def environment(given: dict[str, Any]) -> None:
    """Hand the numbers that concern agents to whatever the run starts."""
    for key, name in (("handoff_threshold", "LL_HANDOFF_THRESHOLD"), ("context_limit", "LL_CONTEXT_LIMIT")):
        if given[key] is not None:
            os.environ[name] = str(given[key])


def showing(given: dict[str, Any], config: Config) -> running.Showing:
    """How the run is shown."""
    looks = Looks(
        verbose=given["verbose"],
        diagrams=given["show_diagrams"] or config.show_diagrams,
        clear=given["clear"] or config.clear,
        artist=_artist(config),
    )
    return running.Showing(
        looks, given["quiet"], given["follow"], given["as_json"], background.ready(given["ready"])
    )


def _artist(config: Config) -> Artist:
    def draw(loop: FSMLoop, state: str, width: int) -> str:
        from little_loops.cli import output
        from little_loops.diagrams.text import Look
        from little_loops.diagrams.text import draw as drawn

        look = Look.of(config)
        return drawn(loop, width=width - 1, active=state, color=output.coloured(), look=look)

    return Artist(draw)


_NUMBERS = (
    "max_iterations",
    "max_steps",
    "max_edge_revisits",
    "timeout",
    "delay",
    "durability",
    "host",
    "model",
    "llm_model",
    "permissions",
    "handoff_threshold",
    "context_limit",
)
_SWITCHES = ("no_llm", "verbose", "quiet", "show_diagrams")


def forwarded(given: dict[str, Any]) -> list[str]:
    """The words that give a background child the same options; inputs travel by file."""
    words: list[str] = ["--foreground-internal"]
    for key in _NUMBERS:
        if given[key] is not None:
            words += [f"--{key.replace('_', '-')}", str(given[key])]
    words += [f"--{key.replace('_', '-')}" for key in _SWITCHES if given[key]]
    for item in given["budget"]:
        words += ["--budget", item]
    return words
