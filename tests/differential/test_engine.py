"""The engine runs random loops exactly as the naive executor does, event by event and field by field.

The number of cases is ``LL_CASES`` (default 10,500), split into chunks that test workers can share.
"""

from __future__ import annotations

import os

import pytest
from tests.differential.compare import difference, wait_of
from tests.differential.engine import run_engine
from tests.differential.generator import Case, make
from tests.differential.world import World
from tests.reference import execute

CASES = int(os.environ.get("LL_CASES", "10500"))
CHUNK = 250


def parting(case: Case) -> str:
    """Where the two runs of a case part; empty when they agree."""
    ours = run_engine(case.loops, case.root, World(case.script), case.context, case.options)
    waits = [wait_of(e) for e in ours if e["event"] == "rate_limit_retry" and e["tier"] == "short"]
    options = {**case.options, "short_waits": waits}
    naive = execute(case.loops, case.root, World(case.script), case.context, options)
    return difference(ours, naive.events)


@pytest.mark.parametrize("first", range(0, CASES, CHUNK))
def test_the_engine_and_the_naive_executor_agree(first: int) -> None:
    for number in range(first, first + CHUNK):
        case = make(number)
        apart = parting(case)
        assert not apart, f"case {number}\n{apart}\n{case}"
