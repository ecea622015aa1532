"""Where a cursor stands in a YAML text: which key or value, even while the text is not yet YAML.

The parser's events are read only as far as the cursor, so what is broken behind it does not matter. When it
is broken before it, indentation has to do. Knows YAML, and nothing of loops.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from little_loops.fsm.fitting import Path
from little_loops.fsm.yaml import MAX_DEPTH

MARK = "Q7cursorQ7"
LEAD = re.compile(r"[ \t]*(?:-[ \t]+)*")
WORD = re.compile(r"""[^\s,\[\]{}"'#&*!|>%@`]*$""")
KEY = re.compile(
    r"""(?P<indent>[ ]*)(?:-[ ]+)*(?:"(?P<q>[^"]*)"|'(?P<s>[^']*)'|(?P<p>[^\s#'"][^#]*?))[ ]*:(?:\s|$)"""
)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A text in the file.

    Attributes:
        path: of the key itself, or of the value.
        on_key: whether it is a key.
        value: as read.
        start: offset of its first character, quotes included.
        end: offset behind its last one.
        block: whether it is a block of lines, ``|`` or ``>``.
    """

    path: Path
    on_key: bool
    value: str
    start: int
    end: int
    block: bool


@dataclass(frozen=True, slots=True)
class Spot:
    """A place where something is being written.

    Attributes:
        path: the key being written, or the place of the value.
        on_key: whether it is a key.
        word: what stands there before the cursor.
        start: offset of that word.
        inside: whether it is in the middle of a longer text.
        before: the keys that stand before it in the same mapping.
    """

    path: Path
    on_key: bool
    word: str
    start: int
    inside: bool = False
    before: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Level:
    """A collection that is open."""

    is_map: bool
    key: str | int = 0
    awaits_key: bool = field(default=True)


def scalars(text: str) -> Iterator[Scalar]:
    """Every scalar of a text with its path, up to the first thing that is no YAML."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    levels: list[_Level] = []
    try:
        for event in yaml.parse(text, loader):
            if isinstance(event, yaml.ScalarEvent):
                yield _scalar(event, levels)
            elif isinstance(event, yaml.AliasEvent):
                _advance(levels)
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(levels) >= MAX_DEPTH:
                    return
                levels.append(_Level(isinstance(event, yaml.MappingStartEvent)))
            elif isinstance(event, yaml.CollectionEndEvent):
                levels.pop()
                _advance(levels)
    except (yaml.YAMLError, UnicodeError):
        return


def _scalar(event: Any, levels: list[_Level]) -> Scalar:
    top = levels[-1] if levels else None
    on_key = top is not None and top.is_map and top.awaits_key
    if top is not None and on_key:
        top.key = event.value
    found = Scalar(
        tuple(level.key for level in levels),
        on_key,
        event.value,
        event.start_mark.index,
        event.end_mark.index,
        event.style in ("|", ">"),
    )
    _advance(levels)
    return found


def _advance(levels: list[_Level]) -> None:
    """Goes on to the next key, value or item of the innermost open collection."""
    if not levels:
        return
    top = levels[-1]
    if top.is_map:
        top.awaits_key = not top.awaits_key
    elif isinstance(top.key, int):
        top.key += 1


def scalar_at(text: str, offset: int) -> Scalar | None:
    """The scalar that an offset stands in or at the end of."""
    for found in scalars(text):
        if found.start <= offset <= found.end and not (found.block and offset == found.end):
            return found
        if found.start > offset:
            return None
    return None


def spots(text: str, offset: int) -> Iterator[Spot]:
    """What may be being written at an offset, the likelier first."""
    head = text[:offset]
    line = head[head.rfind("\n") + 1 :]
    found = WORD.search(line)
    word = found.group() if found else ""
    before = head[: len(head) - len(word)]
    lead = line[: len(line) - len(word)]
    starts_line = LEAD.fullmatch(lead) is not None
    quote = lead[-1:] if lead[-1:] in ("'", '"') else ""
    for form in (": ", "") if starts_line else ("", ": "):
        spot = _marked(f"{before}{MARK}{quote}{form}\n", word, offset)
        if spot is not None:
            yield spot
    guess = _by_indentation(before, word, offset)
    if guess is not None:
        yield guess


def _marked(text: str, word: str, offset: int) -> Spot | None:
    keys: list[Path] = []
    for found in scalars(text):
        if MARK in found.value:
            path = (*found.path[:-1], word) if found.on_key else found.path
            before = frozenset(str(key[-1]) for key in keys if key[:-1] == path[:-1])
            return Spot(path, found.on_key, word, offset - len(word), found.value != MARK, before)
        if found.on_key:
            keys.append(found.path)
    return None


def _by_indentation(before: str, word: str, offset: int) -> Spot | None:
    """The path by the keys above that stand further and further to the left."""
    *above, line = before.split("\n")
    same = KEY.match(f"{line} ")
    lead = LEAD.match(line)
    limit = len(lead.group()) if lead else 0
    path: list[str | int] = []
    if same is not None:
        path.append(_key(same))
        limit = len(same.group("indent"))
    elif line.strip():
        return None
    for text in reversed(above):
        key = KEY.match(text)
        if key is None or len(key.group("indent")) >= limit or text.lstrip().startswith("#"):
            continue
        path.append(_key(key))
        limit = len(key.group("indent"))
        if limit == 0:
            break
    path.reverse()
    at = tuple(path) if same is not None else (*path, word)
    return Spot(at, same is None, word, offset - len(word))


def _key(found: re.Match[str]) -> str:
    return found.group("q") or found.group("s") or found.group("p") or ""


def in_comment(text: str, offset: int) -> bool:
    """Whether an offset lies in a comment, as far as its own line tells."""
    start = text.rfind("\n", 0, offset) + 1
    quote = ""
    for at in range(start, offset):
        character = text[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and (at == start or text[at - 1] in " \t[{,:"):
            quote = character
        elif character == "#" and (at == start or text[at - 1] in " \t"):
            return True
    return False
