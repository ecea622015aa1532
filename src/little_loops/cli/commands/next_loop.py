"""``next-loop``: what to run next, judged by how often, how lately and how well loops ran here."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from little_loops.cli import definitions, output, usage
from little_loops.config import Config

if TYPE_CHECKING:
    from little_loops.journal.folder import RunStore
    from little_loops.projections.statistics import LoopRecord
    from little_loops.projections.summary import Summary


class Suggestion(NamedTuple):
    """One loop worth running, and the words to run it as its last run was started."""

    record: LoopRecord
    input: str | None
    context: Mapping[str, str]
    params: Mapping[str, str]

    @property
    def words(self) -> list[str]:
        """The arguments of ``ll-loop``."""
        out = ["run", self.record.loop]
        dashed = self.input is not None and self.input.startswith("-")
        if self.input is not None and not dashed:
            out.append(self.input)
        for flag, given in (("--param", self.params), ("--context", self.context)):
            for name, value in sorted(given.items()):
                out += [flag, f"{name}={value}"]
        return [*out, "--", str(self.input)] if dashed else out

    @property
    def command(self) -> str:
        return shlex.join(["ll-loop", *self.words])

    @property
    def rationale(self) -> str:
        runs = f"{self.record.runs} run{'s' if self.record.runs != 1 else ''}"
        said = f"{runs}; last {_ago(self.record.days)}; {self.record.success:.0%} success"
        return f"{said}; input as last time" if self.input is not None else said


@usage.command(
    "next-loop",
    help="What to run next, judged by past runs: half for how often a loop ran, three tenths for how lately, "
    "two tenths for how well.\n\nSays so and exits 1 when no loop has run here yet.",
    examples=[
        ("next-loop", "the best three"),
        ("next-loop -n 1 --execute", "run the best one"),
        ("next-loop --exclude worktree-health --json", "for programs"),
    ],
)
@click.option("-n", "--count", type=click.IntRange(min=1), default=3, show_default=True, help="How many.")
@click.option("--exclude", multiple=True, metavar="NAME", help="Leave out this loop; repeatable.")
@click.option("--execute", is_flag=True, help="Run the first one.")
@usage.json_option
def command(count: int, exclude: tuple[str, ...], execute: bool, as_json: bool) -> int:
    from little_loops.journal.folder import RunStore
    from little_loops.projections.statistics import rank

    config = definitions.project()
    ranked = rank(_past(RunStore(config.loops_path)), time.time())
    known = _runnable(config)
    found = [_suggestion(item) for item in ranked if item.loop in known and item.loop not in exclude][:count]
    if as_json:
        output.say_json([_plain(item) for item in found])
    elif not found:
        output.say("No loop has run here yet." if not ranked else "No loop to suggest.")
    if not found:
        return 1
    if not as_json:
        _show(found)
    if not execute:
        return 0
    output.flush()
    run = import_module("little_loops.cli.commands.run").command
    answer = run.main(found[0].words[1:], prog_name="ll-loop run", standalone_mode=False)
    return answer if isinstance(answer, int) else 0


def _runnable(config: Config) -> frozenset[str]:
    from little_loops.fsm.library import known_names

    return frozenset(known_names(config.loops_path))


def _past(store: RunStore) -> Iterator[Summary]:
    """What the ranking needs of every run; a journal that cannot be read says nothing."""
    from little_loops.errors import JournalError
    from little_loops.journal.glance import glances
    from little_loops.journal.tail import first_record
    from little_loops.projections.summary import Summary

    for run in glances(store.folders(), store.locks.held()):
        if run.loop is None or run.started is None or run.problem:
            continue
        try:
            record = first_record(run.folder.journal) or {}
        except JournalError:
            continue
        end = run.end or {}
        yield Summary(
            run_id=run.folder.run_id,
            loop=run.loop,
            started_at=run.started,
            cause=end.get("terminated_by"),
            failure_terminal=bool(end.get("failure_terminal")),
            context=dict(record.get("context") or {}),
            record=record,
        )


def _suggestion(item: LoopRecord) -> Suggestion:
    """Values that were given by hand are given again; those of the loop file are its own affair."""
    context: Mapping[str, Any] = item.latest.context
    origin: Mapping[str, str] = item.latest.record.get("origin") or {}
    given = {name: str(value) for name, value in context.items() if isinstance(value, str | int | float)}
    by = {
        word: {n: v for n, v in given.items() if origin.get(n) == word}
        for word in ("input", "option", "param")
    }
    return Suggestion(item, next(iter(by["input"].values()), None), by["option"], by["param"])


def _plain(item: Suggestion) -> dict[str, Any]:
    return {
        "loop": item.record.loop,
        "input": item.input,
        "context": {**item.params, **item.context},
        "score": round(item.record.score, 4),
        "rationale": item.rationale,
        "command": item.command,
    }


def _show(found: list[Suggestion]) -> None:
    from little_loops.projections.text import one_line

    wide = max(output.cells(item.record.loop) for item in found)
    for number, item in enumerate(found, 1):
        gap = " " * (wide - output.cells(item.record.loop))
        output.say(
            f"{number}. {output.paint(item.record.loop, 'bold')}{gap}  {item.record.score:.2f}  "
            f"{output.paint(item.rationale, 'dim')}"
        )
        output.say(f"   {one_line(item.command)}")


def _ago(days: float) -> str:
    minutes = days * 1440
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes:.0f} min ago"
    if minutes < 1440:
        return f"{minutes / 60:.0f} h ago"
    return f"{days:.0f} day{'s' if round(days) != 1 else ''} ago"
