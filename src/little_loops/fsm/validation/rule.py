"""What a rule is: a function over one loop with a code, a severity and words of explanation.

A rule never reads a file and never raises for content; it yields hits. Who registers, runs and shows rules is
elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from little_loops.fsm.diagnostics import ValidationSeverity
from little_loops.fsm.fitting import Path
from little_loops.fsm.schema import FSMLoop, StateConfig

ERROR, WARNING = ValidationSeverity.ERROR, ValidationSeverity.WARNING


class Hit(NamedTuple):
    """One place where a rule is broken.

    ``path`` is shown; ``at`` is where the caret goes when that is a key below it. ``needle`` is the part of
    the text there that is meant; None for the whole.
    """

    path: Path
    message: str
    at: Path | None = None
    on_key: bool = False
    help: str | None = None
    suggestion: str | None = None
    severity: ValidationSeverity | None = None
    blocks: bool | None = None
    needle: str | None = None


class Child(NamedTuple):
    """What could be found out about a loop that a state names. ``loop`` is None when it does not load."""

    loop: FSMLoop | None
    problem: str | None = None
    hint: str | None = None


def _no_children(name: str) -> Child | None:
    return None


@dataclass(frozen=True, slots=True)
class Known:
    """Names that plug-ins add to the language."""

    evaluators: frozenset[str] = frozenset()
    actions: frozenset[str] = frozenset()


NOTHING_KNOWN = Known()


@dataclass(frozen=True, slots=True)
class Subject:
    """The loop under judgement and what is known around it.

    ``child`` gives what a sub-loop name leads to, or None when nobody can look. ``raw`` is the mapping the
    loop was read from, empty when it was built in code.
    """

    loop: FSMLoop
    raw: Mapping[str, Any] = field(default_factory=dict)
    known: Known = NOTHING_KNOWN
    child: Callable[[str], Child | None] = _no_children


Check = Callable[[Subject], Iterator[Hit]]
StateCheck = Callable[[str, StateConfig], Iterator[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A law of the language.

    Attributes:
        code: its stable name.
        title: the law in one sentence.
        help: why, and how to write it.
        severity: how bad it is, unless a hit says otherwise.
        check: yields the hits.
        lint: judged only when a file is loaded, not for loops built in code.
        blocks: a warning that nevertheless keeps ``run`` from starting, because the run would certainly fail
            or would execute data.
    """

    code: str
    title: str
    help: str
    severity: ValidationSeverity
    check: Check
    lint: bool = False
    blocks: bool = False


def rule(
    code: str,
    title: str,
    help: str,
    severity: ValidationSeverity = ERROR,
    *,
    lint: bool = False,
    blocks: bool = False,
) -> Callable[[Check], Rule]:
    """Makes a rule of a function over the whole loop."""
    return lambda check: Rule(code, title, help, severity, check, lint, blocks)


def state_rule(
    code: str,
    title: str,
    help: str,
    severity: ValidationSeverity = ERROR,
    *,
    lint: bool = False,
    blocks: bool = False,
) -> Callable[[StateCheck], Rule]:
    """Makes a rule of a function over one state, judged for every state in file order."""

    def wrap(check: StateCheck) -> Rule:
        def every(subject: Subject) -> Iterator[Hit]:
            for name, state in subject.loop.states.items():
                yield from check(name, state)

        return Rule(code, title, help, severity, every, lint, blocks)

    return wrap


def number(value: Any) -> float | None:
    """The value if it is a real number, else None: a rule about ranges says nothing about other values."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def below(value: Any, least: float) -> bool:
    """Whether the value is a number smaller than ``least``."""
    held = number(value)
    return held is not None and not held >= least


def is_whole(value: Any, least: int) -> bool:
    """Whether the value is a whole number and at least ``least``."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
