"""From a file to a loop: read, inherit, compile, expand, check; every mistake is told at once, in its place.

Content never raises here; only a file that cannot be read at all does. The steps and their order are
`load_document`, top to bottom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from little_loops.errors import LoadError, LoopNotFound
from little_loops.fsm.codec import decode
from little_loops.fsm.comments import obeyed
from little_loops.fsm.compilers import CARRIED, READ_KEYS, compile_paradigm
from little_loops.fsm.diagnostics import (
    Diagnostic,
    Source,
    Span,
    dotted,
    errors,
    refusals,
    render_all,
    warnings,
)
from little_loops.fsm.fitting import MISSING_KEY, UNKNOWN_KEY, Mistake, closest, shown
from little_loops.fsm.fragments import Reader, Trail, apply_fragments, expand_flow, inherit
from little_loops.fsm.library import resolve_loop_path
from little_loops.fsm.schema import FSMLoop
from little_loops.fsm.validation.judge import Judged, is_below, judge, silenced
from little_loops.fsm.validation.rule import NOTHING_KNOWN, Child, Hit, Known, Subject
from little_loops.fsm.yaml import Document, Place, PlacedList, PlacedMap, locate, parse, read_document

NOT_A_LOOP, BAD_PARADIGM, FLOW_AND_STATES = "LL119", "LL120", "LL127"
ALIASES = {"on_yes": "on_success", "on_no": "on_failure"}
MOST_MISTAKES = 1000
REQUIRED = {"name": "name", "initial": "initial", "states": "states (or flow)"}


@dataclass(frozen=True, slots=True)
class LoadResult:
    """A loaded loop and everything that was found on the way.

    Attributes:
        loop: the loop, or None when its errors leave nothing to work with.
        diagnostics: every finding, in the order of discovery.
        sources: path and SHA-256 of every file that was read for it.
        suppressed: the findings that an `allow` key or comment silenced.
        path: the file, or None for a text from elsewhere.
        resolved: the mapping after inheritance, flow and fragments; places are kept.
    """

    loop: FSMLoop | None
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    suppressed: tuple[Diagnostic, ...] = ()
    path: Path | None = None
    resolved: Mapping[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> list[Diagnostic]:
        """The findings that make the file invalid."""
        return errors(self.diagnostics)

    @property
    def warnings(self) -> list[Diagnostic]:
        """The findings that do not."""
        return warnings(self.diagnostics)

    @property
    def refusals(self) -> list[Diagnostic]:
        """The findings that keep a run from starting."""
        return refusals(self.diagnostics)

    def require(self) -> FSMLoop:
        """The loop, if it has no errors; raises ``LoadError`` with every error shown in its place."""
        if self.loop is None or self.errors:
            raise LoadError(render_all(self.errors))
        return self.loop


def load(
    path: Path | str, *, loops_dir: Path | str | None = None, known: Known = NOTHING_KNOWN
) -> LoadResult:
    """The loop of a file. Raises ``LoopNotFound`` or ``LoadError`` only when the file cannot be read.

    ``loops_dir`` is where names of sub-loops are looked up after the file's own folder.
    """
    file = Path(path)
    result = load_document(read_document(file), file.parent, loops_dir=loops_dir, known=known)
    return replace(result, path=file)


def load_text(
    text: str,
    shown_as: str = "<stdin>",
    *,
    folder: Path | str = ".",
    loops_dir: Path | str | None = None,
    known: Known = NOTHING_KNOWN,
) -> LoadResult:
    """The loop of a text; ``folder`` is where its parents, imports and sub-loops are looked up."""
    return load_document(parse(Source(shown_as, text)), Path(folder), loops_dir=loops_dir, known=known)


def load_document(
    document: Document,
    folder: Path,
    *,
    loops_dir: Path | str | None = None,
    known: Known = NOTHING_KNOWN,
    reader: Reader = read_document,
) -> LoadResult:
    """The loop of a document that was read before; ``reader`` reads its parents, libraries and sub-loops."""
    trail = Trail(reader=reader)
    resolved, loop = resolve(document, folder, trail)
    sources = tuple((source.path, source.sha256) for source in (document.source, *trail.sources))
    if loop is None:
        heard = obeyed(trail.found, (document.source, *trail.sources))
        return LoadResult(None, tuple(heard.found), sources, tuple(heard.suppressed), resolved=resolved or {})
    children = Children(folder, Path(loops_dir) if loops_dir is not None else None, reader)
    read = silenced(loop, trail.found)
    judged = _judge(loop, resolved or {}, known, children, trail.found)
    heard = obeyed((*read.found, *judged.found), (document.source, *trail.sources))
    suppressed = (*read.suppressed, *judged.suppressed, *heard.suppressed)
    return LoadResult(loop, tuple(heard.found), sources, suppressed, resolved=resolved or {})


def resolve(document: Document, folder: Path, trail: Trail) -> tuple[dict[str, Any] | None, FSMLoop | None]:
    """The mapping a document stands for, and the loop it describes; mistakes go to the trail."""
    for diagnostic in document.found:
        trail.add(diagnostic)
    mapping = document.data
    if not isinstance(mapping, dict):
        if not errors(document.found):
            note = f"a loop file must be a mapping of keys, found {shown(mapping)}"
            span = Span(document.source, 1, 1, 1, 1)
            trail.add(Diagnostic(note, "<root>", code=NOT_A_LOOP, span=span))
        return None, None
    _note_flow_and_states(mapping, trail)
    compiled = _compiled(inherit(mapping, folder, trail), trail)
    if compiled is None:
        return mapping, None
    mapping = compiled
    had_flow = "flow" in mapping
    mapping = expand_flow(mapping, trail)
    missing = [key for key in REQUIRED if mapping.get(key) is None and not (key == "states" and had_flow)]
    if missing:
        listed = ", ".join(REQUIRED[key] for key in missing)
        span = head_of(mapping) or Span(document.source, 1, 1, 1, 1)
        trail.add(Diagnostic(f"missing required keys: {listed}", "<root>", code=MISSING_KEY, span=span))
    mapping = apply_fragments(mapping, folder, trail)
    loop = _decoded(mapping, trail)
    usable = not missing and isinstance(mapping.get("states"), Mapping)
    return mapping, loop if usable else None


def _note_flow_and_states(mapping: dict[str, Any], trail: Trail) -> None:
    if "flow" in mapping and "states" in mapping:
        note = "`flow` and `states` are both written; the states are replaced by the flow"
        trail.note(Mistake(FLOW_AND_STATES, "warning", ("states",), note, on_key=True), mapping)


def _decoded(mapping: dict[str, Any], trail: Trail) -> FSMLoop | None:
    mistakes: list[Mistake] = []
    loop = decode(FSMLoop, mapping, (), mistakes)
    at_root = [m for m in mistakes if m.path == () and m.code == UNKNOWN_KEY]
    rest = [m for m in mistakes if m.path != () or m.code not in (UNKNOWN_KEY, MISSING_KEY)]
    for mistake in (*at_root, *rest)[:MOST_MISTAKES]:
        trail.note(mistake, mapping)
    return loop


# ---------------------------------------------------------------- short forms


def _compiled(mapping: dict[str, Any], trail: Trail) -> dict[str, Any] | None:
    if mapping.get("paradigm") in (None, "fsm") or "initial" in mapping:
        return mapping
    try:
        compiled = compile_paradigm(mapping).to_dict()
    except LoadError as error:
        at = next((key for key in mapping if f"'{key}'" in error.message), "paradigm")
        if error.message.startswith("Constraint"):
            at = "constraints"
        trail.error(BAD_PARADIGM, (at,), error.message, mapping)
        return None
    _note_unread(mapping, trail)
    compiled.update({key: mapping[key] for key in CARRIED if key in mapping})
    return _with_origins(compiled, mapping)


def _note_unread(mapping: dict[str, Any], trail: Trail) -> None:
    paradigm = mapping["paradigm"]
    for key in mapping:
        if key not in READ_KEYS[paradigm]:
            note = f"{key!r} has no effect in the short form {paradigm}"
            close = closest(key, READ_KEYS[paradigm])
            found = Mistake(UNKNOWN_KEY, "warning", (), note, child=key, on_key=True, suggestion=close)
            trail.note(found, mapping)


def _with_origins(compiled: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """The compiled mapping with the places of the texts it was made of."""
    places = getattr(spec, "places", None)
    if places is None:
        return compiled
    texts: dict[str, Place] = {}
    _collect_texts(spec, texts)
    anchor = places["paradigm"]
    out = PlacedMap(compiled, places={key: places.get(key, anchor) for key in compiled})
    states = PlacedMap()
    for name, state in compiled["states"].items():
        place = texts.get(state.get("action", ""), anchor)
        states[name] = PlacedMap(state, places=dict.fromkeys(state, place))
        states.places[name] = place._replace(key_start=place.start, key_end=place.end)
    out["states"] = states
    return out


def _collect_texts(value: Any, into: dict[str, Place]) -> None:
    if isinstance(value, PlacedMap):
        pairs = [(item, value.places[key]) for key, item in value.items()]
    elif isinstance(value, PlacedList):
        pairs = list(zip(value, value.places, strict=True))
    else:
        return
    for item, place in pairs:
        if isinstance(item, str):
            into.setdefault(item, place)
        else:
            _collect_texts(item, into)


# ---------------------------------------------------------------- rules


class Children:
    """Looks up sub-loops for the rules, each once; a loop that names itself is not loaded again."""

    def __init__(self, folder: Path, loops_dir: Path | None, reader: Reader = read_document) -> None:
        self.reader = reader
        self.folders = [folder, loops_dir or Path(".loops")]
        self.known: dict[str, Child] = {}

    def __call__(self, name: str) -> Child:
        if name not in self.known:
            self.known[name] = self._find(name)
        return self.known[name]

    def _find(self, name: str) -> Child:
        missing: LoopNotFound | None = None
        for folder in self.folders:
            try:
                path = resolve_loop_path(name, folder)
            except LoopNotFound as error:
                missing = error
                continue
            try:
                trail = Trail(reader=self.reader)
                _, loop = resolve(self.reader(path), path.parent, trail)
            except LoadError:
                return Child(None)
            return Child(None if errors(trail.found) else loop)
        return Child(None, str(missing), missing.hint if missing else None)


def _judge(
    loop: FSMLoop, mapping: Mapping[str, Any], known: Known, children: Children, before: Iterable[Diagnostic]
) -> Judged:
    """Runs the rules; a place whose shape was wrong already is not judged a second time."""
    wrong = {d.path for d in before if d.is_error}

    def place(hit: Hit) -> Span | None:
        return _place(mapping, hit)

    judged = judge(Subject(loop, mapping, known, children), place=place)
    kept = [d for d in judged.found if not is_below(d.path or "", wrong)]
    return Judged(kept, judged.suppressed)


def _place(mapping: Mapping[str, Any], hit: Hit) -> Span | None:
    at = hit.at if hit.at is not None else hit.path
    if at and at[-1] in ALIASES and locate(mapping, at[:-1]) is not None:
        owner: Any = mapping
        for step in at[:-1]:
            owner = owner[step] if isinstance(owner, Mapping) and step in owner else {}
        if at[-1] not in owner and ALIASES[str(at[-1])] in owner:
            at = (*at[:-1], ALIASES[str(at[-1])])
    span = locate(mapping, at, on_key=hit.on_key)
    if span is None:
        return head_of(mapping)
    return narrowed(span, hit.needle) if hit.needle else span


def head_of(mapping: Mapping[str, Any]) -> Span | None:
    """The first key of a mapping: where a finding about the whole file is shown."""
    first = next(iter(mapping), None)
    return locate(mapping, (first,), on_key=True) if first is not None else None


def narrowed(span: Span, needle: str) -> Span:
    """The part of a span in which a text stands as it is written, or the whole span."""
    first = needle.splitlines()[0]
    for number in range(span.line, span.end_line + 1):
        line = span.source.line(number)
        start = span.column - 1 if number == span.line else 0
        found = line.find(first, start)
        if found >= 0:
            return Span(span.source, number, found + 1, number, found + len(first) + 1)
    return span


# ---------------------------------------------------------------- the public contract


def load_and_validate(
    path: Path | str, extra_evaluators: Iterable[str] = (), extra_actions: Iterable[str] = ()
) -> tuple[FSMLoop, list[Diagnostic]]:
    """The loop of a file and its warnings.

    Raises ``LoopNotFound`` (a ``FileNotFoundError``) for a missing file and ``LoadError`` (a ``ValueError``)
    that lists every error; each warning is also logged.
    """
    import logging

    result = load(path, known=Known(frozenset(extra_evaluators), frozenset(extra_actions)))
    wrong = result.errors
    if result.loop is None or wrong:
        lines = [f"{path} is not a valid loop:", *(f"  {diagnostic}" for diagnostic in wrong)]
        raise LoadError("\n".join(lines))
    found = _merged_unknown(result.warnings)
    for diagnostic in found:
        logging.getLogger("little_loops.fsm.validation").warning("%s", diagnostic)
    return result.loop, found


def _merged_unknown(found: list[Diagnostic]) -> list[Diagnostic]:
    """All unknown keys at the top level as one finding, sorted, in front."""
    unknown = [d for d in found if d.code == UNKNOWN_KEY and d.path == dotted(())]
    if not unknown:
        return found
    names = ", ".join(sorted(d.message.removeprefix("unknown key ").strip("'") for d in unknown))
    merged = replace(unknown[0], message=f"unknown top-level keys: {names}", suggestion=None)
    return [merged, *(d for d in found if d not in unknown)]
