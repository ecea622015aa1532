"""Shell actions rendered: code pasted, data named by variables, and the checks that need the values.

Law: no value of data is in the text. What bash would evaluate as a number is checked to be one before
anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, assert_never

from little_loops.fsm.bash import Code, Data, Piece, Placed, Refusal, examine, place
from little_loops.fsm.template import Literal, Malformed, Reference, parse
from little_loops.machine.scope import (
    Env,
    Found,
    InterpolationError,
    Rendered,
    Scope,
    failure,
    find,
    found_text,
    unreadable,
    with_environment,
)

_INTEGER = re.compile(r"\s*-?[0-9]+\s*", re.ASCII)
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NOT_WORD = re.compile(r"\W+", re.ASCII)
# Variables that bash sets itself: what it sees in them is not what the run was started with.
_OF_BASH = re.compile(
    r"BASH.*|_|IFS|PWD|OLDPWD|SHLVL|PPID|E?UID|S?RANDOM|SECONDS|LINENO|EPOCH\w*|HIST\w*|SHELLOPTS|PS[0-4]"
    r"|OPT(?:ARG|ERR|IND)|HOST(?:NAME|TYPE)|MACHTYPE|OSTYPE|FUNCNAME|GROUPS|DIRSTACK|PIPESTATUS|TIMEFORMAT"
    r"|COMP_\w*|REPLY|MAPFILE|LL_.*"
)


def render_shell(text: str, scope: Scope, lenient: bool = False) -> Rendered:
    """The text for bash: code values pasted, data named by variables, quoted as each position asks.

    With `lenient` a reference without a namespace, such as `${NAME}`, is left to bash.

    Raises:
        InterpolationError: a missing value, a value where it could be executed, or one that is not the number
            its place needs.
    """
    pieces = _Pieces(scope, lenient)
    for part in parse(text).parts:
        pieces.take(part)
    try:
        placed = place(tuple(pieces.done))
    except Refusal as refusal:
        raise InterpolationError(refusal.message, refusal.label, refusal.hint) from None
    _check_values(placed, pieces)
    shown, env = _shown(placed, pieces.direct)
    return Rendered(shown, env, pieces.data, pieces.values)


class _Pieces:
    """A shell template turned into pieces, variables named on the way."""

    def __init__(self, scope: Scope, lenient: bool) -> None:
        self._scope = scope
        self._lenient = lenient
        self._names: dict[str, str] = {}
        self.done: list[Piece] = []
        self.values: dict[str, str] = {}
        self.direct: dict[str, str] = {}
        self.data = False

    def take(self, part: Literal | Malformed | Reference) -> None:
        """Add one part of the template. Raises `InterpolationError`."""
        match part:
            case Literal():
                self._literal(part.text)
            case Malformed():
                if not (self._lenient and part.dotless):
                    raise unreadable(part)
                self._literal(part.text)
            case Reference():
                self._reference(part, find(part, self._scope))
            case _:
                assert_never(part)

    def _literal(self, text: str) -> None:
        last = self.done[-1] if self.done else None
        if isinstance(last, Code) and last.label is None:
            self.done[-1] = Code(last.text + text)
        else:
            self.done.append(Code(text))

    def _reference(self, part: Reference, found: Found) -> None:
        text = found_text(part, self._scope, found)
        self.data = self.data or found.data
        if not (part.shell or found.data) or (part.raw and not found.env):
            self.done.append(Code(text, part.name))
        elif part.raw:
            raise failure(
                part, "a value of the environment is never pasted", f"write $${{{found.env[0][1]}}} for bash"
            )
        elif part.namespace == "env" and found.env and _of_shell(part.path):
            self.direct[part.path] = part.path
            self.done.append(Data(part.path, part.name))
        else:
            self.done.append(Data(self._variable(part), part.name))

    def _variable(self, part: Reference) -> str:
        return _named(part, self._names, self.values)

    def text(self, variable: str) -> str:
        """The value of a variable, for a check."""
        if variable in self.direct:
            return self._scope.env[variable]
        value, env = resolve_values({variable: self.values[variable]}, self._scope)[variable]
        return with_environment(value, env, self._scope, secrets=True)

    def is_secret(self, variable: str) -> bool:
        """True when the value came from the environment and may not be shown."""
        return variable in self.direct or bool(
            resolve_values({variable: self.values[variable]}, self._scope)[variable][1]
        )


def _of_shell(name: str) -> bool:
    return _VARIABLE.fullmatch(name) is not None and _OF_BASH.fullmatch(name) is None


def _named(part: Reference, names: dict[str, str], values: dict[str, str]) -> str:
    """The variable for a reference: readable, stable, and one per way of looking it up."""
    if part.lookup in names:
        return names[part.lookup]
    wanted = "LL_" + _NOT_WORD.sub("_", part.name).upper()
    variable, number = wanted, 2
    while variable in values:
        variable, number = f"{wanted}_{number}", number + 1
    names[part.lookup], values[variable] = variable, part.lookup
    return variable


def _check_values(placed: Placed, pieces: _Pieces) -> None:
    for variable in placed.numbers:
        if not _INTEGER.fullmatch(pieces.text(variable)):
            raise _wrong_value(variable, pieces, "its place takes only a whole number")
    for variable in placed.words:
        if pieces.text(variable).startswith("-"):
            raise _wrong_value(variable, pieces, "it begins with a dash and would be read as an option")


def _wrong_value(variable: str, pieces: _Pieces, reason: str) -> InterpolationError:
    name = pieces.values.get(variable, f"env.{variable}").split(":default=")[0].removesuffix("?")
    shown = "" if pieces.is_secret(variable) else f", and the value is {_short(pieces.text(variable))}"
    return InterpolationError(f"${{{name}}}: {reason}{shown}", name, "nothing was run")


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "…")


def _shown(placed: Placed, direct: Mapping[str, str]) -> tuple[str, Env]:
    """The text as events show it, `${env.X}` for the shell's own `${X}`, and where those words stand."""
    out: list[str] = []
    env: list[tuple[int, str]] = []
    at = length = 0
    for offset, variable in placed.references:
        if variable not in direct:
            continue
        before = placed.text[at:offset]
        out += (before, "${env." + variable + "}")
        length += len(before)
        env.append((length, variable))
        length += len(out[-1])
        at = offset + len(variable) + 3
    return "".join((*out, placed.text[at:])), tuple(env)


def resolve_values(values: Mapping[str, str], scope: Scope) -> dict[str, tuple[str, Env]]:
    """The texts of the variables of `Rendered.values`, each with its environment offsets.

    Raises `InterpolationError` when a value is there no more.
    """
    found: dict[str, tuple[str, Env]] = {}
    for variable, path in values.items():
        reference = parse("${" + path + "}").single
        if reference is None:
            raise InterpolationError(f"'{path}' is not a reference", path)
        value = find(reference, scope)
        found[variable] = found_text(reference, scope, value), value.env
    return found


# -- before a run --


def check_shell(
    text: str, context: Mapping[str, Any], data: frozenset[str] = frozenset(), lenient: bool = False
) -> list[Refusal]:
    """Every reason why a shell action could not be rendered safely, with the context values that are known.

    A context value that is not known yet counts as one plain word of code. Offsets are those of the
    references in `text`. Malformed references are not reported here.
    """
    pieces: list[Piece] = []
    starts: list[int] = []
    names: dict[str, str] = {}
    for part in parse(text).parts:
        starts.append(part.start)
        pieces.append(_assumed(part, context, data, names))
    found = []
    for refusal in examine(tuple(pieces)):
        found.append(
            Refusal(refusal.message, refusal.label, refusal.hint, starts[refusal.piece], refusal.piece)
        )
    return found


def _assumed(
    part: Literal | Malformed | Reference,
    context: Mapping[str, Any],
    data: frozenset[str],
    names: dict[str, str],
) -> Piece:
    match part:
        case Literal():
            return Code(part.text)
        case Malformed():
            return Code(part.text if part.dotless else _UNKNOWN)
        case Reference(namespace="context"):
            return _assumed_context(part, context, data, names)
        case Reference(namespace="state") | Reference(namespace="loop") if part.path != "continuation":
            return _assumed_data(part, names) if part.shell else Code(_UNKNOWN, part.name)
        case Reference():
            return Code(_UNKNOWN) if part.raw else _assumed_data(part, names)
        case _:
            assert_never(part)


def _assumed_data(part: Reference, names: dict[str, str]) -> Data:
    if part.namespace == "env" and _of_shell(part.path):
        return Data(part.path, part.name)
    return Data(_named(part, names, {variable: "" for variable in names.values()}), part.name)


def _assumed_context(
    part: Reference, context: Mapping[str, Any], data: frozenset[str], names: dict[str, str]
) -> Piece:
    scope = replace(_NOTHING, context=context, data=data)
    try:
        found = find(part, scope)
    except InterpolationError:
        return _assumed_data(part, names) if part.shell else Code(_UNKNOWN, part.name)
    if part.raw or not (found.data or part.shell):
        return Code(found_text(part, scope, found), part.name)
    return _assumed_data(part, names)


_UNKNOWN = "LLunknown"
_NOTHING = Scope({}, frozenset(), {}, {}, None, None, "", 0, "", "", 0, None, {})
