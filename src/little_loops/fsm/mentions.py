"""Where a loop file names states, fragments, loops and other files: every place, with its exact stretch.

Pure, and about one file as it is written: nothing is inherited, expanded or looked up here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from little_loops.fsm.diagnostics import Source
from little_loops.fsm.fitting import Path
from little_loops.fsm.schema import CURRENT_STATE
from little_loops.fsm.yaml import Place, PlacedList, PlacedMap

STATE_OWNERS = ("states", "state_defs", "fragments")
STALL_TARGET = ("circuit", "repeated_failure", "on_repeated_failure")
NO_STATES = frozenset({CURRENT_STATE, "abort", ""})


class Names(Enum):
    """What a text names."""

    STATE = "state"
    FRAGMENT = "fragment"
    LOOP = "sub-loop"
    PARENT = "parent"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where something is named.

    Attributes:
        names: what kind of thing.
        name: its name.
        path: the key or item that holds the text.
        source: the text it stands in.
        start: offset of its first character there, quotes included.
        end: offset behind its last one.
        defines: whether this place makes the thing, as the key of a state does.
        part: whether it is only a part of a text, as in ``test?done:build``.
        whole: for what is defined, the offset behind its body.
    """

    names: Names
    name: str
    path: Path
    source: Source
    start: int
    end: int
    defines: bool = False
    part: bool = False
    whole: int = 0


def named_by(path: Path) -> Names | None:
    """What the text at this path of a loop file names, if it names anything."""
    match path:
        case ("initial" | "on_stall" | "on_partial_target",) | ("flow", int()):
            return Names.STATE
        case ("from",):
            return Names.PARENT
        case ("import",) | ("import", int()):
            return Names.LIBRARY
        case (owner, str(), *rest) if owner in STATE_OWNERS:
            return _in_a_state(rest)
        case _:
            return Names.STATE if path == STALL_TARGET else None


def _in_a_state(rest: list[str | int]) -> Names | None:
    match rest:
        case ["fragment"]:
            return Names.FRAGMENT
        case ["loop"]:
            return Names.LOOP
        case ["next"] | ["route", str()]:
            return Names.STATE
        case [str(key)] if key.startswith("on_"):
            return Names.STATE
        case _:
            return None


def defined_by(path: Path) -> Names | None:
    """What the key at this path defines, if it defines anything."""
    match path:
        case ("states" | "state_defs", str()):
            return Names.STATE
        case ("fragments", str()):
            return Names.FRAGMENT
        case _:
            return None


def mentions(data: Any, path: Path = ()) -> Iterator[Mention]:
    """Every place of a document's data where something is named, in the order of the file.

    A text that stands once and is used twice, by an alias or a merge, comes once per use.
    """
    if isinstance(data, PlacedMap):
        for key, value in data.items():
            place, below = data.places.get(key), (*path, key)
            kind = defined_by(below)
            if kind is not None and place is not None and place.key_start is not None:
                start, end = place.key_start.index, place.key_end.index
                yield Mention(kind, key, below, place.source, start, end, True, whole=place.end.index)
            yield from _value(value, place, below)
    elif isinstance(data, PlacedList):
        for index, (item, place) in enumerate(zip(data, data.places, strict=True)):
            yield from _value(item, place, (*path, index))


def _value(value: Any, place: Place | None, path: Path) -> Iterator[Mention]:
    kind = named_by(path)
    if kind is None or not isinstance(value, str):
        yield from mentions(value, path)
    elif place is None:
        return
    elif path[0] == "flow":
        yield from _flow_entry(value, place, path)
    elif "${" not in value and not (kind is Names.STATE and value in NO_STATES):
        yield Mention(kind, value, path, place.source, _content_start(place), place.end.index)


def _content_start(place: Place) -> int:
    """Where a scalar begins behind its anchor and its tag."""
    text: str = place.source.text
    start: int = place.start.index
    while start < place.end.index and text[start] in "&!" and " " in text[start : place.end.index]:
        start = text.index(" ", start)
        while text[start] == " ":
            start += 1
    return start


def _flow_entry(value: str, place: Place, path: Path) -> Iterator[Mention]:
    """``NAME``, or the three names of ``NAME?AFTER_YES:AFTER_NO``."""
    name, question, targets = value.partition("?")
    start, end = _content_start(place), place.end.index
    if not question:
        yield Mention(Names.STATE, name, path, place.source, start, end, True, whole=end)
        return
    at = place.source.text.find(value, start, end)
    if at < 0:  # written with escapes or over several lines: its parts have no places of their own
        return
    yes, _, no = targets.partition(":")
    offset = at
    for text, defines in ((name, True), (yes, False), (no, False)):
        stop = offset + len(text)
        if text:
            yield Mention(Names.STATE, text, path, place.source, offset, stop, defines, True, stop)
        offset = stop + 1


def owner_of(path: Path) -> str | None:
    """The state or fragment that a path leads into."""
    if len(path) > 1 and path[0] in STATE_OWNERS:
        return str(path[1])
    return None


def value_at(data: Any, path: Path) -> Any:
    """The value at a path, or None."""
    for step in path:
        in_list = isinstance(data, list) and isinstance(step, int) and step < len(data)
        if not in_list and not (isinstance(data, Mapping) and step in data):
            return None
        data = data[step]
    return data
