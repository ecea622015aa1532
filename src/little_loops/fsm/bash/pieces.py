"""What goes into a bash text and what comes out: author's text and data, in; placed text or a refusal, out.

Law: nothing here knows bash. `Data` never holds a value, only the name of the variable that will: a value
cannot be parsed by mistake where it cannot be seen.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """Text that is pasted. `label` names the reference it came from; None is the author's own text."""

    text: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Data:
    """A value that must stay one literal value. `variable` is the shell variable that carries it."""

    variable: str
    label: str


Piece = Code | Data


@dataclass(frozen=True, slots=True)
class Placed:
    """A bash text in which every value is a variable, written as its position asks.

    `references` lists (offset, variable) of every `${variable}` written for a value, offsets in characters of
    `text`, ascending. The values of `numbers` must be integers and those of `words` must not begin with a
    dash, or the text must not be run.
    """

    text: str
    numbers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    references: tuple[tuple[int, str], ...] = ()


class Refusal(Exception):
    """A value that cannot be put where the author wants it.

    `label` names the reference, `piece` is its index among the pieces, `offset` the character offset of that
    piece in the text as given (see `check_shell`) or as pasted (see `place`).
    """

    def __init__(self, message: str, label: str, hint: str, offset: int, piece: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.label = label
        self.hint = hint
        self.offset = offset
        self.piece = piece
