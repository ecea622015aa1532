"""``status``: how runs are doing. Reads the ends of journals and the locks; changes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from little_loops.cli import definitions, output, runs, usage
from little_loops.cli.runs import Run
from little_loops.errors import UserError
from little_loops.journal.folder import RunStore
from little_loops.projections.text import ago, clean, duration, one_line
from little_loops.projections.timeline import line

COLOURS = {"running": "green", "completed": "green", "failed": "red", "timed_out": "red"}
LABEL = 16


@usage.command(
    "status",
    help="How a run is doing: RUN is a run id (or a part of it that is enough) or the name of a loop.\n\n"
    "Of a loop, all its live runs are shown, else the last one. Without RUN: everything that is going on, "
    "else the last run.",
    examples=[
        ("status", "what is going on"),
        ("status fix", "the live runs of fix, or its last one"),
        ("status 7k2m --json", "one run, for programs"),
    ],
)
@click.argument("run", required=False, shell_complete=usage.complete_runs)
@usage.json_option
def command(run: str | None, as_json: bool) -> int:
    store = runs.store()
    chosen = _chosen(store, run)
    if as_json:
        whole = [_described(runs.wholly(item.folder, item.held)) for item in chosen]
        if len(whole) > 1:
            for told in whole:
                told["instance_id"] = told["run_id"]
                told.pop("last_event", None)
        output.say_json(whole[0] if len(whole) == 1 else whole)
        return 0
    for number, item in enumerate(chosen, 1):
        if len(chosen) > 1:
            output.say(("\n" if number > 1 else "") + output.paint(f"[{number}] {item.run_id}", "bold"))
        for label, text in _rows(item):
            output.say(f"{output.paint(f'{label}:'.ljust(LABEL), 'dim')}{text}")
    return 0


def _chosen(store: RunStore, reference: str | None) -> list[Run]:
    if reference is not None:
        return runs.found(store, reference)
    live = store.locks.held()
    if live:
        return [runs.briefly(store.folder(one.run_id), one) for one in live]
    newest = next((folder for folder in store.folders() if folder.is_started()), None)
    if newest is None:
        raise UserError(f"no run in {store.runs}", "start one with: ll-loop run LOOP", exit_code=1)
    return [runs.briefly(newest, None)]


# --- text ------------------------------------------------------------------------------------------------


def _rows(run: Run) -> Iterator[tuple[str, str]]:
    summary = run.summary
    status = run.status
    yield "Run", run.run_id
    yield "Loop", clean(run.loop)
    yield "Status", output.paint(status, COLOURS.get(status, "yellow"), "bold")
    if run.held is not None and run.held.waiting_for:
        yield "Waits for", ", ".join(run.held.waiting_for)
    if summary.started_at:
        yield from _progress(run)
    yield from _process(run)
    yield from _log(run)
    if summary.continuation:
        yield "Continuation", clean(summary.continuation)[:200]
    if run.held is None:
        yield from _end(run)


def _progress(run: Run) -> Iterator[tuple[str, str]]:
    summary = run.summary
    limits = run.limits()
    yield "Current state", " > ".join(summary.path) if len(summary.path) > 1 else summary.state
    yield "Iteration", f"{summary.iteration} of {limits.steps}" if limits.steps else str(summary.iteration)
    yield "Started", runs.moment(summary.started_at)
    yield "Updated", f"{runs.moment(summary.updated_at)} ({_ago(summary.updated_at)})"
    yield "Running time", duration(summary.accumulated_ms)


def _ago(ts: str) -> str:
    moment = runs.parsed_time(ts)
    return ago(time.time() - moment.timestamp()) if moment else "?"


def _process(run: Run) -> Iterator[tuple[str, str]]:
    pid = run.held.pid if run.held else run.summary.engine.get("pid")
    if run.held is not None:
        yield "PID", f"{pid} (running)"
    elif run.summary.cause is None and pid:
        yield "PID", f"{pid} (stale: the process is gone)"


def _log(run: Run) -> Iterator[tuple[str, str]]:
    log = run.folder.path / "log"
    if log.is_file():
        yield "Log", str(definitions.nearby(log))
        yield "Log updated", ago(time.time() - log.stat().st_mtime)
    else:
        yield "Log", "(not found)"
    yield "Journal", str(definitions.nearby(run.folder.journal))
    last = _last_event(run, log)
    if last:
        yield (
            "Last event",
            output.cut(last, max(20, output.width() - LABEL)) if output.on_terminal() else last,
        )


def _last_event(run: Run, log: Path) -> str:
    last = _last_line(log)
    if last or not run.summary.record:
        return last
    shown = line(run.summary.record, runs.clock)
    return one_line(f"{shown.event} {shown.detail}")


def _last_line(log: Path) -> str:
    """The last line of a log that says something."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8192))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return next((clean(one).strip() for one in reversed(text.splitlines()) if one.strip()), "")


def _end(run: Run) -> Iterator[tuple[str, str]]:
    if not run.summary.started_at:
        return
    end = run.ending()
    yield "End", one_line(end.headline, 400)
    if end.command:
        yield "Next", f"{end.advice} {output.paint(end.command, 'bold')}".strip()
        changed = runs.changed_since(run.folder, run.summary.definition) if run.summary.can_resume else []
        if changed:
            yield "Note", f"{', '.join(changed)} changed since; a resume uses what the run started with"


# --- JSON ------------------------------------------------------------------------------------------------


def _described(run: Run) -> dict[str, Any]:
    out = run.summary.as_json(run.status)
    log = run.folder.path / "log"
    out["run_id"] = run.run_id
    out["loop_name"] = run.loop
    out["pid"] = run.held.pid if run.held else None
    out["pid_source"] = "lock_file" if run.held else None
    out["log_file"] = str(log) if log.is_file() else None
    out["log_updated_ago"] = ago(time.time() - log.stat().st_mtime) if log.is_file() else None
    out["last_event"] = _last_event(run, log) or None
    out["run_dir"] = str(run.folder.path)
    if run.held is not None and run.held.waiting_for:
        out["waiting_for"] = list(run.held.waiting_for)
    if run.held is None and run.summary.started_at:
        end = run.ending()
        out["why"] = end.headline
        out["next_command"] = end.command
    return out
