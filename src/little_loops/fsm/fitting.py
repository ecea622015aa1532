"""Whether one plain value fits what a key expects, and what it is read as.

A value that can only mean one thing is adapted and noted; anything else is a mistake. Nothing here raises for
content or knows a key by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum
from typing import Any, NamedTuple, assert_never

Path = tuple[str | int, ...]
MOST_KNOWN, LONGEST_WORD = 500, 80  # beyond these a guess costs more than it is worth
WORDS_OF_OLD_YAML = {"yes": True, "on": True, "y": True, "no": False, "off": False, "n": False}
MISSING_KEY, WRONG_TYPE, ADAPTED_TYPE, OLD_BOOLEAN, UNKNOWN_KEY = "LL121", "LL122", "LL123", "LL124", "LL125"


class Kind(Enum):
    """What a value has to look like."""

    TEXT = "text"
    INT = "whole number"
    NUMBER = "number"
    NUMBER_OR_TEXT = "number or text"
    INT_OR_TEXT = "whole number or text"
    BOOL = "true or false"
    MAP = "mapping"
    LIST = "list"
    TEXTS = "list of texts"
    INTS = "list of whole numbers"
    ANY = "any value"
    ONE = "mapping of known keys"
    MANY = "list of mappings"
    NAMED = "mapping of named entries"
    VERDICTS = "one key per verdict"
    ROUTES = "mapping of verdict to state"


class Mistake(NamedTuple):
    """One thing wrong with the shape of a mapping.

    ``path`` names the owner as shown to people; ``child`` is the key below it that the place points at,
    and ``on_key`` says that the key itself is meant and not its value.
    """

    code: str
    severity: str
    path: Path
    message: str
    child: str | None = None
    on_key: bool = False
    help: str | None = None
    suggestion: str | None = None


def fitted(kind: Kind, value: Any, path: Path, mistakes: list[Mistake]) -> tuple[bool, Any]:
    """Whether the value can be used, and the value as it will be used."""
    good, kept, code = _fit(kind, value)
    if not good:
        note = f"expected a {kind.value}, found {shown(value)}"
        mistakes.append(Mistake(WRONG_TYPE, "error", path, note))
    elif code == OLD_BOOLEAN:
        note = f"'{value}' is read as {'true' if kept else 'false'}"
        fix = "true" if kept else "false"
        mistakes.append(Mistake(code, "warning", path, note, suggestion=fix, help=f"write {fix}"))
    elif code:
        note = f"expected a {kind.value}, found {shown(value)}; it is read as {kept!r}"
        mistakes.append(Mistake(code, "warning", path, note))
    return good, kept


def _fit(kind: Kind, value: Any) -> tuple[bool, Any, str]:
    match kind:
        case Kind.ANY:
            return True, value, ""
        case Kind.TEXT:
            return _fit_text(value)
        case Kind.INT:
            return _fit_number(value, whole=True)
        case Kind.NUMBER:
            return _fit_number(value, whole=False)
        case Kind.NUMBER_OR_TEXT | Kind.INT_OR_TEXT:
            return isinstance(value, (int, float, str)) and not isinstance(value, bool), value, ""
        case Kind.BOOL:
            return _fit_bool(value)
        case Kind.MAP:
            return isinstance(value, Mapping), value, ""
        case Kind.LIST:
            return isinstance(value, list), value, ""
        case Kind.TEXTS | Kind.INTS | Kind.ONE | Kind.MANY | Kind.NAMED | Kind.VERDICTS | Kind.ROUTES:
            return False, value, ""
        case _:
            assert_never(kind)


def _fit_text(value: Any) -> tuple[bool, Any, str]:
    if isinstance(value, str):
        return True, value, ""
    if isinstance(value, bool):
        return True, "true" if value else "false", ADAPTED_TYPE
    if isinstance(value, (int, float)):
        return True, str(value), ADAPTED_TYPE
    return False, value, ""


def _fit_number(value: Any, *, whole: bool) -> tuple[bool, Any, str]:
    if isinstance(value, bool):
        return False, value, ""
    if isinstance(value, int) or (isinstance(value, float) and not whole):
        return True, value, ""
    if isinstance(value, float) and value.is_integer():
        return True, int(value), ADAPTED_TYPE
    if isinstance(value, str) and len(value) < 40:
        try:
            return True, int(value) if whole else float(value), ADAPTED_TYPE
        except ValueError:
            return False, value, ""
    return False, value, ""


def _fit_bool(value: Any) -> tuple[bool, Any, str]:
    if isinstance(value, bool):
        return True, value, ""
    if isinstance(value, str) and value.lower() in WORDS_OF_OLD_YAML:
        return True, WORDS_OF_OLD_YAML[value.lower()], OLD_BOOLEAN
    if value in (0, 1) or (isinstance(value, str) and value.lower() in ("true", "false")):
        return True, value in (1, "true", "True", "TRUE"), ADAPTED_TYPE
    return False, value, ""


def closest(word: str, known: Collection[str], likeness: float = 0.6) -> str | None:
    """The known word that is most like this one, or None; ``likeness`` runs from 0 to 1 (equal)."""
    import difflib

    if len(known) > MOST_KNOWN or len(word) > LONGEST_WORD:
        return None
    match = difflib.get_close_matches(word, sorted(known), n=1, cutoff=likeness)
    return match[0] if match else None


def shown(value: Any) -> str:
    """The value in a few words, for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value[:40]!r}"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"
