"""Whether a run can go on, and with what. What refuses a resume does so before anything is written."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from little_loops.compose.project import Project
from little_loops.compose.session import Prepared, RunOptions, engine
from little_loops.compose.wiring import usable_host
from little_loops.errors import JournalError, UserError
from little_loops.fsm.schema import FSMLoop
from little_loops.journal.fold import Replayed, replay
from little_loops.journal.folder import RunFolder
from little_loops.journal.pins import changed_sources, pinned, pinned_loops
from little_loops.machine.effects import Facts, Resume
from little_loops.machine.fold_frames import pointer
from little_loops.machine.snapshot import Acting, Ended, Frame, Interrupted, Snapshot, Stranded
from little_loops.machine.view import View

ASK_EXIT = 75


def find_run(project: Project, reference: str) -> RunFolder:
    """The run of that id, else the newest resumable run of the loop of that name, else its newest run.

    Raises:
        UserError: there is none.
    """
    from little_loops.journal.glance import glance

    store = project.store
    folder = store.find(reference)
    if folder.run_id == reference or folder.run_id.startswith(reference):
        return folder
    for candidate in store.of_loop(reference):
        seen = glance(candidate, None)
        if seen is not None and seen.resumable:
            return candidate
    return folder


def prepare_resume(  # noqa: PLR0913 - what a user may say about a resume, all by keyword
    project: Project,
    folder: RunFolder,
    options: RunOptions,
    *,
    params: Mapping[str, str] | None = None,
    context: Mapping[str, str] | None = None,
    answer: str | None = None,
    take_over: bool = False,
) -> Prepared:
    """A run that can go on.

    Args:
        params: values for declared parameters; data.
        context: values given as code.
        answer: ``retry`` or ``fail``, where a state asks what to do with an interrupted action.
        take_over: the run was started on another machine, and is known to be dead there.

    Raises:
        UserError: it cannot go on; says why and what would help.
    """
    _not_live(project, folder)
    usable_host(options.host)
    replayed = replay(folder)
    snapshot = replayed.snapshot
    if not snapshot.frames:
        raise UserError(f"run {folder.run_id} never started", "start it again with ll-loop run")
    loops = pinned_loops(folder)
    loop = loops.get(snapshot.root.definition)
    if loop is None:
        raise JournalError(f"{folder.loops} does not hold the definition {snapshot.root.definition}")
    _same_machine(folder, replayed, take_over)
    _resumable(folder, snapshot, loops, options)
    answered = _answer(folder, snapshot, loops, answer)
    resume = _opening(loop, options, params or {}, context or {}, answered)
    return Prepared(
        project,
        loop,
        options,
        snapshot=snapshot,
        folder=folder,
        resume=resume,
        cwd=_cwd(project, folder),
        notes=_notes(folder, snapshot),
    )


def _not_live(project: Project, folder: RunFolder) -> None:
    held = project.store.locks.holder(folder.run_id)
    if held is not None:
        raise UserError(
            f"run {folder.run_id} is live (process {held.pid})",
            f"watch it with: ll-loop history {folder.run_id} --follow",
            exit_code=3,
        )


def _same_machine(folder: RunFolder, replayed: Replayed, take_over: bool) -> None:
    writer = (replayed.opening or {}).get("engine") or {}
    there = writer.get("host")
    if take_over or there in (None, socket.gethostname()):
        return
    raise UserError(
        f"run {folder.run_id} was written on {there}; what it started there cannot be ended from here",
        "when you know that it is dead there: ll-loop resume --take-over",
    )


def _resumable(
    folder: RunFolder, snapshot: Snapshot, loops: Mapping[str, FSMLoop], options: RunOptions
) -> None:
    match snapshot.status:
        case Ended(resumable=False, cause=cause):
            raise UserError(
                f"run {folder.run_id} is over ({cause} in state {snapshot.root.state}): nothing to resume",
                f"start a new one with: ll-loop run {snapshot.root.name}",
                exit_code=1,
            )
        case Ended(cause="max_iterations" | "timeout" | "budget_exhausted" as cause):
            _raised(folder, replace_overrides(snapshot, options.overrides), loops, cause)
        case _:
            return


def replace_overrides(snapshot: Snapshot, overrides: Mapping[str, Any]) -> Snapshot:
    """The snapshot as it will be once the options of this resume are in force."""
    return replace(snapshot, overrides={**snapshot.overrides, **overrides})


def _raised(folder: RunFolder, snapshot: Snapshot, loops: Mapping[str, FSMLoop], cause: str) -> None:
    view = View(loops, replace(snapshot, frames=snapshot.frames[:1]), Facts(0.0, snapshot.t))
    frame = snapshot.root
    match cause:
        case "max_iterations" if frame.iteration >= view.step_cap:
            option = "--max-steps" if _counts_steps(view) else "-n"
            flag = f"{option} {frame.iteration + max(10, view.step_cap)}"
            reason = f"its limit of {view.step_cap} steps is used up"
        case "max_iterations" if view.lap_cap is not None and frame.laps >= view.lap_cap:
            flag, reason = (
                f"--max-iterations {frame.laps + 10}",
                f"its limit of {view.lap_cap} laps is used up",
            )
        case "timeout" if view.deadline is not None and snapshot.t > view.deadline:
            more = int((snapshot.t - frame.started) / 1000 + (view.timeout or 60))
            flag, reason = f"--timeout {more}", f"its time limit of {view.timeout:g} s is over"
        case "budget_exhausted" if not snapshot.overrides.get("budget"):
            flag, reason = "--budget KIND=AMOUNT", "its budget is spent"
        case _:
            return
    raise UserError(
        f"run {folder.run_id} cannot go on: {reason}", f"raise it: ll-loop resume {folder.run_id} {flag}"
    )


def _counts_steps(view: View) -> bool:
    """Whether the step cap was written as max_steps, beside which max_iterations means laps."""
    return view.loop.max_steps is not None or view.cap("max_steps") is not None


def _answer(
    folder: RunFolder, snapshot: Snapshot, loops: Mapping[str, FSMLoop], answer: str | None
) -> str | None:
    frame = snapshot.top
    if answer is not None or not _cut_short(snapshot, frame):
        return answer
    state = loops[frame.definition].states[frame.state]
    policy = state.interrupted or loops[frame.definition].interrupted or "retry"
    if policy != "ask":
        return None
    raise UserError(
        f"run {folder.run_id}: the action of state {frame.state} was interrupted; the loop asks what to do",
        f"ll-loop resume {folder.run_id} --interrupted retry (run it again) or --interrupted fail",
        exit_code=ASK_EXIT,
    )


def _cut_short(snapshot: Snapshot, frame: Frame) -> bool:
    match frame.phase:
        case Acting() | Stranded(answer=None):
            return True
        case Interrupted(policy=None):
            return not (isinstance(snapshot.status, Ended) and snapshot.status.cause == "error")
        case _:
            return False


def _opening(
    loop: FSMLoop,
    options: RunOptions,
    params: Mapping[str, str],
    context: Mapping[str, str],
    answer: str | None,
) -> Resume:
    from little_loops.machine.children import WrongBinding, convert

    values: dict[str, Any] = dict(context)
    for name, text in params.items():
        spec = loop.parameters.get(name)
        if spec is None:
            raise UserError(f"loop {loop.name} has no parameter {name!r}")
        try:
            values[name] = convert(name, text, spec)
        except WrongBinding as problem:
            raise UserError(f"loop {loop.name}: {problem}") from None
    overrides = dict(options.overrides)
    if options.host is not None:
        overrides["host"] = options.host
    if options.durability is not None:
        overrides["durability"] = options.durability
    return Resume(
        engine=engine(),
        interrupted="retry" if answer == "retry" else "fail" if answer == "fail" else None,
        context=values,
        data=tuple(pointer(name) for name in params),
        origin={**dict.fromkeys(context, "option"), **dict.fromkeys(params, "param")},
        overrides={
            key: value for key, value in overrides.items() if value is not None and value is not False
        },
    )


def _cwd(project: Project, folder: RunFolder) -> str:
    from little_loops.journal.tail import first_record

    first = first_record(folder.journal) or {}
    recorded = first.get("cwd")
    return str(recorded) if recorded and Path(str(recorded)).is_dir() else str(project.root)


def _notes(folder: RunFolder, snapshot: Snapshot) -> tuple[str, ...]:
    changed = [
        path for frame in snapshot.frames for path in changed_sources(pinned(folder, frame.definition))
    ]
    return tuple(
        f"{path} has changed since; this run goes on with what it started with"
        for path in dict.fromkeys(changed)
    )
