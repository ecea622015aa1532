"""The records of a run while it goes on, for readers that hold nothing.

Only whole lines are shown, each once and in order. A reader may look at the file now and then; it never slows
the writer down.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from little_loops.errors import JournalError
from little_loops.journal.folder import RunFolder
from little_loops.journal.tail import bad_line, unreadable
from little_loops.journal.text import record_of
from little_loops.journal.waiting import Watched

LOOK_EVERY_S = 0.2
_BLOCK = 256 * 1024


def follow(
    folder: RunFolder, is_live: Callable[[], bool], stop: Watched | None = None, *, after: int = 0
) -> Iterator[dict[str, Any]]:
    """Every record with a number above ``after``, as they come, until the run ends or its writer is dead.

    Args:
        is_live: whether some process holds the run's lock.
        stop: ends the following when its descriptor becomes readable.

    Raises:
        JournalError: a line is no record.
    """
    with _Growing(folder.journal) as journal:
        ended = False
        while True:
            live = is_live()  # asked before reading, so that the last lines of a dying writer are seen
            for record in journal.records():
                ended = record.get("event") == "loop_complete" and not record.get("depth")
                if journal.number > after:
                    yield record
            if not live or ended or _stopped(stop):
                return


def _stopped(stop: Watched | None) -> bool:
    """Wait a moment; whether the stop came."""
    poller = select.poll()
    if stop is not None:
        poller.register(stop.fileno(), select.POLLIN)
    return bool(poller.poll(LOOK_EVERY_S * 1000))


class _Growing:
    """A journal read to its end again and again."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._offset = 0
        self.number = 0
        try:
            self._fd = os.open(journal, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise JournalError(f"{journal.parent} has no journal", "ll-loop history lists all runs") from None
        except OSError as problem:
            raise unreadable(journal, problem) from problem

    def __enter__(self) -> _Growing:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def records(self) -> Iterator[dict[str, Any]]:
        """The records that were written since the last time."""
        rest = b""
        at = self._offset
        while block := os.pread(self._fd, _BLOCK, at):
            at += len(block)
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self._offset += len(line) + 1
                self.number += 1
                yield self._record(line)

    def _record(self, line: bytes) -> dict[str, Any]:
        try:
            return record_of(line)
        except ValueError as problem:
            raise bad_line(self._journal, self.number, str(problem)) from None
