"""Why a run ended as it did, and the exact command that goes on. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from little_loops.projections.summary import Summary, status_word
from little_loops.projections.text import elapsed, number

_CAPS = ("max_iterations", "max_steps", "max_edge_revisits", "timeout")
DEFAULT_STEPS = 50
DEFAULT_EDGE = 100


@dataclass(frozen=True, slots=True)
class Caps:
    """The limits in force for the root loop; None = none. ``timeout`` in seconds."""

    steps: int | None = None
    laps: int | None = None
    edge: int | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run stands now that no process holds it.

    Attributes:
        status: word of the lists.
        cause: ``terminated_by``, or ``dead`` where the run never ended.
        good: whether the run did what it was for.
        headline: one sentence: what happened.
        advice: one sentence on the command, or empty.
        command: what to type to go on, or to start again; None when all is well.
        otherwise: another command with what it is for, or empty.
    """

    status: str
    cause: str
    good: bool
    headline: str
    advice: str
    command: str | None
    otherwise: tuple[str, str] = ("", "")


def caps(definition: Mapping[str, Any] | None, overrides: Mapping[str, Any]) -> Caps:
    """The root's limits: of the command line where given, else of the definition (as ``to_dict`` gives it).

    A definition that is not at hand leaves what only it knows at None.
    """
    overrides = {key: value for key, value in overrides.items() if key in _CAPS and number(value) > 0}
    if definition is None:
        steps = overrides.get("max_steps", overrides.get("max_iterations"))
        return Caps(steps, None, overrides.get("max_edge_revisits"), overrides.get("timeout"))
    written = overrides.get("max_iterations", definition.get("max_iterations"))
    beside = overrides.get("max_steps", definition.get("max_steps"))
    return Caps(
        steps=beside if beside is not None else written or DEFAULT_STEPS,
        laps=written if beside is not None else None,
        edge=overrides.get("max_edge_revisits", definition.get("max_edge_revisits", DEFAULT_EDGE)),
        timeout=overrides.get("timeout", definition.get("timeout")),
    )


def ending(run: Summary, limits: Caps) -> Ending:
    """The ending of a run that no process holds."""
    cause = run.cause or "dead"
    headline, flags, advice = _CAUSES.get(cause, _unknown)(run, limits)
    command = f"ll-loop resume {run.run_id}{flags}" if run.can_resume else None
    good = cause == "terminal" and not run.failure_terminal
    if command is None and not good:
        command, advice = f"ll-loop run {run.loop}", "It cannot be resumed; start again:"
    status = status_word(run.cause, failure=run.failure_terminal, resumable=run.resumable)
    otherwise = ("", "")
    if cause in ("error", "cycle_detected", "stall_detected") and run.can_resume and not run.in_place:
        otherwise = (
            "A resume keeps the definition it began with. After changing the loop:",
            f"ll-loop run {run.loop}",
        )
    return Ending(status, cause, good, headline, advice, None if good else command, otherwise)


_Told = tuple[str, str, str]
"""Headline, flags of the resume, advice."""


def _terminal(run: Summary, limits: Caps) -> _Told:
    if run.failure_terminal:
        return f"It reached {run.state}, an end that counts as a failure.", "", ""
    return f"It reached {run.state}.", "", ""


def _error(run: Summary, limits: Caps) -> _Told:
    error = (run.error or "").removeprefix(f"state {run.state}: ")
    why = f": {error}" if error else "."
    again = f"enter {run.state} again:"
    if run.in_place:
        return f"The state {run.state} could not be recorded{why}", "", "Remove the obstacle, then go on:"
    return f"The state {run.state} could not go on{why}", "", f"Remove the cause, then {again}"


def _max_iterations(run: Summary, limits: Caps) -> _Told:
    if limits.laps is not None and limits.steps is not None and run.iteration < limits.steps:
        flag = f" --max-iterations {limits.laps * 2}"
        return f"All {limits.laps} laps are done.", flag, "Allow more laps to go on:"
    cap = limits.steps or run.iteration
    flag = f" --max-{'steps' if limits.laps is not None else 'iterations'} {cap * 2}"
    said = f"All {cap} steps were used before an end was reached; next would have been {run.state}."
    return said, flag, "Allow more steps to go on from there:"


def _timeout(run: Summary, limits: Caps) -> _Told:
    flag = f" --timeout {int(limits.timeout * 2)}" if limits.timeout else " --timeout SECONDS"
    said = f"The time of {elapsed(limits.timeout * 1000)} was up" if limits.timeout else "The time was up"
    return f"{said} in {run.state}.", flag, "Allow more time to go on from there:"


def _cycle(run: Summary, limits: Caps) -> _Told:
    record = run.cycle or {}
    edge, count = record.get("edge", "a transition"), record.get("count", "too many")
    flag = f" --max-edge-revisits {int(number(record.get('max'), limits.edge or 100)) * 2}"
    said = f"The transition {edge} was taken {count} times; {record.get('max', limits.edge)} are allowed."
    return said, flag, f"If that is no endless loop, allow more and enter {run.state} again:"


def _stall(run: Summary, limits: Caps) -> _Told:
    said = f"{run.state} gave the same result again and again."
    return said, "", f"Change something, then enter {run.state} again:"


def _budget(run: Summary, limits: Caps) -> _Told:
    return f"The budget is spent (in {run.state}).", " --budget KIND=AMOUNT", "Allow more to go on:"


def _signal(run: Summary, limits: Caps) -> _Told:
    by = run.signal or "an output line LOOP_STOP:"
    return f"It was stopped by {by} in {run.state}.", "", "Go on where it stopped:"


def _handoff(run: Summary, limits: Caps) -> _Told:
    return f"{run.state} handed over to a fresh session.", "", "Go on with it:"


def _dead(run: Summary, limits: Caps) -> _Told:
    return f"The process that ran it is gone; it was in {run.state}.", "", "Go on where it was cut off:"


def _unknown(run: Summary, limits: Caps) -> _Told:
    return f"It ended with {run.cause} in {run.state}.", "", "Go on:"


_CAUSES: Mapping[str, Callable[[Summary, Caps], _Told]] = {
    "terminal": _terminal,
    "error": _error,
    "max_iterations": _max_iterations,
    "timeout": _timeout,
    "cycle_detected": _cycle,
    "stall_detected": _stall,
    "budget_exhausted": _budget,
    "signal": _signal,
    "handoff": _handoff,
    "dead": _dead,
}
