"""Finds the settings of a project and reads them; a mistake is told with its place and what is allowed.

Every command pays for this import: it starts nothing and needs no heavy library.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from little_loops.config.model import KNOWN_ELSEWHERE, Config, Setting, defaults, settings
from little_loops.errors import UserError

FILE_NAME = "ll-config.json"
MARKS = (".loops", ".ll", FILE_NAME)
"""What makes a folder a project."""

# --- finding ---------------------------------------------------------------------------------------------


def find_project(start: Path) -> Path:
    """The project that ``start`` belongs to: the nearest folder with a mark, else ``start`` itself.

    The walk ends at the root of a git checkout, at the home folder, and at a folder into which others could
    have put the mark: those count only when they are ``start``.
    """
    start = start.absolute()
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    for folder in (start, *start.parents):
        if folder != start and (folder in (home, Path(folder.anchor)) or not _is_mine(folder)):
            return start
        if any((folder / mark).exists() for mark in MARKS):
            return folder
        if (folder / ".git").exists():
            return start
    return start


def _is_mine(folder: Path) -> bool:
    """Whether nobody else decides what is in a folder; in /tmp anybody does."""
    try:
        about = folder.stat()
    except OSError:
        return False
    return about.st_uid == os.getuid() and not about.st_mode & stat.S_IWOTH


def find_file(root: Path, env: Mapping[str, str]) -> Path | None:
    """The settings file of a project; the first that exists wins whole."""
    candidates = [root / ".ll" / FILE_NAME, root / FILE_NAME]
    if env.get("LL_HOOK_HOST") == "codex" or env.get("LL_STATE_DIR") == ".codex":
        candidates.insert(0, root / ".codex" / FILE_NAME)
    return next((path for path in candidates if path.is_file()), None)


def load(start: Path | None = None, env: Mapping[str, str] | None = None) -> Config:
    """The settings in force for a folder.

    Args:
        start: where the search for the project begins; the working directory when None.
        env: environment; the process's own when None.

    Raises:
        UserError: the file cannot be read, is no JSON, or holds a value that is not allowed.
    """
    env = os.environ if env is None else env
    root = find_project(Path.cwd() if start is None else start)
    file = find_file(root, env)
    draft = _Draft()
    if file is not None:
        _read(file, file.relative_to(root).as_posix(), draft)
    for name, about in settings():
        if about.env and env.get(about.env):
            _take(draft, name, about, _from_text(about, env[about.env]), f"environment {about.env}")
    if draft.mistakes:
        raise UserError("\n".join(draft.mistakes), "`ll-loop config` lists every key with what it means")
    return Config(root=root, file=file, origins=draft.origins, notes=tuple(draft.notes), **draft.values)


# --- reading ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Draft:
    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


def _read(file: Path, shown: str, draft: _Draft) -> None:
    text, content = _parsed(file, shown)
    lines = _Lines(text)
    known = {about.key: (name, about) for name, about in settings()}
    for key, value in _leaves(content, "", known):
        place = f"{shown}:{lines.of(key)}"
        if key in known:
            name, about = known[key]
            _take(draft, name, about, value, place)
            if about.idle and value is not None:
                draft.notes.append(f"{place}: '{key}' is read, but nothing in this version acts on it")
        elif not any(key == prefix or key.startswith(prefix + ".") for prefix in KNOWN_ELSEWHERE):
            draft.notes.append(f"{place}: unknown setting '{key}'{_suggestion(key, known)}")


def _parsed(file: Path, shown: str) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text("utf-8-sig")
        content = json.loads(text)
    except json.JSONDecodeError as problem:
        raise UserError(
            f"{shown}:{problem.lineno}:{problem.colno}: not JSON: {problem.msg}",
            "correct the file, or remove it",
        ) from None
    except UnicodeDecodeError as problem:
        raise UserError(f"{shown}: not UTF-8 text (byte {problem.start})", "save the file as UTF-8") from None
    except RecursionError:
        raise UserError(f"{shown}: nested too deeply", "correct the file, or remove it") from None
    except OSError as problem:
        raise UserError(f"{shown}: cannot be read: {problem.strerror}") from None
    if not isinstance(content, dict):
        raise UserError(f"{shown}:1: expected an object of settings, found {_shown(content)}")
    return text, content


def _leaves(content: dict[str, Any], prefix: str, known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every dotted key with its value; descends only where a known key lies further down."""
    for name, value in content.items():
        key = f"{prefix}{name}"
        below = any(item.startswith(key + ".") for item in known)
        if key not in known and below and isinstance(value, dict):
            yield from _leaves(value, key + ".", known)
        else:
            yield key, value


def _suggestion(key: str, known: Mapping[str, Any]) -> str:
    import difflib

    close = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _take(draft: _Draft, name: str, about: Setting, value: Any, place: str) -> None:
    if value is None:  # null means: as if it were not there
        return
    wrong = _wrong(about, value)
    if wrong:
        origin = place if place.startswith("environment") else f"{place}: {about.key}"
        draft.mistakes.append(f"{origin}: {wrong}, found {_shown(value)}")
        return
    draft.origins[about.key] = place
    match about.kind:
        case "texts" | "wholes":
            draft.values[name] = tuple(value)
        case "words":
            draft.values[name] = {**defaults()[name], **value}
        case _:
            draft.values[name] = value


def _from_text(about: Setting, text: str) -> Any:
    if about.kind == "whole" and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text


def _wrong(about: Setting, value: Any) -> str:
    """What the value should have been, or empty text when it is allowed."""
    match about.kind:
        case "switch":
            return "" if isinstance(value, bool) else "expected true or false"
        case "whole" | "number":
            return _wrong_number(about, value)
        case "text":
            if not isinstance(value, str) or not value:
                return "expected a text"
            known = not about.choices or value in about.choices
            return "" if known else f"expected one of {', '.join(about.choices)}"
        case "texts":
            good = isinstance(value, list) and all(isinstance(item, str) and item for item in value)
            return "" if good else "expected a list of texts"
        case "wholes":
            good = isinstance(value, list) and bool(value) and not any(_wrong_number(about, n) for n in value)
            return "" if good else f"expected a list of whole numbers{_range(about)}"
        case _:
            return _wrong_words(about, value)


def _wrong_number(about: Setting, value: Any) -> str:
    whole = about.kind in ("whole", "wholes")
    expected = f"expected a {'whole ' if whole else ''}number{_range(about)}"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return expected
    low = about.low is not None and value < about.low
    high = about.high is not None and value > about.high
    return expected if low or high or math.isnan(value) else ""


def _range(about: Setting) -> str:
    match about.low, about.high:
        case None, None:
            return ""
        case low, None:
            return f" of at least {low:g}"
        case low, high:
            return f" from {low:g} to {high:g}"


def _wrong_words(about: Setting, value: Any) -> str:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        return "expected an object of texts"
    strange = [name for name in value if about.choices and name not in about.choices]
    return f"expected only the names {', '.join(about.choices)}" if strange else ""


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


class _Lines:
    """The line of every dotted key in a JSON text that is known to be well formed."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, int] | None = None

    def of(self, key: str) -> int:
        if self._found is None:
            self._found = dict(self._walk())
        return self._found.get(key, 1)

    def _walk(self) -> Iterator[tuple[str, int]]:
        path: list[str] = []
        word, last = "", 0
        for token in re.finditer(r'"(?:[^"\\]|\\.)*"|[{}\[\]:]', self._text):
            match token.group():
                case "{" | "[":
                    path.append(word)
                    word = ""
                case "}" | "]":
                    path.pop()
                case ":":
                    yield ".".join([*path[1:], word]), self._text.count("\n", 0, last) + 1
                case text:
                    word, last = json.loads(text), token.start()
