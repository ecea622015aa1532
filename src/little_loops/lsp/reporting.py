"""Findings of the language as an editor shows them, each in the open text.

A finding in another file (a parent, a library) is shown where this file brings that file in, with the place
there beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types
from pygls import uris

from little_loops.fsm.diagnostics import Diagnostic, Source, Span
from little_loops.fsm.fragments import library_path
from little_loops.fsm.mentions import Mention, Names, mentions
from little_loops.lsp.analysis import Analysis, findings, parent_file
from little_loops.lsp.text import Text, Units

SOURCE = "ll-loop"
MOST = 500


def report(analysis: Analysis, text: Text) -> list[types.Diagnostic]:
    """Every finding of an open text."""
    return [_shown(found, analysis, text) for found in findings(analysis)[:MOST]]


def _shown(found: Diagnostic, analysis: Analysis, text: Text) -> types.Diagnostic:
    span, related = found.span, None
    message = sentence(found)
    if span is not None and span.source.path != analysis.source.path:
        where = types.Location(uri_of(span.source.path), span_range(span, Text(span.source.text, text.units)))
        related = [types.DiagnosticRelatedInformation(where, found.message)]
        message = f"{Path(span.source.path).name}:{span.line}: {message}"
        start, end = _anchor(Path(span.source.path), analysis)
        stretch = text.range(start, end)
    else:
        stretch = span_range(span, text) if span is not None else text.range(0, len(text.line_at(0)))
    return types.Diagnostic(
        range=stretch,
        message=message,
        severity=types.DiagnosticSeverity.Error if found.is_error else types.DiagnosticSeverity.Warning,
        code=found.code or None,
        source=SOURCE,
        related_information=related,
    )


def sentence(found: Diagnostic) -> str:
    """The message, what was probably meant, and what to do."""
    lines = [found.message]
    if found.suggestion:
        lines[0] += f"; did you mean '{found.suggestion}'?"
    if found.blocks and not found.is_error:
        lines.append("run refuses to start this loop")
    return "\n".join([*lines, found.help] if found.help else lines)


def span_range(span: Span, text: Text) -> types.Range:
    """The editor's range of a span, at most to the end of its first line: longer ones hide the text."""
    start, end = text.span(span)
    last = text.line_start(start) + len(text.line_at(start))
    return text.range(start, min(max(end, start + 1), max(last, start)))


def uri_of(path: str | Path) -> str:
    """The URI of a file."""
    return uris.from_fs_path(str(Path(path).absolute())) or str(path)


def source_location(source: Source, start: int, end: int, units: Units) -> types.Location:
    """A stretch of a source as an editor opens it."""
    return types.Location(uri_of(source.path), Text(source.text, units).range(start, end))


def _anchor(file: Path, analysis: Analysis) -> tuple[int, int]:
    """Where the open text brings a file in: its ``from``, or the ``import`` of that file."""
    entries = list(_entries(analysis))
    for mention in entries:
        if _same(_file_of(mention, analysis), file):
            return mention.start, mention.end
    for mention in entries:  # a file further up: by way of the parent
        if mention.names is Names.PARENT:
            return mention.start, mention.end
    return (entries[0].start, entries[0].end) if entries else (0, 0)


def _entries(analysis: Analysis) -> Iterator[Mention]:
    for mention in mentions(analysis.data):
        if mention.names in (Names.PARENT, Names.LIBRARY):
            yield mention


def _file_of(mention: Mention, analysis: Analysis) -> Path | None:
    if mention.names is Names.PARENT:
        return parent_file(mention.name, analysis.home)
    return library_path(mention.name, analysis.home.folder)


def _same(one: Path | None, other: Path) -> bool:
    return one is not None and one.resolve() == other.resolve()
