"""Lines of a JSON stream, and fields of what stands in them, whatever that is. Pure; nothing here raises."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

SUMMARY = 200
"""Characters of a summary."""

_TELLING = ("file_path", "path", "command", "pattern", "url", "query", "description", "prompt")


def parsed(line: str) -> Mapping[str, Any] | None:
    """The JSON object on a line; None for anything else."""
    try:
        found = json.loads(line, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """A map, empty where there is none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """A list, empty where there is none."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """A text that is not empty, or None; what is no character is replaced."""
    if not isinstance(value, str) or not value:
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def whole(value: Any) -> int | None:
    """A whole number from 0 up, or None."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def amount(value: Any) -> float | None:
    """A finite number from 0 up, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def summary(value: Any) -> str | None:
    """One line of what a tool was called for: its most telling input."""
    if isinstance(value, str):
        return _line(value)
    given = mapping(value)
    for key in (*_TELLING, *given):
        told = given.get(key)
        if isinstance(told, str) and told.strip():
            return _line(told)
    return None


def _line(value: str) -> str | None:
    line = " ".join((text(value[: 4 * SUMMARY]) or "").split())
    return (line if len(line) <= SUMMARY else line[: SUMMARY - 1] + "…") or None
