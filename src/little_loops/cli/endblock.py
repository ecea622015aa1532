"""The last lines of a run: the way it took and, where it did not succeed, why that is and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from little_loops.cli.narrator import Piece, Said
from little_loops.projections.ending import Ending
from little_loops.projections.path import path_text
from little_loops.projections.summary import Act, Summary
from little_loops.projections.text import clean, count, duration, one_line

OUTPUT_LINES = 15
REASON_LINES = 40


def end_lines(run: Summary, end: Ending, folder: Path | None, *, explain: bool = True) -> Iterator[Said]:
    """The lines of a run that has ended.

    Args:
        run: the run.
        end: its ending.
        folder: the run folder, for naming the file with the whole output.
        explain: whether to name the command that explains the run.
    """
    yield ()
    word = "completed" if run.cause == "terminal" else "ended"
    colour = "green" if end.good else "orange"
    about = f" ({count(run.iteration, 'iteration')}, {duration(run.accumulated_ms)})"
    cause = "" if end.good else f" [{end.cause}]"
    yield Piece(f"Loop {word}: "), Piece(run.state, (colour, "bold")), Piece(about), Piece(cause, (colour,))
    if run.way:
        yield Piece("Path: ", ("dim",)), Piece(path_text(run.way))
    spent = _spent(run)
    if spent:
        yield Piece("Used: ", ("dim",)), Piece(spent)
    if not end.good:
        yield ()
        yield from _failure(run, end, folder)
        if explain:
            yield _row("", "What led here:")
            yield _row("", f"  ll-loop explain {run.run_id}")
    elif explain:
        yield Piece("Why:  ", ("dim",)), Piece(f"ll-loop explain {run.run_id}", ("dim",))


def _failure(run: Summary, end: Ending, folder: Path | None) -> Iterator[Said]:
    act = _told(run)
    if act is not None:
        state, step, attempt = act.place
        last = "" if act.place == run.acted else ", the last that did not go well"
        yield _row("state", f"{state} (step {step}{f', attempt {attempt}' if attempt > 1 else ''}{last})")
        yield from _verdict(act)
        yield from _output(act, folder)
    first, *rest = clean(end.headline).splitlines() or [""]
    yield _row("why", first)
    for line in rest[:REASON_LINES]:
        yield _row("", f"│ {line}")
    if len(rest) > REASON_LINES:
        yield _row("", f"│ … {len(rest) - REASON_LINES} more lines")
    if end.command:
        yield _row("next", end.advice)
        yield _row("", f"  {end.command}", "bold")
    if end.otherwise[0]:
        yield _row("", end.otherwise[0])
        yield _row("", f"  {end.otherwise[1]}")


def _told(run: Summary) -> Act | None:
    """The action that says most: the last one, unless that went well and an earlier one did not."""
    if run.acted is None:
        return None
    went_well = run.outcome is not None and not run.outcome.get("exit_code") and run.judged is None
    if went_well and run.trouble is not None and run.cause != "signal":
        return run.trouble
    return Act(run.acted, run.outcome, run.judged)


def _verdict(act: Act) -> Iterator[Said]:
    parts: list[str] = []
    if act.judged is not None:
        parts.append(str(act.judged.get("verdict", "?")))
        reason = act.judged.get("error") or act.judged.get("reason")
        if reason:
            parts.append(one_line(str(reason), 300))
    if act.outcome is not None:
        parts.append(f"exit code {act.outcome.get('exit_code')}")
        if act.outcome.get("timeout_kind"):
            parts.append(f"ended by its {act.outcome['timeout_kind']} limit")
        if act.outcome.get("stopped"):
            parts.append(f"stopped by {act.outcome['stopped']}")
    else:
        parts.append("its action did not finish")
    yield _row("verdict" if act.judged is not None else "result", " · ".join(parts))


def _output(act: Act, folder: Path | None) -> Iterator[Said]:
    record = act.outcome or {}
    for label, text in (
        ("output", record.get("output") or record.get("output_preview")),
        ("errors", record.get("stderr")),
    ):
        lines = [line for line in clean(str(text or "")).splitlines() if line.strip()]
        for n, line in enumerate(lines[-OUTPUT_LINES:]):
            yield _row(label if n == 0 else "", f"│ {line}")
    whole = _file(act, folder)
    if whole is not None:
        yield _row("", f"all of it: {whole}", "dim")


def _file(act: Act, folder: Path | None) -> Path | None:
    if folder is None:
        return None
    _, step, attempt = act.place
    stem = f"{step:04}" + (f"-{attempt}" if attempt > 1 else "")
    for ending in (".out", ".err"):
        place = folder / "output" / (stem + ending)
        if place.is_file():
            return place
    return None


def _row(label: str, text: str, *styles: str) -> Said:
    return Piece(f"  {label:<8}", ("dim",)), Piece(text, styles)


def _spent(run: Summary) -> str:
    parts: list[str] = []
    if run.spent.get("agent_calls"):
        parts.append(count(int(run.spent["agent_calls"]), "agent call"))
    if run.spent.get("tokens"):
        parts.append(f"{int(run.spent['tokens']):,} tokens")
    if run.spent.get("usd"):
        parts.append(f"${run.spent['usd']:.4f}")
    return ", ".join(parts)
