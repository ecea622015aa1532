"""Where a value stands in a bash text, and how it gets there as one literal value.

Law: a value never becomes bash text. The text names variables; the values travel beside it. Places where bash
or a known interpreter would run, parse or expand a value again are refused with the safe way to write it.
"""

from __future__ import annotations

from little_loops.fsm.bash.pieces import Code, Data, Piece, Placed, Refusal
from little_loops.fsm.bash.placing import examine, place
from little_loops.fsm.bash.prelude import SINGLE_LIMIT, TOTAL_LIMIT, by_file, prelude

__all__ = [
    "SINGLE_LIMIT",
    "TOTAL_LIMIT",
    "Code",
    "Data",
    "Piece",
    "Placed",
    "Refusal",
    "by_file",
    "examine",
    "place",
    "prelude",
]
