"""``test``: one state, once: what it does, what the verdict is, where it would lead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from little_loops import events as ev
from little_loops.cli import definitions, flags, output, running, usage
from little_loops.cli.asking import ask
from little_loops.projections.text import clean, one_line, took

if TYPE_CHECKING:
    from little_loops.compose.simulating import Choose
    from little_loops.fsm.schema import StateConfig

LINES, STDERR_LINES, CHARACTERS = 10, 5, 500


@usage.command(
    "test",
    help="Run one state once, the first if none is named. A shell action really runs (at most its own "
    "timeout, or 120 s); an agent's or a tool's does not: you say how it ends, or --exit-code does.\n\n"
    "Exits 1 when the verdict is an error or not the one expected.",
    examples=[
        ("test fix", "the first state of fix"),
        ("test fix --state repair --exit-code 1", "as if the agent had failed"),
        ("test fix --state check --expect no", "for a script: fails when the verdict is another"),
        ("test each --param path=src/a.py", "with a value for a parameter"),
    ],
)
@click.argument("loop")
@click.argument("input_text", metavar="[INPUT]", required=False)
@click.option("--state", metavar="NAME", help="State to run; the first if none is named.")
@click.option(
    "--exit-code",
    type=int,
    metavar="N",
    help="How an action ends that is not really run: 0, 1, or 2 for an error.",
)
@click.option("--expect", metavar="WORD", help="Verdict, or next state, without which the test has failed.")
@click.option(
    "--builtin", "built_in", is_flag=True, help="The built-in loop, even where the project hides it."
)
@click.option("-v", "--verbose", is_flag=True, help="Whole output.")
@flags.values
@usage.json_option
def command(loop: str, state: str | None, expect: str | None, as_json: bool, **given: Any) -> int:
    from little_loops.compose.inputs import Inputs, context_of
    from little_loops.compose.project import open_project
    from little_loops.compose.trying import state_of, try_state
    from little_loops.process import StopToken

    definitions.project()
    project = open_project()
    definition = project.load(loop, builtin=given["built_in"]).require()
    name = state_of(definition, state)
    body = definition.states[name]
    inputs = Inputs(
        given["input_text"], running.params(given["param"]), running.pairs(given["context"], "--context")
    )
    context_of(definition, inputs, {})
    if not as_json:
        _head(definition.name, name, body)
    if body.action is None and body.evaluate is None:
        return _nothing_to_run(name, body, as_json)
    stop = StopToken()
    with running.signals(stop):
        events = try_state(project, definition, name, inputs, _choose(given["exit_code"], as_json), stop)
    tried = _Tried(name, events)
    if as_json:
        output.say_json(tried.as_json())
    else:
        tried.say(verbose=given["verbose"])
    return tried.judged(expect, quiet=as_json)


def _choose(exit_code: int | None, as_json: bool) -> Choose:
    from little_loops.compose.simulating import Choice

    if exit_code is not None:
        return lambda _view: Choice(exit_code)
    return (lambda _view: Choice(0)) if as_json else ask


def _head(loop: str, name: str, state: StateConfig) -> None:
    from little_loops.diagrams.edges import kind

    output.say(f"{output.paint(f'Testing one state of {one_line(loop)}', 'bold')}\n")
    output.say(f"State: {output.paint(one_line(name), 'bold')} ({kind(state).replace('_', '-')})")


def _nothing_to_run(name: str, state: StateConfig, as_json: bool) -> int:
    from little_loops.diagrams.edges import transitions

    ways = [{"label": label, "to": target} for label, target in transitions(name, state)]
    what = (
        f"runs the loop {state.loop}" if state.loop else "ends the loop" if state.terminal else "only routes"
    )
    if as_json:
        output.say_json({"state": name, "action": None, "does": what, "transitions": ways})
        return 0
    output.say(f"It has no action of its own: it {one_line(what)}.")
    for way in ways:
        output.say(f"  {way['label']} → {one_line(way['to'])}")
    return 0


class _Tried:
    """What came of the state, read from its events."""

    def __init__(self, name: str, events: list[ev.Event]) -> None:
        self.name = name
        self.start = next((e for e in events if isinstance(e, ev.ActionStart)), None)
        self.done = next((e for e in events if isinstance(e, ev.ActionComplete)), None)
        self.verdict = next((e for e in events if isinstance(e, ev.Evaluate)), None)
        self.left = next((e for e in events if isinstance(e, ev.Route | ev.RetryExhausted)), None)
        self.failed = next((e for e in events if isinstance(e, ev.ActionError)), None)
        self.end = next((e for e in events if isinstance(e, ev.LoopComplete)), None)

    @property
    def target(self) -> str | None:
        match self.left:
            case ev.Route(to=to):
                return to
            case ev.RetryExhausted(next=to):
                return to
            case _:
                return None

    @property
    def word(self) -> str | None:
        if self.verdict is not None:
            return self.verdict.verdict
        return "error" if self.failed is not None or (self.done is None and self.end is not None) else None

    @property
    def problem(self) -> str | None:
        if self.failed is not None:
            return self.failed.error
        return self.end.error if self.end is not None else None

    def say(self, *, verbose: bool) -> None:
        if self.start is not None:
            lines = clean(self.start.action).rstrip().splitlines() or [""]
            mark = "✦ " if self.start.is_prompt else ""
            output.say(f"Action: {mark}{output.paint(lines[0], 'cyan')}")
            for line in lines[1:]:
                output.say(f"        {output.paint(line, 'cyan')}")
        if self.done is not None:
            self._result(self.done, verbose)
        if self.verdict is not None:
            self._verdict(self.verdict)
        if self.problem and self.word == "error":
            what = "Could not run:" if self.done is None else "Could not go on:"
            output.say(f"\n{output.paint(what, 'red')} {clean(self.problem)}")
        way = output.paint(self.target, "bold") if self.target else output.paint("no route", "orange")
        output.say(f"\nWould transition: {self.name} → {way}")
        if self.target is None and self.problem and self.word != "error":
            output.say(f"  {clean(self.problem)}")

    def _result(self, done: ev.ActionComplete, verbose: bool) -> None:
        late = " (timed out)" if done.timeout_kind else ""
        output.say(f"\nExit code: {done.exit_code}{late}  {output.paint(took(done.duration_ms), 'dim')}")
        for title, text, most in (("Output", done.output, LINES), ("Stderr", done.stderr, STDERR_LINES)):
            if text and text.strip():
                output.say(f"{title}:")
                for line in _excerpt(clean(text), None if verbose else most):
                    output.say(f"  {line}")

    def _verdict(self, verdict: ev.Evaluate) -> None:
        details = verdict.details or {}
        good = verdict.verdict in ("yes", "target", "progress", "success")
        kind = "default for its action" if verdict.type == "default" else verdict.type
        said = " (simulated)" if details.get("simulated") else ""
        output.say(f"\nEvaluator: {kind}{said}")
        output.say(f"Verdict: {output.paint(verdict.verdict.upper(), 'green' if good else 'orange', 'bold')}")
        shown = {key: value for key, value in details.items() if key != "simulated"}
        for key, value in shown.items():
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            output.say(f"  {key}: {one_line(text, 200)}")

    def as_json(self) -> dict[str, Any]:
        done = self.done
        return {
            "state": self.name,
            "action": self.start.action if self.start else None,
            "exit_code": done.exit_code if done else None,
            "output": (done.output or "") if done else None,
            "stderr": (done.stderr or "") if done else None,
            "evaluator": self.verdict.type if self.verdict else None,
            "verdict": self.word,
            "details": dict(self.verdict.details or {}) if self.verdict else {},
            "next": self.target,
            "error": self.problem,
        }

    def judged(self, expect: str | None, *, quiet: bool) -> int:
        """The exit code of the command."""
        if expect is not None:
            met = expect in (self.word, self.target)
            if not met and not quiet:
                was = self.word or "no verdict"
                output.failure(f"expected {expect}, but it was {was} → {self.target or 'no route'}")
            return 0 if met else 1
        details = (self.verdict.details or {}) if self.verdict else {}
        return 1 if self.word == "error" or "error" in details else 0


def _excerpt(text: str, most: int | None) -> list[str]:
    lines = text.rstrip().splitlines()
    if most is None:
        return lines
    shown = "\n".join(lines[:most])[:CHARACTERS].splitlines()
    left = len(lines) - len(shown)
    return [*shown, output.paint(f"… {left} more lines (-v shows them)", "dim")] if left > 0 else shown
