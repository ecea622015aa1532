"""What a simulated walk says: events in, lines and a summary out. Decides nothing about the walk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from little_loops import events as ev
from little_loops.cli import output
from little_loops.projections.text import one_line

if TYPE_CHECKING:
    from little_loops.compose.simulating import Simulated


class Walk:
    """Tells the walk step by step, and counts what it came by."""

    def __init__(self, cap: int, scenario: str | None, *, quiet: bool) -> None:
        self.cap = cap
        self.scenario = scenario
        self.say: Callable[[str], None] = (lambda _text: None) if quiet else output.say
        self.visited: list[str] = []
        self.actions: Counter[tuple[str, str]] = Counter()
        self.steps: list[dict[str, Any]] = []
        self.last: ev.LoopComplete | None = None

    def head(self, name: str) -> str:
        how = f"scenario {self.scenario}" if self.scenario else "you say how every action ends"
        return f"{output.paint(f'Simulating {one_line(name)}', 'bold')}: {how}; nothing is executed\n"

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        """Nothing real is ever printed."""

    def heard(self, event: ev.Event) -> None:
        """Tell one event."""
        indent = "  " * event.depth
        for line in self._lines(event):
            self.say(indent + line)
        output.flush()

    def _lines(self, event: ev.Event) -> list[str]:  # noqa: C901, PLR0912 - one case an event
        match event:
            case ev.LoopStart(depth=0):
                return [self.head(event.loop)]
            case ev.LoopStart():
                return [f"{output.paint('↳', 'cyan')} loop {one_line(event.loop)}"]
            case ev.StateEnter():
                self.visited.append(event.state)
                self.steps.append({"state": event.state, "depth": event.depth})
                cap = f"/{self.cap}" if not event.depth else ""
                return [
                    f"{output.paint(f'[{event.iteration}{cap}]', 'dim')} {output.paint(event.state, 'bold')}"
                ]
            case ev.ActionStart():
                return [self._action(event)]
            case ev.ActionComplete():
                return [f"       exit code {event.exit_code}"]
            case ev.ActionError():
                return [f"       {output.paint('could not start', 'red')}: {one_line(event.error)}"]
            case ev.Evaluate():
                return [self._verdict(event)]
            case ev.Route():
                return [self._route(event)]
            case ev.RetryExhausted():
                return [f"       tried {event.retries} times in a row -> {event.next}"]
            case ev.CycleDetected():
                return [f"       {event.edge} was taken {event.count} times, {event.max} are allowed"]
            case ev.StallDetected():
                return [f"       the same result {event.consecutive} times: {event.action}"]
            case ev.ThrottleHard():
                return [f"       {event.count} actions in one stay: too many"]
            case ev.LoopComplete():
                return self._end(event)
            case _:
                return []

    def _action(self, event: ev.ActionStart) -> str:
        text = one_line(event.action)
        mark = "✦ " if event.is_prompt else ""
        self.actions["prompt" if event.is_prompt else "shell", text] += 1
        self.steps[-1].update(action=event.action, is_prompt=event.is_prompt)
        shown = output.cut(text, max(output.width() - 12, 20)) if output.on_terminal() else text
        return f"    -> {mark}{output.paint(shown, 'cyan')}"

    def _verdict(self, event: ev.Evaluate) -> str:
        good = event.verdict in ("yes", "target", "success", "progress")
        self.steps[-1].update(evaluator=event.type, verdict=event.verdict)
        word = output.paint(event.verdict.upper(), "green" if good else "orange", "bold")
        return f"       {event.type}: {word}"

    def _route(self, event: ev.Route) -> str:
        self.steps[-1]["next"] = event.to
        why = event.verdict or event.via
        error = f" ({event.error})" if event.error else ""
        return f"       -> {output.paint(event.to, 'bold')} {output.paint(f'({why})', 'dim')}{error}"

    def _end(self, event: ev.LoopComplete) -> list[str]:
        if event.depth:
            return [f"   ends at {event.final_state} ({event.terminated_by}): {event.verdict}"]
        self.last = event
        return []

    def summary(self, done: Simulated) -> None:
        last = self.last
        assert last is not None
        self.say(f"\n{output.paint('Summary', 'bold')}")
        path = " → ".join([*self.visited, *([last.final_state] if last.terminated_by == "terminal" else [])])
        self.say(f"  States visited: {one_line(path) or '-'}")
        self.say(f"  Iterations: {last.iterations}")
        self.say(f"  Commands that would have run: {sum(self.actions.values())}")
        for (kind, text), times in self.actions.items():
            mark = "✦ " if kind == "prompt" else ""
            self.say(f"    {times} × {mark}{output.cut(text, max(output.width() - 12, 20))}")
        good = done.outcome.exit_code == 0
        end = f"{last.terminated_by} at {last.final_state} ({done.outcome.status})"
        self.say(f"  Ended: {output.paint(end, 'green' if good else 'orange')}")
        if last.error:
            self.say(f"  Why: {one_line(last.error)}")
        if done.assumed:
            names = ", ".join(done.assumed)
            self.say(f"  Made up: {names} (a run wants --context {done.assumed[0]}=VALUE)")

    def as_json(self, name: str, done: Simulated) -> dict[str, Any]:
        last = self.last
        assert last is not None
        return {
            "loop": name,
            "scenario": self.scenario,
            "visited": self.visited,
            "iterations": last.iterations,
            "steps": self.steps,
            "final_state": last.final_state,
            "terminated_by": last.terminated_by,
            "status": done.outcome.status,
            "exit_code": done.outcome.exit_code,
            "error": last.error,
            "assumed": list(done.assumed),
        }
