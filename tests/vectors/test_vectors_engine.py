"""The engine runs the conformance vectors."""

from __future__ import annotations

import pytest
from tests.differential.engine import run_engine
from tests.differential.world import World
from tests.vectors.vectors import differences, script_of, vectors

VECTORS = vectors()


@pytest.mark.parametrize("name", VECTORS)
def test_the_engine_runs_the_vector(name: str) -> None:
    vector = VECTORS[name]
    events = run_engine(vector["loops"], "v", World(script_of(vector)))
    told = [event for event in events if event["event"] != "action_spawned"]
    assert differences(vector, told) == []
