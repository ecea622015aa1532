"""A fingerprint of the files that show progress: modification times and sizes, nothing of their content."""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Iterable, Iterator

_NEVER = frozenset({".git", "__pycache__"})
_RUNS = os.path.join(".loops", "runs")


def fingerprint(paths: Iterable[str], exclude: Iterable[str] = (), root: str = ".") -> str | None:
    """Digest over (path, modification time, size) of every file at or below ``paths``; None without paths.

    Args:
        paths: files or folders, relative to ``root``; one that is missing counts as zeros.
        exclude: paths or patterns of files and folders that do not count.
        root: where relative paths start.
    """
    wanted = sorted(set(paths))
    if not wanted:
        return None
    left_out = tuple(exclude)
    digest = hashlib.sha256()
    for path in wanted:
        for found in _files(root, path, left_out):
            digest.update(_line(root, found))
    return digest.hexdigest()[:16]


def excluded(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether a path is one of ``patterns``, lies below one, matches one, or belongs to recorded runs."""
    name = os.path.normpath(path)
    if f"{os.sep}{_RUNS}{os.sep}" in f"{os.sep}{name}{os.sep}":
        return True
    return any(
        name == (one := os.path.normpath(pattern))
        or name.startswith(one + os.sep)
        or fnmatch.fnmatch(name, pattern)
        for pattern in patterns
    )


def _files(root: str, path: str, exclude: tuple[str, ...]) -> Iterator[str]:
    if excluded(path, exclude):
        return
    full = os.path.join(root, path)
    if not os.path.isdir(full):
        yield path
        return
    for folder, folders, names in os.walk(full):
        below = os.path.relpath(folder, root)
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NEVER and not excluded(os.path.join(below, name), exclude)
        )
        for name in sorted(names):
            found = os.path.normpath(os.path.join(below, name))
            if not excluded(found, exclude):
                yield found


def _line(root: str, path: str) -> bytes:
    try:
        status = os.stat(os.path.join(root, path))
    except OSError:
        return os.fsencode(f"{path}\0 0 0\n")
    return os.fsencode(f"{path}\0 {status.st_mtime_ns} {status.st_size}\n")
