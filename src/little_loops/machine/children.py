"""How a child loop is called: its reference, its context, its types, its clamped time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from little_loops import events as ev
from little_loops.fsm.schema import FSMLoop, ParameterSpec
from little_loops.machine.copying import replace
from little_loops.machine.fold_frames import passed_value
from little_loops.machine.interpolation import InterpolationError, render_plain, render_tree
from little_loops.machine.limits import MAX_DEPTH
from little_loops.machine.routing import leave
from little_loops.machine.spending import budget_from, budget_record
from little_loops.machine.view import View

BOOLEAN_WORDS = {"true": True, "false": False}


class WrongBinding(ValueError):
    """A value that does not fit the parameter it is bound to."""


@dataclass(frozen=True, slots=True)
class Binding:
    """Context of a new frame, with what is known of each value."""

    context: dict[str, Any] = field(default_factory=dict)
    data: tuple[str, ...] = ()
    env: Mapping[str, Any] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)


def call(view: View) -> ev.Event | None:
    """The record that refuses a child call, or None when it can be loaded."""
    if len(view.snapshot.frames) > MAX_DEPTH:
        return refuse(view, f"loops are nested deeper than {MAX_DEPTH}")
    try:
        reference(view)
        render_tree(view.state.with_, view.scope())
    except InterpolationError as problem:
        return refuse(view, f"state {view.frame.state}: {problem}")
    return None


def reference(view: View) -> str:
    """The name or path of the child loop."""
    return render_plain(view.state.loop or "", view.scope())


def refuse(view: View, reason: str) -> ev.Event:
    """Leaves the calling state because its child cannot run."""
    return leave(view, view.state.on_error, "on_error", error=reason)


def enter(view: View, digest: str) -> ev.Event:
    """The child's ``loop_start``, or the record that refuses it."""
    child, state = view.loops[digest], view.state
    try:
        bound = bind(view, child)
    except (InterpolationError, WrongBinding) as problem:
        return refuse(view, f"state {view.frame.state}: loop {child.name}: {problem}")
    shares = bool(state.with_) or state.context_passthrough
    return view.record(
        ev.LoopStart,
        depth=view.snapshot.depth + 1,
        loop=child.name,
        definition=digest,
        initial=child.initial,
        context=bound.context,
        data=sorted(bound.data) or None,
        env=dict(bound.env) or None,
        origin=bound.origin or None,
        passthrough=state.context_passthrough,
        timeout=clamp(view, child),
        budget=budget_record(budget_from(child.budget.to_dict())) if child.budget else None,
        capture=state.capture,
        export=view.frame.state if shares else None,
    )


def clamp(view: View, child: FSMLoop) -> float | None:
    """Seconds the child may take: its own timeout, at most what its caller has left, at least one."""
    own = child.timeout or None
    if view.deadline is None:
        return own
    left = max(1, (view.deadline - view.facts.clock) // 1000)
    return left if own is None else min(own, left)


def bind(view: View, child: FSMLoop) -> Binding:
    """The child's own context, then defaults of parameters nobody bound, then ``with``.

    Raises:
        WrongBinding: an undeclared or missing parameter, or a value of the wrong type.
        InterpolationError: a reference without a value.
    """
    given, data, env = render_tree(view.state.with_, view.scope())
    bound = assemble(child, given, data=data, env=env, inherited=inherited_names(view), how="with")
    return _with_run_dir(view, bound)


def _with_run_dir(view: View, bound: Binding) -> Binding:
    """The run's scratch folder is there in every frame, unless the loop has a value of that name."""
    place = view.snapshot.root.context.get("run_dir")
    if place is None or "run_dir" in bound.context:
        return bound
    context = {**bound.context, "run_dir": place}
    origin = {**bound.origin, "run_dir": "engine"}
    return replace(bound, context=context, origin=origin, data=(*bound.data, "/run_dir"))


def inherited_names(view: View) -> Mapping[str, Any]:
    """What a child that shares the caller's context will find in it."""
    if not view.state.context_passthrough:
        return {}
    frame = view.frame
    return {**frame.context, **{name: passed_value(record) for name, record in frame.captured.items()}}


def assemble(
    loop: FSMLoop,
    given: Mapping[str, Any],
    *,
    data: Any = (),
    env: Mapping[str, Any] | None = None,
    inherited: Mapping[str, Any] | None = None,
    how: str = "param",
) -> Binding:
    """A frame's context from the loop's own and the values given for its parameters."""
    inherited = inherited or {}
    _check_names(loop, given)
    context, origin = dict(loop.context), dict.fromkeys(loop.context, "loop")
    for name, spec in loop.parameters.items():
        if name in given or name in inherited or name in context:
            continue
        if spec.required:
            raise WrongBinding(f"the required parameter {name!r} has no value")
        if spec.default is not None:
            context[name], origin[name] = spec.default, "default"
    for name, value in given.items():
        declared = loop.parameters.get(name)
        context[name] = value if declared is None else convert(name, value, declared)
        origin[name] = how
    for name, spec in loop.parameters.items():
        if name in inherited and name not in given:
            convert(name, inherited[name], spec)
    records = {key: [list(pair) for pair in pairs] for key, pairs in (env or {}).items()}
    return Binding(context, tuple(data), records, origin)


def _check_names(loop: FSMLoop, given: Mapping[str, Any]) -> None:
    unknown = sorted(set(given) - set(loop.parameters)) if loop.parameters else []
    if unknown:
        raise WrongBinding(
            f"there is no parameter {unknown[0]!r}; declared are {', '.join(sorted(loop.parameters))}"
        )


def convert(name: str, value: Any, spec: ParameterSpec) -> Any:
    """``value`` as the declared type; text is read as a number or boolean only where that is unmistakable.

    Raises:
        WrongBinding: it does not fit.
    """
    made = _CONVERSIONS.get(spec.type, _as_is)(value, spec)
    if made is None and value is not None:
        raise WrongBinding(f"the parameter {name!r} wants {_wanted(spec)}, not {value!r:.80}")
    return made


def _wanted(spec: ParameterSpec) -> str:
    return (
        f"one of {', '.join(map(str, spec.values or ()))}"
        if spec.type == "enum"
        else f"a value of type {spec.type}"
    )


def _as_is(value: Any, spec: ParameterSpec) -> Any:
    return value


def _string(value: Any, spec: ParameterSpec) -> Any:
    return value if isinstance(value, str) else None


def _integer(value: Any, spec: ParameterSpec) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 400 else None


def _number(value: Any, spec: ParameterSpec) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    whole = _integer(value, spec)
    if whole is not None or not isinstance(value, str):
        return whole
    head, _, tail = value.strip().removeprefix("-").partition(".")
    return float(value) if head.isascii() and tail.isascii() and head.isdigit() and tail.isdigit() else None


def _boolean(value: Any, spec: ParameterSpec) -> Any:
    return (
        value
        if isinstance(value, bool)
        else BOOLEAN_WORDS.get(value.strip().lower())
        if isinstance(value, str)
        else None
    )


def _enum(value: Any, spec: ParameterSpec) -> Any:
    for allowed in spec.values or ():
        if value == allowed or (isinstance(value, str) and value == str(allowed)):
            return allowed
    return None


_CONVERSIONS = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "enum": _enum,
}
