"""Records to flat maps and back. Knows no file, no JSON text, no journal rule beyond the shape of a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from little_loops.events import extended, issues, limits, running
from little_loops.events.extended import Observation
from little_loops.events.record import RESERVED, Event, known_keys, payload
from little_loops.events.running import ActionComplete, ActionOutput, Evaluate


def _classes() -> dict[str, type[Event]]:
    ordered: list[type[Event]] = []
    for module in (running, limits, issues, extended):
        ordered += [
            item
            for item in vars(module).values()
            if isinstance(item, type)
            and issubclass(item, Event)
            and item.NAME
            and item.__module__ == module.__name__
        ]
    return {item.NAME: item for item in ordered}


KINDS: Mapping[str, type[Event]] = _classes()
"""Every record class by event name."""


class BadRecord(ValueError):
    """A map that is not a record of its kind."""


def to_wire(event: Event) -> list[dict[str, Any]]:
    """The journal records of one event, in order; one map a line, keys in wire order, envelope last.

    ``seq`` of the n-th map is the event's plus n.
    """
    match event:
        case ActionOutput():
            return [_output_line(event, n, line) for n, line in enumerate(event.lines)]
        case Evaluate():
            body = _evaluate_payload(event)
        case Observation():
            body = dict(event.fields or {})
        case ActionComplete():
            body = payload(event)
            if event.is_prompt:
                body = _after(body, "is_prompt", "session_jsonl", event.session_jsonl)
        case _:
            body = payload(event)
    name = event.name if isinstance(event, Observation) else event.NAME
    return [_enveloped(name, event, body, event.seq)]


def _enveloped(name: str, event: Event, body: dict[str, Any], seq: int) -> dict[str, Any]:
    out = {"event": name, "ts": event.ts, **body, "seq": seq, "t": event.t}
    if event.depth:
        out["depth"] = event.depth
    return out


def _after(body: dict[str, Any], before: str, key: str, value: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, item in body.items():
        if name != key:
            out[name] = item
        if name == before:
            out[key] = value
    return out


def _output_line(event: ActionOutput, n: int, line: str) -> dict[str, Any]:
    body: dict[str, Any] = {"line": line}
    if event.cut and n in event.cut:
        body["cut"] = event.cut[n]
    if event.more and n == len(event.lines) - 1:
        body["more"] = event.more
    return _enveloped(event.NAME, event, body, event.seq + n)


def _evaluate_payload(event: Evaluate) -> dict[str, Any]:
    details = event.details or {}
    body: dict[str, Any] = {"type": event.type, "verdict": event.verdict}
    hidden = {key: value for key, value in details.items() if key in RESERVED}
    body.update((key, value) for key, value in details.items() if key not in RESERVED)
    if hidden:
        body["details_"] = hidden
    rest = payload(event)
    body.update((key, rest[key]) for key in ("memory", "progress", "usage") if key in rest)
    return body


def from_wire(record: Mapping[str, Any]) -> Event:
    """The event a journal record stands for.

    Raises:
        BadRecord: a required key is missing, or the envelope is not one.
    """
    try:
        envelope = {
            "ts": record["ts"], "seq": record["seq"], "t": record["t"], "depth": record.get("depth", 0)
        }  # fmt: skip
        name = record["event"]
    except KeyError as missing:
        raise BadRecord(f"the key {missing} is missing") from None
    kind = KINDS.get(name)
    if kind is None:
        rest = {
            key: value for key, value in record.items() if key not in ("event", "ts", "seq", "t", "depth")
        }
        return Observation(**envelope, name=name, fields=rest)
    try:
        return kind(**envelope, **_arguments(kind, record))
    except TypeError as problem:
        raise BadRecord(f"not a {name} record: {_plain(problem)}") from None


def _arguments(kind: type[Event], record: Mapping[str, Any]) -> dict[str, Any]:
    if kind is ActionOutput:
        cut = {0: record["cut"]} if "cut" in record else None
        return {"lines": (record.get("line", ""),), "cut": cut, "more": record.get("more")}
    if kind is Evaluate:
        return _evaluate_arguments(record)
    return {attr: record[key] for key, attr in known_keys(kind).items() if key in record}


def _evaluate_arguments(record: Mapping[str, Any]) -> dict[str, Any]:
    out = {key: record[key] for key in ("type", "verdict", "memory", "progress", "usage") if key in record}
    details = {key: value for key, value in record.items() if key not in RESERVED}
    details.update(record.get("details_", {}))
    out["details"] = details or None
    return out


def _plain(problem: TypeError) -> str:
    return str(problem).rpartition("() ")[2]
