"""YAML 1.2 text to plain data that remembers where every key and value stands.

The events of the C parser are folded on a stack, so depth costs no recursion; budgets for size, depth and
aliases keep a hostile file from costing more than an honest one. Content never raises: what is wrong becomes
diagnostics, and what could be read is returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from little_loops.errors import LoadError, LoopNotFound
from little_loops.fsm.diagnostics import Diagnostic, Source, Span, ValidationSeverity

MAX_BYTES = 2_000_000
MAX_DEPTH = 60
MAX_NODES = 100_000
MOST_FINDINGS = 200
LONGEST_INTEGER = 400
TAG = "tag:yaml.org,2002:"
SYNTAX, DUPLICATE_KEY, LIMIT, NOT_A_KEY, TAG_REFUSED = "LL101", "LL102", "LL103", "LL104", "LL105"

INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)")
FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
CONSTANTS: dict[str, object] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
NUMBER_STARTS = frozenset("-+.0123456789")


class Place(NamedTuple):
    """Where a value and the key before it stand, as marks of the parser (counted from 0)."""

    source: Source
    start: Any
    end: Any
    key_start: Any = None
    key_end: Any = None


class PlacedMap(dict[str, Any]):
    """A mapping that knows the place of each of its values."""

    __slots__ = ("places",)

    def __init__(self, *given: Any, places: Mapping[str, Place] | None = None) -> None:
        super().__init__(*given)
        self.places: dict[str, Place] = dict(places or {})


class PlacedList(list[Any]):
    """A list that knows the place of each of its items."""

    __slots__ = ("places",)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.places: list[Place] = []


@dataclass(frozen=True, slots=True)
class Document:
    """One file as read: the data, the place of the whole, and what was wrong with the text."""

    source: Source
    data: Any
    found: tuple[Diagnostic, ...] = ()


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet."""

    value: PlacedMap | PlacedList
    start: Any
    anchor: str | None
    size: int = 1
    height: int = 1
    key: Any = None
    merges: list[tuple[Any, Any]] = field(default_factory=list)


class _Refused(Exception):
    """The text goes beyond a limit; nothing of it is used."""

    def __init__(self, mark: Any, message: str) -> None:
        super().__init__(message)
        self.mark = mark


def read_source(path: Path, shown: str | None = None) -> Source:
    """The text of a file; raises ``LoopNotFound`` or ``LoadError`` when it cannot be read as text."""
    name = shown or str(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise LoopNotFound(f"no such file: {name}") from error
    except OSError as error:
        raise LoadError(f"cannot read {name}: {error.strerror or error}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LoadError(f"{name}:{line}: this is not UTF-8 text (byte {error.start})") from error
    return Source(name, text, sha256(raw).hexdigest())


def read_document(path: Path, shown: str | None = None) -> Document:
    """A file as data with places."""
    return parse(read_source(path, shown))


def parse(source: Source) -> Document:
    """The data of a text. On a syntax error the data is None."""
    import yaml

    fold = _Fold(source)
    if len(source.text) > MAX_BYTES:
        return Document(source, None, (fold.finding(LIMIT, None, f"larger than {MAX_BYTES} characters"),))
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        for event in yaml.parse(source.text, loader):
            fold.take(event)
    except _Refused as error:
        return Document(source, None, (*fold.found, fold.finding(LIMIT, error.mark, str(error))))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        note = ", ".join(part for part in (error.context, error.problem) if part)
        found = fold.finding(SYNTAX, mark, f"not valid YAML: {note}")
        return Document(source, None, (*fold.found, replace(found, span=_on_text(found.span))))
    except (yaml.YAMLError, UnicodeError) as error:
        line = str(error).splitlines()[0]
        return Document(source, None, (*fold.found, fold.finding(SYNTAX, None, f"not valid YAML: {line}")))
    return Document(source, fold.root, tuple(fold.found))


def _on_text(span: Span | None) -> Span | None:
    """The last text before a place where there is none: the end of a file says nothing."""
    if span is None:
        return None
    number = span.line
    while number > 1 and not span.source.line(number).strip():
        number -= 1
    if number == span.line:
        return span
    end = len(span.source.line(number).rstrip())
    return Span(span.source, number, max(1, end), number, end + 1)


class _Fold:
    """Folds parser events into data."""

    def __init__(self, source: Source) -> None:
        import yaml

        self.source = source
        self.found: list[Diagnostic] = []
        self.root: Any = None
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int, int]] = {}
        self.documents = 0
        self.nodes = 0
        self.steps: dict[type[Any], Callable[[Any], None]] = {
            yaml.ScalarEvent: self.scalar,
            yaml.MappingStartEvent: self.open_map,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceStartEvent: self.open_list,
            yaml.SequenceEndEvent: self.close,
            yaml.AliasEvent: self.alias,
            yaml.DocumentStartEvent: self.document,
        }

    def take(self, event: Any) -> None:
        step = self.steps.get(type(event))
        if step is not None:
            step(event)

    def finding(
        self, code: str, mark: Any, message: str, help: str | None = None, end: Any = None
    ) -> Diagnostic:
        span = None
        if mark is not None:
            last = end or mark
            span = Span(self.source, mark.line + 1, mark.column + 1, last.line + 1, last.column + 1)
        else:
            span = Span(self.source, 1, 1, 1, 1)
        return Diagnostic(message, "<root>", ValidationSeverity.ERROR, code, span, help)

    def note(self, code: str, event: Any, message: str, help: str | None = None) -> None:
        if len(self.found) >= MOST_FINDINGS:
            raise _Refused(event.start_mark, "too many mistakes before this place")
        self.found.append(self.finding(code, event.start_mark, message, help, event.end_mark))

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents == 2:
            self.note(
                SYNTAX, event, "a second document starts here; a file holds one", "remove the '---' line"
            )

    def scalar(self, event: Any) -> None:
        top = self._awaiting_key()
        if top is not None:
            top.key = event
            if event.anchor:
                self.anchors[event.anchor] = (event.value, 1, 0)
            return
        value = self.value_of(event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1, 0)
        self.put(value, event.start_mark, event.end_mark, 1, 0)

    def _awaiting_key(self) -> _Open | None:
        top = self.stack[-1] if self.stack else None
        return top if top is not None and top.key is None and isinstance(top.value, PlacedMap) else None

    def value_of(self, event: Any) -> Any:
        text, tag = event.value, event.tag
        if tag is None:
            return text if event.style else resolve(text, lambda why: self.note(SYNTAX, event, why))
        if tag in (TAG + "str", "!"):
            return text
        if tag in (TAG + "int", TAG + "float", TAG + "bool", TAG + "null"):
            return resolve(text, lambda why: self.note(SYNTAX, event, why))
        self.note(TAG_REFUSED, event, f"the tag {tag} is not allowed", "remove the tag")
        return text

    def open_map(self, event: Any) -> None:
        self.open(event, PlacedMap())

    def open_list(self, event: Any) -> None:
        self.open(event, PlacedList())

    def open(self, event: Any, value: PlacedMap | PlacedList) -> None:
        if len(self.stack) >= MAX_DEPTH:
            raise _Refused(event.start_mark, f"nested deeper than {MAX_DEPTH} levels")
        top = self._awaiting_key()
        if top is not None:
            top.key = event  # the collection stands where a key belongs; noted when its value comes
            self.note(NOT_A_KEY, event, "a key has to be a plain word")
            self.stack.append(_Open(value, event.start_mark, "#key"))
            return
        if event.tag is not None and event.tag not in (TAG + "map", TAG + "seq", "!"):
            self.note(TAG_REFUSED, event, f"the tag {event.tag} is not allowed", "remove the tag")
        if event.anchor:
            self.anchors.pop(event.anchor, None)
        self.stack.append(_Open(value, event.start_mark, event.anchor))

    def close(self, event: Any) -> None:
        done = self.stack.pop()
        if done.anchor == "#key":
            return
        for start, merged in done.merges:
            self.merge(done, start, merged)
        if done.anchor:
            self.anchors[done.anchor] = (done.value, done.size, done.height)
        self.put(done.value, done.start, event.end_mark, done.size, done.height)

    def alias(self, event: Any) -> None:
        known = self.anchors.get(event.anchor)
        if known is None:
            raise _Refused(event.start_mark, f"the alias *{event.anchor} names itself or nothing before it")
        top = self._awaiting_key()
        if top is not None:
            self.note(NOT_A_KEY, event, "a key has to be a plain word, not an alias")
            top.key = event
            return
        value, size, height = known
        if len(self.stack) + height > MAX_DEPTH:
            raise _Refused(
                event.start_mark, f"nested deeper than {MAX_DEPTH} levels once aliases are followed"
            )
        self.put(value, event.start_mark, event.end_mark, size, height)

    def put(self, value: Any, start: Any, end: Any, size: int, height: int) -> None:
        if not self.stack:
            if self.documents < 2:
                self.root = value
            return
        top = self.stack[-1]
        top.size += size
        top.height = max(top.height, height + 1)
        if top.size > MAX_NODES:
            raise _Refused(start, f"more than {MAX_NODES} values once aliases are followed")
        if isinstance(top.value, PlacedList):
            top.value.append(value)
            top.value.places.append(Place(self.source, start, end))
        else:
            self.pair(top, top.value, value, start, end)

    def pair(self, top: _Open, into: PlacedMap, value: Any, start: Any, end: Any) -> None:
        key, top.key = top.key, None
        name = getattr(key, "value", None)
        if name is None:  # an alias or a collection stood where a key belongs: noted before
            return
        if name == "<<" and not key.style:
            top.merges.append((key, value))
        elif name in into:
            line = into.places[name].key_start.line + 1
            help = f"it is already written in line {line}; remove one of the two"
            self.note(DUPLICATE_KEY, key, f"the key '{name}' is written twice", help)
        else:
            into[name] = value
            into.places[name] = Place(self.source, start, end, key.start_mark, key.end_mark)

    def merge(self, done: _Open, key: Any, merged: Any) -> None:
        for other in merged if isinstance(merged, PlacedList) else [merged]:
            if not isinstance(other, PlacedMap) or not isinstance(done.value, PlacedMap):
                self.note(NOT_A_KEY, key, "'<<' takes a mapping or a list of mappings")
                continue
            for name, value in other.items():
                if name not in done.value:
                    done.value[name] = value
                    done.value.places[name] = other.places[name]


def resolve(text: str, complain: Callable[[str], None]) -> Any:
    """The value of a plain word: null, boolean, number or the text itself."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in NUMBER_STARTS:
        return text
    if INT.fullmatch(text):
        if len(text) > LONGEST_INTEGER:
            complain(f"a whole number of {len(text)} digits")
            return 0
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def locate(root: Any, path: Sequence[str | int], *, on_key: bool = False) -> Span | None:
    """The span of the value at a path, or of its key; the nearest owner's key when it is not there."""
    here: Any = root
    last: Place | None = None
    for step in path:
        place = _place_of(here, step)
        if place is None:
            return _span(last, on_key=True) if last else None
        last, here = place, here[step]
    return _span(last, on_key=on_key) if last else None


def _place_of(here: Any, step: str | int) -> Place | None:
    if isinstance(here, PlacedMap) and isinstance(step, str) and step in here:
        return here.places.get(step)
    if isinstance(here, PlacedList) and isinstance(step, int) and 0 <= step < len(here.places):
        return here.places[step]
    return None


def _span(place: Place, *, on_key: bool) -> Span:
    use_key = on_key and place.key_start is not None
    start, end = (place.key_start, place.key_end) if use_key else (place.start, place.end)
    line, column, end_line, end_column = start.line, start.column, end.line, end.column
    if end_column == 0 and end_line > line:  # a block ends where the next line starts; show its own last line
        end_line -= 1
        end_column = len(place.source.line(end_line + 1))
    return Span(place.source, line + 1, column + 1, end_line + 1, end_column + 1)


def deep_merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """A new mapping: mappings merge key by key, anything else of ``upper`` replaces. Places travel along."""
    out = PlacedMap(lower, places=getattr(lower, "places", None))
    places = getattr(upper, "places", {})
    for name, value in upper.items():
        under = out.get(name)
        out[name] = (
            deep_merge(under, value) if isinstance(under, Mapping) and isinstance(value, Mapping) else value
        )
        if name in places:
            out.places[name] = places[name]
        else:
            out.places.pop(name, None)
    return out


def without(mapping: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The mapping less some keys, places kept."""
    kept = PlacedMap({name: value for name, value in mapping.items() if name not in names})
    kept.places = {name: place for name, place in getattr(mapping, "places", {}).items() if name in kept}
    return kept
