"""What is known of one open text: its data, the loop it describes, everything that was found in it.

All of it comes from the language; here it is only asked, with the text of the editor instead of the file's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from little_loops import config as settings
from little_loops.errors import LoadError, LoopNotFound, UserError
from little_loops.fsm.diagnostics import Diagnostic, Source
from little_loops.fsm.fragments import Trail, fragments_in_sight
from little_loops.fsm.library import BUILT_IN_DIR, resolve_loop_path, resolve_parent
from little_loops.fsm.load import LoadResult, load_document, resolve
from little_loops.fsm.parts import examine_part, is_part
from little_loops.fsm.schema import FSMLoop
from little_loops.fsm.yaml import Document, PlacedMap, parse, read_document

SCENARIOS = ".scenarios.yaml"  # what a loop is tested with; no loop itself
TELLING_KEYS = frozenset({"states", "paradigm", "flow", "initial", "fragments", "state_defs"})


@dataclass(frozen=True, slots=True)
class Home:
    """Where a text lives.

    Attributes:
        path: its file, which need not exist.
        loops_dir: where names of loops are looked up.
        others: other texts that are open, by the file they stand for; they count instead of the files.
    """

    path: Path
    loops_dir: Path
    others: Mapping[Path, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where its parents and libraries are looked up first."""
        return self.path.parent

    def read(self, path: Path) -> Document:
        """Another file, as it is in the editor or on disk.

        Raises:
            LoadError: it cannot be read.
        """
        text = self.others.get(path.resolve()) if self.others else None
        return read_document(path) if text is None else parse(Source(str(path), text))


def home_of(path: Path) -> Home:
    """The home of a file, by the settings of the project it belongs to."""
    try:
        return Home(path, settings.load(path.parent).loops_path)
    except UserError:
        return Home(path, path.parent)


@dataclass(frozen=True)
class Analysis:
    """One version of a text, read and judged.

    Attributes:
        home: where it lives.
        document: its data as written.
        result: the loop and the findings.
        concerns: whether it is a loop or a part of one at all; an editor may show us any YAML.
    """

    home: Home
    document: Document
    result: LoadResult
    concerns: bool = True

    @property
    def source(self) -> Source:
        return self.document.source

    @property
    def data(self) -> dict[str, Any]:
        """The mapping as written, empty when the text is none."""
        return self.document.data if isinstance(self.document.data, dict) else {}

    @property
    def loop(self) -> FSMLoop | None:
        return self.result.loop

    @property
    def resolved(self) -> Mapping[str, Any]:
        """The mapping after inheritance, flow and fragments."""
        return self.result.resolved or self.data

    @cached_property
    def fragments(self) -> PlacedMap:
        """Every fragment a state may use, by name."""
        return fragments_in_sight(dict_of(self.resolved), self.home.folder, Trail(reader=self.home.read))

    def builds_on(self, path: Path) -> bool:
        """Whether a file was read for it: a parent or a library."""
        return any(Path(source).resolve() == path for source, _ in self.result.sources)

    @property
    def states(self) -> Mapping[str, Any]:
        """Name to mapping of every state, inherited and compiled ones included."""
        found = self.resolved.get("states")
        return found if isinstance(found, Mapping) else {}


def dict_of(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping as the language takes it; the object itself, or its places would be lost."""
    return mapping if isinstance(mapping, dict) else dict(mapping)


def analyse(text: str, home: Home) -> Analysis:
    """Everything about a text. What is wrong with it is in the result; nothing is raised for content."""
    document = parse(Source(str(home.path), text))
    if not _concerns(document.data, text, home):
        return Analysis(home, document, LoadResult(None), concerns=False)
    if is_part(document.data, home.path):
        found = tuple(examine_part(document))
        return Analysis(home, document, LoadResult(None, found, resolved=document.data))
    result = load_document(document, home.folder, loops_dir=home.loops_dir, reader=home.read)
    return Analysis(home, document, replace(result, path=home.path))


def _concerns(data: Any, text: str, home: Home) -> bool:
    """Files among the loops, and others that look like a loop."""
    if home.path.name.endswith(SCENARIOS):
        return False
    if home.loops_dir in home.path.parents or home.path.parent == BUILT_IN_DIR:
        return True
    if isinstance(data, Mapping):
        return len(TELLING_KEYS & data.keys()) > 1 or "paradigm" in data
    return any(line.startswith(("states:", "paradigm:", "flow:")) for line in text.splitlines())


# --- other files -------------------------------------------------------------------------------------------


def loop_file(name: str, home: Home) -> Path | None:
    """The file of a sub-loop, looked up as a run would."""
    for folder in (home.folder, home.loops_dir):
        try:
            return resolve_loop_path(name, folder)
        except LoopNotFound:
            continue
    return None


def parent_file(name: str, home: Home) -> Path | None:
    """The file that ``from:`` means."""
    try:
        return resolve_parent(name, home.folder)
    except LoopNotFound:
        return None


def loop_in(path: Path, home: Home) -> FSMLoop | None:
    """The loop of another file, as far as it can be read."""
    try:
        _, loop = resolve(home.read(path), path.parent, Trail(reader=home.read))
    except LoadError:
        return None
    return loop


def findings(analysis: Analysis) -> tuple[Diagnostic, ...]:
    """What is to be said about a text."""
    return analysis.result.diagnostics if analysis.concerns else ()
