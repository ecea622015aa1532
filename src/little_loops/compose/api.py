"""The public functions of the package: load, run, resume and simulate a loop from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from little_loops.compose.inputs import Inputs
from little_loops.compose.project import open_project
from little_loops.compose.resuming import find_run, prepare_resume
from little_loops.compose.session import Finished, RunOptions, execute, prepare
from little_loops.compose.simulating import SCENARIOS, Simulated, fixed
from little_loops.compose.simulating import simulate as walk
from little_loops.errors import UserError
from little_loops.fsm.schema import FSMLoop
from little_loops.process import StopToken
from little_loops.runtime.ports import Observer


def load(reference: str | Path, *, project: str | Path | None = None) -> FSMLoop:
    """A loop by name or path.

    Args:
        reference: name of a loop of the project or a built-in one, or path of a file.
        project: folder of the project; the working directory when None.

    Raises:
        LoopNotFound: there is none.
        LoadError: it has errors; the message shows every one in its place.
    """
    return open_project(_path(project)).load(str(reference)).require()


def run(
    reference: str | Path,
    *,
    project: str | Path | None = None,
    params: Mapping[str, str] | None = None,
    context: Mapping[str, str] | None = None,
    options: RunOptions | None = None,
    observers: Sequence[Observer] = (),
) -> Finished:
    """Run a loop until it ends, in this process.

    Args:
        params: values of declared parameters; data.
        context: context values; code, pasted as text.
        options: caps, host, durability, queue.
        observers: hear every event after it was written.

    Returns:
        The run folder, the snapshot at the end and what the end means.

    Raises:
        UserError: the loop or its inputs cannot be used, the scope is held, or the disk refuses.
    """
    prepared = prepare(
        open_project(_path(project)),
        str(reference),
        Inputs(params=params or {}, context=context or {}),
        options or RunOptions(),
    )
    return execute(prepared, StopToken(), tuple(observers))


def resume(
    reference: str,
    *,
    project: str | Path | None = None,
    options: RunOptions | None = None,
    answer: str | None = None,
    observers: Sequence[Observer] = (),
) -> Finished:
    """Go on with a run, given by its id or by the name of its loop.

    Args:
        answer: ``retry`` or ``fail``, where the loop asks what to do with an interrupted action.

    Raises:
        UserError: there is no such run, or it cannot go on.
    """
    opened = open_project(_path(project))
    folder = find_run(opened, reference)
    prepared = prepare_resume(opened, folder, options or RunOptions(), answer=answer)
    return execute(prepared, StopToken(), tuple(observers))


def simulate(
    reference: str | Path,
    scenario: str = "all-pass",
    *,
    cap: int = 20,
    project: str | Path | None = None,
    inputs: Inputs | None = None,
    observers: Sequence[Observer] = (),
) -> Simulated:
    """Walk through a loop with made-up results; starts no process, asks no agent, writes nothing.

    Args:
        scenario: ``all-pass``, ``all-fail``, ``all-error``, ``first-fail`` or ``alternating``.
        cap: steps at most, in the loop and in every sub-loop.
        inputs: input, parameters and context; context values that are missing are made up.

    Returns:
        The snapshot at the end, what the end means, and the names of values that were made up.

    Raises:
        UserError: the loop has errors, a parameter is missing or wrong, or there is no such scenario.
    """
    if scenario not in SCENARIOS:
        raise UserError(f"no scenario {scenario!r}", f"one of {', '.join(SCENARIOS)}")
    opened = open_project(_path(project))
    loaded = opened.load(str(reference))
    return walk(opened, loaded, inputs or Inputs(), fixed(scenario), cap, tuple(observers))


def _path(project: str | Path | None) -> Path | None:
    return None if project is None else Path(project)
