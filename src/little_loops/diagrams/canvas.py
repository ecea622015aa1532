"""A grid of terminal cells with lines that join where they meet. Knows nothing of states or edges."""

from __future__ import annotations

import unicodedata

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8
JOINER = "\u200d"
_JOINTS = {
    UP: "│", DOWN: "│", UP | DOWN: "│", LEFT: "─", RIGHT: "─", LEFT | RIGHT: "─",
    DOWN | RIGHT: "┌", DOWN | LEFT: "┐", UP | RIGHT: "└", UP | LEFT: "┘",
    UP | DOWN | RIGHT: "├", UP | DOWN | LEFT: "┤", DOWN | LEFT | RIGHT: "┬", UP | LEFT | RIGHT: "┴",
    UP | DOWN | LEFT | RIGHT: "┼",
}  # fmt: skip


def cells(text: str) -> int:
    """Columns a text takes; wide characters two, combining ones none."""
    return len(text) if text.isascii() else sum(map(columns, text))


def columns(char: str) -> int:
    """Columns one character takes."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Cc", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, room: int) -> str:
    """The text in at most ``room`` columns, its end replaced by an ellipsis where it is longer."""
    if cells(text) <= room:
        return text
    out, left = "", room - 1
    for char in text:
        left -= columns(char)
        if left < 0:
            break
        out += char
    return out.rstrip() + "…"


def printable(text: str) -> str:
    """The text without what a terminal obeys instead of showing: a loop file may be a stranger's."""
    return "".join(c for c in text if c.isprintable() or c == JOINER or unicodedata.category(c) == "Mn")


class Canvas:
    """Cells by row and column: a line joint or a piece of text, with an optional style (SGR codes)."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, int], int] = {}
        self._text: dict[tuple[int, int], str] = {}
        self._style: dict[tuple[int, int], str] = {}
        self._ends: dict[int, int] = {}

    def down(self, column: int, first: int, last: int, style: str = "") -> None:
        """A vertical line between two rows, both ends included."""
        for row in range(min(first, last), max(first, last) + 1):
            bits = (UP if row > min(first, last) else 0) | (DOWN if row < max(first, last) else 0)
            self._join(row, column, bits, style)

    def across(self, row: int, first: int, last: int, style: str = "") -> None:
        """A horizontal line between two columns, both ends included."""
        for column in range(min(first, last), max(first, last) + 1):
            bits = (LEFT if column > min(first, last) else 0) | (RIGHT if column < max(first, last) else 0)
            self._join(row, column, bits, style)

    def write(self, row: int, column: int, text: str, style: str = "") -> None:
        """A text on top of whatever lines are there."""
        for char in text:
            wide = columns(char)
            if wide == 0:
                before = (row, column - 1)
                self._text[before] = self._text.get(before, "") + printable(char)
                continue
            self._set(row, column, char, style)
            if wide == 2:
                self._set(row, column + 1, "", style)
            column += wide

    def render(self, *, color: bool) -> str:
        """The picture; trailing blanks dropped."""
        return "\n".join(self._line(row, color) for row in range(max(self._ends, default=-1) + 1))

    def _join(self, row: int, column: int, bits: int, style: str) -> None:
        self._lines[row, column] = self._lines.get((row, column), 0) | bits
        self._ends[row] = max(self._ends.get(row, 0), column + 1)
        if style:
            self._style[row, column] = style

    def _set(self, row: int, column: int, text: str, style: str) -> None:
        self._text[row, column] = text
        self._ends[row] = max(self._ends.get(row, 0), column + 1)
        if style:
            self._style[row, column] = style

    def _line(self, row: int, color: bool) -> str:
        out, now = "", ""
        for column in range(self._ends.get(row, 0)):
            place = (row, column)
            style = self._style.get(place, "") if color else ""
            if style != now:
                out += ("\033[0m" if now else "") + (f"\033[{style}m" if style else "")
                now = style
            out += self._text.get(place, _JOINTS.get(self._lines.get(place, 0), " "))
        return out.rstrip() + ("\033[0m" if now else "")
