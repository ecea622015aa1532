"""Completion inside ``${...}``: namespaces, then the names that exist in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lsprotocol import types

from little_loops.fsm.template import (
    CAPTURE_NAMES,
    LOOP_NAMES,
    NAMESPACES,
    PREV_NAMES,
    RESULT_NAMES,
    STATE_NAMES,
)
from little_loops.lsp import words
from little_loops.lsp.analysis import Analysis, loop_file, loop_in
from little_loops.lsp.text import Text

OPEN = re.compile(r"(?<!\$)\$\{([^{}\n]*)$")
SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD")
FIXED: Mapping[str, tuple[str, ...]] = {
    "prev": PREV_NAMES,
    "result": RESULT_NAMES,
    "state": STATE_NAMES,
    "loop": LOOP_NAMES,
}


def open_reference(source: str, offset: int) -> str | None:
    """What is written of a ``${...}`` before the cursor, when the cursor is inside one."""
    found = OPEN.search(source, source.rfind("\n", 0, offset) + 1, offset)
    return found.group(1) if found else None


def reference_items(
    written: str, text: Text, offset: int, known: Analysis | None
) -> list[types.CompletionItem]:
    """The names that can follow what is written."""
    closed = text.source[offset : offset + 1] == "}"
    suffix = re.search(r"(:[a-z=]*|\?)$", written)
    if suffix is not None:
        start = offset - len(suffix.group())
        return [_item(word, about, text, (start, offset), word) for word, about in words.SUFFIXES.items()]
    *owners, word = written.split(".")
    stretch = (offset - len(word), offset)
    if not owners:
        return [_item(name, words.NAMESPACE_WORDS[name], text, stretch, f"{name}.") for name in NAMESPACES]
    end = "" if closed else "}"
    return [
        _item(name, about, text, stretch, name if about.endswith("…") else name + end)
        for name, about in _names(owners, known)
    ]


def _item(label: str, about: str, text: Text, stretch: tuple[int, int], insert: str) -> types.CompletionItem:
    return types.CompletionItem(
        label,
        kind=types.CompletionItemKind.Variable,
        detail=about or None,
        filter_text=label,
        text_edit=types.TextEdit(text.range(*stretch), insert),
    )


def _names(owners: list[str], known: Analysis | None) -> Iterator[tuple[str, str]]:
    """The names below a path, each with what it is; ``…`` at the end says that more follows."""
    namespace, *path = owners
    if namespace in FIXED and not path:
        yield from ((name, "") for name in FIXED[namespace])
    elif namespace == "env" and not path:
        yield from ((name, "") for name in sorted(os.environ) if not SECRET.search(name))
    elif namespace == "context" and known is not None:
        yield from _context(path, known)
    elif namespace == "captured" and known is not None:
        yield from _captured(path, known)


def _context(path: list[str], known: Analysis) -> Iterator[tuple[str, str]]:
    held: Any = known.resolved.get("context")
    for step in path:
        held = held.get(step) if isinstance(held, Mapping) else None
    for name, value in held.items() if isinstance(held, Mapping) else ():
        yield str(name), "more …" if isinstance(value, Mapping) else f"{value}"[:80]
    if path:
        return
    parameters = known.resolved.get("parameters")
    for name, spec in parameters.items() if isinstance(parameters, Mapping) else ():
        kind = spec.get("type", "") if isinstance(spec, Mapping) else ""
        yield str(name), f"parameter, {kind}"
    yield str(known.resolved.get("input_key") or "input"), "the input of the run"
    yield from words.ALWAYS_IN_CONTEXT.items()


def _captured(path: list[str], known: Analysis) -> Iterator[tuple[str, str]]:
    bodies = {name: body for name, body in known.states.items() if isinstance(body, Mapping)}
    captures = {
        body["capture"]: name for name, body in bodies.items() if isinstance(body.get("capture"), str)
    }
    children = {name: body["loop"] for name, body in bodies.items() if isinstance(body.get("loop"), str)}
    if not path:
        yield from ((name, f"by {maker} …") for name, maker in captures.items())
        yield from ((name, f"of the sub-loop {loop} …") for name, loop in children.items())
    elif len(path) == 1 and path[0] in captures:
        yield from ((name, "") for name in CAPTURE_NAMES)
    elif path[0] in children:
        yield from _of_child(children[path[0]], path[1:], known)


def _of_child(name: str, path: list[str], known: Analysis) -> Iterator[tuple[str, str]]:
    file = loop_file(name, known.home)
    child = loop_in(file, known.home) if file is not None else None
    captures = [state.capture for state in child.states.values() if state.capture] if child else []
    if not path:
        yield from ((capture, "more …") for capture in captures)
    elif len(path) == 1 and path[0] in captures:
        yield from ((field, "") for field in CAPTURE_NAMES)
