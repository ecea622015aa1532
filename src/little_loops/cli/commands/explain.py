"""``explain``: why each transition of a run was taken. Tells what is recorded; judges nothing again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import definitions, output, runs, usage
from little_loops.cli.endblock import end_lines
from little_loops.cli.progress import paint
from little_loops.errors import JournalError, UserError
from little_loops.projections.text import (
    clean,
    count,
    duration,
    elapsed,
    number,
    one_line,
    tokens_of,
    took,
    value_text,
)

if TYPE_CHECKING:
    from little_loops.fsm.schema import FSMLoop
    from little_loops.journal.folder import RunFolder
    from little_loops.projections.counters import Counter
    from little_loops.projections.explain import Attempt, Judgement, Step, Story

SHOWN_LINES = 5
SHOWN_STEPS = 100


@usage.command(
    "explain",
    help="Why a run went as it did: for every step the action and its result, the value that was seen and "
    "where it came from, the verdict, the rule that chose the next state, and the counters before and after; "
    "for the end the cause, what was left, and the command to go on.\n\n"
    "RUN is a run id or the name of a loop (its newest run); STEP the number of one step.",
    examples=[
        ("explain fix", "the newest run of fix"),
        ("explain 7k2m 12", "step 12 of one run, with all details"),
        ("explain 7k2m --last 3", "its last three steps"),
        ("explain 7k2m --json", "all of it, for programs"),
    ],
)
@click.argument("run", required=False, shell_complete=usage.complete_runs)
@click.argument("step", required=False, type=click.IntRange(min=1))
@click.option(
    "--last", type=usage.WHOLE, metavar="N", help=f"The last N steps only ({SHOWN_STEPS}); 0 = all."
)
@click.option("-v", "--verbose", is_flag=True, help="Whole actions and outputs.")
@usage.json_option
def command(run: str | None, step: int | None, last: int | None, verbose: bool, as_json: bool) -> int:
    from little_loops.journal.fold import records
    from little_loops.projections.explain import explain

    store = runs.store()
    folder = runs.one(store, run)
    if not folder.is_started():
        raise UserError(f"{folder.run_id} has not started", f"ll-loop status {folder.run_id}", exit_code=1)
    loops, problem = _loops(folder)
    story = explain(records(folder, whole=False), loops)
    live = store.locks.is_held(folder.run_id)
    if as_json:
        output.say_json(_described(story, _chosen(story, step, last or 0), live))
        return 0
    chosen = _chosen(story, step, SHOWN_STEPS if last is None else last)
    _head(story, live, problem)
    if step is None and len(chosen) < len(story.steps):
        left_out = count(len(story.steps) - len(chosen), "earlier step")
        output.say(output.paint(f"… {left_out}; --last 0 shows all", "dim"))
    for item in chosen:
        output.say()
        for line in _step(item, verbose=verbose or step is not None):
            output.say(line)
    if step is None:
        _end(story, folder, live)
    return 0


def _loops(folder: RunFolder) -> tuple[dict[str, FSMLoop], str | None]:
    from little_loops.journal.pins import pinned_loops

    try:
        return pinned_loops(folder), None
    except JournalError as problem:
        return {}, problem.message


def _chosen(story: Story, step: int | None, last: int) -> list[Step]:
    if step is None:
        return story.steps[-last:]
    if step > len(story.steps):
        raise UserError(
            f"{story.run.run_id} has {count(len(story.steps), 'step')}; there is no step {step}", exit_code=1
        )
    return [story.steps[step - 1]]


# --- text ------------------------------------------------------------------------------------------------


def _head(story: Story, live: bool, problem: str | None) -> None:
    run = story.run
    status = run.status(live)
    output.say(
        f"{output.paint(run.run_id, 'bold')}  loop {clean(run.loop)}  {status}  "
        f"{count(len(story.steps), 'step')}, {duration(run.accumulated_ms)}"
    )
    output.say(output.paint(f"started {runs.moment(run.started_at)}", "dim"))
    for key in run.context:
        where = story.origins.get(key)
        if where and where not in ("loop", "default", "engine"):
            output.say(output.paint(f"context {key} = {value_text(run.context[key], 80)}  ({where})", "dim"))
    if problem:
        output.warning(f"rules and limits cannot be shown: {problem}")
    if story.unfolded:
        output.warning(f"counters cannot be shown: {story.unfolded}")


def _step(step: Step, *, verbose: bool) -> Iterator[str]:
    lead = "  " * step.depth
    took_text = f"  {took(step.took_ms)}" if step.took_ms is not None else ""
    where = f"  (loop {step.loop})" if step.depth else ""
    title = output.paint(f"{lead}step {step.number}  {step.state}", "bold")
    yield title + output.paint(f"{where}  {runs.clock(step.ts)}{took_text}  {step.came}", "dim")
    for row in (*_attempts(step, verbose), *_decision(step), *_notes(step), *_counters(step)):
        label, text = row
        yield f"{lead}  {output.paint(label.ljust(9), 'dim')}{text}"


Row = tuple[str, str]


def _attempts(step: Step, verbose: bool) -> Iterator[Row]:
    for attempt in step.attempts:
        label = "action" if attempt.number == 1 else f"action {attempt.number}"
        lines = clean(attempt.action).splitlines() or [""]
        again = attempt is not step.attempts[0] and attempt.action == step.attempts[0].action
        shown = lines if verbose and not again else [one_line(attempt.action, 160)]
        for n, line in enumerate(shown):
            yield (
                (label if n == 0 else ""),
                output.paint(line, "cyan") + (f"  [{attempt.kind}]" if n == 0 else ""),
            )
        for name, path in attempt.values.items():
            yield "", output.paint(f"{name} = ${{{value_text(path)}}}", "dim")
        yield from _result(attempt, verbose)


def _result(attempt: Attempt, verbose: bool) -> Iterator[Row]:
    if attempt.exit_code is not None:
        kept = f", kept as {attempt.capture}" if attempt.capture else ""
        used = _used(attempt.usage)
        yield "result", f"exit code {attempt.exit_code} after {took(attempt.duration_ms or 0)}{kept}{used}"
    for text in (attempt.output, attempt.stderr):
        lines = [line for line in clean(text).splitlines() if line.strip()]
        shown = lines if verbose else lines[-SHOWN_LINES:]
        if len(lines) > len(shown):
            yield "", output.paint(f"… {len(lines) - len(shown)} lines above", "dim")
        for line in shown:
            yield "", f"│ {line}"
    if attempt.file:
        yield "", output.paint(f"all of it: {attempt.file}", "dim")
    for note in attempt.notes:
        yield "note", one_line(note, 300)


def _used(usage: dict[str, Any]) -> str:
    tokens = tokens_of(usage)
    cost = number(usage.get("cost_usd"))
    return (f", {tokens:,} tokens" if tokens else "") + (f", ${cost:.4f}" if cost else "")


def _decision(step: Step) -> Iterator[Row]:
    judged = step.judgement
    if judged is not None:
        seen = f"{judged.value} ({judged.source})" if judged.value else judged.source
        yield "seen", seen
        details = ", ".join(f"{key} {value_text(item, 80)}" for key, item in judged.details.items())
        verdict = output.paint(judged.verdict, "bold")
        by = "the exit code: 0 yes, 1 no, else error" if _plain(judged) else judged.evaluator
        yield "verdict", f"{verdict}  by {by}" + (f": {details}" if details else "")
    choice = step.choice
    if choice is None:
        yield "next", f"none: {one_line(step.ended, 200)}" if step.ended else "not chosen yet"
        return
    rule = f"{choice.rule}" if choice.rule else choice.via
    because = f"  because {one_line(choice.error, 200)}" if choice.error else ""
    yield "next", f"{output.paint(choice.to, 'bold')}  by {rule}{because}"


def _plain(judged: Judgement) -> bool:
    return judged.evaluator == "default" and judged.value.startswith("exit code")


def _notes(step: Step) -> Iterator[Row]:
    for note in step.notes:
        yield "note", one_line(note, 300)


def _counters(step: Step) -> Iterator[Row]:
    texts = [_counter(item) for item in step.counters]
    if texts:
        yield "counters", output.paint(" · ".join(texts), "dim")


def _counter(item: Counter) -> str:
    after = _amount(item.after, item.unit)
    change = (
        after if item.before in (None, item.after) else f"{_amount(item.before or 0, item.unit)} → {after}"
    )
    return f"{item.name} {change}" + (
        f" of {_amount(item.limit, item.unit)}" if item.limit is not None else ""
    )


def _amount(value: float, unit: str) -> str:
    match unit:
        case "ms":
            return elapsed(value)
        case "usd":
            return f"${value:.4f}"
        case _:
            return f"{value:g}"


def _end(story: Story, folder: RunFolder, live: bool) -> None:
    if live:
        output.say(f"\nIt is still going on: ll-loop history {story.run.run_id} --follow")
        return
    for line in end_lines(story.run, story.end, definitions.nearby(folder.path), explain=False):
        output.say(paint(line))
    left = [item for item in story.left if item.limit is not None]
    if left:
        texts = [
            f"{_amount(item.left or 0, item.unit)} of {_amount(item.limit or 0, item.unit)} {item.name}"
            for item in left
        ]
        output.say(f"{output.paint('  left    ', 'dim')}{' · '.join(texts)}")


# --- JSON ------------------------------------------------------------------------------------------------


def _described(story: Story, steps: list[Step], live: bool) -> dict[str, Any]:
    run = story.run
    out: dict[str, Any] = {
        "run_id": run.run_id,
        "loop": run.loop,
        "status": run.status(live),
        "started_at": run.started_at,
        "duration_ms": run.accumulated_ms,
        "context": run.context,
        "origin": story.origins,
        "steps": [asdict(step) for step in steps],
        "left": [{**asdict(item), "left": item.left} for item in story.left],
        "unfolded": story.unfolded,
    }
    if not live:
        out["end"] = asdict(story.end)
    return out
