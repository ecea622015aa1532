"""Environment variables at the edge: put in exactly where an effect says, and nowhere else.

A text that merely contains the same words, because some output said them, is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from little_loops.machine.effects import EnvOffsets, Text

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def replaced(text: str, offsets: EnvOffsets, value_of: Callable[[str], str]) -> str:
    """``text`` with the words ``${env.NAME}`` at each offset replaced by ``value_of(NAME)``.

    Raises:
        ValueError: the words do not stand at an offset.
    """
    parts: list[str] = []
    done = 0
    for offset, name in sorted(offsets):
        words = f"${{env.{name}}}"
        if not text.startswith(words, offset):
            raise ValueError(f"no {words} at offset {offset}")
        parts += (text[done:offset], value_of(name))
        done = offset + len(words)
    return "".join((*parts, text[done:]))


def with_values(text: Text, env: Mapping[str, str]) -> str:
    """The text with the variables' values; a variable that is not set is empty."""
    return replaced(text.text, text.env, lambda name: env.get(name, "")) if text.env else text.text


def as_variables(text: str, offsets: EnvOffsets) -> str:
    """A bash text in which each place refers to bash's own variable, which it inherits.

    Raises:
        ValueError: a name that bash cannot refer to.
    """
    return replaced(text, offsets, _reference) if offsets else text


def _reference(name: str) -> str:
    if _IDENTIFIER.fullmatch(name) is None:
        raise ValueError(f"bash has no variable named {name!r}")
    return f"${{{name}}}"
