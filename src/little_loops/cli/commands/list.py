"""``list``: the loops that can be run, or runs. Reads heads of loop files and ends of journals only."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import definitions, output, usage
from little_loops.config import Config

if TYPE_CHECKING:
    from little_loops.fsm.library import Listed
    from little_loops.journal.glance import Glance

STATUSES = (
    "queued", "starting", "running", "completed", "interrupted", "awaiting_continuation", "timed_out",
    "failed",
)  # fmt: skip


@usage.command(
    "list",
    help="Loops that can be run: the project's own, then the built-in ones they do not hide.\n\n"
    "With --running or --status: runs instead of loops.",
    examples=[
        ("list", "all loops by category"),
        ("list --category quality --label python", "some of them"),
        ("list --running", "runs that are going on or wait for a scope"),
        ("list --status failed --json", "runs that failed, for programs"),
    ],
)
@click.option("--running", is_flag=True, help="Runs that are going on.")
@click.option("--status", type=click.Choice(STATUSES), help="Runs in this state.")
@click.option("--builtin", "built_in", is_flag=True, help="Built-in loops only.")
@click.option("-c", "--category", metavar="NAME", help="Loops of this category only.")
@click.option(
    "--label", "labels", multiple=True, metavar="NAME", help="Loops with one of these labels; repeatable."
)
@usage.json_option
def command(
    running: bool,
    status: str | None,
    built_in: bool,
    category: str | None,
    labels: tuple[str, ...],
    as_json: bool,
) -> int:
    config = definitions.project()
    if running or status:
        return _runs(config, running, status, as_json)
    return _loops(config, built_in, _Wanted(category, labels), as_json)


# --- loops -------------------------------------------------------------------------------------------------


class _Wanted:
    """Which loops are asked for; without a wish, all of them."""

    def __init__(self, category: str | None, labels: tuple[str, ...]) -> None:
        self.category = category.casefold() if category else None
        self.labels = {label.casefold() for label in labels}

    def __contains__(self, loop: Listed) -> bool:
        if self.category and (loop.category or "uncategorized").casefold() != self.category:
            return False
        return not self.labels or any(label.casefold() in self.labels for label in loop.labels)

    def __bool__(self) -> bool:
        return bool(self.category or self.labels)


def _loops(config: Config, built_in: bool, wanted: _Wanted, as_json: bool) -> int:
    from little_loops.fsm.library import listed

    loops = [
        loop for loop in listed(definitions.loops_folder(config), built_in_only=built_in) if loop in wanted
    ]
    if as_json:
        output.say_json([_described(loop) for loop in loops])
        return 0
    if not loops:
        output.say("No loops match." if wanted else "No loops available.")
        return 0
    groups: dict[str, list[Listed]] = {}
    for loop in loops:
        groups.setdefault(loop.category or "uncategorized", []).append(loop)
    wide = min(max(output.cells(loop.name) for loop in loops), 36)
    for number, name in enumerate(sorted(groups, key=lambda name: (name == "uncategorized", name))):
        if number:
            output.say()
        output.say(f"{output.paint(name, 'bold')} {output.paint(f'({len(groups[name])}):', 'dim')}")
        for loop in groups[name]:
            output.say(_row(loop, wide))
    return 0


def _described(loop: Listed) -> dict[str, Any]:
    out: dict[str, Any] = {
        "name": loop.name,
        "path": str(loop.path),
        "category": loop.category,
        "labels": list(loop.labels),
        "description": loop.description.strip(),
    }
    if loop.built_in:
        out["built_in"] = True
    if not loop.readable:
        out["readable"] = False
    return out


def _row(loop: Listed, wide: int) -> str:
    from little_loops.projections.text import one_line

    name = output.cut(one_line(loop.name), wide)
    tags = "".join(f" [{one_line(label)}]" for label in loop.labels) + (
        " [built-in]" if loop.built_in else ""
    )
    text = one_line(loop.description) if loop.readable else "cannot be read: ll-loop validate says why"
    room = output.width() - wide - 4 - output.cells(tags)
    if output.on_terminal() and output.cells(text) > room:
        text = output.cut(text, max(room, 12))
    gap = " " * (wide - output.cells(name) + 2)
    name = output.paint(name, "cyan" if loop.readable else "red")
    return f"  {name}{gap}{text}{output.paint(tags, 'dim')}".rstrip()


# --- runs --------------------------------------------------------------------------------------------------


def _runs(config: Config, running: bool, status: str | None, as_json: bool) -> int:
    from little_loops.journal.folder import RunStore
    from little_loops.journal.glance import glances

    store = RunStore(config.loops_path)
    held = store.locks.held()
    live = {one.run_id for one in held}
    folders = [folder for folder in store.folders() if not running or folder.run_id in live]
    runs = [run for run in glances(folders, held) if status in (None, run.status)]
    if as_json:
        output.say_json([_saved(run) for run in runs])
    elif runs:
        output.table(
            [_line(run) for run in runs],
            header=("run", "status", "state", "entries", "elapsed"),
            right=(3, 4),
        )
    else:
        output.say(f"No runs with status {status}." if status else "No runs are going on.")
    return 0 if runs or not status else 1


def _line(run: Glance) -> tuple[str, ...]:
    from little_loops.projections.text import elapsed

    colour = {"running": "green", "completed": "green", "failed": "red", "unreadable": "red"}.get(
        run.status, "yellow"
    )
    return (
        run.folder.run_id,
        output.paint(run.status, colour),
        run.problem or run.state or "-",
        str(run.iteration),
        elapsed(_milliseconds(run)),
    )


def _milliseconds(run: Glance) -> float:
    """Running time: as recorded, and for a live run up to this moment."""
    if run.status != "running" or not run.updated:
        return run.t
    return run.t + max(0.0, time.time() - datetime.fromisoformat(run.updated).timestamp()) * 1000


def _saved(run: Glance) -> dict[str, Any]:
    from little_loops.errors import JournalError
    from little_loops.journal.fold import records
    from little_loops.projections.summary import summarise

    try:
        out = summarise(records(run.folder)).as_json(run.status)
    except JournalError as problem:
        out = {
            "loop_name": run.loop,
            "status": run.status,
            "run_id": run.folder.run_id,
            "error": problem.message,
        }
    out["run_id"] = run.folder.run_id
    out["loop_name"] = run.loop
    if run.held is not None:
        out["pid"] = run.held.pid
    return out
