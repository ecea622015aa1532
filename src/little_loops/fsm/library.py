"""Where loops live: the project's folder and the package; finding one by name, listing all.

Listing reads only the head of each file. Nothing here validates a loop or keeps a cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from little_loops.errors import LoadError, LoopNotFound
from little_loops.fsm.diagnostics import Source
from little_loops.fsm.fitting import closest

BUILT_IN_DIR = Path(__file__).resolve().parent.parent / "loops"
COMPILED_SUFFIX = ".fsm.yaml"
TOP_KEY = re.compile(r"""(["']?)([A-Za-z_][\w-]*)\1[ \t]*:(?:[ \t]|$)""")
SHOWN_KEYS = frozenset({"name", "description", "category", "labels", "from"})
LONGEST_CHAIN = 32


@dataclass(frozen=True, slots=True)
class Listed:
    """One loop as ``list`` shows it, inherited values included.

    Attributes:
        name: what users type: the stem of the file.
        path: the file.
        description: the whole text, or empty.
        category: the heading, or empty.
        labels: the tags.
        built_in: whether it comes with the package.
        readable: False when the file is no mapping in YAML.
    """

    name: str
    path: Path
    description: str = ""
    category: str = ""
    labels: tuple[str, ...] = ()
    built_in: bool = False
    readable: bool = True


def looks_like_path(argument: str) -> bool:
    """Whether a user who types this means a file and not a name."""
    return "/" in argument or argument.endswith((".yaml", ".yml"))


def resolve_loop_path(name_or_path: str, loops_dir: Path | str = ".loops") -> Path:
    """The file of a loop; raises ``LoopNotFound`` with the nearest name.

    A name is looked up in ``loops_dir``, then among the built-in loops; what looks like a path is tried as
    one first. Only regular files count.
    """
    folder = Path(loops_dir)
    for candidate in _candidates(name_or_path, folder):
        if _is_file(candidate):
            return candidate
    raise _not_found(name_or_path, folder)


def _candidates(argument: str, folder: Path) -> Iterator[Path]:
    if looks_like_path(argument):
        yield Path(argument)
    yield folder / f"{argument}{COMPILED_SUFFIX}"
    yield folder / f"{argument}.yaml"
    if looks_like_path(argument):
        yield folder / argument
    yield BUILT_IN_DIR / f"{argument}.yaml"
    yield Path(argument)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long for the system, or with a NUL in it
        return False


def _not_found(argument: str, folder: Path) -> LoopNotFound:
    if looks_like_path(argument) and argument.endswith((".yaml", ".yml")):
        return LoopNotFound(f"no such loop file: {argument}", hint=_hint(argument, folder))
    message = f"no loop named '{argument}' in {folder} or among the built-in loops"
    return LoopNotFound(message, hint=_hint(argument, folder))


def _hint(argument: str, folder: Path) -> str:
    stem = Path(argument).name.removesuffix(".yaml").removesuffix(".yml")
    near = closest(stem, list(known_names(folder)))
    return f"did you mean '{near}'?" if near else "`ll-loop list` shows every loop"


def known_names(loops_dir: Path | str = ".loops") -> dict[str, Path]:
    """Every name that can be typed, and its file: the project's own first, then the built-in ones."""
    names: dict[str, Path] = {}
    for folder in (Path(loops_dir), BUILT_IN_DIR):
        found: dict[str, Path] = {}
        for path in _yaml_files(folder):
            compiled = path.name.endswith(COMPILED_SUFFIX)
            stem = path.name.removesuffix(COMPILED_SUFFIX) if compiled else path.stem
            if compiled or stem not in found:
                found[stem] = path
        for stem, path in found.items():
            names.setdefault(stem, path)
    return names


def _yaml_files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.name.endswith(".yaml") and p.is_file())
    except OSError:
        return []


def listed(loops_dir: Path | str = ".loops", *, built_in_only: bool = False) -> list[Listed]:
    """Every loop, sorted by name within the project's own and the built-in ones."""
    if built_in_only:
        return [describe(path.stem, path) for path in _yaml_files(BUILT_IN_DIR)]
    entries = [describe(name, path) for name, path in known_names(loops_dir).items()]
    return sorted(entries, key=lambda entry: (entry.built_in, entry.name))


def describe(name: str, path: Path) -> Listed:
    """What the head of one file and of its parents says."""
    built_in = path.parent == BUILT_IN_DIR
    head = _inherited_head(path, 0)
    if head is None:
        return Listed(name, path, built_in=built_in, readable=False)
    labels = head.get("labels")
    tags = (
        (labels,) if isinstance(labels, str) else tuple(map(str, labels)) if isinstance(labels, list) else ()
    )
    return Listed(name, path, _text(head.get("description")), _text(head.get("category")), tags, built_in)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _inherited_head(path: Path, depth: int) -> dict[str, Any] | None:
    head = _head(path)
    if head is None:
        return None
    parent = head.pop("from", None)
    if not isinstance(parent, str) or depth >= LONGEST_CHAIN:
        return head
    try:
        under = _inherited_head(resolve_parent(parent, path.parent), depth + 1)
    except LoadError:
        return head
    return {**(under or {}), **head}


def resolve_parent(name: str, folder: Path) -> Path:
    """The file that ``from:`` in a file of this folder means; raises ``LoopNotFound``."""
    beside = folder / name
    return beside if looks_like_path(name) and _is_file(beside) else resolve_loop_path(name, folder)


def _head(path: Path) -> dict[str, Any] | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    short = head_text(text)
    data = _mapping(short) if short is not None else None
    return data if data is not None else _mapping(text)


def _mapping(text: str) -> dict[str, Any] | None:
    from little_loops.fsm.yaml import parse

    document = parse(Source("", text))
    if not isinstance(document.data, dict):
        return None
    return {key: value for key, value in document.data.items() if key in SHOWN_KEYS}


def head_text(text: str) -> str | None:
    """The lines of a file that hold the keys ``list`` shows, or None when only a parser can tell.

    Works on block style with keys in column 0; anchors, merge keys and a flow mapping at the top are left to
    the parser.
    """
    kept: list[str] = []
    keep = False
    for line in text.splitlines():
        if line and line[0] not in " \t#":
            key = TOP_KEY.match(line)
            if key is not None:
                keep = key.group(2) in SHOWN_KEYS
            elif line.rstrip() in ("---", "..."):
                continue
            elif not keep_going(line):
                return None
        if keep:
            kept.append(line)
    short = "".join(f"{line}\n" for line in kept)
    return None if not kept or re.search(r"(?:^|[\s:\[,-])[&*]\w", short) else short


def keep_going(line: str) -> bool:
    """Whether a line in column 0 can only be the end or an item of the value above it."""
    return line.startswith(("- ", "]", "}")) or line == "-"
