"""What the rules find about the values of one text.

Law: collects, never decides. A value is named by the index of its piece.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from little_loops.fsm.bash.taint import Taint


@dataclass(slots=True)
class Findings:
    """Values that must be integers, values that must not begin with a dash, and values that are refused."""

    numbers: set[int] = field(default_factory=set)
    words: set[int] = field(default_factory=set)
    refused: dict[int, tuple[str, str]] = field(default_factory=dict)

    def refuse(self, taint: Taint | None, message: str, hint: str) -> None:
        """Refuse every value of a taint; the first reason given for a value stays."""
        for origin in sorted(taint.origins) if taint is not None else ():
            self.refused.setdefault(origin, (message, hint))

    def number(self, taint: Taint | None, what: str) -> None:
        """Ask for an integer where the value arrives whole; refuse it where it arrives changed."""
        if taint is None:
            return
        if taint.exact:
            self.numbers |= taint.origins
        else:
            self.refuse(
                taint,
                f"text made of it is calculated with ({what}), and bash runs commands it finds in such text",
                'compare with [ "$n" -gt 3 ], which never evaluates text, or calculate with expr',
            )

    def undashed(self, taint: Taint | None, message: str, hint: str) -> None:
        """Ask that the value does not begin with a dash; refuse it where it arrives changed."""
        if taint is None:
            return
        if taint.exact:
            self.words |= taint.origins
        else:
            self.refuse(taint, message, hint)
