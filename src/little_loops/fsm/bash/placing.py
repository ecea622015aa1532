"""Put values into a bash text: every value a variable, quoted as its position asks.

Law: the result holds no value, so no value can be parsed. What is written is parsed once more and must show
every value in the quoting that was meant for it; otherwise nothing is returned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from little_loops.fsm.bash.commands import judge_commands
from little_loops.fsm.bash.findings import Findings
from little_loops.fsm.bash.flow import trace
from little_loops.fsm.bash.pieces import Code, Data, Piece, Placed, Refusal
from little_loops.fsm.bash.positions import Position, Quoting, Unplaced, position
from little_loops.fsm.bash.sites import judge_sites
from little_loops.fsm.bash.syntax import Script, Span, parse, read, text_of

_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_INERT_CODE = re.compile(r"[A-Za-z0-9_./:@%+,-]+")
_KEYWORDS = frozenset(
    [
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "in",
        "select",
        "function",
        "time",
        "coproc",
    ]
)
_DELIMITER = re.compile(r"\w[\w.-]*", re.ASCII)
_SPECIAL = re.compile(rb"[\\$`]")

_WRITTEN = {
    Quoting.BARE: (b'"', b'"', Quoting.DOUBLE),
    Quoting.DOUBLE: (b"", b"", Quoting.DOUBLE),
    Quoting.SINGLE: (b"'\"", b"\"'", Quoting.DOUBLE),
    Quoting.ANSI: (b"'\"", b"\"$'", Quoting.DOUBLE),
    Quoting.DOCUMENT: (b"", b"", Quoting.DOCUMENT),
    Quoting.VERBATIM: (b"", b"", Quoting.DOCUMENT),
    Quoting.COMMENT: (b"", b"", Quoting.COMMENT),
    Quoting.NUMBER: (b"", b"", Quoting.NUMBER),
}


def place(pieces: tuple[Piece, ...]) -> Placed:
    """The bash text of the pieces, every value one literal value for its position.

    Raises:
        Refusal: a value stands where bash or an interpreter would run, parse or expand it, or where its
            position cannot be proven; or a pasted code value changes the position of a value behind it.
    """
    placed, refusals = _worked_out(pieces)
    if placed is None:
        raise refusals[0]
    return placed


def examine(pieces: tuple[Piece, ...]) -> tuple[Refusal, ...]:
    """Every reason why `place` would refuse the pieces, in order of the text; empty when it would not."""
    return _worked_out(pieces)[1]


@lru_cache(maxsize=512)
def _worked_out(pieces: tuple[Piece, ...]) -> tuple[Placed | None, tuple[Refusal, ...]]:
    if not any(isinstance(piece, Data) for piece in pieces):
        return Placed("".join(piece.text for piece in pieces if isinstance(piece, Code))), ()
    for piece in pieces:
        if isinstance(piece, Data) and not _VARIABLE.fullmatch(piece.variable):
            raise ValueError(f"not the name of a shell variable: {piece.variable!r}")
    script = parse(pieces)
    positions, refusals = _positions(pieces, script)
    findings = Findings()
    if not refusals:
        flow = trace(script)
        judge_sites(flow, findings)
        judge_commands(flow, findings)
        refusals += [_refusal(pieces, index, *reason) for index, reason in findings.refused.items()]
    refusals += _moved(pieces, positions)
    if refusals:
        return None, tuple(sorted(refusals, key=lambda refusal: refusal.piece))
    findings.numbers |= {p.span.index for p in positions if p.quoting is Quoting.NUMBER}
    try:
        return _written(pieces, script, positions, findings), ()
    except Unplaced as problem:
        first = next(index for index, piece in enumerate(pieces) if isinstance(piece, Data))
        return None, (_refusal(pieces, first, problem.message, problem.hint),)


def _positions(pieces: tuple[Piece, ...], script: Script) -> tuple[list[Position], list[Refusal]]:
    positions: list[Position] = []
    refusals: list[Refusal] = []
    if script.doubt is not None:
        at, reason = script.doubt
        line = script.source.count(b"\n", 0, at) + 1
        hint = "check the quotes and brackets of the action; then give the value a simpler place"
        return positions, [_refusal(pieces, script.spans[0].index, f"line {line}: {reason}", hint)]
    for span in script.spans:
        try:
            positions.append(position(script, span))
        except Unplaced as problem:
            refusals.append(_refusal(pieces, span.index, problem.message, problem.hint))
    return positions, refusals


def _refusal(pieces: tuple[Piece, ...], index: int, reason: str, hint: str) -> Refusal:
    piece = pieces[index]
    label = piece.label or ""
    offset = sum(len(_shown(before)) for before in pieces[:index])
    return Refusal(f"${{{label}}} cannot be used here: {reason}", label, hint, offset, index)


def _shown(piece: Piece) -> str:
    return piece.text if isinstance(piece, Code) else "${" + piece.variable + "}"


# -- code values that move what follows them --


def _moved(pieces: tuple[Piece, ...], positions: list[Position]) -> list[Refusal]:
    """A refusal for the code value that changes where a value stands, if one does."""
    values = [
        index
        for index, piece in enumerate(pieces)
        if isinstance(piece, Code) and piece.label is not None and not _inert(piece.text)
    ]
    if not values or not positions or _trails(pieces, frozenset(values)) == [p.trail for p in positions]:
        return []
    pasted = [p.trail for p in positions]
    culprit = next((v for v in values if _trails(pieces, frozenset({v})) != pasted), values[0])
    after = next((p.span.label for p in positions if p.span.index > culprit), positions[0].span.label)
    return [
        _refusal(
            pieces,
            culprit,
            f"its text changes how bash reads ${{{after}}}",
            "balance the quotes and brackets in its text, or make it one word with :shell",
        )
    ]


def _inert(text: str) -> bool:
    return _INERT_CODE.fullmatch(text) is not None and text not in _KEYWORDS


def _trails(pieces: tuple[Piece, ...], neutral: frozenset[int]) -> list[tuple[str, ...]] | None:
    script = parse(pieces, neutral)
    if script.doubt is not None:
        return None
    try:
        return [position(script, span).trail for span in script.spans]
    except Unplaced:
        return None


# -- writing --


def _written(
    pieces: tuple[Piece, ...], script: Script, positions: list[Position], findings: Findings
) -> Placed:
    edits = [(p.span.start, p.span.end, _value(p)) for p in positions]
    edits += _documents(script, positions)
    by_range = {(p.span.start, p.span.end): p.span for p in positions}
    result, proof = bytearray(), bytearray()
    spans: list[Span] = []
    at = 0
    for start, end, new in sorted(edits):
        result += script.source[at:start]
        proof += script.source[at:start]
        old = by_range.get((start, end))
        if old is not None:
            begin = len(result) + new.index(b"${")
            spans.append(Span(old.index, begin, begin + end - start, old.variable, old.label))
        result += new
        # The grammar misreads a here-document that begins with a backslash; what is escaped is inert anyway.
        proof += b"xx" if new.startswith(b"\\") else new
        at = end
    result += script.source[at:]
    proof += script.source[at:]
    _prove(bytes(proof), tuple(spans), positions)
    text = _decoded(result)
    offsets = tuple((len(_decoded(result[: span.start])), span.variable) for span in spans)
    return Placed(text, _names(pieces, findings.numbers), _names(pieces, findings.words), offsets)


def _decoded(text: bytearray) -> str:
    return text.decode("utf-8", "surrogatepass")


def _names(pieces: tuple[Piece, ...], indices: Iterable[int]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(piece.variable for index in sorted(indices) if isinstance(piece := pieces[index], Data))
    )


def _value(where: Position) -> bytes:
    before, after, _ = _WRITTEN[where.quoting]
    return before + b"${" + where.span.variable.encode() + b"}" + after


def _documents(script: Script, positions: list[Position]) -> list[tuple[int, int, bytes]]:
    """Turn each quoted here-document that holds a value into an unquoted one with the same meaning."""
    edits: list[tuple[int, int, bytes]] = []
    inside = [p for p in positions if p.quoting is Quoting.VERBATIM]
    for body in {p.node.start_byte: p.node for p in inside}.values():
        redirect = body.parent
        start = (
            next(c for c in redirect.children if c.type == "heredoc_start") if redirect is not None else body
        )
        word = text_of(start).replace("'", "").replace('"', "").replace("\\", "")
        if not _DELIMITER.fullmatch(word):
            raise Unplaced(
                "the word that ends its here-document is not plain", "end the here-document with EOF"
            )
        edits.append((start.start_byte, start.end_byte, word.encode()))
        values = [(p.span.start, p.span.end) for p in inside if p.node == body]
        for special in _SPECIAL.finditer(script.source, body.start_byte, body.end_byte):
            if not any(begin <= special.start() < end for begin, end in values):
                edits.append((*special.span(), b"\\" + special.group()))
    return edits


def _prove(source: bytes, spans: tuple[Span, ...], positions: list[Position]) -> None:
    """Parse what was written and raise `Unplaced` unless every value stands in the quoting meant for it."""
    script = read(source, spans)
    meant = {p.span.index: p for p in positions}
    for span in spans:
        before = meant[span.index]
        if script.doubt is not None or position(script, span).quoting is not _WRITTEN[before.quoting][2]:
            raise Unplaced("its place in the bash text cannot be proven", "assign it to a variable first")
