"""What a command finds on its standard input, as far as the text shows.

Law: everything that may flow there counts, whatever the order and whichever branch is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from little_loops.fsm.bash.syntax import Script, ancestors, is_body, text_of
from little_loops.fsm.bash.taint import Taint, union

if TYPE_CHECKING:
    from tree_sitter import Node

    from little_loops.fsm.bash.flow import Flow


def received(flow: Flow, node: Node, seen: frozenset[str] = frozenset()) -> Taint | None:
    """The data on the standard input of a command, as far as the text shows."""
    found = [_redirected(flow, child) for child in node.children]
    found += [_redirected(flow, redirect) for redirect in _opened(flow.script)]
    for parent, child in ancestors(node):
        match parent.type:
            case "redirected_statement" if is_body(parent, child):
                found += [_redirected(flow, c) for c in parent.children if c != child]
            case "pipeline":
                found += [flow.carried(c) for c in parent.children if c.end_byte <= child.start_byte]
            case "heredoc_redirect" if child.type == "pipeline" and parent.parent is not None:
                found.append(flow.carried(parent.parent))
            case "process_substitution" if text_of(parent).startswith(">(") and parent.parent is not None:
                kept = any(_holds(redirect, parent) for redirect in _opened(flow.script))
                found.append(flow.everything() if kept else flow.carried(_statement(parent)))
            case "function_definition":
                found.append(_calls(flow, parent, seen))
            case _:
                pass
    return union(found)


def _opened(script: Script) -> Iterator[Node]:
    """The redirections of `exec`, which stay for what comes after it."""
    for command in script.of_type("command"):
        parent = command.parent
        name = command.child_by_field_name("name")
        words_given = [text_of(c) for c in command.children_by_field_name("argument")]
        if name is None or text_of(name) != "exec" or not all(word.isdigit() for word in words_given):
            continue
        yield from command.children
        if parent is not None and is_body(parent, command):
            yield from parent.children


def _holds(outer: Node, inner: Node) -> bool:
    return outer.start_byte <= inner.start_byte and inner.end_byte <= outer.end_byte


def _redirected(flow: Flow, redirect: Node) -> Taint | None:
    if redirect.type not in ("herestring_redirect", "heredoc_redirect", "file_redirect"):
        return None
    if redirect.type == "heredoc_redirect":
        return union(flow.carried(c) for c in redirect.children if c.type == "heredoc_body")
    if redirect.type == "file_redirect" and ">" in text_of(redirect).split("(")[0]:
        return None
    return flow.carried(redirect)


def _statement(node: Node) -> Node:
    best = node
    for parent, _ in ancestors(node):
        if parent.type not in (
            "command",
            "redirected_statement",
            "pipeline",
            "file_redirect",
            "concatenation",
        ):
            break
        best = parent
    return best


def _calls(flow: Flow, definition: Node, seen: frozenset[str]) -> Taint | None:
    name = definition.child_by_field_name("name")
    called = text_of(name) if name is not None else ""
    if not called or called in seen:
        return None
    calls = (c.parent for c in flow.script.of_type("command_name") if text_of(c) == called)
    return union(received(flow, call, seen | {called}) for call in calls if call is not None)


def documents(node: Node) -> Iterator[str]:
    """The texts of the here-documents that a command reads, escapes of expansions undone."""
    for parent, child in ancestors(node):
        if not is_body(parent, child):
            return
        for redirect in parent.children:
            yield from (
                text_of(body).replace("\\$", "$") for body in redirect.children if body.type == "heredoc_body"
            )
