"""``stop``: ask live and waiting runs to end, and see to it that they do. A stopped run can be resumed."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import click

from little_loops.cli import output, runs, usage
from little_loops.errors import UserError
from little_loops.journal.folder import RunStore
from little_loops.journal.lock import Held
from little_loops.journal.waiting import await_release

WAIT_S = 10.0
KILL_WAIT_S = 2.0


@usage.command(
    "stop",
    help="Stop runs: RUN is a run id or the name of a loop (all its live runs).\n\n"
    "A run is asked to end and has 10 seconds; its action is ended with it. What is done is kept: "
    "'ll-loop resume RUN' goes on.",
    examples=[
        ("stop fix", "every live run of fix"),
        ("stop 7k2m", "one run"),
        ("stop --all", "everything that is going on in this project"),
    ],
)
@click.argument("run", required=False, shell_complete=usage.complete_runs)
@click.option("--all", "every", is_flag=True, help="All live and waiting runs.")
@click.option(
    "--wait",
    type=usage.SECONDS,
    default=WAIT_S,
    metavar="TIME",
    help="Time to end by itself (10).",
)
@usage.json_option
def command(run: str | None, every: bool, wait: float, as_json: bool) -> int:
    if (run is None) == (not every):
        raise UserError(
            "say which run: a run id, the name of a loop, or --all", "ll-loop status shows what is going on"
        )
    store = runs.store()
    live = _live(store, run)
    for held in live:
        _request(held)
    until = time.monotonic() + wait
    told = [_ended(store, held, until) for held in live]
    if as_json:
        output.say_json(told)
        return 0
    for item in told:
        how = "was killed; it did not end by itself" if item["killed"] else "stopped"
        output.say(f"{item['loop']} {how}  ({item['run_id']})")
    if told:
        output.say(output.paint(f"go on with: ll-loop resume {told[0]['run_id']}", "dim"))
    return 0


def _live(store: RunStore, reference: str | None) -> list[Held]:
    live = store.locks.held()
    if reference is None:
        chosen = live
    else:
        chosen = [one for one in live if one.loop == reference]
        if not chosen:
            folder = store.find(reference)
            chosen = [one for one in live if one.run_id == folder.run_id]
            if not chosen:
                raise UserError(
                    f"{folder.run_id} is not running", f"ll-loop status {folder.run_id}", exit_code=1
                )
    if not chosen:
        raise UserError("no run is going on", "ll-loop history lists past runs", exit_code=1)
    return chosen


def _request(held: Held) -> None:
    if _is_it(held):
        os.kill(held.pid, signal.SIGTERM)


def _is_it(held: Held) -> bool:
    """Whether the process that took the lock is still the one with that number."""
    from little_loops.process import identity

    now = identity(held.pid) if held.pid > 0 else None
    return now is not None and (not held.started or now.started == held.started)


def _ended(store: RunStore, held: Held, until: float) -> dict[str, Any]:
    """Wait for the end of a run; kill what does not end, and what it left behind."""
    file = store.locks.folder / f"{held.run_id}.lock"
    killed = False
    if not await_release(file, None, max(0.0, until - time.monotonic())) and _is_it(held):
        from little_loops.process import sweep

        output.warning(f"{held.run_id} does not end; killing it")
        os.kill(held.pid, signal.SIGKILL)
        await_release(file, None, KILL_WAIT_S)
        sweep(held.run_id)
        killed = True
    return {"run_id": held.run_id, "loop": held.loop, "pid": held.pid, "killed": killed}
