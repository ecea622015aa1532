"""Reads the conformance vectors and compares a run with one. Whose run it is, it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

Json = Mapping[str, Any]
FILE = Path(__file__).with_name("vectors.yaml")


def vectors() -> dict[str, Json]:
    """All vectors by name."""
    with FILE.open("rb") as stream:
        read: dict[str, Json] = yaml.load(stream, Loader=yaml.CSafeLoader)
    return read


def script_of(vector: Json) -> dict[str, Any]:
    """The vector's world: its last answer to an action holds for ever."""
    answers = {}
    for word, entries in vector["answers"].items():
        maps = [e if isinstance(e, dict) else {"exit_code": e[0], "stdout": e[1]} for e in entries]
        answers[word] = maps + maps[-1:] * 40
    return {
        "answers": answers,
        "learning": vector.get("learning", {}),
        "opinions": vector.get("opinions", []),
    }


def differences(vector: Json, events: Sequence[Json]) -> list[str]:
    """What of a run is not as the vector says."""
    seen = list(_shortened(events))
    if "only" in vector:
        wanted = set(vector["only"])
        seen = [event for event in events if event["event"] in wanted]
    expected = [item if item == "A" else next(iter(item.items())) for item in vector["events"]]
    names = [item if item == "A" else item[0] for item in expected]
    if names != [event["event"] for event in seen]:
        return [f"expected {names}", f"seen     {[event['event'] for event in seen]}"]
    return [
        f"{name} {key}: expected {value!r}, seen {event.get(key)!r}"
        for (name, fields), event in zip(
            (item if item != "A" else ("A", {}) for item in expected), seen, strict=True
        )
        for key, value in fields.items()
        if event.get(key) != value
    ]


def _shortened(events: Sequence[Json]) -> Iterator[Json]:
    """Action events in one where an action ran from start to end."""
    at = 0
    while at < len(events):
        end = at + 1
        while end < len(events) and events[end]["event"] == "action_output":
            end += 1
        ran = events[at]["event"] == "action_start" and end < len(events)
        if ran and events[end]["event"] == "action_complete":
            yield {"event": "A"}
            at = end + 1
        else:
            yield events[at]
            at += 1
