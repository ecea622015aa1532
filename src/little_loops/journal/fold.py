"""A journal folded into the snapshot it stands for, every line checked on the way.

It evaluates nothing and asks nobody: the same lines give the same snapshot for ever. A last line that is not
whole never happened; any other line that cannot be read or cannot follow is an error with its number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from little_loops.errors import JournalError
from little_loops.events import ActionOutput, BadRecord, Event, from_wire
from little_loops.journal.folder import RunFolder
from little_loops.journal.shape import mistake
from little_loops.journal.tail import EDITED, bad_line, unreadable
from little_loops.journal.text import record_of
from little_loops.journal.values import restored
from little_loops.machine.fold import evolve
from little_loops.machine.snapshot import FRESH, Snapshot

VERSION = 1
"""Format that this version writes, and the newest it folds."""
FEATURES: frozenset[str] = frozenset()
"""Features named in ``needs`` that this version knows."""
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""For each older format, the function that turns one of its records into one of the next format."""
DEEPEST = 64

_OUTPUT = "action_output"
_OPENING = ("loop_start", "loop_resume")
_NOT_FOLDABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError)


class TooNew(JournalError):
    """A journal that can be listed and shown, but not folded by this version."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """A folded journal.

    Attributes:
        opening: record that opened the last segment; None for an empty journal.
        records: lines folded.
        segments: times the run was started or resumed.
    """

    snapshot: Snapshot
    opening: Mapping[str, Any] | None = None
    records: int = 0
    segments: int = 0


def replay(folder: RunFolder, *, upto: int | None = None) -> Replayed:
    """Fold the journal of a run, or its first ``upto`` records.

    Raises:
        JournalError: a line that cannot be, or a value's file that is missing or changed.
        TooNew: written by a newer version; names it.
    """
    fold = _Fold(folder)
    for line in whole_lines(folder.journal):
        if fold.number == upto:
            break
        fold.take(line)
    return fold.end()


def records(folder: RunFolder, *, whole: bool = False) -> Iterator[dict[str, Any]]:
    """Every record as it is written, checked for number and form and not folded; also of newer versions.

    Args:
        whole: with True, values that stand in files are put back.

    Raises:
        JournalError: a line that cannot be read.
    """
    seq, t = 0, 0
    for line in whole_lines(folder.journal):
        record = _record(folder.journal, seq + 1, line)
        problem = mistake(record, seq + 1, t, DEEPEST)
        if problem is not None:
            raise bad_line(folder.journal, seq + 1, problem)
        seq, t = record["seq"], record["t"]
        yield _restored(folder, record) if whole else record


def events(folder: RunFolder) -> Iterator[Event]:
    """Every event with its values in place, as the fold sees them."""
    for record in records(folder, whole=True):
        yield _event(folder.journal, record["seq"], record)


def whole_lines(journal: Path) -> Iterator[bytes]:
    """The lines of a journal from the first; a last one without its line feed is left out."""
    try:
        with journal.open("rb", buffering=1 << 18) as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line
    except FileNotFoundError:
        raise JournalError(f"{journal.parent} has no journal", "ll-loop history lists all runs") from None
    except OSError as problem:
        raise unreadable(journal, problem) from problem


def _record(journal: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        return record_of(line)
    except ValueError as problem:
        raise bad_line(journal, number, str(problem)) from None


def _restored(folder: RunFolder, record: dict[str, Any]) -> dict[str, Any]:
    try:
        return restored(record, folder.path)
    except JournalError as problem:
        raise JournalError(f"{folder.journal}, {problem.message}", problem.hint or EDITED) from None


def _event(journal: Path, number: int, record: Mapping[str, Any]) -> Event:
    try:
        return from_wire(record)
    except BadRecord as problem:
        raise bad_line(journal, number, str(problem)) from None


class _Fold:
    """One pass over a journal. Lines of output are only counted, and counted in one go."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._journal = folder.journal
        self._snapshot = FRESH
        self._version = VERSION
        self._output: list[dict[str, Any]] = []
        self._t = 0
        self._segments = 0
        self._opening: Mapping[str, Any] | None = None
        self.number = 0

    def take(self, line: bytes) -> None:
        self.number += 1
        record = _record(self._journal, self.number, line)
        problem = mistake(record, self.number, self._t, DEEPEST)
        if problem is not None:
            raise bad_line(self._journal, self.number, problem)
        self._t = record["t"]
        if record["event"] == _OUTPUT and self._version == VERSION:
            if self._output and self._output[-1].get("depth") != record.get("depth"):
                self._count()
            self._output.append(record)
            return
        self._count()
        if record["event"] in _OPENING:
            self._open(record)
        self._evolve(self._current(record))

    def end(self) -> Replayed:
        self._count()
        return Replayed(self._snapshot, self._opening, self.number, self._segments)

    def _open(self, record: dict[str, Any]) -> None:
        required = {"run_id", "v", "definition", "initial"}
        if self.number == 1 and (record["event"] != "loop_start" or not required <= record.keys()):
            raise bad_line(self._journal, 1, "the first record does not open a run")
        if record.get("depth") or (record["event"] == "loop_start" and self.number > 1):
            return
        self._opening = record
        self._segments += 1
        version, needs = record.get("v"), record.get("needs", ())
        if type(version) is not int or version < 1:
            raise bad_line(self._journal, self.number, f"v is {version!r}, expected a format number")
        unknown = sorted(str(name) for name in needs if name not in FEATURES)
        if version > VERSION or unknown:
            raise _too_new(self._journal, self.number, record, unknown)
        self._version = version

    def _current(self, record: dict[str, Any]) -> dict[str, Any]:
        for version in range(self._version, VERSION):
            record = UPGRADES[version](record)
        return record

    def _count(self) -> None:
        """Fold the lines of output gathered so far: the fold counts them and reads nothing else."""
        if not self._output:
            return
        first, last = self._output[0], self._output[-1]
        lines = ("",) * len(self._output)
        number, self._output = first["seq"], []
        self._apply(
            number,
            ActionOutput(
                ts=first["ts"], seq=number, t=last["t"], depth=first.get("depth", 0), lines=lines
            ),
        )  # fmt: skip

    def _evolve(self, record: dict[str, Any]) -> None:
        if "refs" in record:
            record = _restored(self._folder, record)
        self._apply(self.number, _event(self._journal, self.number, record))

    def _apply(self, number: int, event: Event) -> None:
        try:
            self._snapshot = evolve(self._snapshot, event)
        except _NOT_FOLDABLE as problem:
            # What the types of the keys let through can still be nonsense deeper inside, in a journal edited
            # by hand; the line is what its editor needs to know.
            raise bad_line(self._journal, number, str(problem) or type(problem).__name__) from problem


def _too_new(journal: Path, number: int, record: Mapping[str, Any], unknown: list[str]) -> TooNew:
    engine = record.get("engine")
    version = engine.get("version") if isinstance(engine, dict) else None
    why = f"needs {', '.join(unknown)}" if unknown else f"is in format {record.get('v')}"
    install = f"pip install 'little-loops-fsm>={version}'" if version else "install a newer version"
    return TooNew(
        f"{journal}, line {number}: the run {why}, which this version does not know; it can only be shown",
        install,
    )
