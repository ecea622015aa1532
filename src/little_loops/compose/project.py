"""A project as the commands see it: its settings, its loops, its runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from little_loops import config as settings
from little_loops.config import Config
from little_loops.fsm.library import resolve_loop_path
from little_loops.fsm.load import LoadResult, load
from little_loops.journal.folder import RunStore


@dataclass(frozen=True, slots=True)
class Project:
    """One project.

    Attributes:
        config: its settings.
        loops_dir: absolute folder of its loops and runs.
    """

    config: Config
    loops_dir: Path

    @property
    def root(self) -> Path:
        return self.config.root

    @property
    def store(self) -> RunStore:
        """Its runs."""
        return RunStore(self.loops_dir)

    def find(self, reference: str, *, builtin: bool = False) -> Path:
        """The file of a loop given by name or path.

        Raises:
            LoopNotFound: there is none.
        """
        if builtin:
            from little_loops.fsm.library import BUILT_IN_DIR

            return resolve_loop_path(reference, BUILT_IN_DIR)
        return _as_typed(resolve_loop_path(reference, _as_typed(self.loops_dir)))

    def load(self, reference: str, *, builtin: bool = False) -> LoadResult:
        """A loop given by name or path, with everything found in it.

        Raises:
            LoopNotFound: there is none.
            LoadError: its file cannot be read.
        """
        return load(self.find(reference, builtin=builtin), loops_dir=self.loops_dir)


def _as_typed(path: Path) -> Path:
    """The path relative to the working directory where it lies below it, as a person would write it."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except ValueError:
        return path


def open_project(start: Path | None = None, loops_dir: str | None = None) -> Project:
    """The project that a folder belongs to.

    Args:
        start: where to look from; the working directory when None.
        loops_dir: folder of the loops, instead of the configured one; relative to the working directory.

    Raises:
        UserError: the settings cannot be used.
    """
    config = settings.load(start)
    place = config.loops_path if loops_dir is None else Path(loops_dir).expanduser()
    return Project(config, Path(place).absolute())
