"""Turns plain mappings into the dataclasses of the language and back, from the metadata on their fields.

This file knows no class of the language and no file format. Reading never raises for content: every mistake
is noted with the path where it was made, and reading goes on with the default of the field.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from little_loops.fsm.fitting import (
    ADAPTED_TYPE,
    MISSING_KEY,
    UNKNOWN_KEY,
    WRONG_TYPE,
    Kind,
    Mistake,
    Path,
    closest,
    fitted,
    shown,
)

__all__ = [
    "Entry",
    "Key",
    "Kind",
    "Mistake",
    "Path",
    "decode",
    "encode",
    "entries",
    "keyed",
    "plain",
    "reserved",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Key:
    """How one field is written in YAML.

    Attributes:
        kind: the shape of the value.
        help: one sentence for documentation, hover text and the JSON Schema.
        example: a value an author would write.
        name: the YAML spelling, dots for nested mappings; the attribute name when empty.
        alias: an older spelling that is read when the newer one is absent or empty.
        of: the dataclass of ONE, MANY and NAMED.
        choices: the words allowed, for documentation and the JSON Schema only.
        required: the key must be there.
        always: written even when it holds the default.
        after: the attribute behind which it is written, when that is not the field order.
        minimum: the smallest number allowed, for documentation and the JSON Schema only.
    """

    kind: Kind
    help: str
    example: object = None
    name: str = ""
    alias: str = ""
    of: type[Any] | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    always: bool = False
    after: str = ""
    minimum: float | None = None


class Entry(NamedTuple):
    """A field of a dataclass with everything the codec needs of it."""

    attribute: str
    steps: tuple[str, ...]
    alias: tuple[str, ...]
    key: Key
    default: Callable[[], Any]


def keyed(
    kind: Kind, help: str, *, default: Any = None, factory: Callable[[], Any] | None = None, **rest: Any
) -> Any:
    """A dataclass field that says how it is written in YAML. A required key has no default."""
    described = Key(kind, help, **rest)
    if described.required:
        return dataclasses.field(metadata={"key": described})
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata={"key": described})
    return dataclasses.field(default=default, metadata={"key": described})


MOST_SUGGESTIONS = 200
_ENTRIES: dict[type[Any], tuple[Entry, ...]] = {}
_WRITTEN: dict[type[Any], tuple[Entry, ...]] = {}
_RESERVED: dict[type[Any], frozenset[str]] = {}


def entries(cls: type[Any]) -> tuple[Entry, ...]:
    """The fields of a dataclass of the language in constructor order."""
    if cls not in _ENTRIES:
        _ENTRIES[cls] = tuple(_entry(field) for field in dataclasses.fields(cls))
    return _ENTRIES[cls]


def _entry(field: dataclasses.Field[Any]) -> Entry:
    described: Key = field.metadata["key"]
    steps = tuple((described.name or field.name).split("."))
    alias = tuple(described.alias.split(".")) if described.alias else ()
    if field.default_factory is not dataclasses.MISSING:
        return Entry(field.name, steps, alias, described, field.default_factory)
    # A required field that is missing has been reported; "" keeps the rest of the object readable.
    default = "" if field.default is dataclasses.MISSING else field.default
    return Entry(field.name, steps, alias, described, lambda: default)


def _written(cls: type[Any]) -> tuple[Entry, ...]:
    if cls not in _WRITTEN:
        _WRITTEN[cls] = tuple(_in_written_order(list(entries(cls))))
    return _WRITTEN[cls]


def _in_written_order(order: list[Entry]) -> list[Entry]:
    for entry in [e for e in order if e.key.after]:
        order.remove(entry)
        anchor = next(i for i, e in enumerate(order) if e.attribute == entry.key.after)
        order.insert(anchor + 1, entry)
    return order


def reserved(cls: type[Any]) -> frozenset[str]:
    """Every first-level YAML key of a class, aliases included."""
    if cls not in _RESERVED:
        names = {e.steps[0] for e in entries(cls) if e.key.kind not in (Kind.VERDICTS, Kind.ROUTES)}
        _RESERVED[cls] = frozenset(names | {e.alias[0] for e in entries(cls) if e.alias})
    return _RESERVED[cls]


# ---------------------------------------------------------------- writing


def encode(value: Any) -> dict[str, Any]:
    """The mapping of an object: keys in the documented order, defaults left out. Never fails."""
    out: dict[str, Any] = {}
    for entry in _written(type(value)):
        held = getattr(value, entry.attribute)
        if entry.key.kind in (Kind.VERDICTS, Kind.ROUTES):
            prefix = "on_" if entry.key.kind is Kind.VERDICTS else ""
            named = held if isinstance(held, Mapping) else {}
            out.update({f"{prefix}{name}": target for name, target in named.items()})
        elif entry.key.required or entry.key.always or not _is_default(held, entry):
            _put(out, entry.steps, plain(held))
    return out


def _is_default(held: Any, entry: Entry) -> bool:
    default = entry.default()
    if held is None or held is default:
        return default is None or held is default or isinstance(default, (list, dict))
    if dataclasses.is_dataclass(held) and not isinstance(held, type):
        return bool(held == default) or (
            entry.key.name == "" and entry.attribute == "config" and encode(held) == {}
        )
    return bool(held == default)


def _put(out: dict[str, Any], steps: tuple[str, ...], value: Any) -> None:
    for step in steps[:-1]:
        out = out.setdefault(step, {})
    out[steps[-1]] = value


def plain(value: Any) -> Any:
    """The value with every dataclass of the language turned into its mapping."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encode(value)
    if isinstance(value, Mapping):
        return {name: plain(held) for name, held in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(held) for held in value]
    return value


# ---------------------------------------------------------------- reading


def decode(cls: type[T], raw: Any, path: Path, mistakes: list[Mistake]) -> T | None:
    """An object from its mapping, or None when it is not a mapping at all."""
    if not isinstance(raw, Mapping):
        note = f"expected a mapping of keys, found {shown(raw)}"
        mistakes.append(Mistake(WRONG_TYPE, "error", path, note))
        return None
    values: dict[str, Any] = {}
    for entry in entries(cls):
        match entry.key.kind:
            case Kind.VERDICTS:
                values[entry.attribute] = dict(_verdicts(cls, raw, path, mistakes))
            case Kind.ROUTES:
                values[entry.attribute] = dict(_routes(cls, raw, path, mistakes))
            case _:
                values[entry.attribute] = _field(entry, raw, path, mistakes)
    mistakes.extend(_unknown(cls, raw, path, suggest=len(mistakes) < MOST_SUGGESTIONS))
    return cls(**values)


def _field(entry: Entry, raw: Mapping[str, Any], path: Path, mistakes: list[Mistake]) -> Any:
    found, value, steps = _lookup(entry, raw)
    if not found:
        if entry.key.required:
            note = f"the key '{'.'.join(entry.steps)}' is missing"
            mistakes.append(Mistake(MISSING_KEY, "error", path, note, on_key=True, help=entry.key.help))
        return entry.default()
    if value is None:
        if entry.key.required:
            note = f"the key '{steps[-1]}' has no value"
            mistakes.append(Mistake(MISSING_KEY, "error", path, note, child=steps[-1], help=entry.key.help))
        return entry.default()
    return _read(entry, value, (*path, *steps), mistakes)


def _lookup(entry: Entry, raw: Mapping[str, Any]) -> tuple[bool, Any, tuple[str, ...]]:
    found, value = _walk(raw, entry.steps)
    if entry.alias and (not found or value in (None, "")):
        older, aliased = _walk(raw, entry.alias)
        if older:
            return True, aliased, entry.alias
    return found, value, entry.steps


def _walk(raw: Mapping[str, Any], steps: tuple[str, ...]) -> tuple[bool, Any]:
    here: Any = raw
    for step in steps:
        if not isinstance(here, Mapping) or step not in here:
            return False, None
        here = here[step]
    return True, here


def _read(entry: Entry, value: Any, path: Path, mistakes: list[Mistake]) -> Any:
    kind, of = entry.key.kind, entry.key.of
    match kind:
        case Kind.ONE:
            made = decode(_class(of), value, path, mistakes)
            return entry.default() if made is None else made
        case Kind.MANY:
            return list(_many(_class(of), value, path, mistakes))
        case Kind.NAMED:
            return dict(_named(_class(of), value, path, mistakes))
        case Kind.TEXTS | Kind.INTS:
            return _list(kind, value, path, mistakes)
        case Kind.VERDICTS | Kind.ROUTES:
            return value
        case _:
            good, kept = fitted(kind, value, path, mistakes)
            return (
                plain(kept) if good else entry.default()
            )  # a copy: no object holds on to the text of its file


def _class(of: type[Any] | None) -> type[Any]:
    if of is None:
        raise TypeError("a nested key has to name its class")
    return of


def _many(cls: type[Any], value: Any, path: Path, mistakes: list[Mistake]) -> Iterator[Any]:
    if not isinstance(value, list):
        mistakes.append(Mistake(WRONG_TYPE, "error", path, f"expected a list, found {shown(value)}"))
        return
    for index, item in enumerate(value):
        made = decode(cls, item, (*path, index), mistakes)
        if made is not None:
            yield made


def _named(cls: type[Any], value: Any, path: Path, mistakes: list[Mistake]) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        mistakes.append(
            Mistake(WRONG_TYPE, "error", path, f"expected a mapping of names, found {shown(value)}")
        )
        return
    for name, item in value.items():
        made = decode(cls, item, (*path, str(name)), mistakes)
        # A broken entry keeps its name, so that whoever refers to it is not blamed as well.
        yield str(name), decode(cls, {}, path, []) if made is None else made


def _list(kind: Kind, value: Any, path: Path, mistakes: list[Mistake]) -> list[Any]:
    if isinstance(value, str) and kind is Kind.TEXTS:
        note = f"expected a list, found one text; it is read as a list of one: [{value!r}]"
        mistakes.append(Mistake(ADAPTED_TYPE, "warning", path, note))
        return [value]
    if not isinstance(value, (list, tuple)):
        mistakes.append(Mistake(WRONG_TYPE, "error", path, f"expected a list, found {shown(value)}"))
        return []
    of = Kind.TEXT if kind is Kind.TEXTS else Kind.INT
    if of is Kind.INT:  # the entries are judged by rules that name the index
        return list(value)
    read = [fitted(of, item, (*path, index), mistakes) for index, item in enumerate(value)]
    return [kept for good, kept in read if good]


def _verdicts(
    cls: type[Any], raw: Mapping[str, Any], path: Path, mistakes: list[Mistake]
) -> Iterator[tuple[str, str]]:
    known = reserved(cls)
    for name, target in raw.items():
        if name.startswith("on_") and name not in known and len(name) > 3:
            if isinstance(target, str):
                yield name[3:], target
            else:
                note = f"'{name}' has to name a state, found {shown(target)}; it is ignored"
                mistakes.append(Mistake(ADAPTED_TYPE, "warning", path, note, child=name))


def _routes(
    cls: type[Any], raw: Mapping[str, Any], path: Path, mistakes: list[Mistake]
) -> Iterator[tuple[str, str]]:
    for name, target in raw.items():
        if str(name).startswith("_"):
            continue
        if isinstance(target, str):
            yield str(name), target
        else:
            note = f"verdict '{name}' has to name a state, found {shown(target)}"
            mistakes.append(Mistake(WRONG_TYPE, "error", path, note, child=str(name)))


def _unknown(cls: type[Any], raw: Mapping[str, Any], path: Path, *, suggest: bool) -> Iterator[Mistake]:
    kinds = {e.key.kind for e in entries(cls)}
    known = reserved(cls)
    yield from _unknown_below(cls, raw, path)
    for count, name in enumerate(raw):
        if name in known or name in getattr(cls, "PARSE_TIME_KEYS", ()):
            continue
        if Kind.VERDICTS in kinds and name.startswith("on_") and len(name) > 3:
            continue
        if Kind.ROUTES in kinds and not name.startswith("_"):
            continue
        close = closest(name, known) if suggest and count < MOST_SUGGESTIONS else None
        note = f"unknown key '{name}'"
        yield Mistake(UNKNOWN_KEY, "warning", path, note, child=name, on_key=True, suggestion=close)


def _unknown_below(cls: type[Any], raw: Mapping[str, Any], path: Path) -> Iterator[Mistake]:
    """Unknown keys of the mappings that only hold nested fields."""
    nested = [steps for e in entries(cls) for steps in (e.steps, e.alias) if len(steps) > 1]
    for owner in dict.fromkeys(steps[:depth] for steps in nested for depth in range(1, len(steps))):
        found, held = _walk(raw, owner)
        known = {steps[len(owner)] for steps in nested if steps[: len(owner)] == owner}
        for name in held if found and isinstance(held, Mapping) else ():
            if name not in known:
                note, close = f"unknown key '{name}'", closest(name, known)
                at = (*path, *owner)
                yield Mistake(UNKNOWN_KEY, "warning", at, note, child=name, on_key=True, suggestion=close)
