"""The naive executor, and so the description of the behaviour, agrees with the conformance vectors."""

from __future__ import annotations

import pytest
from tests.differential.world import World
from tests.reference import execute
from tests.vectors.vectors import differences, script_of, vectors

VECTORS = vectors()


@pytest.mark.parametrize("name", VECTORS)
def test_the_naive_executor_runs_the_vector(name: str) -> None:
    vector = VECTORS[name]
    run = execute(vector["loops"], "v", World(script_of(vector)))
    assert differences(vector, run.events) == []
    outputs = {key: record["output"] for key, record in run.captured.items()}
    assert outputs.items() >= vector.get("captured", {}).items()
