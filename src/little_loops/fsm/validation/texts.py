"""Rules about the texts of a state: references that cannot be read, shell variables, data in shell code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from little_loops.fsm.fitting import Path
from little_loops.fsm.schema import StateConfig
from little_loops.fsm.template import Malformed, parse, unknown_name
from little_loops.fsm.validation.evaluators import is_agent
from little_loops.fsm.validation.rule import WARNING, Hit, Rule, Subject, rule, state_rule

EVALUATE_TEXTS = (
    "prompt",
    "source",
    "previous",
    "target",
    "tolerance",
    "history_file",
    "baseline_path",
    "pattern",
)
BASH_DEFAULT = re.compile(r":[-=+?]")
PROCESS_ID = re.compile(r"(?<![\\$])\$\$(?=\(|[A-Za-z_])")


def is_shell(state: StateConfig) -> bool:
    """Whether bash reads this state's action."""
    return (
        state.action is not None
        and state.loop is None
        and state.action_type in (None, "shell")
        and not is_agent(state)
    )


def texts_of(name: str, state: StateConfig) -> Iterator[tuple[Path, str]]:
    """Every text of a state in which references are looked up, with its place."""
    owner: Path = ("states", name)
    for key in ("action", "loop"):
        held = getattr(state, key)
        if isinstance(held, str):
            yield (*owner, key), held
    if state.evaluate is not None:
        for key in EVALUATE_TEXTS:
            held = getattr(state.evaluate, key)
            if isinstance(held, str) and key != "pattern":
                yield (*owner, "evaluate", key), held
    yield from _nested((*owner, "params"), state.params)
    yield from _nested((*owner, "with"), state.with_)


def _nested(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nested((*path, str(key)), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nested((*path, index), item)


def _dead(state: StateConfig) -> bool:
    return state.terminal


def _malformed(name: str, state: StateConfig) -> Iterator[tuple[Path, Malformed]]:
    if not _dead(state):
        for path, text in texts_of(name, state):
            for part in parse(text).malformed:
                yield path, part


@state_rule(
    "LL501",
    "A reference can be read.",
    "A reference is `${namespace.path}`; `$${` stands for a plain `${`.",
    WARNING,
    lint=True,
)
def malformed(name: str, state: StateConfig) -> Iterator[Hit]:
    for path, part in _malformed(name, state):
        if not (
            is_shell(state) and path[-1] == "action" and (part.dotless or BASH_DEFAULT.search(part.text))
        ):
            yield Hit(path, part.reason, help=part.hint, needle=part.text)
    for path, text in texts_of(name, state):
        for reference in parse(text).references:
            wrong = unknown_name(reference)
            if wrong is not None and not _dead(state):
                yield Hit(path, wrong[0], help=wrong[1], needle=text[reference.start : reference.end])


@rule(
    "LL504",
    "A variable of the shell is written so that the loop leaves it alone.",
    "`${NAME}` has no namespace, so it is no value of the loop. Write `$${NAME}` to let bash read it, or set "
    "`lenient_shell_vars: true` for the whole loop.",
    WARNING,
    lint=True,
)
def bare_variable(subject: Subject) -> Iterator[Hit]:
    if subject.loop.lenient_shell_vars:
        return
    for name, state in subject.loop.states.items():
        if is_shell(state):
            for path, part in _malformed(name, state):
                if path[-1] == "action" and part.dotless:
                    yield Hit(path, part.reason, help=part.hint, needle=part.text)


@state_rule(
    "LL505",
    "A default is written the way the loop reads it.",
    "`${a.b:-value}` is bash; the loop reads `${a.b:default=value}`.",
    WARNING,
    lint=True,
)
def bash_default(name: str, state: StateConfig) -> Iterator[Hit]:
    if is_shell(state):
        for path, part in _malformed(name, state):
            if path[-1] == "action" and not part.dotless and BASH_DEFAULT.search(part.text):
                yield Hit(path, part.reason, help=part.hint, needle=part.text)


@state_rule(
    "LL506",
    "A dollar sign is not doubled by accident.",
    "In bash `$$` is the process id: `$$NAME` prints a number and the word NAME. Write `$NAME` or `$(…)`; "
    "only `$${` is an escape of the loop.",
    WARNING,
    lint=True,
)
def process_id(name: str, state: StateConfig) -> Iterator[Hit]:
    if is_shell(state) and state.action is not None:
        for found in PROCESS_ID.finditer(state.action):
            shown = state.action[found.start() : found.start() + 12].split()[0]
            yield Hit(("states", name, "action"), f"'{shown}' expands to the process id", needle=shown)


RULES: tuple[Rule, ...] = (malformed, bare_variable, bash_default, process_id)
