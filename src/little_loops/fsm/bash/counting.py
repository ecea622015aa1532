"""What comes out of a value as a number, and so is harmless wherever numbers are taken.

Law: certain or no. A substitution counts only when the one thing it writes is a count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from little_loops.fsm.bash.syntax import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_DIGITS_ONLY = re.compile(r"\$\{\w+//\[[!^]0-9-?\]/?\}")
_COUNT_FLAG = re.compile(r"-[A-Za-z]*c[A-Za-z]*|--count")


def counts(node: Node, leaf: Node) -> bool:
    """True for what yields a number, or nothing, of a value put in at `leaf`."""
    match node.type:
        case "arithmetic_expansion":
            return True
        case "expansion":
            return text_of(node).startswith("${#") or _DIGITS_ONLY.fullmatch(text_of(node)) is not None
        case "command_substitution":
            stages = _stages(node)
            counter = next((n for n, stage in enumerate(stages) if _is_counter(stage, leaf)), None)
            return counter is not None and not any("$" in text_of(stage) for stage in stages[counter + 1 :])
        case _:
            return False


def _stages(substitution: Node) -> list[Node]:
    """The commands of the one pipeline inside a substitution; none when there is more in it."""
    inner = [c for c in substitution.named_children if c.type != "comment"]
    if len(inner) == 1 and inner[0].type == "list" and "$" not in text_of(inner[0].named_children[-1]):
        inner = inner[0].named_children[:1]
    while len(inner) == 1 and inner[0].type in ("pipeline", "redirected_statement"):
        whole = inner[0]
        inner = [c for c in whole.named_children if c.type in ("pipeline", "redirected_statement", "command")]
        if whole.type == "pipeline":
            bodies = (c.child_by_field_name("body") if c.type == "redirected_statement" else c for c in inner)
            return [c for c in bodies if c is not None]
    return inner if len(inner) == 1 else []


def _is_counter(command: Node, leaf: Node) -> bool:
    if command.type != "command":
        return False
    name = text_of(command.child_by_field_name("name") or command)
    given = command.children_by_field_name("argument")
    if name == "wc":
        return not any(inside(leaf, argument) for argument in given)
    counted = any(_COUNT_FLAG.fullmatch(text_of(argument)) for argument in given)
    return counted and name in ("grep", "egrep", "fgrep")


def inside(inner: Node, outer: Node) -> bool:
    """True when one node lies in the other."""
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte
