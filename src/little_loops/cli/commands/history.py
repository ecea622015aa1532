"""``history``: past runs, and the records of one run. Shows what is written; folds and judges nothing."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from little_loops.cli import output, runs, usage
from little_loops.errors import JournalError, UserError
from little_loops.journal.folder import RunFolder, RunStore
from little_loops.journal.glance import Glance, glances
from little_loops.journal.tail import backwards
from little_loops.projections import timeline
from little_loops.projections.text import Record, clean, count, duration
from little_loops.projections.timeline import Filter, Tone, seconds_of

EVENTS = 50
RUNS = 50
TONES: dict[Tone, tuple[str, ...]] = {
    "": (), "good": ("green",), "bad": ("orange",), "mild": ("dim",), "head": ("bold",)
}  # fmt: skip
COLOURS = {"completed": "green", "running": "green", "failed": "red", "timed_out": "red", "unreadable": "red"}


@usage.command(
    "history",
    help="Past runs, newest first; or, of one run, what happened, a line per record.\n\n"
    "WHAT is the name of a loop (its runs are listed) or a run. Filters are applied first, --tail last.",
    examples=[
        ("history", "all runs"),
        ("history fix", "runs of the loop fix"),
        ("history 7k2m", "the last records of one run"),
        ("history 7k2m -n 0 -v", "all of them, with what the actions printed"),
        ("history 7k2m -e route --json", "its transitions, for programs"),
        ("history fix latest --follow", "watch the newest run of fix; Ctrl-C leaves it running"),
    ],
)
@click.argument("what", required=False, shell_complete=usage.complete_runs)
@click.argument("run", required=False)
@click.option("-n", "--tail", type=usage.WHOLE, metavar="N", help="The last N only (50); 0 = all.")
@click.option("-v", "--verbose", is_flag=True, help="Printed lines, previews, prompts and answers too.")
@click.option("--full", is_flag=True, help="Everything the actions printed; implies -v.")
@click.option("-e", "--event", metavar="NAME", help="Records of this kind only.")
@click.option("-s", "--state", metavar="NAME", help="Records that name this state only.")
@click.option("-S", "--since", metavar="AGE", help="Records of the last 45s, 30m, 1h, 2d.")
@click.option("-f", "--follow", is_flag=True, help="Go on while the run goes on.")
@usage.json_option
def command(
    what: str | None,
    run: str | None,
    tail: int | None,
    as_json: bool,
    **asked: Any,
) -> int:
    since = _since(asked["since"])
    store = runs.store()
    folder = _one(store, what, run, **asked)
    if folder is None:
        return _list(store, what, tail, as_json)
    shown = _Shown(folder, as_json, asked["verbose"] or asked["full"], asked["full"])
    wanted = Filter(
        asked["event"], asked["state"], since, output=shown.verbose or as_json
    )  # fmt: skip
    last = 0
    for record in _selected(shown, wanted, EVENTS if tail is None else tail):
        shown.take(record)
        last = record.get("seq", last)
    if asked["follow"]:
        _follow(store, shown, wanted, last)
    shown.close()
    return 0


def _one(store: RunStore, what: str | None, run: str | None, **asked: Any) -> RunFolder | None:
    """The run whose records are wanted; None = a list of runs is."""
    if run is not None:
        return _of_loop(store, what or "", run)
    if what is None:
        return None
    if next(store.of_loop(what), None) is None:
        try:
            return store.run(what)
        except UserError:
            if store.folders() and not _is_loop(what):
                raise
            return None
    if asked["follow"] or asked["event"] or asked["state"] or asked["since"]:
        return store.find(what)
    return None


def _is_loop(name: str) -> bool:
    """Whether a loop of that name exists, though it was never run."""
    from little_loops.cli import definitions
    from little_loops.errors import LoadError

    try:
        definitions.found(name, definitions.project())
    except LoadError:
        return False
    return True


def _of_loop(store: RunStore, loop: str, run: str) -> RunFolder:
    if run == "latest":
        newest = next(store.of_loop(loop), None)
        if newest is None:
            raise store.unknown(loop)
        return newest
    folder = store.run(run)
    name = store.loop_of(folder)
    if name != loop:
        raise UserError(
            f"{folder.run_id} is a run of {name}, not of {loop}",
            f"ll-loop history {folder.run_id}",
            exit_code=1,
        )
    return folder


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    seconds = seconds_of(text)
    if seconds is None:
        raise UserError(f"--since {text}: not a time", "write it as 45s, 30m, 1h or 2d")
    return datetime.fromtimestamp(time.time() - seconds, UTC)


# --- list of runs -----------------------------------------------------------------------------------------


def _list(store: RunStore, loop: str | None, tail: int | None, as_json: bool) -> int:
    folders = store.folders() if loop is None else list(store.of_loop(loop))
    most = tail or (None if as_json or tail == 0 else RUNS)
    seen = glances(folders[:most], store.locks.held())
    if as_json:
        output.say_json([_described(run) for run in seen])
        return 0
    if not seen:
        output.say(f"No runs of {loop}." if loop else "No runs.")
        return 0
    output.table([_row(run) for run in seen], right=(3, 4))
    older = len(folders) - len(folders[:most])
    if older:
        output.say(output.paint(f"… {count(older, 'older run')}; -n 0 shows all", "dim"))
    if output.on_terminal():
        output.say(output.paint(f"\nll-loop history {seen[0].folder.run_id}  shows what happened", "dim"))
    return 0


def _row(run: Glance) -> tuple[str, ...]:
    return (
        run.folder.run_id,
        output.paint(run.status, COLOURS.get(run.status, "yellow")),
        runs.moment(run.started) if run.started else "-",
        f"{run.iteration} iters",
        duration(run.t) if run.started else "-",
    )


def _described(run: Glance) -> dict[str, Any]:
    out: dict[str, Any] = {
        "run_id": run.folder.run_id,
        "status": run.status,
        "started_at": run.started,
        "iterations": run.iteration,
        "duration_ms": run.t,
        "loop": run.loop,
        "state": run.state,
        "terminated_by": run.end.get("terminated_by") if run.end else None,
        "resumable": run.resumable,
    }
    if run.problem:
        out["problem"] = run.problem
    return out


# --- records of one run -------------------------------------------------------------------------------------


def _selected(shown: _Shown, wanted: Filter, most: int) -> Iterable[Record]:
    """The records that are wanted, oldest first."""
    if not shown.folder.is_started():
        return ()
    if most == 0 or shown.full:
        chosen = (record for record in shown.every() if wanted.takes(record))
        return chosen if most == 0 else deque(chosen, maxlen=most)
    found: list[Record] = []
    for record in backwards(shown.folder.journal, output=wanted.output or wanted.event is not None):
        if wanted.takes(record):
            found.append(record)
        if len(found) == most or _too_old(record, wanted):
            break
    return reversed(found)


def _too_old(record: Record, wanted: Filter) -> bool:
    """An hour of slack, for a wall clock that was set back meanwhile."""
    if wanted.since is None:
        return False
    return datetime.fromisoformat(record["ts"]).timestamp() < wanted.since.timestamp() - 3600


class _Shown:
    """Prints records as they were asked for."""

    def __init__(self, folder: RunFolder, as_json: bool, verbose: bool, full: bool) -> None:
        self.folder = folder
        self.as_json = as_json
        self.verbose = verbose
        self.full = full
        self.streaming = False
        self._gathered: list[dict[str, Any]] = []
        self._files: dict[int, Path] = {}

    def every(self) -> Iterator[Record]:
        """All records, checked line by line."""
        from little_loops.journal.fold import records

        steps, attempt = 0, 1
        for record in records(self.folder, whole=False):
            match record["event"]:
                case "state_enter":
                    steps += 1
                case "action_start":
                    attempt = record.get("attempt", 1)
                case "action_complete" if self.full:
                    self._files[record["seq"]] = self._file(steps, attempt)
            yield record

    def _file(self, step: int, attempt: int) -> Path:
        stem = f"{step:04}" + (f"-{attempt}" if attempt > 1 else "")
        return self.folder.output / stem

    def take(self, record: Record) -> None:
        """Print one record."""
        if self.as_json:
            told = {**record, "run_id": self.folder.run_id}
            if self.streaming:
                output.say_json_line(told)
            else:
                self._gathered.append(told)
            return
        line = timeline.line(record, runs.clock, verbose=self.verbose)
        text = line.text()
        if output.on_terminal() and not self.verbose:
            text = output.cut(text, output.width())
        output.say(output.paint(text, *TONES[line.tone]))
        self._below(record, line)
        if self.streaming:
            output.flush()

    def _below(self, record: Record, line: timeline.Line) -> None:
        lead = " " * 10 + "  " * line.depth
        stem = self._files.get(record.get("seq", 0))
        if stem is None:
            for text in line.more:
                output.say(output.paint(f"{lead}│ {text}", "dim"))
            return
        for ending in (".out", ".err"):
            for text in _content(stem.with_name(stem.name + ending)):
                output.say(f"{lead}│ {text}")

    def close(self) -> None:
        """Print what had to wait for the end."""
        if self.as_json and not self.streaming:
            output.say_json(self._gathered)


def _content(file: Path) -> Iterator[str]:
    try:
        with file.open("r", encoding="utf-8", errors="replace") as text:
            for line in text:
                yield clean(line.rstrip("\r\n"))
    except FileNotFoundError:
        return
    except OSError as problem:
        raise JournalError(f"cannot read {file}: {problem.strerror}") from problem


def _follow(store: RunStore, shown: _Shown, wanted: Filter, last: int) -> None:
    """Show further records until the run ends; an interrupt leaves it alone."""
    from little_loops.journal.follow import follow

    if shown.as_json:
        for record in shown._gathered:
            output.say_json_line(record)
    shown.streaming = True
    output.flush()
    run_id = shown.folder.run_id
    with contextlib.suppress(KeyboardInterrupt):
        for record in follow(shown.folder, lambda: store.locks.is_held(run_id), after=last):
            if wanted.takes(record):
                shown.take(record)
