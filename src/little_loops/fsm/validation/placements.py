"""Rules about data in shell text: every value has to stand where bash sees one literal value.

What is data and what is code is decided as far as the file tells; what only the start of a run can tell is
left to the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from little_loops.fsm.schema import FSMLoop, StateConfig
from little_loops.fsm.template import Literal, Malformed, Part, Reference, parse
from little_loops.fsm.validation.rule import WARNING, Hit, Rule, Subject, rule, state_rule
from little_loops.fsm.validation.texts import is_shell

if TYPE_CHECKING:
    from little_loops.fsm.bash import Piece

ENGINE_TEXTS = {"name": "name", "started_at": "2026-01-01T00:00:00Z", "elapsed_ms": "1", "elapsed": "1s"}


@rule(
    "LL507",
    "Data in a shell action stands where bash reads it as one value.",
    "Outputs, inputs, parameters and environment variables are data. Give the value a word of its own, such "
    "as an argument, and do not let `eval`, `bash -c`, `ssh` or the like parse it again.",
    WARNING,
    lint=True,
    blocks=True,
)
def placement(subject: Subject) -> Iterator[Hit]:
    for name, state in subject.loop.states.items():
        if not is_shell(state) or state.terminal or not isinstance(state.action, str):
            continue
        parts = parse(state.action).parts
        if not any(isinstance(part, Reference) for part in parts):
            continue
        if any(isinstance(part, Malformed) and not part.dotless for part in parts):
            continue
        yield from _refusals(subject.loop, name, state.action, parts)


def _refusals(loop: FSMLoop, name: str, action: str, parts: tuple[Part, ...]) -> Iterator[Hit]:
    from little_loops.fsm.bash import Data, examine

    pieces = tuple(_piece(loop, name, index, part) for index, part in enumerate(parts))
    if not any(isinstance(piece, Data) for piece in pieces):
        return
    for refusal in examine(pieces):
        part = parts[refusal.piece]
        sure = not isinstance(part, Reference) or not _from_outside(loop, part)
        needle = action[part.start : part.end]
        path = ("states", name, "action")
        yield Hit(path, refusal.message, help=refusal.hint, needle=needle, blocks=sure)


def _piece(loop: FSMLoop, name: str, index: int, part: Part) -> Piece:
    from little_loops.fsm.bash import Code, Data

    if isinstance(part, Literal | Malformed):
        return Code(part.text)
    code = _code_value(loop, name, part)
    if code is None:
        return Data(f"v{index}", part.name)
    if part.shell:
        from shlex import quote

        return Code(quote(code), part.name)
    return Code(code, part.name)


def _code_value(loop: FSMLoop, name: str, reference: Reference) -> str | None:
    """The text that is pasted for a reference to code, or None for a reference to data."""
    if reference.raw:
        return "raw"
    if reference.namespace == "state":
        return name if reference.path == "name" else "1"
    if reference.namespace == "loop":
        return ENGINE_TEXTS.get(reference.path)
    if reference.namespace != "context":
        return None
    key = reference.keys[0]
    if key in loop.parameters or key == loop.input_key:
        return None
    if key not in loop.context:
        return "" if reference.optional else reference.default
    value: Any = loop.context
    for step in reference.keys:
        if not isinstance(value, dict) or step not in value:
            return reference.default
        value = value[step]
    return "" if value is None else str(value)


def _from_outside(loop: FSMLoop, reference: Reference) -> bool:
    """Whether only the start of a run tells if this is code: a key that the file does not set."""
    if reference.namespace != "context":
        return False
    key = reference.keys[0]
    return key not in loop.context and key not in loop.parameters and key != loop.input_key


@state_rule(
    "LL508",
    "Raw data is marked where it is meant.",
    "`:raw` pastes data into the shell text, so whoever writes the data writes the script. Silence this with "
    "`allow: [LL508]` where the data is your own.",
    WARNING,
    lint=True,
)
def raw_data(name: str, state: StateConfig) -> Iterator[Hit]:
    if is_shell(state) and isinstance(state.action, str):
        for reference in parse(state.action).references:
            if reference.raw:
                needle = state.action[reference.start : reference.end]
                yield Hit(("states", name, "action"), f"{needle} is run as shell code", needle=needle)


RULES: tuple[Rule, ...] = (placement, raw_data)
