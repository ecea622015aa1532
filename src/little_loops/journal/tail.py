"""The cheap look at a journal: its first record and its last ones, read from the end backwards.

What a list of runs needs costs a few reads however long a run is. Nothing is folded or checked beyond being
JSON; a last line that is not whole is left out, as it never happened.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from little_loops.errors import JournalError

_BLOCK = 64 * 1024
OUTPUT_PREFIX = b'{"event":"action_output",'
EDITED = "the journal was changed after it was written; put the line back as it was"
_DEPTH = re.compile(rb',"depth":[0-9]+\}$')


def first_record(journal: Path) -> dict[str, Any] | None:
    """The record that opened the run; None while there is none.

    Raises:
        JournalError: the line is no record.
    """
    try:
        with journal.open("rb") as file:
            line = file.readline()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise unreadable(journal, problem) from problem
    return _parsed(line, journal, "line 1") if line.endswith(b"\n") else None


def last_records(journal: Path, count: int) -> list[dict[str, Any]]:
    """The last ``count`` records in their order."""
    found: list[dict[str, Any]] = []
    for record in backwards(journal):
        if len(found) == count:
            break
        found.append(record)
    return found[::-1]


def backwards(journal: Path, *, output: bool = True, nested: bool = True) -> Iterator[dict[str, Any]]:
    """Records from the last to the first, read as they are asked for.

    Args:
        output: with False, lines of output are left out without parsing them.
        nested: with False, so are the records of child loops.

    Raises:
        JournalError: a line is no record.
    """
    for line in lines_backwards(journal):
        if (output or not line.startswith(OUTPUT_PREFIX)) and (nested or not _DEPTH.search(line[-20:])):
            yield _parsed(line, journal, "a line near the end")


def lines_backwards(journal: Path) -> Iterator[bytes]:
    """Whole lines from the last to the first, without their line feed."""
    try:
        fd = os.open(journal, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as problem:
        raise unreadable(journal, problem) from problem
    try:
        yield from _lines(fd)
    finally:
        os.close(fd)


def _lines(fd: int) -> Iterator[bytes]:
    end = whole_size(fd)
    rest: list[bytes] = []  # pieces of the line that began before the block at hand, last piece first
    while end > 0:
        start = max(0, end - _BLOCK)
        block = os.pread(fd, end - start, start)
        if not rest:
            block = block[:-1]  # the line feed of the last line
        first, *others = block.split(b"\n")
        if others:
            rest.append(others.pop())
            yield b"".join(reversed(rest))
            yield from reversed(others)
            rest = []
        rest.append(first)
        end = start
    if rest:
        yield b"".join(reversed(rest))


def whole_size(fd: int) -> int:
    """Size of the whole lines in bytes: where the last line feed ends."""
    end = os.fstat(fd).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _parsed(line: bytes, journal: Path, which: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise JournalError(f"{which} of {journal} is not a record", "ll-loop history RUN names the line")
    return record


def unreadable(path: Path, problem: OSError) -> JournalError:
    """The error for a file that the system does not let us read."""
    return JournalError(f"cannot read {path}: {problem.strerror}")


def bad_line(journal: Path, number: int, problem: str) -> JournalError:
    """The error for one line of a journal."""
    return JournalError(f"{journal}, line {number}: {problem}", EDITED)
