"""Runs the rules over a loop, places what they find, and silences what the author allowed.

The table of rules is here, in the order in which they speak. Nothing here reads a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from little_loops.fsm.codec import decode
from little_loops.fsm.diagnostics import Diagnostic, Span, ValidationSeverity, dotted
from little_loops.fsm.fitting import Mistake, Path
from little_loops.fsm.schema import FSMLoop
from little_loops.fsm.validation import (
    children,
    evaluators,
    graphs,
    loops,
    placements,
    reading,
    states,
    texts,
)
from little_loops.fsm.validation.rule import Hit, Known, Rule, Subject

RULES: tuple[Rule, ...] = (
    *loops.RULES,
    *states.RULES,
    *evaluators.RULES,
    *graphs.RULES,
    *texts.RULES,
    *placements.RULES,
    *children.RULES,
)
EXPLAINED: tuple[Rule, ...] = (*reading.RULES, *RULES)
BY_CODE: Mapping[str, Rule] = {rule.code: rule for rule in EXPLAINED}
USELESS_ALLOW = "LL126"
MOST_HITS = 200  # of one rule in one loop: whoever has that many needs no more


class Judged(NamedTuple):
    """What the rules found, and what of it the author silenced."""

    found: list[Diagnostic]
    suppressed: list[Diagnostic]


Place = Callable[[Hit], Span | None]


def validate_fsm(
    fsm: FSMLoop, extra_evaluators: Iterable[str] = (), extra_actions: Iterable[str] = ()
) -> list[Diagnostic]:
    """What the rules of the graph say about a loop: errors and warnings in a stable order. Never raises."""
    mistakes: list[Mistake] = []
    usable = decode(FSMLoop, fsm.to_dict(), (), mistakes)
    odd = [Diagnostic(m.message, dotted(m.path), ValidationSeverity(m.severity), m.code) for m in mistakes]
    subject = Subject(usable or fsm, known=Known(frozenset(extra_evaluators), frozenset(extra_actions)))
    judged = judge(subject, [rule for rule in RULES if not rule.lint])
    wrong = {d.path for d in odd if d.is_error}
    return [*odd, *(d for d in judged.found if not is_below(d.path or "", wrong))]


def is_below(path: str, owners: set[str | None]) -> bool:
    """Whether a dotted path is one of these owners or something inside one."""
    for owner in owners:
        if owner and owner != "<root>" and (path == owner or path.startswith((f"{owner}.", f"{owner}["))):
            return True
    return False


def judge(subject: Subject, rules: Iterable[Rule] = RULES, place: Place = lambda hit: None) -> Judged:
    """Runs the rules and sorts their hits into what counts and what was silenced by `allow`."""
    judged = Judged([], [])
    for rule in rules:
        for hit in islice(rule.check(subject), MOST_HITS):
            found = _diagnostic(rule, hit, place(hit))
            silenced = (
                not found.is_error and not found.blocks and rule.code in _allowed(subject.loop, hit.path)
            )
            (judged.suppressed if silenced else judged.found).append(found)
    judged.found.extend(_useless(subject, judged, place))
    return judged


def _diagnostic(rule: Rule, hit: Hit, span: Span | None) -> Diagnostic:
    return Diagnostic(
        hit.message,
        dotted(hit.path),
        hit.severity or rule.severity,
        rule.code,
        span,
        hit.help or rule.help,
        hit.suggestion,
        rule.blocks if hit.blocks is None else hit.blocks,
    )


def _allowed(loop: FSMLoop, path: Path) -> set[str]:
    codes = set(loop.allow)
    if len(path) > 1 and path[0] == "states" and path[1] in loop.states:
        codes.update(loop.states[str(path[1])].allow)
    return codes


def _useless(subject: Subject, judged: Judged, place: Place) -> Iterable[Diagnostic]:
    owners: list[tuple[Path, list[str]]] = [((), subject.loop.allow)]
    owners += [(("states", name), state.allow) for name, state in subject.loop.states.items()]
    for owner, codes in owners:
        for index, code in enumerate(codes):
            if code not in BY_CODE:
                hit = Hit((*owner, "allow", index), f"'{code}' is not the code of a rule")
                yield Diagnostic(
                    hit.message, dotted(hit.path), ValidationSeverity.WARNING, USELESS_ALLOW, place(hit)
                )


def strict(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings with every warning made an error, as `--strict` counts them."""
    return [replace(d, severity=ValidationSeverity.ERROR) for d in found]


def silenced(loop: FSMLoop, found: Iterable[Diagnostic]) -> Judged:
    """Findings made while loading, parted into what counts and what an `allow` key silenced."""
    judged = Judged([], [])
    owners = {f"states.{name}": set(state.allow) for name, state in loop.states.items() if state.allow}
    for diagnostic in found:
        codes = set(loop.allow)
        for owner, allowed in owners.items():
            codes |= allowed if is_below(diagnostic.path or "", {owner}) else set()
        hide = diagnostic.code in codes and not diagnostic.is_error
        (judged.suppressed if hide else judged.found).append(diagnostic)
    return judged
