"""What stands under a cursor: a key, a name, a rule's code, a piece of ``${...}``; and where that is made.

The same answer serves hover, go to definition and rename.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from little_loops.errors import LoadError
from little_loops.fsm.diagnostics import Source
from little_loops.fsm.fragments import library_path
from little_loops.fsm.mentions import Mention, Names, mentions, named_by
from little_loops.fsm.template import Reference, parse
from little_loops.fsm.yaml import Place, PlacedMap, read_source
from little_loops.lsp.analysis import Analysis, loop_file, parent_file
from little_loops.lsp.cursor import Scalar, in_comment, scalar_at, scalars

REFERENCE = re.compile(r"\$\{[^}\n]*\}?")
CODE = re.compile(r"[A-Z]{2,}[0-9]{3,}")
ALLOW_COMMENT = re.compile(r"#\s*ll:")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a source, in offsets; the whole file when both are 0."""

    source: Source
    start: int
    end: int


def mention_at(analysis: Analysis, offset: int) -> Mention | None:
    """The name of something under a cursor, in a text that is YAML."""
    for mention in mentions(analysis.data):
        if mention.source is analysis.source and mention.start <= offset <= mention.end:
            return mention
    return None


def named_at(analysis: Analysis | None, text: str, offset: int) -> Mention | None:
    """The same in any text: where it is no YAML, what the text up to the cursor tells."""
    if analysis is not None and analysis.source.text == text and analysis.data:
        return mention_at(analysis, offset)
    found = scalar_at(text, offset)
    kind = named_by(found.path) if found is not None and not found.on_key else None
    if found is None or kind is None:
        return None
    return Mention(kind, found.value, found.path, Source("", text), found.start, found.end)


def reference_at(text: str, offset: int) -> tuple[Reference, int] | None:
    """The ``${...}`` under a cursor, and where it begins. Only whole ones on one line."""
    start = text.rfind("\n", 0, offset) + 1
    stop = text.find("\n", offset)
    line = text[start : stop if stop >= 0 else len(text)]
    for found in REFERENCE.finditer(line):
        if found.start() <= offset - start <= found.end() and line[found.start() - 1 : found.start()] != "$":
            for part in parse(found.group()).references:
                return part, start + found.start()
    return None


def code_at(text: str, offset: int, scalar: Scalar | None) -> str | None:
    """The code of a rule under a cursor, in an ``allow`` list or an allowing comment."""
    in_list = scalar is not None and "allow" in scalar.path[:-1]
    start = text.rfind("\n", 0, offset) + 1
    stop = text.find("\n", offset)
    line = text[start : stop if stop >= 0 else len(text)]
    if not in_list and not (in_comment(text, offset) and ALLOW_COMMENT.search(line)):
        return None
    for found in CODE.finditer(line):
        if found.start() <= offset - start <= found.end():
            return found.group()
    return None


# --- where things are made ---------------------------------------------------------------------------------


def origin_of(mention: Mention, analysis: Analysis) -> Stretch | None:
    """Where the thing that a mention names is made: a state, a fragment, a file."""
    match mention.names:
        case Names.STATE:
            return _state(mention.name, analysis)
        case Names.FRAGMENT:
            return _key_in(analysis.fragments, mention.name)
        case Names.LOOP:
            return _file(loop_file(mention.name, analysis.home))
        case Names.PARENT:
            return _file(parent_file(mention.name, analysis.home))
        case Names.LIBRARY:
            return _file(library_path(mention.name, analysis.home.folder))


def _state(name: str, analysis: Analysis) -> Stretch | None:
    """The key of a state with its body here, in a parent, or its entry in a flow."""
    here: Stretch | None = None
    for mention in mentions(analysis.data):
        if mention.defines and mention.names is Names.STATE and mention.name == name:
            here = Stretch(mention.source, mention.start, mention.end)
            if mention.path[0] != "flow":
                return here
    return here or _key_in(analysis.states, name)


def _key_in(mapping: Mapping[str, Any], name: str) -> Stretch | None:
    place = mapping.places.get(name) if isinstance(mapping, PlacedMap) else None
    if place is None or place.key_start is None:
        return None
    return Stretch(place.source, place.key_start.index, place.key_end.index)


def _file(path: Path | None) -> Stretch | None:
    try:
        return None if path is None else Stretch(read_source(path), 0, 0)
    except LoadError:
        return None


def moved(found: Stretch, before: Source, now: str) -> Stretch:
    """A place found in an older version of the open text, where the newest has it; else where it was."""
    if found.source is not before or before.text == now:
        return found
    old = scalar_at(before.text, found.start)
    wanted = (old.path, old.on_key, old.value) if old is not None else None
    for scalar in scalars(now):
        if (scalar.path, scalar.on_key, scalar.value) == wanted:
            return Stretch(Source(before.path, now), scalar.start, scalar.end)
    return found


def origin_of_reference(reference: Reference, analysis: Analysis) -> Stretch | None:
    """Where a value of ``${...}`` comes from: a variable, a parameter, the state that captures it."""
    name = reference.keys[0] if reference.keys else ""
    if reference.namespace == "captured":
        return next(_captures(name, analysis), None)
    if reference.namespace != "context":
        return None
    for owner in ("context", "parameters"):
        found = _key_in(analysis.resolved.get(owner) or {}, name)
        if found is not None:
            return found
    return None


def _captures(name: str, analysis: Analysis) -> Iterator[Stretch]:
    for state, body in analysis.states.items():
        if isinstance(body, PlacedMap) and body.get("capture") == name and "capture" in body.places:
            place: Place = body.places["capture"]
            yield Stretch(place.source, place.start.index, place.end.index)
        elif state == name and isinstance(body, Mapping) and "loop" in body:
            found = _key_in(analysis.states, state)
            if found is not None:
                yield found
