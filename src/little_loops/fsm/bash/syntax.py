"""A bash text as a tree, with the places of its values, and the words of its commands.

Law: tree-sitter decides what is what. What it does not understand, or loses, is never guessed: the text is
refused as a whole (`Script.doubt`). A value stands in the tree as `${variable}`, an expansion like any other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from little_loops.fsm.bash.pieces import Code, Piece
from little_loops.fsm.bash.wordset import word_set

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

NEUTRAL = "LLcode"
_BLANK = re.compile(rb"(?:[ \t\n]|\\\n)*")
_OPEN_TEXT = frozenset({"string", "heredoc_body", "ansi_c_string", "number"})
_KEYWORDS = word_set(
    """
    } { ) then do done fi esac else elif in ! ]] function case if for while until select ;;
    """
)
_SUBSTITUTED = re.compile(rb"(?<!\\)(?:\\\\)*(?:`|\$\()")
_RAW_NEWLINE = re.compile(rb"(?<!\\)\n")
SUBSTITUTIONS = frozenset({"command_substitution", "process_substitution"})


@dataclass(frozen=True, slots=True)
class Span:
    """Where the value of one `Data` stands in the text, in bytes."""

    index: int
    start: int
    end: int
    variable: str
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """A parsed text and its values. `doubt` says why the tree cannot be trusted, None when it can."""

    source: bytes
    tree: Tree
    spans: tuple[Span, ...]
    doubt: tuple[int, str] | None
    nodes: tuple[Node, ...]

    def within(self, node: Node) -> tuple[Span, ...]:
        """The values inside a node."""
        return tuple(s for s in self.spans if node.start_byte <= s.start and s.end <= node.end_byte)

    def of_type(self, *types: str) -> Iterator[Node]:
        """All nodes of the given types, in order of the text."""
        return (node for node in self.nodes if node.type in types)


@lru_cache(maxsize=1)
def _parser() -> Callable[[bytes], Tree]:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language())).parse


def parse(pieces: tuple[Piece, ...], neutral: frozenset[int] = frozenset()) -> Script:
    """Paste the pieces and parse. The code values numbered in `neutral` are replaced by a plain word."""
    source = bytearray()
    spans: list[Span] = []
    for number, piece in enumerate(pieces):
        if isinstance(piece, Code):
            source += (NEUTRAL if number in neutral else piece.text).encode("utf-8", "surrogatepass")
            continue
        start = len(source)
        source += b"${" + piece.variable.encode() + b"}"
        spans.append(Span(number, start, len(source), piece.variable, piece.label))
    return read(bytes(source), tuple(spans))


def read(source: bytes, spans: tuple[Span, ...]) -> Script:
    """Parse a text whose values stand at `spans`."""
    tree = _parser()(source)
    nodes = tuple(walk(tree.root_node))
    return Script(source, tree, spans, _doubt(source, nodes), nodes)


def walk(node: Node) -> Iterator[Node]:
    """A node and everything below it, in order of the text."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def _doubt(source: bytes, nodes: tuple[Node, ...]) -> tuple[int, str] | None:
    for node in nodes:
        reason = _distrust(source, node)
        if reason is not None:
            return node.start_byte, reason
    return None


_UNREAD = "the bash text cannot be parsed here"


def _distrust(source: bytes, node: Node) -> str | None:
    match node.type:
        case _ if node.is_error or node.is_missing:
            return _UNREAD
        case "word" if _RAW_NEWLINE.search(source, node.start_byte, node.end_byte):
            return _UNREAD
        case "command_name" if text_of(node) in _KEYWORDS:
            return _UNREAD
        case "command_substitution" if source.startswith(b"`", node.start_byte):
            inside = b"`" in source[node.start_byte + 1 : node.end_byte - 1]
            return "backticks inside or next to backticks cannot be told apart; $( ) can" if inside else None
        case "heredoc_body" if not verbatim(node) and any(map(_SUBSTITUTED.search, _unread(source, node))):
            return "commands in this here-document cannot be followed; put their output into a variable first"
        case "string" if any(map(_SUBSTITUTED.search, _unread(source, node))):
            return _UNREAD
        case kind if node.children and kind not in _OPEN_TEXT:
            return _UNREAD if any(lost.strip() != b"-" for lost in gaps(source, node)) else None
        case _:
            return None


def _unread(source: bytes, node: Node) -> Iterator[bytes]:
    """The text of a string or here-document that the grammar takes for plain text."""
    at = node.start_byte
    for child in node.children:
        if child.is_named and child.type not in ("string_content", "heredoc_content"):
            yield source[at : child.start_byte]
            at = child.end_byte
    yield source[at : node.end_byte]


def verbatim(body: Node) -> bool:
    """True for the body of a here-document whose end word is quoted: bash expands nothing in it."""
    siblings = body.parent.children if body.parent is not None else []
    return any(c.type == "heredoc_start" and set("'\"\\") & set(text_of(c)) for c in siblings)


def gaps(source: bytes, node: Node) -> Iterator[bytes]:
    """Text between the children of a node that is not blank: what the parser left out."""
    at = node.start_byte
    for child in node.children:
        if not _BLANK.fullmatch(source, at, child.start_byte):
            yield source[at : child.start_byte]
        at = child.end_byte
    if not _BLANK.fullmatch(source, at, node.end_byte):
        yield source[at : node.end_byte]


def ancestors(node: Node) -> Iterator[tuple[Node, Node]]:
    """Pairs (parent, child) from a node up to the root."""
    child = node
    while (parent := child.parent) is not None:
        yield parent, child
        child = parent


def text_of(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8", "surrogatepass")


# -- constant text --

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r'\\([\\"$`])')
_PATTERN = re.compile(r"(?<!\\)[*?\[~]")


def constant(node: Node) -> tuple[str, bool]:
    """What bash makes of a word: its constant beginning, and whether that is all of it."""
    match node.type:
        case "word" | "number" | "variable_name" | "test_operator" | "special_variable_name":
            return _plain(node)
        case "raw_string":
            return text_of(node)[1:-1], True
        case "string":
            return _quoted(node)
        case "ansi_c_string":
            inner = text_of(node)[2:-1]
            return (inner, True) if "\\" not in inner else ("", False)
        case "concatenation":
            return _joined(node)
        case "command_name":
            return constant(node.children[0]) if node.children else ("", False)
        case "variable_assignment":
            return _assignment(node)
        case _:
            return (text_of(node), True) if not node.is_named else ("", False)


def _plain(node: Node) -> tuple[str, bool]:
    if node.named_child_count:
        return "", False
    text = text_of(node)
    pattern = _PATTERN.search(text)
    kept = text if pattern is None else text[: pattern.start()]
    return _ESCAPED.sub(r"\1", kept), pattern is None


def _quoted(node: Node) -> tuple[str, bool]:
    inner = [child for child in node.children if child.is_named and child.type != "string_content"]
    text = text_of(node)
    if inner:
        raw = (node.text or b"")[1 : inner[0].start_byte - node.start_byte]
        return _ESCAPED_IN_QUOTES.sub(r"\1", raw.decode("utf-8", "surrogatepass")), False
    return _ESCAPED_IN_QUOTES.sub(r"\1", text[1:-1]).replace("\\\n", ""), True


def _joined(node: Node) -> tuple[str, bool]:
    if braced(node):
        return "", False
    prefix = ""
    for child in node.children:
        part, complete = constant(child)
        prefix += part
        if not complete:
            return prefix, False
    return prefix, True


def _assignment(node: Node) -> tuple[str, bool]:
    value = node.child_by_field_name("value")
    name = node.child_by_field_name("name")
    if name is None or name.type != "variable_name":
        return "", False
    end = value.start_byte if value is not None else node.end_byte
    prefix = (node.text or b"")[: end - node.start_byte].decode("utf-8", "surrogatepass")
    if value is None:
        return prefix, True
    part, complete = constant(value)
    return prefix + part, complete


def braced(node: Node) -> bool:
    """True when bash may expand braces in a word of several parts, which makes several words of one."""
    bare = "".join(
        text_of(c)
        for c in node.children
        if c.type in ("word", "number", "brace_expression") or not c.is_named
    )
    return "{" in bare and ("," in bare or ".." in bare)


# -- the words of a command --


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """One word of a command: its nodes, its constant beginning, and whether that is all of it.

    `given` is set on words that are in no text: the values (by index) of a word that a program makes up.
    """

    nodes: tuple[Node, ...]
    prefix: str
    complete: bool
    given: frozenset[int] | None = None

    @property
    def static(self) -> str | None:
        """The text bash will see, None when it is not known."""
        return self.prefix if self.complete else None


def words(script: Script, node: Node) -> tuple[Word, ...]:
    """The words of a command, a declaration or a bracket test, redirections left out, in order."""
    nodes = [each for each in _arguments(node) if not _is_descriptor(script, each)]
    parent = node.parent
    if parent is not None and is_body(parent, node):
        after = list(_after_redirects(parent))
        lost = any(part.strip() == b"-" for part in gaps(script.source, parent))
    else:
        after, lost = [], False
    dash = (Word((), "-", True),) if lost else ()
    return (*map(word_of, runs(nodes)), *dash, *map(word_of, runs(after)))


def _is_descriptor(script: Script, node: Node) -> bool:
    """True for the digits of `2<<< x`, which the grammar takes for a word."""
    return (
        node.type == "number" and text_of(node).isdigit() and script.source[node.end_byte :].startswith(b"<<")
    )


def is_body(statement: Node, node: Node) -> bool:
    """True when `node` is what the redirections of `statement` apply to."""
    return statement.type == "redirected_statement" and statement.child_by_field_name("body") == node


def _arguments(node: Node) -> Iterator[Node]:
    named = node.type != "command"
    for child in node.children:
        if child.type in ("herestring_redirect", "heredoc_redirect", "file_redirect"):
            if child.type == "file_redirect" and named:
                yield from _destinations(child)[1:]
        elif child.type == "command_name":
            named = True
            yield child
        elif named or child.type != "variable_assignment":
            yield child


def _destinations(redirect: Node) -> list[Node]:
    return redirect.children_by_field_name("destination")


def _after_redirects(statement: Node) -> Iterator[Node]:
    for redirect in statement.children_by_field_name("redirect"):
        if redirect.type == "file_redirect":
            yield from _destinations(redirect)[1:]
        elif redirect.type == "heredoc_redirect":
            yield from redirect.children_by_field_name("argument")
            for inner in redirect.children_by_field_name("redirect"):
                yield from _destinations(inner)[1:]


def runs(nodes: list[Node]) -> Iterator[tuple[Node, ...]]:
    """Nodes that touch each other, together."""
    run: list[Node] = []
    for node in nodes:
        if run and run[-1].end_byte != node.start_byte:
            yield tuple(run)
            run = []
        run.append(node)
    if run:
        yield tuple(run)


def word_of(nodes: tuple[Node, ...]) -> Word:
    """The word made of adjacent nodes."""
    prefix, complete = "", True
    for node in nodes:
        part, complete = constant(node)
        prefix += part
        if not complete:
            break
    return Word(nodes, prefix, complete)
