"""What a record is: a frozen dataclass whose fields say how they travel.

A field is *wire* (part of the published schema), *extension* (an additional key that the fold or a reader
needs) or *memory* (never written). The codec between records and flat maps, and the schemas, are derived
from that and from nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar

ENVELOPE = ("event", "ts", "seq", "t", "depth", "refs", "run_id")
RESERVED = frozenset(
    {"event", "ts", "seq", "t", "depth", "refs", "run_id", "type", "verdict", "usage", "memory", "progress"}
    | {"details_"}
)
"""Keys that a detail of an evaluator may not use at the top level of an ``evaluate`` record."""


def wire(  # noqa: PLR0913 - the columns of the published table
    kind: str,
    doc: str,
    *,
    key: str | None = None,
    nullable: bool = False,
    optional: bool = False,
    enum: tuple[str, ...] = (),
    default: Any = MISSING,
) -> Any:
    """A field of the published schema.

    Args:
        kind: JSON type (``string``, ``integer``, ``number``, ``boolean``, ``strings`` = list of strings).
        doc: description in the schema.
        key: name on the wire where it is not the attribute's.
        nullable: the type allows null, and null is sent.
        optional: not required; left out when it is None, False or empty text.
    """
    about = {
        "kind": kind,
        "doc": doc,
        "key": key,
        "nullable": nullable,
        "optional": optional,
        "enum": enum,
        "on": "wire",
    }
    if default is MISSING and (optional or nullable):
        default = False if kind == "boolean" else None
    return field(metadata=about) if default is MISSING else field(default=default, metadata=about)


def extension(
    kind: str, doc: str, *, key: str | None = None, required: bool = False, default: Any = None
) -> Any:
    """An additional key; left out when it is None, False or empty text, unless it is required."""
    about = {
        "kind": kind,
        "doc": doc,
        "key": key,
        "nullable": False,
        "optional": not required,
        "enum": (),
        "on": "extension",
    }
    if required:
        return field(metadata=about)
    return field(default=False if kind == "boolean" and default is None else default, metadata=about)


def unwritten(default: Any) -> Any:
    """A field that lives in memory only."""
    return field(default=default, metadata={"on": "memory"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all records: the envelope.

    Attributes:
        ts: UTC wall time, ISO 8601 with microseconds and ``+00:00``. Orders nothing.
        seq: line number of the (first) line of this record, from 1.
        t: run clock in milliseconds, never decreases.
        depth: frames below; 0 at the root.
    """

    NAME: ClassVar[str] = ""
    TITLE: ClassVar[str] = ""
    EXTENSION: ClassVar[bool] = False

    ts: str = unwritten("")
    seq: int = unwritten(0)
    t: int = unwritten(0)
    depth: int = unwritten(0)

    @property
    def records(self) -> int:
        """How many journal lines this event is."""
        return 1


@dataclass(frozen=True, slots=True)
class Slot:
    """One travelling field of a record class."""

    attr: str
    key: str
    kind: str
    doc: str
    on: str
    nullable: bool
    optional: bool
    enum: tuple[str, ...]


_PLANS: dict[type[Event], tuple[Slot, ...]] = {}


def plan(cls: type[Event]) -> tuple[Slot, ...]:
    """The travelling fields of a record class, wire fields first, in order of declaration."""
    found = _PLANS.get(cls)
    if found is None:
        found = _PLANS[cls] = tuple(sorted(_slots(cls), key=lambda slot: slot.on != "wire"))
    return found


def _slots(cls: type[Event]) -> Iterator[Slot]:
    for item in dataclasses.fields(cls):
        about = item.metadata
        if about["on"] != "memory":
            yield Slot(
                item.name, about["key"] or item.name, about["kind"], about["doc"], about["on"],
                about["nullable"], about["optional"], about["enum"],
            )  # fmt: skip


def payload(event: Event) -> dict[str, Any]:
    """The payload of an event as it stands on the wire, without the envelope."""
    out: dict[str, Any] = {}
    for slot in plan(type(event)):
        value = getattr(event, slot.attr)
        if slot.optional and (value is None or value is False or value == ""):
            continue
        out[slot.key] = value
    return out


def known_keys(cls: type[Event]) -> Mapping[str, str]:
    """Wire key -> attribute name of a record class."""
    return {slot.key: slot.attr for slot in plan(cls)}
