"""What is wrong in a loop file, where, and what to do about it; and how that is shown.

A diagnostic is a value. This file reads no files, prints nothing and knows no rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any

TAB_WIDTH = 1
WIDEST_LINE = 160


class ValidationSeverity(Enum):
    """How bad it is: an error keeps the loop from running, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@lru_cache(maxsize=32)
def _lines(text: str) -> list[str]:
    return text.splitlines()


@dataclass(frozen=True, slots=True)
class Source:
    """A text that was read: its path as shown to people, and the digest of its bytes."""

    path: str
    text: str = field(repr=False)
    sha256: str = ""

    def line(self, number: int) -> str:
        """Line ``number``, counted from 1, without its end; empty when there is none."""
        lines = _lines(self.text)
        return lines[number - 1] if 0 < number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source. Lines and columns count from 1; the end column is the first one behind it."""

    source: Source
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Attributes:
        message: what is wrong, one sentence.
        path: the place in the loop, such as ``states.check.evaluate``; None when it has none.
        severity: error or warning.
        code: the stable code of the rule.
        span: the place in a file, when known.
        help: what to do about it.
        suggestion: the word that was probably meant.
        blocks: a warning that keeps ``run`` from starting, because the run would certainly fail.
    """

    message: str
    path: str | None = None
    severity: ValidationSeverity = ValidationSeverity.ERROR
    code: str = ""
    span: Span | None = None
    help: str | None = None
    suggestion: str | None = None
    blocks: bool = False

    def __str__(self) -> str:
        head = f"[{self.severity.name}]"
        return f"{head} {self.path}: {self.message}" if self.path else f"{head} {self.message}"

    @property
    def is_error(self) -> bool:
        """Whether it keeps the loop from running."""
        return self.severity is ValidationSeverity.ERROR


def dotted(path: Sequence[str | int]) -> str:
    """A path as shown: ``targets[0].file``; ``<root>`` for the file itself."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "<root>"


def errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings that keep a loop from running."""
    return [d for d in found if d.is_error]


def warnings(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """The findings that do not."""
    return [d for d in found if not d.is_error]


def refusals(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What keeps a run from starting: every error, and the warnings that say the run would certainly fail."""
    return [d for d in found if d.is_error or d.blocks]


def in_file_order(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sorted by file and place; findings without a place come first, in the order given."""
    return sorted(
        found, key=lambda d: (d.span.source.path, d.span.line, d.span.column) if d.span else ("", 0, 0)
    )


def render(diagnostic: Diagnostic) -> str:
    """The finding as a compiler would show it: place, code, source line, caret, help."""
    head = f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.message}"
    span = diagnostic.span
    lines = [f"{_place(diagnostic)}: {head}" if span or diagnostic.path else head]
    if span is not None:
        lines += _excerpt(span)
    if diagnostic.suggestion:
        lines.append(f"  = did you mean '{diagnostic.suggestion}'?")
    if diagnostic.help:
        first, *rest = diagnostic.help.splitlines() or [""]
        lines += [f"  = help: {first}", *(f"          {line}" for line in rest)]
    return "\n".join(lines)


def render_all(found: Iterable[Diagnostic]) -> str:
    """Every finding, a blank line between two, no line end after the last."""
    return "\n\n".join(render(d) for d in found)


def _place(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    return f"{span.source.path}:{span.line}:{span.column}" if span else str(diagnostic.path)


def _excerpt(span: Span) -> list[str]:
    text = span.source.line(span.line)
    if not text.strip():
        return []
    end = span.end_column if span.end_line == span.line else len(text) + 1
    end = min(max(end, span.column + 1), len(text) + 1)
    shift = max(0, span.column - 1 - WIDEST_LINE // 2)
    shown = text[shift : shift + WIDEST_LINE].replace("\t", " " * TAB_WIDTH)
    width = max(1, min(end - span.column, WIDEST_LINE - (span.column - 1 - shift)))
    number = str(span.line)
    gutter = " " * len(number)
    start = span.column - 1
    caret = " " * _columns(text[shift:start]) + "^" * max(1, _columns(text[start : start + width]))
    return [f" {gutter} |", f" {number} | {shown}", f" {gutter} | {caret}"]


def _columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def as_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """The finding as plain data; places are null when unknown."""
    span = diagnostic.span
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "path": diagnostic.path,
        "file": span.source.path if span else None,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "end_line": span.end_line if span else None,
        "end_column": span.end_column if span else None,
        "help": diagnostic.help,
        "suggestion": diagnostic.suggestion,
    }
