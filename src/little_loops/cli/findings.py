"""How findings about loop files look on a terminal and as data. Decides nothing about what a finding is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from little_loops.cli import output

if TYPE_CHECKING:
    from little_loops.fsm.diagnostics import Diagnostic


def say(found: Iterable[Diagnostic]) -> None:
    """Every finding in the order of the file, a blank line after each."""
    from little_loops.fsm.diagnostics import in_file_order, render
    from little_loops.projections.text import clean

    for finding in in_file_order(found):
        head, *rest = clean(render(finding)).splitlines()
        output.say(_painted(head, finding))
        for line in rest:
            output.say(_dimmed(line))
        if finding.blocks and not finding.is_error:
            output.say("  = run refuses to start this loop: the action would certainly fail")
        output.say()


def _painted(head: str, finding: Diagnostic) -> str:
    place, _, message = head.partition(f": {finding.severity.value}[")
    if not message:
        return output.paint(head, "bold")
    colour = "red" if finding.is_error else "yellow"
    word, _, text = f"{finding.severity.value}[{message}".partition(": ")
    return f"{place}: {output.paint(word, colour, 'bold')}: {output.paint(text, 'bold')}"


def _dimmed(line: str) -> str:
    left, bar, text = line.partition("|")
    if bar and not left.strip(" 0123456789"):
        caret = bool(text.strip()) and not text.strip(" ^")
        return output.paint(left + bar, "blue") + (output.paint(text, "red") if caret else text)
    return line


def as_json(found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """The findings as data, errors first."""
    from little_loops.fsm.diagnostics import as_json, in_file_order

    ordered = sorted(in_file_order(found), key=lambda finding: not finding.is_error)
    return [as_json(finding) for finding in ordered]


def count(found: Sequence[Diagnostic]) -> str:
    """``2 errors, 1 warning``; empty when there are none."""
    wrong = sum(finding.is_error for finding in found)
    parts = [_plural(wrong, "error"), _plural(len(found) - wrong, "warning")]
    return ", ".join(part for part in parts if part)


def _plural(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}" if number else ""
