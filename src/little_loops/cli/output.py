"""The only place that prints. Knows terminals, colours, widths and JSON text; knows nothing of loops or runs.

Needs no rich: live views bring it themselves. Text that comes from actions goes through
``projections.text.clean`` before it gets here, or a printed escape sequence would drive the user's terminal.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from little_loops.errors import WriteFailed
from little_loops.projections.text import clean

STYLES = {
    "bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "magenta": "35",
    "cyan": "36", "orange": "38;5;208",
}  # fmt: skip


@dataclass
class _Settings:
    colour: bool | None = None


_settings = _Settings()


def configure(*, colour: bool | None) -> None:
    """What the project's settings say about colour; None = decide by the terminal."""
    _settings.colour = colour


def on_terminal(stream: TextIO | None = None) -> bool:
    """Whether a stream (standard output) is a terminal."""
    try:
        return (stream or sys.stdout).isatty()
    except (ValueError, AttributeError):
        return False


def capable(stream: TextIO | None = None) -> bool:
    """Whether a stream is a terminal that can move its cursor."""
    return on_terminal(stream) and os.environ.get("TERM", "dumb") != "dumb"


def coloured(stream: TextIO | None = None) -> bool:
    """Whether colours go to a stream: a terminal, NO_COLOR empty, TERM not dumb, settings not against it."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or _settings.colour is False:
        return False
    return on_terminal(stream)


def can_ask() -> bool:
    """Whether a person can be asked: standard input and standard error are a terminal."""
    return on_terminal(sys.stderr) and on_terminal(sys.stdin)


def ask(question: str, words: Sequence[str]) -> str:
    """Ask a person for one of some words, on standard error, until one is given.

    Raises:
        EOFError: there is no answer.
    """
    while True:
        sys.stderr.write(f"{question} ({'/'.join(words)}) ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise EOFError(question)
        if line.strip() in words:
            return line.strip()


def width() -> int:
    """Columns of the terminal, 80 where unknown, at least 20."""
    given = os.environ.get("COLUMNS", "")
    if given.isdigit() and int(given):
        return max(20, int(given))
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    return max(20, columns or 80)


def paint(text: str, *styles: str, stream: TextIO | None = None) -> str:
    """The text in the given styles (keys of ``STYLES`` or SGR numbers) where the stream takes colours."""
    if not styles or not text or not coloured(stream):
        return text
    return f"\033[{';'.join(STYLES.get(style, style) for style in styles)}m{text}\033[0m"


def cells(text: str) -> int:
    """Columns a text takes on a terminal; wide characters count two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, room: int, mark: str = "…") -> str:
    """The text in at most ``room`` columns, its end replaced by a mark where it is longer."""
    if cells(text) <= room:
        return text
    room -= cells(mark)
    out: list[str] = []
    for char in text:
        room -= _columns(char)
        if room < 0:
            break
        out.append(char)
    return "".join(out).rstrip() + mark


def say(text: str = "", *, end: str = "\n") -> None:
    """Text on standard output."""
    _write(sys.stdout, text + end)


def remark(text: str = "") -> None:
    """Text on standard error: what is not the answer of the command."""
    _write(sys.stderr, text + "\n")


def warning(text: str) -> None:
    """A warning on standard error."""
    remark(f"{paint('warning:', 'bold', 'yellow', stream=sys.stderr)} {clean(text)}")


def failure(text: str, hint: str | None = None) -> None:
    """An error on standard error, and the next step."""
    remark(f"{paint('error:', 'bold', 'red', stream=sys.stderr)} {clean(text)}")
    if hint:
        first, *rest = clean(hint).splitlines() or [""]
        remark(f" {paint('next:', 'bold', 'cyan', stream=sys.stderr)} {first}")
        for line in rest:
            remark(f"       {line}")


def say_json(value: Any) -> None:
    """A value as JSON, two spaces a level."""
    say(json_text(value))


def json_text(value: Any) -> str:
    """A value as JSON that standard output can take, two spaces a level."""
    return json.dumps(value, indent=2, ensure_ascii=not _speaks_unicode(sys.stdout))


def say_json_line(value: Any) -> None:
    """A value as one line of JSON, and at once: for streams."""
    say(json.dumps(value, separators=(",", ":"), ensure_ascii=not _speaks_unicode(sys.stdout)))
    flush()


def table(rows: Iterable[Sequence[str]], header: Sequence[str] = (), *, right: Sequence[int] = ()) -> None:
    """Rows in columns; the last column is cut to the terminal's width, and whole where output is piped.

    Args:
        rows: texts; a cell may be painted already.
        header: titles, dimmed on a terminal.
        right: numbers of the columns that are aligned right.
    """
    body = [list(row) for row in rows]
    every = ([list(header)] if header else []) + body
    if not every:
        return
    wide = [max(cells(_bare(row[n])) for row in every if n < len(row)) for n in range(max(map(len, every)))]
    limit = width() if on_terminal() else None
    for number, row in enumerate(every):
        line = _row(row, wide, right, limit)
        say(paint(line, "dim") if header and number == 0 else line)


def _row(row: Sequence[str], wide: Sequence[int], right: Sequence[int], limit: int | None) -> str:
    parts: list[str] = []
    used = 0
    for n, cell in enumerate(row):
        gap = " " * (wide[n] - cells(_bare(cell)))
        if n == len(row) - 1:
            room = None if limit is None else max(limit - used, 8)
            parts.append(cell if room is None or cells(_bare(cell)) <= room else cut(_bare(cell), room))
        else:
            parts.append(gap + cell if n in right else cell + gap)
        used += wide[n] + 2
    return "  ".join(parts).rstrip()


def _bare(text: str) -> str:
    while "\033[" in text:
        head, _, tail = text.partition("\033[")
        text = head + tail.partition("m")[2]
    return text


def flush() -> None:
    """Hand over what is buffered.

    Raises:
        BrokenPipeError: nobody reads any more.
        WriteFailed: standard output takes no more, for another reason.
    """
    try:
        sys.stdout.flush()
    except OSError as problem:
        raise _refused(problem) from problem


def _refused(problem: OSError) -> Exception:
    if problem.errno in (errno.EIO, errno.EPIPE):
        return BrokenPipeError(errno.EPIPE, "nobody reads standard output any more")
    return WriteFailed(f"cannot write to standard output: {problem.strerror}")


def abandon() -> None:
    """Nobody reads standard output any more: let the rest of it go nowhere, without a complaint at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def furnish() -> None:
    """Give a program that was started without standard streams something to stand in for them.

    A descriptor that is left free would be given to the next file, and a stray line would end up in it.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def _speaks_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def _write(stream: TextIO, text: str) -> None:
    try:
        _encoded(stream, text)
    except OSError as problem:
        if stream is sys.stderr:
            return  # nobody is there to be told
        raise _refused(problem) from problem


def _encoded(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
