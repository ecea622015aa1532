"""A command as it will be run: its words, what they carry, and what it reads.

Law: looks, never judges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from little_loops.fsm.bash.findings import Findings
from little_loops.fsm.bash.flow import EXPANDED, Flow
from little_loops.fsm.bash.reading import received
from little_loops.fsm.bash.syntax import Word, text_of
from little_loops.fsm.bash.taint import Taint, union

if TYPE_CHECKING:
    from tree_sitter import Node

_QUOTES = 'put double quotes around the variable: "$name"'


@dataclass(frozen=True, slots=True)
class Call:
    """A command inside a script. Word 0 is its name."""

    flow: Flow
    findings: Findings
    node: Node
    parts: tuple[Word, ...]

    def __len__(self) -> int:
        return len(self.parts)

    def data(self, at: int) -> Taint | None:
        """The data in the word numbered `at`; None beyond the last word."""
        return self.flow.in_word(self.parts[at]) if at < len(self.parts) else None

    def rest(self, first: int) -> Taint | None:
        """The data in all words from `first` on."""
        return union(self.flow.in_word(word) for word in self.parts[first:])

    def inner(self, first: int) -> Call:
        """The command that begins at the word numbered `first`."""
        return replace(self, parts=self.parts[first:])

    def input(self) -> Taint | None:
        """The data on the standard input."""
        return received(self.flow, self.node)

    def splits(self, at: int) -> bool:
        """True when the word is an unquoted expansion of something unknown: it may become any number of
        words.
        """
        word = self.parts[at]
        if word.complete or self.data(at) is not None:
            return False
        return any(
            node.type in EXPANDED
            or (node.type == "concatenation" and any(c.type in EXPANDED for c in node.children))
            for node in word.nodes
        )

    def named(self, at: int) -> Taint | None:
        """The data in the index of a variable that the word names, as in 'list[$n]'."""
        found = [
            taint
            for node in self.parts[at].nodes
            if "[" in text_of(node)
            for taint in self.flow.carriers(node, calculated=True)
        ]
        return union(found)

    def scattered(self, at: int) -> bool:
        """True when the word is data that bash splits: a variable or an output without quotes around it."""
        return at < len(self.parts) and self.flow.scattered(self.parts[at])

    def undashed(self, at: int, message: str, hint: str) -> None:
        """Ask that the word, where it is data from its first character, does not begin with a dash."""
        if self.scattered(at):
            self.refuse(
                self.data(at), "without quotes it may become several words, options among them", _QUOTES
            )
        elif not self.parts[at].prefix:
            self.findings.undashed(self.data(at), message, hint)

    def refuse(self, taint: Taint | None, message: str, hint: str) -> None:
        """Refuse the values of a taint."""
        self.findings.refuse(taint, message, hint)
