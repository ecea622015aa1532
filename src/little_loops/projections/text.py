"""Texts for people: durations, cleaned output, one-line previews. Pure; knows no terminal and no colour."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

Record = Mapping[str, Any]
"""One journal record: a flat map with ``event``, ``ts``, ``seq`` and ``t``."""

GOOD = frozenset({"yes", "target", "progress", "success"})
"""Verdicts that are shown as a success."""

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|.?)", re.S
)
_CONTROLS = {code: None for code in (*range(32), *range(127, 160), 0x2028, 0x2029, *range(0x202A, 0x202F))}
_CONTROLS.update({code: None for code in range(0x2066, 0x206A)})
del _CONTROLS[9], _CONTROLS[10]


def clean(text: str) -> str:
    """The text without escape sequences and control characters; line ends and tabs stay.

    Nothing printed by an action may move the cursor, change colours, set titles or reverse a line.
    """
    if text.isprintable():
        return text
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    return text.translate(_CONTROLS)


def flat(text: str) -> str:
    """The cleaned text with its line ends as blanks."""
    return clean(text).replace("\n", " ")


def one_line(text: str, room: int | None = None) -> str:
    """The first line that says something; ``…`` where there is more, or more than ``room`` characters."""
    lines = [line for line in clean(text).splitlines() if line.strip()]
    if not lines:
        return ""
    first = lines[0].strip().replace("\t", " ")
    if room is not None and len(first) > room:
        return first[: room - 1].rstrip() + "…"
    return first + " …" if len(lines) > 1 else first


def elapsed(ms: float) -> str:
    """Time since a start: ``7s``, ``3m 7s``, ``2h 3m``."""
    seconds = int(ms // 1000)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m {seconds % 60}s"
    return f"{seconds // 3600}h {seconds % 3600 // 60}m"


def took(ms: float) -> str:
    """How long one action took: ``1.4s``, ``2m 5s``."""
    return f"{ms / 1000:.1f}s" if ms < 60_000 else elapsed(ms)


def duration(ms: float) -> str:
    """How long a run took: ``850ms``, ``12.3s``, ``4m07s``, ``2h04m09s``."""
    if ms < 1000:
        return f"{int(ms)}ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f}s"
    seconds = int(ms // 1000)
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}m{seconds % 60:02}s"


def ago(seconds: float) -> str:
    """``5s ago``, ``2m 5s ago``, ``3h 2m ago``, ``4d 3h ago``; a clock that stepped back says ``0s ago``."""
    whole = max(0, int(seconds))
    if whole < 3600:
        return f"{elapsed(whole * 1000)} ago"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60}m ago"
    return f"{whole // 86400}d {whole % 86400 // 3600}h ago"


def count(number: int, one: str, many: str | None = None) -> str:
    """``1 state``, ``2 states``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def mapping(value: Any) -> Mapping[str, Any]:
    """The value where it is a map, else an empty one: what a record holds may have been edited by hand."""
    return value if isinstance(value, Mapping) else {}


def number(value: Any, otherwise: float = 0) -> float:
    """The value where it is a finite number, else another."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return otherwise
    return value


def text_of(value: Any, otherwise: str = "") -> str:
    """The value where it is a text, else another."""
    return value if isinstance(value, str) else otherwise


def tokens_of(usage: Mapping[str, Any]) -> int:
    """All tokens of a usage together."""
    return int(sum(number(value) for key, value in usage.items() if key.endswith("_tokens")))


def value_text(value: Any, room: int | None = 120) -> str:
    """A value of a record in one line: texts bare, everything else as compact JSON."""
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return one_line(text, room)
