"""What may stand at a path of a loop file, by the JSON Schema that is made from the models. No rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from little_loops.fsm.codec import entries
from little_loops.fsm.fitting import Path
from little_loops.fsm.loop_schema import SHORT_FORMS, loop_schema
from little_loops.fsm.schema import StateConfig

Node = Mapping[str, Any]
STATE_VERDICT = re.compile(r"on_(.+)")


@lru_cache(maxsize=1)
def schema() -> Node:
    """The schema of a loop file."""
    return loop_schema()


def node_at(path: Path) -> Node | None:
    """What the schema says about the value at a path, or None when nothing may stand there."""
    if len(path) > 1 and path[0] == "fragments":
        path = ("states", *path[1:])
        if path[2:] == ("description",):
            return {"type": "string", "description": "What the fragment is for; it never reaches a state."}
    node: Node | None = schema()
    for step in path:
        node = _below(opened(node), step) if node is not None else None
    return node


def opened(node: Node) -> Node:
    """The node behind a reference."""
    for choice in (node, *node.get("anyOf", ())):
        if "$ref" in choice:
            target: Node = schema()["definitions"][choice["$ref"].rpartition("/")[2]]
            return target
    return node


def _below(node: Node, step: str | int) -> Node | None:
    if isinstance(step, int):
        items = node.get("items")
        return items if isinstance(items, Mapping) else None
    found = node.get("properties", {}).get(step)
    if found is not None:
        return _node(found)
    for pattern, value in node.get("patternProperties", {}).items():
        if re.search(pattern, step):
            return _verdict_node(step, value) if value else None
    more = node.get("additionalProperties")
    return more if isinstance(more, Mapping) else None


def _node(found: Any) -> Node | None:
    return found if isinstance(found, Mapping) else None


def _verdict_node(step: str, value: Node) -> Node:
    verdict = STATE_VERDICT.fullmatch(step)
    return {**value, "description": f"The state after the verdict {verdict.group(1)}."} if verdict else value


def keys_of(path: Path, present: Mapping[str, Any]) -> Iterator[tuple[str, Node]]:
    """The known keys of the mapping at a path that are not there yet, each with what may stand behind it.

    ``present`` is the whole mapping of the file: the keys of a short form come only where one is written.
    """
    node = node_at(path)
    if node is None:
        return
    paradigm = present.get("paradigm") if path == () else None
    for name, value in opened(node).get("properties", {}).items():
        if path == () and name in SHORT_FORMS and not _goes_with(value, paradigm):
            continue
        if isinstance(value, Mapping) and name not in older_spellings():
            yield name, value
    if len(path) == 2 and path[0] == "fragments":
        yield "description", {"type": "string", "description": "What the fragment is for."}


@lru_cache(maxsize=1)
def older_spellings() -> frozenset[str]:
    """Keys that are read but have a newer name."""
    return frozenset(entry.alias[0] for entry in entries(StateConfig) if entry.alias)


def _goes_with(node: Node, paradigm: Any) -> bool:
    whose, colon, _ = node.get("description", "").partition(":")
    return paradigm not in (None, "fsm") and (not colon or whose == paradigm)


def is_mapping(node: Node) -> bool:
    """Whether keys stand below it."""
    return "object" in _types(opened(node))


def is_list(node: Node) -> bool:
    """Whether items stand below it."""
    return "array" in _types(node)


def choices(node: Node) -> list[str]:
    """The words that may stand there."""
    if "boolean" in _types(node):
        return ["true", "false"]
    return [str(word) for word in node.get("enum", ()) if word is not None]


def _types(node: Node) -> list[str]:
    types = node.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def shape(node: Node) -> str:
    """The kind of value in a few words."""
    names = [name for name in _types(opened(node)) if name != "null"]
    return " or ".join(SHAPES.get(name, name) for name in names) or "any value"


SHAPES = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "true or false",
    "array": "list", "object": "mapping",
}  # fmt: skip
