"""The short forms of a loop: goal, convergence, invariants, imperative; each turned into states and routes.

Pure: no files, no checks of the resulting graph. A compiled loop is validated like any other afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from little_loops.errors import LoadError
from little_loops.fsm.schema import EvaluateConfig, FSMLoop, RouteConfig, StateConfig

CARRIED = ("description", "category", "labels", "scope", "config", "commands", "allow")
_COMMON = ("paradigm", "name", "max_iterations", "backoff", "timeout", "on_partial_target", *CARRIED)
READ_KEYS: dict[str, tuple[str, ...]] = {
    "goal": (*_COMMON, "goal", "tools", "evaluator", "on_handoff"),
    "convergence": (*_COMMON, "check", "toward", "using", "tolerance", "on_stall"),
    "invariants": (*_COMMON, "constraints", "maintain"),
    "imperative": (*_COMMON, "steps", "until"),
}
"""The keys that a short form reads; any other has no effect in it."""
TOOL_ACTIONS = ("shell", "prompt", "slash_command")
LONGEST_SLUG = 50


def compile_paradigm(spec: Mapping[str, Any]) -> FSMLoop:
    """The loop of a short form; ``paradigm`` chooses it and is ``fsm`` when absent. Raises ``LoadError``."""
    name = spec.get("paradigm", "fsm")
    compiler = COMPILERS.get(name) if isinstance(name, str) else None
    if compiler is None:
        raise LoadError(f"Unknown paradigm '{name}'; known: {', '.join(sorted(COMPILERS))}")
    return compiler(spec)


def compile_goal(spec: Mapping[str, Any]) -> FSMLoop:
    """Check, and repair until the check passes: ``evaluate``, ``fix``, ``done``."""
    _require("Goal", spec, "goal", "tools")
    tools = spec["tools"]
    if not isinstance(tools, list) or not tools:
        raise LoadError("Goal paradigm requires 'tools' with at least one tool")
    check = _tool(tools[0])
    fix = _tool(tools[1] if len(tools) > 1 else tools[0])
    states = {
        "evaluate": StateConfig(
            **check,
            evaluate=_evaluator(spec.get("evaluator")),
            on_yes="done",
            on_no="fix",
            on_error="fix",
            on_partial=spec.get("on_partial_target"),
        ),
        "fix": StateConfig(**fix, next="evaluate"),
        "done": StateConfig(terminal=True),
    }
    extra = {"on_handoff": spec["on_handoff"]} if spec.get("on_handoff") is not None else {}
    return _loop(
        spec, "goal", spec.get("name") or f"goal-{slug(str(spec['goal']))}", "evaluate", states, **extra
    )


def compile_convergence(spec: Mapping[str, Any]) -> FSMLoop:
    """Measure and apply until a number reaches its target: ``measure``, ``apply``, ``done``.

    ``on_stall`` is where a number that stands still leads: ``done`` unless the file says otherwise. A name
    that is none of the three becomes an end that counts as a failure.
    """
    _require("Convergence", spec, "name", "check", "toward", "using")
    stall = str(spec.get("on_stall") or "done")
    measured = EvaluateConfig(
        type="convergence",
        target="${context.target}",
        tolerance="${context.tolerance}",
        previous="${prev.output}",
    )
    states = {
        "measure": StateConfig(
            action="${context.metric_cmd}",
            capture="current_value",
            evaluate=measured,
            route=RouteConfig({"target": "done", "progress": "apply", "stall": stall}),
            on_partial=spec.get("on_partial_target"),
        ),
        "apply": StateConfig(action=_text(spec["using"], "using"), next="measure"),
        "done": StateConfig(terminal=True),
    }
    if stall not in states:
        states[stall] = StateConfig(terminal=True, failure=True)
    context = {
        "metric_cmd": spec["check"],
        "target": spec["toward"],
        "tolerance": spec.get("tolerance", 0),
    }
    return _loop(spec, "convergence", spec["name"], "measure", states, context=context)


def compile_invariants(spec: Mapping[str, Any]) -> FSMLoop:
    """A chain of checks, each with its repair; all hold in ``all_valid``."""
    _require("Invariants", spec, "name", "constraints")
    constraints = spec["constraints"]
    if not isinstance(constraints, list) or not constraints:
        raise LoadError("Invariants paradigm requires 'constraints' with at least one constraint")
    names = _constraint_names(constraints)
    states: dict[str, StateConfig] = {}
    for index, (name, constraint) in enumerate(zip(names, constraints, strict=True)):
        follower = f"check_{names[index + 1]}" if index + 1 < len(names) else "all_valid"
        states[f"check_{name}"] = StateConfig(
            action=_text(constraint["check"], "check"),
            evaluate=_evaluator(constraint.get("evaluator")),
            on_yes=follower,
            on_no=f"fix_{name}",
            on_partial=spec.get("on_partial_target"),
        )
        states[f"fix_{name}"] = StateConfig(**_tool(constraint["fix"]), next=f"check_{name}")
    first = f"check_{names[0]}"
    maintain = bool(spec.get("maintain", False))
    states["all_valid"] = StateConfig(terminal=True, on_maintain=first if maintain else None)
    return _loop(spec, "invariants", spec["name"], first, states, maintain=maintain)


def compile_imperative(spec: Mapping[str, Any]) -> FSMLoop:
    """A list of steps repeated until a check passes: ``step_0`` …, ``check_done``, ``done``."""
    _require("Imperative", spec, "name", "steps", "until")
    steps, until = spec["steps"], spec["until"]
    if not isinstance(steps, list) or not steps:
        raise LoadError("Imperative paradigm requires 'steps' with at least one step")
    if not isinstance(until, Mapping) or not until.get("check"):
        raise LoadError("Imperative paradigm requires 'until' with a 'check' field")
    states: dict[str, StateConfig] = {}
    for index, step in enumerate(steps):
        follower = f"step_{index + 1}" if index + 1 < len(steps) else "check_done"
        states[f"step_{index}"] = StateConfig(**_tool(step), next=follower)
    states["check_done"] = StateConfig(
        action=_text(until["check"], "until.check"),
        evaluate=_evaluator(until.get("evaluator")),
        on_yes="done",
        on_no="step_0",
        on_partial=spec.get("on_partial_target"),
    )
    states["done"] = StateConfig(terminal=True)
    return _loop(spec, "imperative", spec["name"], "step_0", states)


def compile_fsm(spec: Mapping[str, Any]) -> FSMLoop:
    """The states as they are written."""
    return FSMLoop.from_dict(dict(spec))


COMPILERS: dict[str, Callable[[Mapping[str, Any]], FSMLoop]] = {
    "goal": compile_goal,
    "convergence": compile_convergence,
    "invariants": compile_invariants,
    "imperative": compile_imperative,
    "fsm": compile_fsm,
}


def slug(text: str) -> str:
    """A text as a name: word characters and single hyphens, lower case, at most 50 long."""
    kept = re.sub(r"[^\w\s-]", "", text)
    return re.sub(r"[-\s]+", "-", kept).strip("-").lower()[:LONGEST_SLUG]


def _require(title: str, spec: Mapping[str, Any], *names: str) -> None:
    missing = [f"'{name}'" for name in names if spec.get(name) is None]
    if missing:
        raise LoadError(f"{title} paradigm requires {', '.join(missing)}")


def _constraint_names(constraints: list[Any]) -> list[str]:
    names: list[str] = []
    for index, constraint in enumerate(constraints):
        if not isinstance(constraint, Mapping) or not constraint.get("name"):
            raise LoadError(f"Constraint {index} requires 'name' field")
        name = str(constraint["name"])
        for field in ("check", "fix"):
            if not constraint.get(field):
                raise LoadError(f"Constraint '{name}' requires '{field}' field")
        if name in names:
            raise LoadError(
                f"Constraint {index} has the name '{name}', which constraint {names.index(name)} has too"
            )
        names.append(name)
    return names


def _evaluator(option: Any) -> EvaluateConfig | None:
    if option is None:
        return None
    if not isinstance(option, Mapping):
        raise LoadError("an 'evaluator' has to be a mapping with a 'type'")
    kind = option.get("type") or "exit_code"
    if kind == "exit_code":
        return None
    return EvaluateConfig(
        type=str(kind),
        pattern=option.get("pattern"),
        operator=option.get("operator"),
        target=option.get("target"),
    )


def _tool(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        return {"action": _text(entry, "tool")}
    if not entry.get("tool"):
        raise LoadError("a tool written as a mapping requires a 'tool' field")
    kind = entry.get("action_type")
    if kind is not None and kind not in TOOL_ACTIONS:
        raise LoadError(f"'{kind}' is not an action_type of a tool; known: {', '.join(TOOL_ACTIONS)}")
    return {"action": _text(entry["tool"], "tool"), "action_type": kind}


def _text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return str(value)
    raise LoadError(f"'{what}' has to be a text")


def _loop(
    spec: Mapping[str, Any],
    paradigm: str,
    name: Any,
    initial: str,
    states: dict[str, StateConfig],
    **more: Any,
) -> FSMLoop:
    settings: dict[str, Any] = {
        key: spec[key] for key in ("max_iterations", "backoff", "timeout") if key in spec
    }
    return FSMLoop(name=str(name), initial=initial, states=states, paradigm=paradigm, **settings, **more)
