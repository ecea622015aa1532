"""Whether a map can be a record at all: the envelope, and the type of every key that is folded.

A journal edited by hand is caught here with its line number, and not somewhere in the fold with a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from little_loops.events import KINDS, ActionOutput, Event, plan

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "strings": (list,),
}
_NAMED_NUMBERS = ("Infinity", "-Infinity", "NaN")


@cache
def _wanted(name: str) -> Mapping[str, tuple[frozenset[type], str]]:
    return {
        slot.key: (
            frozenset(_TYPES[slot.kind]) | (frozenset({type(None)}) if slot.nullable else frozenset()),
            slot.kind,
        )
        for slot in plan(KINDS[name])
    }


def mistake(record: Mapping[str, Any], seq: int, t: int, depth_limit: int) -> str | None:
    """What is wrong with the form of a record; None when nothing is.

    Args:
        seq: number it must have.
        t: run clock it must not fall below, in ms.
        depth_limit: deepest frame there can be.
    """
    if record.get("seq") != seq or type(record["seq"]) is not int:
        return f"seq is {record.get('seq')!r}, expected {seq}"
    clock = record.get("t")
    if type(clock) is not int or clock < t:
        return f"t is {clock!r}, expected a number from {t} on"
    if type(record.get("event")) is not str or type(record.get("ts")) is not str:
        return "event or ts is missing or no text"
    depth = record.get("depth", 0)
    if type(depth) is not int or not 0 <= depth <= depth_limit:
        return f"depth is {depth!r}"
    kind = KINDS.get(record["event"])
    return None if kind is None else _wrong_type(kind, record)


def _wrong_type(kind: type[Event], record: Mapping[str, Any]) -> str | None:
    wanted = _wanted(kind.NAME)
    for key, value in record.items():
        slot = wanted.get(key)
        if slot is not None and type(value) not in slot[0]:
            if slot[1] == "number" and value in _NAMED_NUMBERS:
                continue
            return f"{key} of {kind.NAME} is {_shown(value)}, expected {slot[1]}"
    if kind is ActionOutput and "line" not in record:
        return "line of action_output is missing"
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
