"""What the commands about definitions share: the project, finding a loop, loading it, naming what is near.

Prints nothing. Heavy parts of the language are imported when a file is read and not before.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from little_loops import config as settings
from little_loops.cli import output
from little_loops.errors import UserError

if TYPE_CHECKING:
    from little_loops.fsm.diagnostics import Diagnostic
    from little_loops.fsm.load import LoadResult
    from little_loops.fsm.schema import FSMLoop


@dataclass(frozen=True, slots=True)
class Loaded:
    """A loop that can be run, where it came from, and what is doubtful about it."""

    loop: FSMLoop
    path: Path
    warnings: tuple[Diagnostic, ...]

    @property
    def name(self) -> str:
        """What a user types: the stem of the file."""
        return stem(self.path)


def project() -> settings.Config:
    """The settings in force here; what they say about colour holds from now on."""
    found = settings.load()
    output.configure(colour=found.color)
    return found


def loops_folder(config: settings.Config) -> Path:
    """The loops folder, relative to the working directory where it lies below it."""
    return nearby(config.loops_path)


def nearby(path: Path) -> Path:
    """A path as a user would write it here."""
    try:
        return Path(path).absolute().relative_to(Path.cwd())
    except ValueError:
        return path


def stem(path: Path) -> str:
    """The name of a loop file as it is typed."""
    return path.name.removesuffix(".yml").removesuffix(".yaml").removesuffix(".fsm")


def found(reference: str, config: settings.Config, *, built_in: bool = False) -> Path:
    """The file of a loop given by name or path.

    Raises:
        LoopNotFound: there is none; suggests what was perhaps meant.
    """
    from little_loops.fsm.library import BUILT_IN_DIR, resolve_loop_path

    return resolve_loop_path(reference, BUILT_IN_DIR if built_in else loops_folder(config))


def loaded(reference: str, config: settings.Config | None = None, *, built_in: bool = False) -> Loaded:
    """A loop given by name or path, read and checked.

    Raises:
        LoadError: no such loop, or it has errors; the message shows all of them in their places.
    """
    config = config or project()
    path = found(reference, config, built_in=built_in)
    result = examined(path, config)
    return Loaded(result.require(), path, tuple(result.warnings))


def examined(path: Path, config: settings.Config) -> LoadResult:
    """What a loop file holds and everything wrong with it.

    Raises:
        LoadError: the file cannot be read at all.
    """
    from little_loops.fsm.load import load

    return load(nearby(path), loops_dir=loops_folder(config))


def unknown(what: str, word: str, known: Iterable[str]) -> UserError:
    """The error for a word that names nothing: the nearest that does, else all of them."""
    import difflib

    names = list(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'?" if near else f"one of: {', '.join(names)}" if names else None
    return UserError(f"no {what} '{word}'", hint)


def is_readable(path: Path) -> bool:
    """Whether a regular file can be read by this process."""
    return path.is_file() and os.access(path, os.R_OK)
