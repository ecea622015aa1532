"""The outline of a loop file: its states, fragments, variables and parameters, where they stand."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from little_loops.fsm.graph import edges_of
from little_loops.fsm.mentions import Names, mentions
from little_loops.fsm.yaml import PlacedMap
from little_loops.lsp.analysis import Analysis
from little_loops.lsp.text import Text

KINDS = {Names.STATE: types.SymbolKind.Class, Names.FRAGMENT: types.SymbolKind.Interface}
VALUES = {"context": types.SymbolKind.Variable, "parameters": types.SymbolKind.TypeParameter}


def outline(analysis: Analysis, text: Text) -> list[types.DocumentSymbol]:
    """The symbols in the order of the file."""
    found = sorted((*_named(analysis, text), *_values(analysis, text)), key=_place)
    return [symbol for symbol in found if symbol.name]


def _place(symbol: types.DocumentSymbol) -> tuple[int, int]:
    return symbol.range.start.line, symbol.range.start.character


def _named(analysis: Analysis, text: Text) -> Iterator[types.DocumentSymbol]:
    bodies = {m.name for m in mentions(analysis.data) if m.defines and m.path[0] != "flow"}
    for mention in mentions(analysis.data):
        if not mention.defines or mention.source is not analysis.source:
            continue
        if mention.path[0] == "flow" and mention.name in bodies:
            continue
        inner = text.range(mention.start, mention.end)
        outer = text.range(
            mention.start, _trimmed(text.source, mention.start, max(mention.whole, mention.end))
        )
        detail = _detail(mention.name, analysis) if mention.names is Names.STATE else mention.names.value
        yield types.DocumentSymbol(mention.name, KINDS[mention.names], outer, inner, detail)


def _trimmed(source: str, start: int, end: int) -> int:
    """The end without the blank lines and indentation that the parser counts to a block."""
    return start + len(source[start:end].rstrip())


def _detail(name: str, analysis: Analysis) -> str:
    loop = analysis.loop
    if loop is None or name not in loop.states:
        return "state"
    state = loop.states[name]
    if state.terminal:
        return "end, failure" if loop.is_failure(name) else "end"
    ways = (f"{edge.label} → {edge.target}" for edge in edges_of(name, state) if not edge.shadowed)
    return ", ".join(ways) or "state"


def _values(analysis: Analysis, text: Text) -> Iterator[types.DocumentSymbol]:
    for owner, kind in VALUES.items():
        mapping = analysis.data.get(owner)
        for name, place in mapping.places.items() if isinstance(mapping, PlacedMap) else ():
            if place.key_start is None or place.source is not analysis.source:
                continue
            start = place.key_start.index
            inner = text.range(start, place.key_end.index)
            end = max(place.key_end.index, _trimmed(text.source, start, place.end.index))
            yield types.DocumentSymbol(name, kind, text.range(start, end), inner, owner)
