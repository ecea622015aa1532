"""Renaming a state everywhere in its file, or not at all.

What comes out is loaded and compared: the loop under the new name has to be the same loop. So a name that
exists, a state that is made elsewhere, or a mention that could not be found is refused and never half done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from little_loops.fsm.graph import edges
from little_loops.fsm.mentions import NO_STATES, Mention, Names, mentions
from little_loops.fsm.scalars import inline
from little_loops.fsm.schema import FSMLoop
from little_loops.lsp.analysis import Analysis, analyse
from little_loops.lsp.cursor import scalars
from little_loops.lsp.places import mention_at

PART_OF_FLOW = re.compile(r"[^?:\s,\[\]{}'\"#]+")


class Refused(Exception):
    """The rename cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement, by offsets in the text."""

    start: int
    end: int
    text: str


def renamable(analysis: Analysis, offset: int) -> Mention:
    """The name of a state under the cursor.

    Raises:
        Refused: there is none, or it cannot be renamed from here.
    """
    if not analysis.data:
        raise Refused("the file is not valid YAML; repair it first")
    mention = mention_at(analysis, offset)
    if mention is None or mention.names is not Names.STATE:
        raise Refused("only states can be renamed; put the cursor on the name of one")
    own = [m for m in _all(analysis, mention.name) if m.defines]
    if not own and analysis.data.get("paradigm") not in (None, "fsm"):
        raise Refused(f"the short form gives '{mention.name}' its name; `ll-loop compile` writes states out")
    if not own:
        raise Refused(f"'{mention.name}' is not made in this file; rename it where it is")
    return mention


def rename(analysis: Analysis, offset: int, new: str) -> list[Edit]:
    """The edits that give the state under the cursor another name.

    Raises:
        Refused: says why nothing is done.
    """
    old = renamable(analysis, offset).name
    new = new.strip()
    if new == old:
        return []
    found = _all(analysis, old)
    _refuse_bad_name(new, analysis, found)
    edits = {m.start: Edit(m.start, m.end, new if m.part else inline(new)) for m in found}
    edits.update({edit.start: edit for edit in _in_properties(analysis.source.text, old, new)})
    ordered = sorted(edits.values(), key=lambda edit: edit.start)
    _prove(analysis, ordered, old, new)
    return ordered


def _all(analysis: Analysis, name: str) -> list[Mention]:
    return [
        m
        for m in mentions(analysis.data)
        if m.names is Names.STATE and m.name == name and m.source is analysis.source
    ]


def _refuse_bad_name(new: str, analysis: Analysis, found: Iterable[Mention]) -> None:
    if not new or new in NO_STATES or "${" in new or not new.isprintable():
        raise Refused(f"'{new}' cannot be the name of a state")
    if new in analysis.states:
        raise Refused(f"there is a state '{new}' already")
    if any(m.part or m.path[0] == "flow" for m in found) and not PART_OF_FLOW.fullmatch(new):
        raise Refused(f"'{new}' cannot be written in a flow: no blanks, ?, : or brackets")


def _in_properties(text: str, old: str, new: str) -> Iterator[Edit]:
    """The state in the laws of the loop, where it stands for itself; inside a longer text nobody can tell."""
    word = re.compile(rf"(?<![\w-]){re.escape(old)}(?![\w-])")
    for found in scalars(text):
        if found.path[:1] != ("properties",) or found.on_key:
            continue
        if found.value == old and not found.block:
            yield Edit(found.start, found.end, inline(new))
        elif word.search(found.value):
            raise Refused(f"'{old}' is also named under `properties`, in a longer text; change that first")


def applied(source: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made; they are sorted and do not overlap."""
    pieces, at = [], 0
    for edit in edits:
        pieces += [source[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, source[at:]])


def _prove(analysis: Analysis, edits: list[Edit], old: str, new: str) -> None:
    before = analysis.loop
    after = analyse(applied(analysis.source.text, edits), analysis.home)
    if before is None:
        raise Refused("the file has mistakes that hide its states; repair them first")
    if after.loop is None or _graph(before, {old: new}) != _graph(after.loop, {}):
        raise Refused(
            f"'{old}' is also named in another file, or where it cannot be changed; nothing was done"
        )


def _graph(loop: FSMLoop, names: dict[str, str]) -> object:
    """States, start and edges with some states called otherwise."""

    def called(name: str) -> str:
        return names.get(name, name)

    detector = loop.circuit.repeated_failure if loop.circuit else None
    return (
        [called(name) for name in loop.states],
        called(loop.initial),
        [(called(edge.source), edge.key, called(edge.target)) for edge in edges(loop)],
        called(detector.on_repeated_failure) if detector else None,
    )
