"""Rules about sub-loops: whether the loop exists, and whether it gets what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from little_loops.fsm.fitting import closest
from little_loops.fsm.schema import FSMLoop, ParameterSpec, StateConfig
from little_loops.fsm.validation.rule import WARNING, Hit, Rule, Subject, rule

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


def misfit(spec: ParameterSpec, value: Any) -> str | None:
    """Why a value is no value of this parameter, in a few words; None when it fits or cannot be known yet."""
    if isinstance(value, str) and "${" in value:
        return None
    if spec.type == "enum":
        known = spec.values or []
        return None if value in known else f"must be one of {', '.join(map(str, known))}"
    wanted = TYPES.get(spec.type)
    if wanted is None:
        return None
    fits = isinstance(value, wanted) and (spec.type == "boolean" or not isinstance(value, bool))
    return None if fits else f"must be of type {spec.type}"


def _static(subject: Subject) -> Iterator[tuple[str, StateConfig, FSMLoop]]:
    """The states whose sub-loop is known and loads."""
    for name, state in subject.loop.states.items():
        if state.loop and "${" not in state.loop:
            child = subject.child(state.loop)
            if child is not None and child.loop is not None:
                yield name, state, child.loop


@rule(
    "LL401",
    "A sub-loop exists.",
    "`loop` is the name of a loop, a path, or a template with `${`.",
    WARNING,
    lint=True,
)
def sub_loop_exists(subject: Subject) -> Iterator[Hit]:
    for name, state in subject.loop.states.items():
        if not state.loop or "${" in state.loop:
            continue
        child = subject.child(state.loop)
        if child is not None and child.problem is not None:
            fatal = not state.terminal and not state.on_error
            yield Hit(("states", name, "loop"), child.problem, help=child.hint, blocks=fatal)


@rule(
    "LL402",
    "`with` binds parameters that the sub-loop declares.",
    "See `parameters` of the sub-loop.",
    lint=True,
)
def undeclared(subject: Subject) -> Iterator[Hit]:
    for name, state, child in _static(subject):
        for key in state.with_ if child.parameters else ():
            if key not in child.parameters:
                near = closest(key, list(child.parameters))
                note = f"'{state.loop}' declares no parameter '{key}'"
                yield Hit(("states", name, "with", key), note, on_key=True, suggestion=near)


@rule("LL403", "Required parameters are bound.", "Add the missing ones under `with`.", lint=True)
def unbound(subject: Subject) -> Iterator[Hit]:
    for name, state, child in _static(subject):
        if not state.with_:
            continue
        for key, spec in child.parameters.items():
            if spec.required and key not in state.with_:
                note = f"the parameter '{key}' of '{state.loop}' is required"
                yield Hit(("states", name, "with"), note, on_key=True, help=spec.description)


@rule(
    "LL404",
    "A bound value has the type of its parameter.",
    "A text with `${` is checked when it runs.",
    lint=True,
)
def bound_type(subject: Subject) -> Iterator[Hit]:
    for name, state, child in _static(subject):
        for key, value in state.with_.items():
            reason = misfit(child.parameters[key], value) if key in child.parameters else None
            if reason:
                yield Hit(("states", name, "with", key), f"'{key}' {reason}, is {value!r}")


@rule(
    "LL405",
    "Required parameters are bound even when nothing else is.",
    "Without `with` the sub-loop starts without its required values and ends in an error.",
    WARNING,
    lint=True,
)
def unbound_bare(subject: Subject) -> Iterator[Hit]:
    for name, state, child in _static(subject):
        if state.with_ or state.context_passthrough:
            continue
        missing = [key for key, spec in child.parameters.items() if spec.required]
        if missing:
            note = f"'{state.loop}' requires {', '.join(missing)}, but nothing is bound"
            yield Hit(("states", name, "with"), note, ("states", name, "loop"), help="add a `with:` block")


@rule(
    "LL406",
    "The default of a parameter has its type.",
    "A default is used as it is written.",
    WARNING,
)
def default_type(subject: Subject) -> Iterator[Hit]:
    for name, spec in subject.loop.parameters.items():
        reason = misfit(spec, spec.default) if spec.default is not None else None
        if reason and not (spec.type == "enum" and not spec.values):
            yield Hit(
                ("parameters", name, "default"), f"the default of '{name}' {reason}, is {spec.default!r}"
            )


RULES: tuple[Rule, ...] = (sub_loop_exists, undeclared, unbound, bound_type, unbound_bare, default_type)
