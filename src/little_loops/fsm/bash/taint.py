"""Which values a word or a variable is made of.

Law: a set of indices and whether the value is whole; nothing about bash.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import or_


@dataclass(frozen=True, slots=True)
class Taint:
    """What a word or variable holds: the spans (by index) it comes from; `exact` when it is one of them,
    whole.
    """

    origins: frozenset[int]
    exact: bool

    def __or__(self, other: Taint) -> Taint:
        return Taint(self.origins | other.origins, self.exact and other.exact)


def union(taints: Iterable[Taint | None]) -> Taint | None:
    """All of the taints in one, None when there is none."""
    found = [taint for taint in taints if taint is not None]
    return reduce(or_, found) if found else None
