"""Naive template rendering for the naive executor: one regular expression, one pass, no compilation.

Knows nothing of the product. It must never import it: its worth is that it was written apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

REFERENCE = re.compile(r"\$\$\{|\$\{([^}]+)\}")
NAMESPACES = ("context", "captured", "prev", "result", "state", "loop", "env")


class Missing(Exception):
    """A template names something that is not there."""


def render(template: str, scope: Mapping[str, Any], *, keep_env: bool = False) -> str:
    """Fill ``template``; with ``keep_env`` an existing environment variable stays as written."""

    def put(found: re.Match[str]) -> str:
        if found.group(1) is None:
            return "${"
        if keep_env and found.group(1).startswith("env."):
            look_up(found.group(1), scope)
            return found.group(0)
        if scope.get("bare") and "." not in found.group(1):
            return found.group(0)
        return resolve(found.group(1), scope)

    return REFERENCE.sub(put, template)


def render_nested(value: Any, scope: Mapping[str, Any]) -> Any:
    """Fill every text of nested maps and lists; a text that is one reference keeps the value's own type."""
    match value:
        case str():
            whole = re.fullmatch(r"\$\{([^}:?]+)\}", value)
            return look_up(whole.group(1), scope) if whole else render(value, scope)
        case dict():
            return {key: render_nested(item, scope) for key, item in value.items()}
        case list():
            return [render_nested(item, scope) for item in value]
    return value


def resolve(reference: str, scope: Mapping[str, Any]) -> str:
    """The text one reference stands for."""
    path, found, fallback = reference.partition(":default=")
    if found:
        return _or(path, scope, fallback)
    if path.endswith("?"):
        return _or(path[:-1], scope, "")
    if path.endswith(":shell"):
        return quoted(look_up(path[:-6], scope))
    if path.endswith(":raw"):
        path = path[:-4]
    return to_text(look_up(path, scope))


def quoted(value: Any) -> str:
    """A value as one word of a shell text; nothing at all for nothing."""
    return "" if value is None else "'" + to_text(value).replace("'", "'\\''") + "'"


def _or(path: str, scope: Mapping[str, Any], fallback: str) -> str:
    try:
        return to_text(look_up(path, scope))
    except Missing:
        return fallback


def look_up(reference: str, scope: Mapping[str, Any]) -> Any:
    """The value at ``namespace.path``."""
    namespace, dot, path = reference.partition(".")
    if not dot or namespace not in NAMESPACES:
        raise Missing(reference)
    value = scope.get(namespace)
    for key in [path] if namespace == "env" else path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise Missing(reference)
        value = value[key]
    return value


def to_text(value: Any) -> str:
    """A value as it stands in a text."""
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def elapsed(ms: int) -> str:
    """A duration for people."""
    if ms < 1000:
        return f"{ms}ms"
    seconds = ms // 1000
    if seconds < 60:
        return f"{seconds}s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m {rest}s" if rest else f"{minutes}m"
