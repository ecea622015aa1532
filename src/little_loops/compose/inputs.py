"""How the context of a run is put together from what the user gave: text here, files nowhere.

Later wins: the loop's own ``context``, the positional input, the steering file, ``--context``, ``--param``.
What is written in the loop or given with ``--context`` is code; everything else is data, always.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from little_loops.errors import UserError
from little_loops.fsm.schema import FSMLoop
from little_loops.machine.children import Binding, WrongBinding, assemble
from little_loops.machine.fold_frames import pointer

HEADING = re.compile(r"^##[ \t]+(.+?)[ \t#]*$")
BULLET = re.compile(r"^[ \t]*[-*+][ \t]+(.*\S)[ \t]*$")
PAIR = re.compile(r"^[ \t]*(?:[-*+][ \t]+)?([\w.-]+)[ \t]*:[ \t]*(.*?)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the user gave.

    Attributes:
        text: positional input, or None.
        params: values of declared parameters; data.
        context: values given as code.
        program: text of the steering file, or None.
    """

    text: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    program: str | None = None


def context_of(loop: FSMLoop, inputs: Inputs, engine: Mapping[str, Any]) -> Binding:
    """The root context of a run.

    Args:
        engine: values the engine adds where nobody set them (``run_dir``); data.

    Raises:
        UserError: a parameter is unknown, missing or of the wrong type, or a required input is empty.
    """
    found: dict[str, tuple[Any, str, bool]] = {}
    for name, value in input_values(loop, inputs.text).items():
        found[name] = (value, "input", True)
    for name, value in program_values(inputs.program or "").items():
        found[name] = (value, "program", True)
    for name, value in inputs.context.items():
        found[name] = (value, "option", False)
    bound = _parameters(loop, inputs, found)
    context, origin, data = dict(bound.context), dict(bound.origin), set(bound.data)
    for name, (value, how, is_data) in found.items():
        if name in inputs.params:
            continue
        context[name], origin[name] = context.get(name, value) if name in loop.parameters else value, how
        data.discard(pointer(name))
        data |= {pointer(name)} if is_data else set()
    for name, value in engine.items():
        if name not in context:
            context[name], origin[name] = value, "engine"
            data.add(pointer(name))
    _required(loop, context)
    return Binding(context, tuple(sorted(data)), {}, origin)


def _parameters(loop: FSMLoop, inputs: Inputs, found: Mapping[str, tuple[Any, str, bool]]) -> Binding:
    unknown = sorted(set(inputs.params) - set(loop.parameters))
    if unknown:
        declared = ", ".join(sorted(loop.parameters)) or "none"
        raise UserError(
            f"loop {loop.name} has no parameter {unknown[0]!r} (declared: {declared})",
            f"declare it under parameters:, or give code with --context {unknown[0]}=VALUE",
        )
    given: dict[str, Any] = {name: entry[0] for name, entry in found.items() if name in loop.parameters}
    given.update(inputs.params)
    try:
        bound = assemble(loop, given, how="param")
    except WrongBinding as problem:
        name = re.search(r"parameter '([^']+)'", str(problem))
        hint = f"give it with --param {name[1]}=VALUE" if name else None
        raise UserError(f"loop {loop.name}: {problem}", hint) from None
    return Binding(bound.context, tuple(pointer(name) for name in given), bound.env, bound.origin)


def _required(loop: FSMLoop, context: Mapping[str, Any]) -> None:
    for name in loop.required_inputs:
        if context.get(name) in (None, ""):
            how = "INPUT" if name == loop.input_key else f"--context {name}=VALUE"
            raise UserError(f"loop {loop.name} needs a value for {name!r}", f"ll-loop run {loop.name} {how}")


def input_values(loop: FSMLoop, text: str | None) -> dict[str, Any]:
    """The positional input: the keys of a JSON object that the context knows, else the text itself."""
    if text is None:
        return {}
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict):
        known = {
            key: value for key, value in document.items() if key in loop.context or key in loop.parameters
        }
        if known:
            return known
    return {loop.input_key: text}


def program_values(text: str) -> dict[str, str]:
    """The sections of a steering file that a loop can read.

    Directive, Budget and Constraints give their text; Targets its bullets joined by blanks, or its text;
    Benchmark each of its ``key: value`` lines.
    """
    sections = _sections(text)
    out = {name: sections[name] for name in ("directive", "budget", "constraints") if sections.get(name)}
    if sections.get("targets"):
        bullets = [found[1] for line in sections["targets"].splitlines() if (found := BULLET.match(line))]
        out["targets"] = " ".join(bullets) or sections["targets"]
    for line in sections.get("benchmark", "").splitlines():
        pair = PAIR.match(line)
        if pair:
            out[pair[1]] = pair[2]
    return out


def _sections(text: str) -> dict[str, str]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in text.splitlines():
        heading = HEADING.match(line)
        if heading:
            current = sections.setdefault(heading[1].strip().lower(), [])
        else:
            current.append(line)
    return {name: "\n".join(lines).strip() for name, lines in sections.items()}
