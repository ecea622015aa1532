"""In which quoting a value stands, and in what it stands: one climb from the value to the root.

Law: a list of what is known to be harmless. A value met anywhere else is refused, so a construct nobody
thought of is an error message and never a hole. What commands and arithmetic do with a value is judged
elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from little_loops.fsm.bash.syntax import SUBSTITUTIONS, Script, Span, ancestors, braced, text_of, verbatim
from little_loops.fsm.bash.wordset import word_set

if TYPE_CHECKING:
    from tree_sitter import Node


class Quoting(Enum):
    """How bash reads the text around a value."""

    BARE = "bare"
    DOUBLE = "double quotes"
    SINGLE = "single quotes"
    ANSI = "$'…'"
    DOCUMENT = "here-document"
    VERBATIM = "quoted here-document"
    COMMENT = "comment"
    NUMBER = "arithmetic"


class Unplaced(Exception):
    """No position can be proven. Its arguments are a message and a hint; it becomes a refusal."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True, eq=False)
class Position:
    """Where one value stands.

    `trail` is what it stands in, innermost first: equal trails are equal positions. `opaque` is a pattern
    that the grammar keeps as one piece.
    """

    span: Span
    node: Node
    quoting: Quoting
    trail: tuple[str, ...]
    opaque: bool


_REWRITE = "give it a word of its own, such as an argument, or assign it to a variable first"
_NAME = "write the name in the loop; for names that vary use declare -A values; values[name]=…"

_TEXT = {
    "raw_string": Quoting.SINGLE,
    "ansi_c_string": Quoting.ANSI,
    "comment": Quoting.COMMENT,
    "heredoc_body": Quoting.VERBATIM,
}
_HARMLESS = word_set(
    """
    program command command_name declaration_command unset_command redirected_statement pipeline
    list negated_command if_statement elif_clause else_clause while_statement do_group case_item
    case_statement compound_statement subshell heredoc_body heredoc_redirect herestring_redirect
    file_redirect string command_substitution process_substitution arithmetic_expansion test_command
    array number subscript binary_expression unary_expression ternary_expression postfix_expression
    parenthesized_expression expansion concatenation variable_assignment variable_assignments
    for_statement function_definition c_style_for_statement
    """
)
_MARKS = word_set(
    """
    string heredoc_body command_substitution process_substitution arithmetic_expansion test_command
    array subscript expansion variable_assignment herestring_redirect file_redirect case_item
    function_definition command_name declaration_command c_style_for_statement
    """
)
_WORD_OPERATORS = frozenset({":-", "-", ":=", "=", ":+", "+", ":?", "?"})
_PATTERN_OPERATORS = word_set(
    """
    # ## % %% / // /# /% ^ ^^ , ,,
    """
)
_REGEX = re.compile(
    r"""(?:[^\\"'`$]|\\[^"'`$\n]|\$(?![({'"`])|\$\{\w+\}|"(?:[^\\"`$]|\$\{\w+\})*")*""", re.DOTALL
)
_BACKSLASHES = re.compile(rb"(\\+)$")


def position(script: Script, span: Span) -> Position:
    """Where a value stands. Raises `Unplaced` where that cannot be proven."""
    leaf = script.tree.root_node.descendant_for_byte_range(span.start, span.end)
    if leaf is None:
        raise _unproven()
    _check_backslash(script, leaf, span)
    exact = leaf.type == "expansion" and (leaf.start_byte, leaf.end_byte) == (span.start, span.end)
    quoting = _innermost(script, leaf) if exact else _in_text(script, leaf, span)
    trail, settled = [], False
    for parent, child in ancestors(leaf):
        _check(script, parent, child, quoting)
        if not settled:
            quoting = _adjusted(quoting, parent, child)
        settled = settled or parent.type in SUBSTITUTIONS
        if parent.type in _MARKS:
            trail.append(parent.type)
    opaque = not exact and leaf.type in ("regex", "extglob_pattern")
    return Position(span, leaf, quoting, (quoting.value, *trail), opaque)


def _unproven() -> Unplaced:
    return Unplaced("its place in the bash text cannot be proven", _REWRITE)


# -- the text right around the value --


def _check_backslash(script: Script, leaf: Node, span: Span) -> None:
    before = _BACKSLASHES.search(script.source[max(0, span.start - 99) : span.start])
    plain = leaf.type in ("raw_string", "comment") or (leaf.type == "heredoc_body" and verbatim(leaf))
    if before is not None and len(before.group(1)) % 2 == 1 and not plain:
        raise Unplaced("a backslash stands right before it", "leave the backslash out: a value needs none")


def _innermost(script: Script, leaf: Node) -> Quoting:
    parent = leaf.parent
    if parent is not None and parent.type == "heredoc_body":
        return Quoting.DOCUMENT
    if parent is not None and parent.type == "string":
        if script.source[: parent.start_byte].endswith(b"$"):
            raise Unplaced('$"…" is translated before it is used', "use plain double quotes")
        return Quoting.DOUBLE
    return Quoting.BARE


def _in_text(script: Script, leaf: Node, span: Span) -> Quoting:
    if leaf.type in ("regex", "extglob_pattern"):
        return _in_pattern(script, leaf, span)
    quoting = _TEXT.get(leaf.type)
    if quoting is Quoting.VERBATIM and not verbatim(leaf):
        # The grammar overlooks expansions at the very beginning of some here-documents; bash does not.
        quoting = Quoting.DOCUMENT if leaf.type == "heredoc_body" else None
    if quoting is None:
        raise _unproven()
    return quoting


def _in_pattern(script: Script, leaf: Node, span: Span) -> Quoting:
    if not _REGEX.fullmatch(text_of(leaf)):
        raise Unplaced(
            "the pattern around it mixes quotes and escapes", "assign the value to a variable first"
        )
    quotes = script.source[leaf.start_byte : span.start].count(b'"')
    return Quoting.DOUBLE if quotes % 2 else Quoting.BARE


# -- what the value stands in --


def _check(script: Script, parent: Node, child: Node, quoting: Quoting) -> None:
    """Raise `Unplaced` where a value may not stand inside `parent` by way of `child`."""
    match parent.type:
        case kind if kind not in _HARMLESS:
            raise _unproven()
        case "concatenation" if braced(parent) and child.type != "command_substitution":
            raise Unplaced("it stands inside a brace expansion", "write the words out, or use seq")
        case "variable_assignment" if _is(parent, "name", child) and child.type != "subscript":
            raise Unplaced("it would name a variable", _NAME)
        case "for_statement" if _is(parent, "variable", child):
            raise Unplaced("it would name a variable", _NAME)
        case "function_definition" if _is(parent, "name", child):
            raise Unplaced("it would name a function", "write the name in the loop")
        case "heredoc_redirect" if child.type == "heredoc_start":
            raise Unplaced("it would end the here-document", "write a fixed word after <<")
        case "command_substitution" if _backticks(script, parent):
            if quoting is Quoting.VERBATIM or b"\\" in script.source[parent.start_byte : parent.end_byte]:
                raise Unplaced("bash reads text in backticks twice", "use $( ) instead of backticks")
        case "expansion":
            _check_expansion(parent, child)


def _is(parent: Node, field: str, child: Node) -> bool:
    return parent.child_by_field_name(field) == child


def _backticks(script: Script, node: Node) -> bool:
    return script.source[node.start_byte : node.start_byte + 1] == b"`"


def _operator(expansion: Node, child: Node) -> str:
    """The operator of `${name operator child}` that stands before `child`."""
    found = [c for c in expansion.children if c.start_byte < child.start_byte and not c.is_named]
    return text_of(found[-1]) if found else ""


def _check_expansion(parent: Node, child: Node) -> None:
    operator = _operator(parent, child)
    if child.type == "subscript" or operator == ":" or operator in _WORD_OPERATORS:
        return
    if operator in _PATTERN_OPERATORS and _around(parent) is not Quoting.DOCUMENT:
        return
    raise _unproven()


def _adjusted(quoting: Quoting, parent: Node, child: Node) -> Quoting:
    """The quoting of a value once it is known to stand inside `parent`."""
    if _calculates(parent, child):
        if quoting not in (Quoting.BARE, Quoting.DOUBLE, Quoting.NUMBER):
            raise Unplaced("single quotes do not belong into arithmetic", "leave the quotes out")
        return Quoting.NUMBER
    if parent.type == "expansion" and _operator(parent, child) in _WORD_OPERATORS:
        around = _around(parent)
        if quoting in (Quoting.SINGLE, Quoting.ANSI) and around is not Quoting.BARE:
            raise Unplaced("single quotes are ordinary characters here", "leave the quotes out")
        return around if quoting is Quoting.BARE else quoting
    return quoting


def _calculates(parent: Node, child: Node) -> bool:
    match parent.type:
        case "arithmetic_expansion":
            return True
        case "compound_statement":
            return text_of(parent).startswith("((")
        case "c_style_for_statement":
            return not _is(parent, "body", child)
        case "expansion":
            return _operator(parent, child) == ":"
        case _:
            return False


def _around(node: Node) -> Quoting:
    """The quoting around an expansion as a whole."""
    for parent, _ in ancestors(node):
        match parent.type:
            case "string":
                return Quoting.DOUBLE
            case "heredoc_body":
                return Quoting.DOCUMENT
            case "expansion" | "concatenation":
                continue
            case _:
                return Quoting.BARE
    return Quoting.BARE
