"""``prune``: delete the folders of old runs. Live runs are never touched, resumable ones only when named."""

from __future__ import annotations

import re

import click

from little_loops.cli import output, runs, usage
from little_loops.errors import UserError
from little_loops.projections.text import count
from little_loops.projections.timeline import seconds_of

UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


@usage.command(
    "prune",
    help="Delete the folders of finished runs.\n\n"
    "A run that is going on is never touched, and one that can be resumed only when RUN names it. "
    "With several limits, --keep spares the newest from the others.",
    examples=[
        ("prune --keep 20", "all but the newest 20 finished runs"),
        ("prune --older-than 30d --dry-run", "say what would go"),
        ("prune --max-size 500M", "the oldest, until the rest is small enough"),
        ("prune 7k2m", "this run, resumable or not"),
    ],
)
@click.argument("run", nargs=-1, shell_complete=usage.complete_runs)
@click.option("--keep", type=usage.WHOLE, metavar="N", help="Finished runs that stay, newest first.")
@click.option("--older-than", metavar="AGE", help="Runs whose last record is older: 12h, 30d, 8w.")
@click.option("--max-size", metavar="SIZE", help="What all runs together may take: 500M, 2G.")
@click.option("--dry-run", is_flag=True, help="Delete nothing.")
@usage.json_option
def command(
    run: tuple[str, ...],
    keep: int | None,
    older_than: str | None,
    max_size: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    from little_loops.journal.prune import Limits, prune

    limits = Limits(keep, _age(older_than), _size(max_size), run)
    gone = prune(runs.store(), limits, dry_run=dry_run)
    if as_json:
        output.say_json(
            [
                {"run_id": one.run_id, "loop": one.loop, "status": one.status, "bytes": one.bytes}
                for one in gone
            ]
        )
        return 0
    if gone:
        output.table([(one.run_id, one.status, _bytes(one.bytes)) for one in gone], right=(2,))
    done = "would be deleted" if dry_run else "deleted"
    output.say(f"{count(len(gone), 'run')} {done}, {_bytes(sum(one.bytes for one in gone))}")
    return 0


def _age(text: str | None) -> float | None:
    if text is None:
        return None
    seconds = seconds_of(text)
    if seconds is None:
        raise UserError(f"--older-than {text}: not a time", "write it as 12h, 30d or 8w")
    return seconds


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*", text, re.I)
    if match is None:
        raise UserError(f"--max-size {text}: not a size", "write it as 500M or 2G")
    return int(float(match[1]) * UNITS[match[2].lower()])


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return str(number)
