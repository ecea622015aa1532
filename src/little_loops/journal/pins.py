"""The definitions a run is pinned to: ``loops/<digest>.json``, written once, never changed.

A run that is resumed or replayed reads these and never the author's files. The file holds the very text that
was hashed, so a changed one is noticed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from little_loops.errors import JournalError, LoadError, WriteFailed
from little_loops.fsm.schema import FSMLoop, definition_text
from little_loops.journal.folder import RunFolder

DIGEST = re.compile(r"[0-9a-f]{16}")
_OPENING = '{"loop":'


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a definition was made from. ``sha256``: of its bytes when it was read."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """One pinned definition."""

    digest: str
    loop: FSMLoop
    sources: tuple[Source, ...]


def source(path: Path) -> Source:
    """A file as it is now.

    Raises:
        OSError: it cannot be read.
    """
    return Source(str(path), sha256(path.read_bytes()).hexdigest())


def pin(folder: RunFolder, loop: FSMLoop, sources: Iterable[Source] = (), *, durable: bool = True) -> Pinned:
    """Write a definition into a run's folder, unless it is there, and read it back.

    What runs is what was read back, so that a resumed run cannot see another definition.

    Args:
        durable: sync the file, for a run whose durability is not ``relaxed``.

    Raises:
        WriteFailed: the folder cannot be written.
    """
    text = definition_text(loop)
    digest = _digest(text)
    path = folder.loops / f"{digest}.json"
    if not path.exists():
        named = [{"path": item.path, "sha256": item.sha256} for item in sources]
        content = f'{_OPENING}{text},"sources":{json.dumps(named)}}}\n'
        try:
            _put(path, content.encode("utf-8", "replace"), durable)
        except OSError as problem:
            raise WriteFailed(f"cannot write {path}: {problem.strerror}") from problem
    return pinned(folder, digest)


def pinned(folder: RunFolder, digest: str) -> Pinned:
    """The definition of that digest.

    Raises:
        JournalError: the file is missing, was changed, or is no definition of this version.
    """
    path = folder.loops / f"{digest}.json"
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise JournalError(
            f"{path} is missing: the run cannot go on without its definition", "put the file back"
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise JournalError(f"cannot read {path}: {problem}") from problem
    if not text.startswith(_OPENING):
        raise _changed(path)
    try:
        raw, end = json.JSONDecoder().raw_decode(text, len(_OPENING))
        named = json.loads("{" + text[end + 1 :])
        sources = tuple(Source(str(item["path"]), str(item["sha256"])) for item in named["sources"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _changed(path) from None
    if _digest(text[len(_OPENING) : end]) != digest:
        raise _changed(path)
    try:
        return Pinned(digest, FSMLoop.from_dict(raw), sources)
    except LoadError as problem:
        raise JournalError(
            f"{path}: this version cannot read the definition: {problem}",
            "use the version that wrote it; the run's first record names it",
        ) from problem


def pinned_loops(folder: RunFolder) -> dict[str, FSMLoop]:
    """Every definition in a run's folder, by digest.

    Raises:
        JournalError: as ``pinned``.
    """
    names = sorted(path.stem for path in folder.loops.glob("*.json") if DIGEST.fullmatch(path.stem))
    return {name: pinned(folder, name).loop for name in names}


def changed_sources(one: Pinned) -> list[str]:
    """Paths of the author's files that are gone or different now; changes nothing about the run."""
    return [item.path for item in one.sources if _is_changed(item)]


def _is_changed(item: Source) -> bool:
    try:
        return source(Path(item.path)).sha256 != item.sha256
    except OSError:
        return True


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _changed(path: Path) -> JournalError:
    return JournalError(
        f"{path} was changed after it was written",
        "a run keeps the definition it was started with; put the file back as it was, or start a new run",
    )


def _put(path: Path, content: bytes, durable: bool) -> None:
    """Write beside and rename into place, so that no reader ever sees half a definition."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(fd, rest) :]
        if durable:
            os.fsync(fd)
        beside.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
    finally:
        os.close(fd)
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
