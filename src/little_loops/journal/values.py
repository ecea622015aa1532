"""Values too large for a line: out of the record when it is written, back into it before it is folded.

A value above ``INLINE`` bytes stands in a file that ``refs`` names with its size and digest; everything else
of the engine sees the whole value. A missing or changed file is an error that names it, never an empty value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from little_loops.errors import JournalError
from little_loops.events import ActionComplete, ActionOutput, Event, Observation, plan, to_wire
from little_loops.journal.text import json_bytes, line_of, output_lines, record_of, text_bytes

INLINE = 16 * 1024
"""Largest value that stands in its line, in bytes of UTF-8 (of JSON, when it is no text)."""
SHOWN_FIRST = 12 * 1024
SHOWN_LAST = 4 * 1024

_STAYS = frozenset(
    (
        "event",
        "ts",
        "seq",
        "t",
        "depth",
        "refs",
        "run_id",
        "v",
        "needs",
        "engine",
        "line",
        "loop",
        "definition",
    )
)
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is complete before the line that names it; ``file`` is relative to the run folder."""

    file: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Encoded:
    """One event ready to be written. ``named``: existing files that its lines name."""

    lines: bytes
    stored: tuple[Stored, ...] = ()
    named: tuple[str, ...] = ()


def encode(event: Event, step: int) -> Encoded:
    """The lines of ``event``, and the files they name.

    Args:
        step: states entered so far in this run; names the file of a long action.
    """
    if isinstance(event, ActionOutput):
        return _output(event)
    record = to_wire(event)[0]
    if not _surely_long(record):
        line = line_of(record)
        if len(line) <= INLINE:
            return Encoded(line)
    return _moved_out(event, record, step)


def _output(event: ActionOutput) -> Encoded:
    if event.cut or event.more:
        return Encoded(b"".join(map(line_of, to_wire(event))), (), (event.more,) if event.more else ())
    return Encoded(output_lines(event))


def _surely_long(record: Mapping[str, Any]) -> bool:
    """Saves encoding a megabyte only to find that it has to be moved."""
    return any(type(value) is str and len(value) > INLINE for value in record.values())


def _moved_out(event: Event, record: dict[str, Any], step: int) -> Encoded:
    refs: dict[str, Any] = {}
    stored: list[Stored] = []
    named: list[str] = []
    out = dict(record)
    texts, others = _published(event)
    for key, content, is_text in _long_values(record, others):
        existing = _spooled(event, key)
        file = existing or _file_name(event, key, step, {held.file for held in stored})
        if existing:
            named.append(existing)
        else:
            stored.append(Stored(file, content))
        refs[key] = {"file": file, "bytes": len(content), "sha256": sha256(content).hexdigest()}
        if not is_text:
            refs[key]["json"] = True
        if key in texts:
            out[key] = shortened(content)
        else:
            del out[key]
    if refs:
        envelope: dict[str, Any] = {key: out.pop(key) for key in ("seq", "t", "depth") if key in out}
        out = {**out, "refs": refs, **envelope}
    return Encoded(line_of(out), tuple(stored), tuple(named))


def _long_values(record: Mapping[str, Any], fixed: frozenset[str]) -> Iterator[tuple[str, bytes, bool]]:
    for key, value in record.items():
        if key in _STAYS or key in fixed or not isinstance(value, str | Mapping | list | tuple):
            continue
        is_text = isinstance(value, str)
        content = text_bytes(value) if isinstance(value, str) else json_bytes(value)
        if len(content) > INLINE:
            yield key, content, is_text


def _spooled(event: Event, key: str) -> str | None:
    """The file of a stream that already holds exactly this value."""
    if isinstance(event, ActionComplete) and key in event.exact:
        file = (event.files or {}).get(key)
        return str(file) if file else None
    return None


def _file_name(event: Event, key: str, step: int, taken: Collection[str]) -> str:
    attempt = getattr(event, "attempt", None) or 1
    stem = f"output/{step:04d}" + (f"-{attempt}" if attempt > 1 else "")
    match event.NAME, key:
        case "action_start", "action":
            return f"{stem}.in"
        case "judge_start", "prompt":
            return f"{stem}.judge"
    wanted = name = f"output/r{event.seq}.{_NOT_IN_A_FILE_NAME.sub('_', key)[:60]}"
    number = 2
    while name in taken:
        name, number = f"{wanted}.{number}", number + 1
    return name


def _published(event: Event) -> tuple[frozenset[str], frozenset[str]]:
    """Keys whose published type is text, and the other published keys."""
    if isinstance(event, Observation):
        return frozenset(), frozenset()
    slots = [slot for slot in plan(type(event)) if slot.on == "wire"]
    texts = frozenset(slot.key for slot in slots if slot.kind == "string")
    return texts, frozenset(slot.key for slot in slots) - texts


def shortened(content: bytes) -> str:
    """The first 12 and the last 4 KiB of a text, around a line that says how much was left out."""
    head = content[:SHOWN_FIRST].decode("utf-8", "ignore")
    tail = content[-SHOWN_LAST:].decode("utf-8", "ignore")
    left_out = len(content) - len(head.encode()) - len(tail.encode())
    return f"{head}\n[... {left_out} bytes left out ...]\n{tail}"


def restored(record: dict[str, Any], folder: Path) -> dict[str, Any]:
    """``record`` with every value back in its place and without ``refs``.

    Raises:
        JournalError: a file is missing, was changed, or lies outside of the run folder; names file and key.
    """
    refs = record.get("refs")
    if refs is None:
        return record
    if not isinstance(refs, dict):
        raise JournalError(f"line {record.get('seq')}: refs is not a map")
    back = {key: _value(record, key, ref, folder) for key, ref in refs.items()}
    out = {key: back.pop(key) if key in back else value for key, value in record.items() if key != "refs"}
    return {**out, **back}


def _value(record: Mapping[str, Any], key: str, ref: Any, folder: Path) -> Any:
    where = f"line {record.get('seq')}: the value of {key}"
    match ref:
        case {"file": str(file), "bytes": int(size), "sha256": str(digest)}:
            pass
        case _:
            raise JournalError(f"{where} is named by a ref without file, bytes and sha256")
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise JournalError(f"{where} is said to be in {file}, which is not in the run folder")
    content = _content(folder / path, where)
    if len(content) != size or sha256(content).hexdigest() != digest:
        raise JournalError(
            f"{where} is in {folder / path}, which was changed after it was written",
            "put the file back as it was; without it the run cannot be folded",
        )
    return _decoded(content, ref, where)


def _content(path: Path, where: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise JournalError(
            f"{where} is in {path}, which is missing",
            "put the file back; without it the run cannot be folded",
        ) from None
    except OSError as problem:
        raise JournalError(f"{where} is in {path}: {problem.strerror}") from problem


def _decoded(content: bytes, ref: Mapping[str, Any], where: str) -> Any:
    try:
        if ref.get("json") is True:
            return record_of(b'{"value":' + content + b"}")["value"]
        return content.decode()
    except ValueError as problem:
        raise JournalError(f"{where} is in {ref['file']}: {problem}") from problem
