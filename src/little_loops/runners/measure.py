"""Measurements: what an evaluator needs to know of the disk, looked up at the edge and answered as a value.

It reads; it never writes, not even git's index. Whatever cannot be measured is an error in the answer.
"""

from __future__ import annotations

import hashlib
import math
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from little_loops.machine.effects import Effect, End, Measure, Measured, Report, Stopped
from little_loops.process import Command, Limits, SpawnFailed, Stop, collect
from little_loops.runners.progress import excluded, fingerprint

_FILE_LIMIT = 16 << 20
_BLOCK = 1 << 20
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_BASELINE = "output.txt"


class _Unmeasurable(Exception):
    """The measurement failed; the text says why."""


class _StopAsked(Exception):
    """A stop came first."""


class MeasureRunner:
    """Performs ``Measure`` of the kinds ``tree``, ``history``, ``baseline`` and ``none``.

    Args:
        env: environment for git.
        cwd: the project; relative paths start here. None = where the engine runs.
    """

    def __init__(self, env: Mapping[str, str], cwd: str | None = None) -> None:
        # A look at the tree must not take git's locks away from whoever works in it.
        self._env = {**env, "GIT_OPTIONAL_LOCKS": "0"}
        self._cwd = cwd
        self._root = cwd or "."
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Exactly one ``Measured`` or ``Stopped``."""
        if not isinstance(effect, Measure):
            raise TypeError(f"not a measurement: {effect!r}")
        progress = fingerprint(effect.progress_paths, effect.exclude_paths, self._root)
        look = _Look(self._env, self._cwd, time.monotonic() + effect.deadline_s, effect.deadline_s, stop)
        try:
            yield Measured(self._value(effect, look), progress=progress)
        except _Unmeasurable as error:
            yield Measured(error=str(error), progress=progress)
        except _StopAsked:
            yield Stopped(stop.cause or "SIGTERM")

    def _value(self, effect: Measure, look: _Look) -> Any:
        match effect.kind:
            case "none" | "circuit":
                return None  # no provider's recovery time is shared yet
            case "tree":
                return self._tree(effect.paths, look)
            case "history":
                return self._history(effect.paths[0])
            case "baseline":
                return self._baseline(effect.paths[0])
            case "learning" | "plugin":
                raise _Unmeasurable(f"nothing here can measure {effect.kind} yet")

    # --- the working tree

    def _tree(self, scope: tuple[str, ...], look: _Look) -> str:
        """Digest of the last commit's content and of every file that differs from it or is untracked."""
        top = look.git("rev-parse", "--show-toplevel").rstrip(b"\n")
        at = [] if scope else ["-C", os.fsdecode(top)]
        root = self._root if scope else os.fsdecode(top)
        below = ["--", *scope]
        commit = "@" if look.succeeds("rev-parse", "--verify", "--quiet", "@") else _EMPTY_TREE
        digest = hashlib.sha256(look.git(*at, "ls-tree", commit, *below))
        changed = look.git(*at, "diff", "--name-only", "--no-renames", "--relative", "-z", commit, *below)
        untracked = look.git(*at, "ls-files", "--others", "--exclude-standard", "-z", *below)
        for name in sorted({*changed.split(b"\0"), *untracked.split(b"\0")} - {b""}):
            path = os.fsdecode(name)
            if not excluded(path, ()):
                look.check()
                digest.update(name + b"\0" + self._content(os.path.join(root, path)).encode("ascii"))
        return digest.hexdigest()[:16]

    def _content(self, path: str) -> str:
        """Digest of one file's content and kind; ``-`` when it is not there."""
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                return hashlib.sha256(os.fsencode(os.readlink(path))).hexdigest()
            if not stat.S_ISREG(status.st_mode):
                return "special"
            seen = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
            known = self._known.get(path)
            if known is None or known[0] != seen:
                known = self._known[path] = (seen, _hashed(path))
            return f"{known[1]}{'x' if status.st_mode & 0o100 else '-'}"
        except OSError:
            return "-"

    # --- files

    def _history(self, name: str) -> list[float]:
        """The numbers of a file, one a line; what is not a number is skipped, a missing file has none."""
        text = self._read(name)
        return [] if text is None else [value for line in text.splitlines() for value in _number(line)]

    def _baseline(self, name: str) -> str | None:
        path = os.path.join(self._root, name)
        return self._read(os.path.join(name, _BASELINE) if os.path.isdir(path) else name)

    def _read(self, name: str) -> str | None:
        path = os.path.join(self._root, name)
        try:
            with open(path, "rb") as stream:
                content = stream.read(_FILE_LIMIT + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _Unmeasurable(f"cannot read {path}: {error.strerror}") from error
        if len(content) > _FILE_LIMIT:
            raise _Unmeasurable(f"{path} is larger than {_FILE_LIMIT >> 20} MiB")
        return content.decode("utf-8", "replace")


@dataclass(slots=True)
class _Look:
    """One look at the disk: git within what is left of the deadline, given up at a stop."""

    env: Mapping[str, str]
    cwd: str | None
    until: float
    limit_s: float
    stop: Stop

    def check(self) -> None:
        """Give up when the time is over or a stop was asked for."""
        if self.stop.cause is not None:
            raise _StopAsked
        if time.monotonic() >= self.until:
            raise _Unmeasurable(f"looking at the working tree took longer than {self.limit_s:g} s")

    def git(self, *arguments: str) -> bytes:
        """What a git command prints; its failure makes the tree unmeasurable."""
        exit_code, out, err = self._git(arguments)
        if exit_code != 0:
            raise _Unmeasurable(f"git: {err.decode('utf-8', 'replace').strip()[:200] or f'exit {exit_code}'}")
        return out

    def succeeds(self, *arguments: str) -> bool:
        """Whether a git command exits 0."""
        return self._git(arguments)[0] == 0

    def _git(self, arguments: tuple[str, ...]) -> tuple[int, bytes, bytes]:
        self.check()
        command = Command(("git", *arguments), self.env, self.cwd)
        limits = Limits(wall_s=max(self.until - time.monotonic(), 0.01), grace_s=1.0)
        try:
            done = collect(command, limits, self.stop)
        except SpawnFailed as error:
            raise _Unmeasurable(error.text) from error
        self.check()
        if done.overflowed:
            raise _Unmeasurable("too many files differ from the last commit to be looked at")
        return done.exit_code, done.out, done.err


def _hashed(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _number(line: str) -> Iterator[float]:
    try:
        value = float(line.strip())
    except ValueError:
        return
    if math.isfinite(value):
        yield value
