"""Asks the person at the terminal how an action ends that is not really run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from little_loops.cli import output

if TYPE_CHECKING:
    from little_loops.compose.simulating import Choice
    from little_loops.machine.view import View


def ask(view: View) -> Choice:
    """The choice of the person at the terminal; the end of input is a success."""
    from little_loops.compose.simulating import Choice

    others = _other_verdicts(view)
    menu = ["1 success", "2 failure", "3 error", *(f"{n} {word}" for n, word in enumerate(others, 4))]
    while True:
        output.say(f"       {output.paint('how does it end?', 'bold')} {'  '.join(menu)} [1]: ", end="")
        output.flush()
        line = sys.stdin.readline()
        if not output.on_terminal(sys.stdin):
            output.say(line.strip())
        answer = line.strip() or "1"
        if answer in ("1", "2", "3"):
            return Choice(int(answer) - 1)
        if answer.isdigit() and 4 <= int(answer) < 4 + len(others):
            return Choice(0, others[int(answer) - 4])


def _other_verdicts(view: View) -> list[str]:
    """Verdicts the state routes beyond the usual three, when it is judged at all."""
    from little_loops.compose.simulating import Choice, verdict_of
    from little_loops.diagrams.edges import transitions

    if view.state.next is not None:
        return []
    usual = {verdict_of(view, Choice(code)) for code in range(3)}
    beside = {"next", "_", "retry_exhausted", "rate_limit_exhausted", "throttle_hard", "yes", "no", "error"}
    labels = [label for label, _ in transitions(view.frame.state, view.state)]
    return [label for label in dict.fromkeys(labels) if label not in usual | beside]
