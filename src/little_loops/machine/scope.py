"""What templates may refer to, and looking it up: namespaces, missing values, and what counts as data.

Law: pure; the scope is all it sees. A value of the environment is never looked at here: its place is, and the
words `${env.X}` stand for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from little_loops.fsm.template import Malformed, Reference, nearest, unknown_name

Env = tuple[tuple[int, str], ...]

_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD", re.IGNORECASE)


class InterpolationError(Exception):
    """A reference that cannot be rendered. `reference` names it, `hint` is the next step or None."""

    def __init__(self, message: str, reference: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reference = reference
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message} ({self.hint})"


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything a template may refer to, at one moment of one frame.

    `data` holds JSON pointers into `context` whose values (with all below them) are data. `context_env`
    tells, by pointer, the (offset, name) pairs where a context text holds the words `${env.NAME}` for a
    variable. `env` is the environment of the run. `elapsed_ms` is the running time of the frame in
    milliseconds.
    """

    context: Mapping[str, Any]
    data: frozenset[str]
    context_env: Mapping[str, Env]
    captured: Mapping[str, Any]
    prev: Mapping[str, Any] | None
    result: Mapping[str, Any] | None
    state: str
    iteration: int
    loop: str
    started_at: str
    elapsed_ms: int
    continuation: str | None
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered text.

    `env` lists (offset, name) of every `${env.name}` in `text` that the edge replaces: by the value in a
    prompt, by the shell's own `${name}` in a shell action. `values` maps each shell variable that `text`
    names to the reference it stands for. `data` is True when any part was data.
    """

    text: str
    env: Env
    data: bool
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """A value that was looked up: where its environment references stand, and whether it is data."""

    value: Any
    env: Env
    data: bool


def value_text(value: object) -> str:
    """The text of a value: null is empty, booleans are True and False, maps and lists are JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | int() | float():
            return str(value)
        case Mapping() | list() | tuple():
            return json.dumps(value, ensure_ascii=False, default=_plain)
        case _:
            return str(value)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


# -- looking up --


def failure(reference: Reference, message: str, hint: str | None = None) -> InterpolationError:
    return InterpolationError(f"${{{reference.name}}}: {message}", reference.name, hint)


def _look_up(reference: Reference, scope: Scope) -> Found:
    """The value of a reference. Raises `InterpolationError` when there is none."""
    wrong = unknown_name(reference)
    if wrong is not None:
        raise failure(reference, *wrong)
    match reference.namespace:
        case "context":
            return _context(reference, scope)
        case "env":
            return _environment(reference, scope)
        case "captured":
            return Found(_captured(reference, scope), (), True)
        case "prev":
            return Found(_step(reference, scope.prev, "no step has run before this one"), (), True)
        case "result":
            return Found(
                _step(reference, scope.result, "there is a result only while the state routes"), (), True
            )
        case "state":
            return Found(scope.state if reference.path == "name" else scope.iteration, (), False)
        case _:
            return _loop(reference, scope)


def _step(reference: Reference, values: Mapping[str, Any] | None, otherwise: str) -> Any:
    if values is None:
        raise failure(reference, otherwise, f"write ${{{reference.name}:default=…}} for the first time")
    return _walk(reference, values)


def _walk(reference: Reference, values: Mapping[str, Any]) -> Any:
    """Follow the keys of a reference into nested maps."""
    current: Any = values
    known = reference.namespace
    for key in reference.keys:
        if not isinstance(current, Mapping):
            raise failure(reference, f"'{known}' is no map, so it has no '{key}'")
        if key not in current:
            raise _missing(reference, known, key, [name for name in current if isinstance(name, str)])
        current, known = current[key], f"{known}.{key}"
    return current


def _missing(reference: Reference, known: str, key: str, names: list[str]) -> InterpolationError:
    near = nearest(key, names)
    if near is not None:
        rest = reference.name[len(known) + 1 + len(key) :]
        return failure(reference, f"'{known}' has no '{key}'", f"did you mean ${{{known}.{near}{rest}}}?")
    if known == "context":
        return failure(
            reference,
            f"'context' has no '{key}'",
            f"give it with --context {key}=VALUE, or declare it in context:",
        )
    if known == "captured":
        return failure(
            reference,
            f"nothing has been captured as '{key}'",
            f"write ${{{reference.name}:default=…}} if that may be",
        )
    listed = ", ".join(sorted(names)[:12])
    return failure(reference, f"'{known}' has no '{key}'", f"it has {listed}" if listed else None)


def _captured(reference: Reference, scope: Scope) -> Any:
    value = _walk(reference, scope.captured)
    if reference.keys[-1] == "output" and isinstance(value, str):
        return value.rstrip("\r\n")
    return value


def _loop(reference: Reference, scope: Scope) -> Found:
    match reference.path:
        case "name":
            return Found(scope.loop, (), False)
        case "started_at":
            return Found(scope.started_at, (), False)
        case "elapsed_ms":
            return Found(scope.elapsed_ms, (), False)
        case "elapsed":
            return Found(elapsed_text(scope.elapsed_ms), (), False)
        case _:
            if scope.continuation is None:
                raise failure(
                    reference, "no work was handed over", "write ${loop.continuation?} for a first run"
                )
            return Found(scope.continuation, (), True)


def elapsed_text(milliseconds: int) -> str:
    """A running time in words: `850ms`, `59s`, `1m 30s`, `60m`."""
    if milliseconds < 1000:
        return f"{milliseconds}ms"
    seconds = milliseconds // 1000
    minutes, rest = divmod(seconds, 60)
    if not minutes:
        return f"{seconds}s"
    return f"{minutes}m {rest}s" if rest else f"{minutes}m"


def _environment(reference: Reference, scope: Scope) -> Found:
    name = reference.path
    if name not in scope.env:
        near = nearest(name, list(scope.env))
        hint = f"did you mean ${{env.{near}}}?" if near else f"set it, or write ${{env.{name}:default=…}}"
        raise failure(reference, "the environment variable is not set", hint)
    return Found("${env." + name + "}", ((0, name),), True)


def _context(reference: Reference, scope: Scope) -> Found:
    value = _walk(reference, scope.context)
    pointer = pointer_of(reference)
    env = scope.context_env.get(pointer, ())
    return Found(value, env, is_data(pointer, value, scope.data))


def pointer_of(reference: Reference) -> str:
    """The JSON pointer of a reference within its namespace."""
    return "".join("/" + escaped(key) for key in reference.keys)


def escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def is_data(pointer: str, value: object, marked: frozenset[str]) -> bool:
    if not marked:
        return False
    if "" in marked or any(pointer[:at] in marked for at in range(1, len(pointer)) if pointer[at] == "/"):
        return True
    if pointer in marked:
        return True
    return isinstance(value, Mapping | list) and any(each.startswith(pointer + "/") for each in marked)


def find(reference: Reference, scope: Scope) -> Found:
    """The value of a reference with its suffix: `:default=` and `?` stand in for what is missing."""
    try:
        return _look_up(reference, scope)
    except InterpolationError:
        if reference.default is None and not reference.optional:
            raise
        code = reference.namespace in ("context", "state", "loop")
        return Found(reference.default or "", (), not code)


def found_text(reference: Reference, scope: Scope, found: Found) -> str:
    """The text of a value; a map that holds environment references has none."""
    if found.env or isinstance(found.value, str):
        return str(found.value)
    if isinstance(found.value, Mapping | list) and reference.namespace == "context":
        pointer = pointer_of(reference)
        if any(each.startswith(pointer + "/") for each in scope.context_env):
            raise failure(
                reference,
                "it holds a value of the environment, so it cannot become text",
                "refer to one key of it",
            )
    return value_text(found.value)


def unreadable(part: Malformed) -> InterpolationError:
    """The error for something that only looks like a reference."""
    return InterpolationError(part.reason, part.text, part.hint)


def with_environment(text: str, env: Env, scope: Scope, *, secrets: bool = False) -> str:
    """A text with the values of the environment put in at their offsets.

    Raises `InterpolationError` for a variable that is not set, and unless `secrets` for one whose name says
    that it is a secret.
    """
    for offset, name in sorted(env, reverse=True):
        if not secrets and _SECRET.search(name):
            message = f"${{env.{name}}}: a condition may not read a secret"
            raise InterpolationError(message, f"env.{name}", "compare it inside a shell action")
        if name not in scope.env:
            raise InterpolationError(f"${{env.{name}}}: the environment variable is not set", f"env.{name}")
        words = "${env." + name + "}"
        text = text[:offset] + scope.env[name] + text[offset + len(words) :]
    return text
