"""Which variables of a bash text come to hold data, so that a value cannot reach a bad place under a new
name.

Law: order and branches are ignored, so a variable that may ever hold data always does. The output of a
command that was given data is data too, unless that command only counts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from little_loops.fsm.bash.counting import counts, inside
from little_loops.fsm.bash.reading import received
from little_loops.fsm.bash.syntax import (
    SUBSTITUTIONS,
    Script,
    Word,
    constant,
    text_of,
    walk,
    words,
)
from little_loops.fsm.bash.taint import Taint, union

if TYPE_CHECKING:
    from tree_sitter import Node

EXPANDED = frozenset({"simple_expansion", "expansion", "command_substitution"})
KEY_LIST = re.compile(r"\$\{!\w+(?:\[[@*]\]|[@*])\}")
_KEYS_OF = "!"
_NAMES = re.compile(r"[A-Za-z_]\w*")
_WHOLE = re.compile(r'"?\$(?:\w+|[@*]|\{\w+\})"?|\'\$\{\w+\}\'')


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

    def everything(self) -> Taint | None:
        """All values of the text, wherever they are."""
        return union(Taint(frozenset({span.index}), False) for span in self.script.spans)

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

    def scattered(self, word: Word) -> bool:
        """True when a word is data that bash splits: a variable or an output without quotes around it."""
        if self.in_word(word) is None:
            return False
        placed = {(span.start, span.end) for span in self.script.spans}
        parts = [
            c for node in word.nodes for c in (node.children if node.type == "concatenation" else [node])
        ]
        return any(c.type in EXPANDED and (c.start_byte, c.end_byte) not in placed for c in parts)


def _through(leaf: Node, outer: Node, taint: Taint) -> Iterator[Taint]:
    """The taint as it leaves everything between `leaf` and `outer`: nothing leaves what only counts."""
    direct = True
    node: Node | None = leaf
    while node is not None and inside(node, outer):
        if counts(node, leaf):
            return
        direct = direct and node.type not in SUBSTITUTIONS
        if node == outer:
            break
        node = node.parent
    yield taint if direct else Taint(taint.origins, False)


def _variables(node: Node, calculated: bool) -> Iterator[tuple[str, Node]]:
    for leaf in walk(node):
        if leaf.type in ("variable_name", "special_variable_name"):
            if calculated or _is_read(leaf):
                yield (_KEYS_OF if _is_key_list(leaf) else "") + text_of(leaf), leaf
        elif calculated and leaf.type in ("word", "regex", "string_content", "raw_string"):
            yield from ((name, leaf) for name in _NAMES.findall(text_of(leaf)))


def _is_key_list(name: Node) -> bool:
    """True for the name in `${!name[@]}`, which gives the keys and not the values."""
    whole = name.parent.parent if name.parent is not None else None
    return whole is not None and KEY_LIST.fullmatch(text_of(whole)) is not None


def _is_read(name: Node) -> bool:
    """True for the name in an expansion, false for one that is declared or assigned to."""
    parent = name.parent
    if parent is not None and parent.type == "subscript":
        parent = parent.parent
    return parent is not None and parent.type in ("simple_expansion", "expansion")


# -- how data gets into variables --


def trace(script: Script, held: Mapping[str, Taint] | None = None) -> Flow:
    """Follow the values of a script into its variables until nothing new is found.

    `held` is what variables hold already when the script begins.
    """
    flow = Flow(script, dict(held or {}))
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
        literal = [element for element in value.named_children if text_of(element).startswith("[")]
        keys = union(flow.carried(element) for element in literal)
    else:
        taint = flow.carried(value) or _mentioned(flow, value)
        keys = None
    if taint is not None and any(text_of(c) == "+=" for c in node.children):
        taint = Taint(taint.origins, False)
    name = node.child_by_field_name("name")
    if name is not None and name.type == "subscript":
        keys = flow.carried(name)
    news = keys is not None and flow.add(_KEYS_OF + assigned_name(node), Taint(keys.origins, False))
    return flow.add(assigned_name(node), taint) or news


def _mentioned(flow: Flow, value: Node) -> Taint | None:
    """What a constant text holds for bash if it is calculated with: the variables it names."""
    text, complete = constant(value)
    if not complete:
        return None
    named = union(flow.of(name) for name in _NAMES.findall(text))
    return flow.of(text) or (Taint(named.origins, False) if named is not None and "[" in text else None)


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
    if loose or any(flow.scattered(word) or "$@" in (w := _shown(word)) or "[@]" in w for word in arguments):
        return any([flow.add(str(n), union(taints)) for n in range(1, 10)])
    return any([flow.add(str(n), taint) for n, taint in enumerate(taints, 1)])


def _shown(word: Word) -> str:
    return "".join(text_of(node) for node in word.nodes)


def _declared(flow: Flow, word: Word) -> bool:
    name, equals, _ = word.prefix.partition("=")
    taint = flow.in_word(word)
    if taint is None or not equals or (word.nodes and word.nodes[0].type == "variable_assignment"):
        return False
    return flow.add(name, Taint(taint.origins, False))
