"""Comments that silence a rule: `# ll: allow LL230`, behind what is meant, in the line above, or at the top.

Law: a comment reaches what begins in its line (the key with its whole value, else what ends there), or,
standing alone, what begins in the next line; above everything else in the file it reaches the whole file.
What it silences is kept and counted. It silences no error, and no warning that keeps a run from starting.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from little_loops.fsm.diagnostics import Diagnostic, Source, Span, ValidationSeverity, dotted
from little_loops.fsm.fitting import Path, closest
from little_loops.fsm.validation.judge import BY_CODE, USELESS_ALLOW, Judged, is_below
from little_loops.fsm.yaml import MAX_BYTES, MAX_DEPTH

CANDIDATE = re.compile(r"#[ \t]*ll:[ \t]*(?P<word>\S*)(?P<rest>[^\n\r\u0085\u2028\u2029]*)")
CODE = re.compile(r"[A-Za-z]{1,4}[0-9]{3,}")
ALLOW = "allow"
MOST_COMMENTS = 1000  # of one file: whoever has more wants `allow:` at the top


@dataclass(frozen=True, slots=True)
class Allowance:
    """One comment that silences rules.

    Attributes:
        codes: of the rules.
        source: the file it stands in.
        first: the first line it reaches, counted from 1.
        last: the last one.
        path: the place in the loop it reaches, None for a whole file.
    """

    codes: frozenset[str]
    source: Source
    first: int
    last: int
    path: Path | None

    def silences(self, found: Diagnostic, *, own: bool) -> bool:
        """Whether it is about a finding; ``own`` when it stands in the file that was asked for."""
        if found.is_error or found.blocks or found.code not in self.codes:
            return False
        span = found.span
        if span is not None and span.source.path == self.source.path and self.first <= span.line <= self.last:
            return True
        return own and (self.path is None or is_below(found.path or "", {dotted(self.path)}))


class _Entry(NamedTuple):
    """A key with its value, or an item of a list, with the lines it takes."""

    path: Path
    first: int
    last: int


class _Comment(NamedTuple):
    line: int
    start: int
    alone: bool
    text: re.Match[str]


def obeyed(found: Iterable[Diagnostic], sources: Iterable[Source]) -> Judged:
    """Findings parted into what counts and what a comment silenced; the first source is the one asked for."""
    given = list(found)
    allowances: list[tuple[Allowance, bool]] = []
    for number, source in enumerate({source.path: source for source in sources}.values()):
        read = allowances_in(source)
        allowances += [(allowance, number == 0) for allowance in read.allowances]
        given += read.found
    judged = Judged([], [])
    for diagnostic in given:
        hidden = any(allowance.silences(diagnostic, own=own) for allowance, own in allowances)
        (judged.suppressed if hidden else judged.found).append(diagnostic)
    return judged


class Read(NamedTuple):
    """The comments of one file: what they allow, and what is wrong with them."""

    allowances: list[Allowance]
    found: list[Diagnostic]


def allowances_in(source: Source) -> Read:
    """Every allowing comment of a file."""
    read = Read([], [])
    if len(source.text) > MAX_BYTES or CANDIDATE.search(source.text) is None:
        return read
    entries, scalars = _structure(source.text)
    lines = _Lines.of(entries)
    for comment in islice(_comments(source.text, scalars), MOST_COMMENTS):
        codes = frozenset(_codes(comment, source, read))
        if not codes:
            continue
        allowance = _allowance(codes, comment, source, lines)
        if allowance is None:
            _note(read, source, comment, comment.text.span("word"), "this comment stands at nothing", None)
        else:
            read.allowances.append(allowance)
    return read


class _Lines(NamedTuple):
    """The entries by the line in which they begin, and in which they end; the first lines in order."""

    begun: dict[int, list[_Entry]]
    ended: dict[int, list[_Entry]]
    order: list[int]

    @classmethod
    def of(cls, entries: Iterable[_Entry]) -> _Lines:
        begun: dict[int, list[_Entry]] = {}
        ended: dict[int, list[_Entry]] = {}
        for entry in entries:
            begun.setdefault(entry.first, []).append(entry)
            ended.setdefault(entry.last, []).append(entry)
        return cls(begun, ended, sorted(begun))


def _allowance(codes: frozenset[str], comment: _Comment, source: Source, lines: _Lines) -> Allowance | None:
    line = comment.line
    if comment.alone:
        follower = bisect_right(lines.order, line)
        if follower == 0:
            return Allowance(codes, source, 1, source.text.count("\n") + 1, None)
        if follower == len(lines.order):
            return None
        line = lines.order[follower]
    if line in lines.begun:
        begun = lines.begun[line]
        outer = min(begun, key=lambda entry: len(entry.path))
        return Allowance(codes, source, line, max(entry.last for entry in begun), _as_judged(outer.path))
    if line in lines.ended:
        inner = max(lines.ended[line], key=lambda entry: len(entry.path))
        return Allowance(codes, source, inner.first, line, _as_judged(inner.path))
    return None


def _as_judged(path: Path) -> Path:
    """The path under which findings name a state: the body of a state of a flow is that state."""
    return ("states", *path[1:]) if path[:1] == ("state_defs",) else path


def _codes(comment: _Comment, source: Source, read: Read) -> list[str]:
    word, rest = comment.text.group("word"), comment.text.group("rest")
    if word != ALLOW:
        near = closest(word, [ALLOW])
        _note(read, source, comment, comment.text.span("word"), f"'{word}' is not understood here", near)
        return []
    codes: list[str] = []
    start = comment.text.start("rest")
    for piece in re.finditer(r"[^\s,:;]+", rest):
        if codes and not CODE.fullmatch(piece.group()):
            break  # what follows the codes is the reason
        codes.append(piece.group())
        if piece.group() not in BY_CODE:
            near = closest(piece.group(), list(BY_CODE), 0.75)
            stretch = (start + piece.start(), start + piece.end())
            _note(read, source, comment, stretch, f"'{piece.group()}' is not the code of a rule", near)
    if not codes:
        _note(read, source, comment, comment.text.span("word"), "no code of a rule stands here", None)
    return [code for code in codes if code in BY_CODE]


def _note(
    read: Read, source: Source, comment: _Comment, stretch: tuple[int, int], message: str, near: str | None
) -> None:
    start, end = (offset - comment.start + 1 for offset in stretch)
    span = Span(source, comment.line, start, comment.line, max(end, start + 1))
    help = "write `# ll: allow LL217`, more codes after commas, and the reason behind them"
    warning = ValidationSeverity.WARNING
    read.found.append(Diagnostic(message, "<root>", warning, USELESS_ALLOW, span, help, near))


def _comments(text: str, scalars: list[tuple[int, int]]) -> Iterator[_Comment]:
    """What looks like a comment for us and stands in no text."""
    number, at, inside = 1, 0, 0
    for line in text.splitlines(keepends=True):
        for found in CANDIDATE.finditer(text, at, at + len(line)):
            start = found.start()
            while inside < len(scalars) and scalars[inside][1] <= start:
                inside += 1
            in_text = inside < len(scalars) and scalars[inside][0] <= start
            before = text[at:start]
            if not in_text and (not before or before[-1] in " \t"):
                yield _Comment(number, at, not before.strip(), found)
                break
        at += len(line)
        number += 1


def _structure(text: str) -> tuple[list[_Entry], list[tuple[int, int]]]:
    """The entries of a text with their lines, and the stretches of its scalars, as far as it is YAML."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    entries: list[_Entry] = []
    scalars: list[tuple[int, int]] = []
    levels: list[_Level] = []
    events: Iterator[Any] = yaml.parse(text, loader)
    try:
        for event in events:
            start, end, style = event.start_mark, event.end_mark, getattr(event, "style", None)
            if len(levels) > MAX_DEPTH:
                break
            if isinstance(event, yaml.CollectionStartEvent):
                levels.append(_Level(isinstance(event, yaml.MappingStartEvent), start.line, end.line))
            elif isinstance(event, yaml.CollectionEndEvent):
                level = levels.pop()
                is_flow = end.index > start.index  # a block ends where the next thing begins
                _take(levels, entries, (level.first, end.line if is_flow else level.last), None)
            elif isinstance(event, yaml.ScalarEvent):
                scalars.append((_content_start(text, start.index, style), end.index))
                is_block = style in ("|", ">") and end.column == 0 and end.line > start.line
                _take(levels, entries, (start.line, end.line - 1 if is_block else end.line), event.value)
            elif isinstance(event, yaml.AliasEvent):
                _take(levels, entries, (start.line, end.line), None)
    except (yaml.YAMLError, UnicodeError):
        pass  # the reader has told; what came before the mistake still counts
    return entries, scalars


@dataclass(slots=True)
class _Level:
    """A collection that is open: its first line, the last one so far, and the key or item that is next."""

    is_map: bool
    first: int
    last: int
    key: str | int = 0
    key_line: int = -1


def _take(levels: list[_Level], entries: list[_Entry], lines: tuple[int, int], value: str | None) -> None:
    """A key, a value or an item has ended."""
    if not levels:
        return
    top = levels[-1]
    first, last = lines
    top.last = max(top.last, last)
    if top.is_map and top.key_line < 0:
        top.key, top.key_line = value or "", first
        return
    start = top.key_line if top.is_map else first
    entries.append(_Entry(tuple(level.key for level in levels), start + 1, max(start, last) + 1))
    if top.is_map:
        top.key_line = -1
    elif isinstance(top.key, int):
        top.key += 1


def _content_start(text: str, start: int, style: str | None) -> int:
    """Where a scalar's own text begins: that of a block behind its first line, which may hold a comment."""
    if style in ("|", ">"):
        line_end = text.find("\n", start)
        return line_end if line_end >= 0 else start
    return start
