"""Templates rendered against a scope: what the author wrote, with the values of this moment.

Law: pure. Data becomes the text of a prompt or of a setting, never the text of a command: a shell action
names variables, and their values are resolved apart from it. Where a result is written down, `${env.X}` is
not replaced; its offset is noted instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

from little_loops.fsm.template import Literal, Malformed, Reference, Template, parse
from little_loops.machine.scope import (
    Env,
    InterpolationError,
    Rendered,
    Scope,
    elapsed_text,
    escaped,
    failure,
    find,
    found_text,
    is_data,
    pointer_of,
    unreadable,
    value_text,
    with_environment,
)
from little_loops.machine.shelltext import check_shell, render_shell, resolve_values

__all__ = [
    "Env",
    "InterpolationError",
    "Rendered",
    "Scope",
    "check_shell",
    "elapsed_text",
    "render_plain",
    "render_prompt",
    "render_shell",
    "render_tree",
    "resolve_values",
    "value_text",
]


# -- prompts --


def render_prompt(text: str, scope: Scope) -> Rendered:
    """The text for an agent, values pasted. Raises `InterpolationError`."""
    rendered, env, data = _render(parse(text), scope)
    return Rendered(rendered, env, data, {})


def _render(template: Template, scope: Scope) -> tuple[str, Env, bool]:
    out: list[str] = []
    env: list[tuple[int, str]] = []
    length, data = 0, False
    piece: str
    offsets: Env
    for part in template.parts:
        match part:
            case Literal():
                piece, offsets = part.text, ()
            case Malformed():
                raise unreadable(part)
            case Reference():
                found = find(part, scope)
                data = data or found.data
                piece, offsets = _quoted(part, found_text(part, scope, found), found.env)
            case _:
                assert_never(part)
        env += [(length + offset, name) for offset, name in offsets]
        out.append(piece)
        length += len(piece)
    return "".join(out), tuple(env), data


def _quoted(reference: Reference, text: str, env: Env) -> tuple[str, Env]:
    if not reference.shell:
        return text, env
    if env:
        raise failure(
            reference,
            ":shell cannot quote a value of the environment outside a shell action",
            "leave :shell out",
        )
    return "'" + text.replace("'", "'\\''") + "'", ()


# -- settings and conditions --


def render_plain(text: str, scope: Scope) -> str:
    """The text of a target or of an evaluator's setting, environment values put in.

    Raises `InterpolationError`, also for a variable whose name says that it is a secret.
    """
    rendered, env, _ = _render(parse(text), scope)
    return with_environment(rendered, env, scope)


# -- bindings and parameters --


def render_tree(value: Any, scope: Scope) -> tuple[Any, tuple[str, ...], dict[str, Env]]:
    """A value of `with:` or `params:` with every text in it rendered; keys stay as they are.

    Returns the value, the JSON pointers of what is data in it, and the environment offsets by pointer. A text
    that is one reference and nothing else keeps the type of its value. Raises `InterpolationError`.
    """
    data: list[str] = []
    env: dict[str, Env] = {}
    return _tree(value, "", scope, data, env), tuple(data), env


def _tree(value: Any, at: str, scope: Scope, data: list[str], env: dict[str, Env]) -> Any:
    match value:
        case Mapping():
            return {
                key: _tree(each, f"{at}/{escaped(str(key))}", scope, data, env) for key, each in value.items()
            }
        case list() | tuple():
            return [_tree(each, f"{at}/{index}", scope, data, env) for index, each in enumerate(value)]
        case str():
            template = parse(value)
            single = template.single
            if single is not None and not single.shell:
                return _native(single, at, scope, data, env)
            text, offsets, tainted = _render(template, scope)
            if tainted:
                data.append(at)
            if offsets:
                env[at] = offsets
            return text
        case _:
            return value


def _native(reference: Reference, at: str, scope: Scope, data: list[str], env: dict[str, Env]) -> Any:
    found = find(reference, scope)
    if found.env:
        env[at] = found.env
    if reference.namespace != "context" or isinstance(found.value, str):
        if found.data:
            data.append(at)
        return found.value
    pointer = pointer_of(reference)
    if is_data(pointer, None, scope.data):
        data.append(at)
    else:
        data += [at + each[len(pointer) :] for each in sorted(scope.data) if each.startswith(pointer + "/")]
    for each, offsets in scope.context_env.items():
        if each.startswith(pointer + "/"):
            env[at + each[len(pointer) :]] = offsets
    return found.value
