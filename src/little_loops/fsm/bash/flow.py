"""Which variables of a bash text come to hold data, so that a value cannot reach a bad place under a new
name.

Law: order and branches are ignored, so a variable that may ever hold data always does. The output of a
command that was given data is data too, unless that command only counts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from little_loops.fsm.bash.syntax import SUBSTITUTIONS, Script, Word, ancestors, is_body, text_of, walk, words

if TYPE_CHECKING:
    from tree_sitter import Node

_NAMES = re.compile(r"[A-Za-z_]\w*")
_WHOLE = re.compile(r'"?\$(?:\w+|[@*]|\{\w+\})"?|\'\$\{\w+\}\'')
_COUNT_FLAG = re.compile(r"-[A-Za-z]*c[A-Za-z]*|--count")


@dataclass(frozen=True, slots=True)
class Taint:
    """What a word or variable holds: the spans (by index) it comes from; `exact` when it is one of them,
    whole.
    """

    origins: frozenset[int]
    exact: bool

    def __or__(self, other: Taint) -> Taint:
        return Taint(self.origins | other.origins, self.exact and other.exact)


@dataclass(slots=True)
class Flow:
    """The variables of a script that hold data, and what its words carry. Built by `trace`."""

    script: Script
    held: dict[str, Taint] = field(default_factory=dict)
    functions: frozenset[str] = frozenset()
    shifted: bool = False

    def of(self, name: str) -> Taint | None:
        """What a variable holds, None when it holds no data."""
        if name in ("@", "*") or (self.shifted and name.isdigit()):
            return union(taint for key, taint in self.held.items() if key.isdigit())
        return self.held.get(name)

    def add(self, name: str, taint: Taint | None) -> bool:
        """Note that a variable may hold data; True when that is news."""
        if taint is None:
            return False
        merged = taint | self.held[name] if name in self.held else taint
        news = self.held.get(name) != merged
        self.held[name] = merged
        return news

    def carriers(self, node: Node, calculated: bool = False) -> Iterator[Taint]:
        """One taint per value or tainted variable inside a node. In `calculated` text bare names are
        variables.
        """
        for span in self.script.within(node):
            leaf = self.script.tree.root_node.descendant_for_byte_range(span.start, span.end)
            if leaf is not None and leaf.type != "comment":
                yield from _through(leaf, node, Taint(frozenset({span.index}), True))
        spans = {(span.start, span.end) for span in self.script.spans}
        for name, leaf in _variables(node, calculated):
            taint = self.of(name)
            inside = leaf.parent is not None and (leaf.parent.start_byte, leaf.parent.end_byte) in spans
            if taint is not None and not inside:
                yield from _through(leaf, node, taint)

    def carried(self, node: Node) -> Taint | None:
        """All data inside a node; exact when the node is one value or one variable and nothing else."""
        taint = union(self.carriers(node))
        if taint is None or not taint.exact or _WHOLE.fullmatch(text_of(node)):
            return taint
        return Taint(taint.origins, False)

    def in_word(self, word: Word) -> Taint | None:
        """All data inside a word of a command."""
        if word.given is not None:
            return Taint(word.given, False)
        if len(word.nodes) == 1:
            return self.carried(word.nodes[0])
        taint = union(taint for node in word.nodes for taint in self.carriers(node))
        return None if taint is None else Taint(taint.origins, False)


def union(taints: Iterable[Taint | None]) -> Taint | None:
    """All of the taints in one, None when there is none."""
    found = [taint for taint in taints if taint is not None]
    return reduce(or_, found) if found else None


def _through(leaf: Node, outer: Node, taint: Taint) -> Iterator[Taint]:
    """The taint as it leaves everything between `leaf` and `outer`: nothing leaves what only counts."""
    direct = True
    node: Node | None = leaf
    while node is not None and outer.start_byte <= node.start_byte and node.end_byte <= outer.end_byte:
        if _counts(node):
            return
        direct = direct and node.type not in SUBSTITUTIONS
        if node == outer:
            break
        node = node.parent
    yield taint if direct else Taint(taint.origins, False)


def _counts(node: Node) -> bool:
    """True for what yields a number or nothing of what is put in."""
    if node.type == "arithmetic_expansion":
        return True
    if node.type == "expansion" and text_of(node).startswith("${#"):
        return True
    if node.type != "command_substitution":
        return False
    command = node
    while command.type != "command":
        inner = [c for c in command.named_children if c.type in _CONTAINERS or c.type == "command"]
        if not inner:
            return False
        command = inner[0] if command.type == "redirected_statement" else inner[-1]
    name = text_of(command.child_by_field_name("name") or command)
    flags = [text_of(c) for c in command.children_by_field_name("argument")]
    return name == "wc" or (name in ("grep", "egrep", "fgrep") and any(map(_COUNT_FLAG.fullmatch, flags)))


_CONTAINERS = frozenset({"pipeline", "redirected_statement", "command_substitution"})


def _variables(node: Node, calculated: bool) -> Iterator[tuple[str, Node]]:
    for leaf in walk(node):
        if leaf.type in ("variable_name", "special_variable_name"):
            if calculated or _is_read(leaf):
                yield text_of(leaf), leaf
        elif calculated and leaf.type in ("word", "regex", "string_content", "raw_string"):
            yield from ((name, leaf) for name in _NAMES.findall(text_of(leaf)))


def _is_read(name: Node) -> bool:
    """True for the name in an expansion, false for one that is declared or assigned to."""
    parent = name.parent
    if parent is not None and parent.type == "subscript":
        parent = parent.parent
    return parent is not None and parent.type in ("simple_expansion", "expansion")


# -- how data gets into variables --


def trace(script: Script) -> Flow:
    """Follow the values of a script into its variables until nothing new is found."""
    flow = Flow(script)
    for span in script.spans:
        flow.add(span.variable, Taint(frozenset({span.index}), True))
    flow.functions = frozenset(
        text_of(name)
        for node in script.of_type("function_definition")
        if (name := node.child_by_field_name("name"))
    )
    flow.shifted = any(text_of(node) == "shift" for node in script.of_type("command_name"))
    while any([_step(flow, node) for node in script.nodes]):
        pass
    return flow


def _step(flow: Flow, node: Node) -> bool:
    match node.type:
        case "variable_assignment":
            return _assign(flow, node)
        case "for_statement":
            name = node.child_by_field_name("variable")
            values = union(flow.carried(value) for value in node.children_by_field_name("value"))
            return name is not None and flow.add(text_of(name), values)
        case "expansion":
            return _default(flow, node)
        case "command" | "declaration_command":
            return _command(flow, node)
        case _:
            return False


def assigned_name(node: Node) -> str:
    """The variable that a `variable_assignment` writes to, without its index."""
    name = node.child_by_field_name("name")
    if name is not None and name.type == "subscript":
        name = name.child_by_field_name("name")
    return text_of(name) if name is not None else ""


def _assign(flow: Flow, node: Node) -> bool:
    value = node.child_by_field_name("value")
    if value is None:
        return False
    if value.type == "array":
        taint = union(flow.carried(element) for element in value.named_children)
    else:
        taint = flow.carried(value) or flow.of(text_of(value))
    if taint is not None and any(text_of(c) == "+=" for c in node.children):
        taint = Taint(taint.origins, False)
    name = node.child_by_field_name("name")
    keys = flow.carried(name) if name is not None and name.type == "subscript" else None
    if keys is not None:
        taint = Taint(keys.origins | (taint.origins if taint else frozenset()), False)
    return flow.add(assigned_name(node), taint)


def _default(flow: Flow, node: Node) -> bool:
    named = [c for c in node.children if c.is_named]
    if not any(text_of(c) in (":=", "=") for c in node.children if not c.is_named) or len(named) < 2:
        return False
    return flow.add(text_of(named[0]), union(flow.carried(value) for value in named[1:]))


def _command(flow: Flow, node: Node) -> bool:
    parts = words(flow.script, node)
    name = parts[0].static if parts else None
    match name:
        case "read" | "mapfile" | "readarray":
            taint = received(flow, node)
            if taint is None:
                return False
            names = [w.static for w in parts[1:] if w.static and _NAMES.fullmatch(w.static)]
            loose = Taint(taint.origins, False)
            return any([flow.add(each, loose) for each in names or ["REPLY", "MAPFILE"]])
        case "printf":
            written = next((b.static for a, b in itertools.pairwise(parts) if a.static == "-v"), None)
            taint = union(map(flow.in_word, parts[1:]))
            return (
                written is not None and taint is not None and flow.add(written, Taint(taint.origins, False))
            )
        case "set":
            return _positional(flow, parts[1:], loose=True)
        case str() if name in flow.functions:
            return _positional(flow, parts[1:], loose=False)
        case "declare" | "local" | "typeset" | "export" | "readonly":
            return any([_declared(flow, word) for word in parts[1:]])
        case _:
            return False


def _positional(flow: Flow, arguments: tuple[Word, ...], loose: bool) -> bool:
    taints = [flow.in_word(word) for word in arguments]
    if loose or any("@" in text_of(n) or "*" in text_of(n) for word in arguments for n in word.nodes):
        return any([flow.add(str(n), union(taints)) for n in range(1, 10)])
    return any([flow.add(str(n), taint) for n, taint in enumerate(taints, 1)])


def _declared(flow: Flow, word: Word) -> bool:
    name, equals, _ = word.prefix.partition("=")
    taint = flow.in_word(word)
    if taint is None or not equals or (word.nodes and word.nodes[0].type == "variable_assignment"):
        return False
    return flow.add(name, Taint(taint.origins, False))


# -- what a command reads --


def received(flow: Flow, node: Node, seen: frozenset[str] = frozenset()) -> Taint | None:
    """The data on the standard input of a command, as far as the text shows."""
    found = [_redirected(flow, child) for child in node.children]
    for parent, child in ancestors(node):
        match parent.type:
            case "redirected_statement" if is_body(parent, child):
                found += [_redirected(flow, c) for c in parent.children if c != child]
            case "pipeline":
                found += [flow.carried(c) for c in parent.children if c.end_byte <= child.start_byte]
            case "heredoc_redirect" if child.type == "pipeline" and parent.parent is not None:
                found.append(flow.carried(parent.parent))
            case "process_substitution" if text_of(parent).startswith(">(") and parent.parent is not None:
                found.append(flow.carried(_statement(parent)))
            case "function_definition":
                found.append(_calls(flow, parent, seen))
            case _:
                pass
    return union(found)


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
