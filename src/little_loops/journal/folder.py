"""Where runs live: one folder per run, below ``<loops>/runs``. A folder is one run, live or finished.

Folders are 0700, files 0600. The name of a folder is the run id; making the folder is what gives the id away,
so that no two runs share one. Finding a run opens no more journals than its name leaves in question.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from little_loops.errors import JournalError, UserError, WriteFailed
from little_loops.journal.lock import Locks
from little_loops.journal.tail import first_record

RUN_ID = re.compile(r"\d{8}-\d{6}-(?P<slug>[a-z0-9-]+)-[a-z2-7]{4}")
_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_TRIES = 1000


def slug_of(loop_name: str) -> str:
    """The part of a run id that reminds of its loop: at most 32 of ``a-z 0-9 -``, never empty."""
    ascii_only = unicodedata.normalize("NFKD", loop_name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_only)[:32].strip("-") or "loop"


def new_run_id(loop_name: str, wall: float) -> str:
    """A run id nobody has very likely used: UTC second, slug, part of the second, chance. Sorts by time.

    Args:
        wall: epoch seconds.
    """
    moment = datetime.fromtimestamp(wall, UTC)
    early, late = divmod(int(wall % 1 * 1024), 32)
    tail = _LETTERS[early] + _LETTERS[late] + "".join(_LETTERS[byte % 32] for byte in os.urandom(2))
    return f"{moment:%Y%m%d-%H%M%S}-{slug_of(loop_name)}-{tail}"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The places of one run. ``path`` need not exist."""

    path: Path

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def journal(self) -> Path:
        """The journal: one record a line."""
        return self.path / "events.jsonl"

    @property
    def loops(self) -> Path:
        """Pinned definitions."""
        return self.path / "loops"

    @property
    def output(self) -> Path:
        """What actions printed, and values too large for a line."""
        return self.path / "output"

    @property
    def files(self) -> Path:
        """Scratch space of the loop."""
        return self.path / "files"

    def make(self) -> None:
        """Make the folder and what belongs into it.

        Raises:
            FileExistsError: another run has it.
        """
        self.path.mkdir(mode=0o700)
        for place in (self.loops, self.output, self.files):
            place.mkdir(mode=0o700)
        os.close(os.open(self.journal, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))

    def is_started(self) -> bool:
        """Whether a record was written."""
        try:
            return self.journal.stat().st_size > 0
        except OSError:
            return False


class RunStore:
    """All runs below one folder of loops."""

    def __init__(self, loops_dir: Path) -> None:
        self.runs = loops_dir / "runs"
        self.locks = Locks(loops_dir / "locks")

    def new(self, loop_name: str, wall: float) -> RunFolder:
        """Make the folder of a new run.

        Raises:
            WriteFailed: the place cannot be written.
        """
        try:
            self._prepare()
            return self._make(loop_name, wall)
        except OSError as problem:
            raise WriteFailed(
                f"cannot make a run folder in {self.runs}: {problem.strerror}",
                "make the folder writable, or set loops.loops_dir in .ll/ll-config.json",
            ) from problem

    def _prepare(self) -> None:
        self.runs.mkdir(mode=0o700, parents=True, exist_ok=True)
        ignored = self.runs / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", "ascii")
            ignored.chmod(0o600)

    def _make(self, loop_name: str, wall: float) -> RunFolder:
        for _ in range(_TRIES):
            folder = RunFolder(self.runs / new_run_id(loop_name, wall))
            try:
                folder.make()
            except FileExistsError:
                continue
            return folder
        raise JournalError(f"{self.runs} has no free run id for this second")

    def folder(self, run_id: str) -> RunFolder:
        """The folder of that name, there or not."""
        return RunFolder(self.runs / run_id)

    def folders(self) -> list[RunFolder]:
        """Every run, newest first by name; opens none."""
        try:
            with os.scandir(self.runs) as entries:
                names = [entry.name for entry in entries if RUN_ID.fullmatch(entry.name) and entry.is_dir()]
        except FileNotFoundError:
            return []
        return [RunFolder(self.runs / name) for name in sorted(names, reverse=True)]

    def of_loop(self, loop_name: str) -> Iterator[RunFolder]:
        """Runs whose recorded loop name is exactly this, newest first; opens only those of that slug."""
        slug = slug_of(loop_name)
        for folder in self.folders():
            match = RUN_ID.fullmatch(folder.run_id)
            if match and match["slug"] == slug and self.loop_of(folder) == loop_name:
                yield folder

    def loop_of(self, folder: RunFolder) -> str | None:
        """Recorded name of a run's loop; of a run that only waits, the name in its lock; else None."""
        try:
            record = first_record(folder.journal)
        except JournalError:
            return None
        if record is not None:
            return str(record.get("loop"))
        held = self.locks.holder(folder.run_id)
        return held.loop if held else None

    def run(self, reference: str) -> RunFolder:
        """The run of that id, or of the only id that begins or ends so.

        Raises:
            UserError: none, or several.
        """
        found = self._matching(reference)
        if len(found) == 1:
            return found[0]
        if found:
            several = "".join(f"\n  {folder.run_id}" for folder in found[:10])
            raise UserError(f"{reference} is the beginning of {len(found)} runs:{several}", "give more of it")
        raise self.unknown(reference)

    def find(self, reference: str) -> RunFolder:
        """The run of that id, else the newest run of the loop of that name.

        Raises:
            UserError: there is none; suggests what was perhaps meant.
        """
        if self._matching(reference):
            return self.run(reference)
        newest = next(self.of_loop(reference), None)
        if newest is None:
            raise self.unknown(reference)
        return newest

    def _matching(self, reference: str) -> list[RunFolder]:
        folders = self.folders()
        for folder in folders:
            if folder.run_id == reference:
                return [folder]
        by_ending = "-" + reference
        return [
            folder
            for folder in folders
            if reference and (folder.run_id.startswith(reference) or folder.run_id.endswith(by_ending))
        ]

    def unknown(self, reference: str) -> UserError:
        """The error for a name that is neither a run nor a loop with runs."""
        import difflib

        folders = self.folders()
        if not folders:
            return UserError(f"no run in {self.runs}", "start one with: ll-loop run LOOP", exit_code=1)
        ids = [folder.run_id for folder in folders]
        names = {name for folder in folders[:50] if (name := self.loop_of(folder))}
        close = difflib.get_close_matches(reference, [*names, *ids], 3, 0.6)
        hint = f"did you mean {' or '.join(close)}?" if close else "ll-loop history lists all runs"
        return UserError(f"no run {reference}, and no run of a loop of that name", hint, exit_code=1)
