"""What an editor can do about a finding: write the word that was meant, or allow what is meant to be there.

A fix is offered only when the text with it, loaded again, has fewer findings of that code and no new error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types

from little_loops.fsm.diagnostics import Diagnostic, errors
from little_loops.fsm.scalars import inline
from little_loops.fsm.validation.judge import BY_CODE
from little_loops.lsp.analysis import Analysis, analyse, findings
from little_loops.lsp.cursor import scalar_at
from little_loops.lsp.renaming import Edit, applied
from little_loops.lsp.text import Text

INDENT = re.compile(r"[ \t]*")
MOST = 8  # findings looked at for one request: each fix is proved by loading the text


def fixes(
    analysis: Analysis, text: Text, wanted: types.Range, shown: list[types.Diagnostic], uri: str
) -> Iterator[types.CodeAction]:
    """The fixes for the findings in the lines of a range; ``shown`` are those the editor shows there."""
    lines = range(wanted.start.line, wanted.end.line + 1)
    looked_at = 0
    for found in findings(analysis):
        if found.span is None or found.span.source is not analysis.source or looked_at >= MOST:
            continue
        start, end = text.span(found.span)
        if text.position(start).line not in lines:
            continue
        looked_at += 1
        about = [one for one in shown if one.code == found.code and one.range.start == text.position(start)]
        for title, edit in _edits(found, start, end, text):
            if _helps(edit, found, analysis):
                change = types.TextEdit(text.range(edit.start, edit.end), edit.text)
                yield types.CodeAction(
                    title,
                    kind=types.CodeActionKind.QuickFix,
                    diagnostics=about or None,
                    edit=types.WorkspaceEdit({uri: [change]}),
                )


def _edits(found: Diagnostic, start: int, end: int, text: Text) -> Iterator[tuple[str, Edit]]:
    written = text.source[start:end]
    if found.suggestion and f"'{written.strip(chr(34) + chr(39))}'" in found.message:
        yield f"Write '{found.suggestion}'", Edit(start, end, inline(found.suggestion))
    if not found.is_error and not found.blocks and found.code in BY_CODE:
        yield f"Allow {found.code} here", _comment(found.code, start, text)


def _comment(code: str, start: int, text: Text) -> Edit:
    """The comment in a line of its own, above what the finding stands in."""
    scalar = scalar_at(text.source, start)
    at = text.line_start(scalar.start if scalar is not None else start)
    indent = INDENT.match(text.source, at)
    line_end = "\r\n" if "\r\n" in text.source else "\n"
    return Edit(at, at, f"{indent.group() if indent else ''}# ll: allow {code}{line_end}")


def _helps(edit: Edit, found: Diagnostic, before: Analysis) -> bool:
    after = analyse(applied(before.source.text, [edit]), before.home)
    return (
        _count(after, found.code) < _count(before, found.code)
        and len(errors(findings(after))) <= len(errors(findings(before)))
        and (bool(after.data) or not before.data)
    )


def _count(analysis: Analysis, code: str) -> int:
    return sum(found.code == code for found in findings(analysis))
