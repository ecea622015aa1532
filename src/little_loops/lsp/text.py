"""A text in two countings: ours, in characters, and the editor's, in lines and code units.

The parser of YAML breaks lines where an editor does not (U+0085, U+2028, U+2029), so both go by way of the
offset in characters. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property

from lsprotocol import types

from little_loops.fsm.diagnostics import Span

EDITOR_BREAK = re.compile(r"\r\n|\n|\r")
YAML_BREAK = re.compile("\r\n|[\n\r\u0085\u2028\u2029]")

Units = Callable[[str], int]
"""Length of a text in the units the editor counts columns in."""


def utf16(text: str) -> int:
    """Length in UTF-16 code units, the unit that every editor understands."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


class Text:
    """One text and where its lines begin."""

    def __init__(self, source: str, units: Units = utf16) -> None:
        self.source = source
        self.units = units

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(found.end() for found in EDITOR_BREAK.finditer(self.source))]

    @cached_property
    def _yaml_lines(self) -> list[int]:
        return [0, *(found.end() for found in YAML_BREAK.finditer(self.source))]

    def offset(self, position: types.Position) -> int:
        """The offset of an editor's position; beyond the end of a line it is that end."""
        if position.line >= len(self._lines):
            return len(self.source)
        start = self._lines[position.line]
        line = self.line_at(start)
        if line.isascii():
            return start + min(position.character, len(line))
        units = 0
        for count, character in enumerate(line):
            if units >= position.character:
                return start + count
            units += self.units(character)
        return start + len(line)

    def position(self, offset: int) -> types.Position:
        """The editor's position of an offset."""
        offset = max(0, min(offset, len(self.source)))
        line = bisect_right(self._lines, offset) - 1
        return types.Position(line, self.units(self.source[self._lines[line] : offset]))

    def range(self, start: int, end: int) -> types.Range:
        """The editor's range between two offsets."""
        return types.Range(self.position(start), self.position(max(start, end)))

    def span(self, span: Span) -> tuple[int, int]:
        """The offsets of a stretch of this text."""
        return self._at(span.line, span.column), self._at(span.end_line, span.end_column)

    def _at(self, line: int, column: int) -> int:
        if line > len(self._yaml_lines):
            return len(self.source)
        return min(self._yaml_lines[line - 1] + column - 1, len(self.source))

    def line_start(self, offset: int) -> int:
        """Where the line of an offset begins."""
        return self._lines[bisect_right(self._lines, offset) - 1]

    def line_at(self, offset: int) -> str:
        """The line of an offset, without its end."""
        start = self.line_start(offset)
        found = EDITOR_BREAK.search(self.source, start)
        return self.source[start : found.start() if found else len(self.source)]
