"""N transitions of our engine with a mock action and a real journal; prints the seconds of one.

Started in the Python of this checkout: mock_steps.py COUNT DURABILITY FOLDER CAPTURE. With CAPTURE, the first
step captures that many bytes and every later step reads them.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import projects
from little_loops.compose import Inputs, RunOptions, make_folder, open_project, prepare
from little_loops.journal.append import Writer
from little_loops.journal.pins import pin
from little_loops.machine.effects import ActionResult, Begin, Done, Effect, Outcome, RunAction
from little_loops.machine.snapshot import FRESH
from little_loops.process import StopToken
from little_loops.runtime.clock import SystemClock
from little_loops.runtime.interpreter import World, interpret
from little_loops.runtime.ports import Stop

OK = Done(ActionResult(exit_code=0, output="ok"))
CAPTURE = int(sys.argv[4])
BIG = Done(ActionResult(exit_code=0, output="x" * CAPTURE))


def perform(effect: Effect, stop: Stop) -> Iterator[Outcome]:
    yield BIG if isinstance(effect, RunAction) and effect.state == "big" else OK


def main() -> None:
    count, durability, root = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    shutil.rmtree(root, ignore_errors=True)
    folder = projects.project(root.parent, root.name)
    projects.write_loop(folder, "mock", projects.ping_pong(count, "echo step", capture_bytes=CAPTURE))
    prepared = prepare(open_project(folder), "mock", Inputs(), RunOptions())
    run = make_folder(prepared)
    made = pin(run, prepared.loop)
    begin = Begin(run_id=run.run_id, definition=made.digest, context={})
    assert durability in ("step", "relaxed")
    with Writer(run, FRESH, durability=durability) as journal:
        world = World({made.digest: made.loop}, journal, perform, SystemClock(), StopToken())
        began = time.perf_counter()
        ended = interpret(world, FRESH, begin)
        seconds = time.perf_counter() - began
    assert ended.steps == count, ended.steps
    print(seconds / count)


main()
