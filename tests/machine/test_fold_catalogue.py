"""The fold reads only the keys of its catalogue: a journal stripped of all others folds to the same snapshot.

The catalogue below was typed from the journal's specification, not from the code.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.differential.engine import run_engine
from tests.differential.generator import make
from tests.differential.world import World

from little_loops.events import from_wire
from little_loops.machine.fold import evolve
from little_loops.machine.snapshot import FRESH, Snapshot

ENVELOPE = {"event", "seq", "t", "depth"}
OPENING = {"ts", "loop", "run_id", "definition", "initial", "context", "data", "env", "budget", "overrides"}
CATALOGUE: dict[str, set[str]] = {
    "loop_start": OPENING | {"passthrough", "timeout", "capture", "export"},
    "loop_resume": {"enter", "interrupted", "context", "data", "overrides"},
    "state_enter": {"iteration", "flushed"},
    "route": {"from", "to", "reason", "via", "until"},
    "action_start": {"action", "is_prompt", "attempt", "values", "env", "params", "reserved"},
    "action_spawned": {"pid", "pgid", "started", "boot"},
    "action_output": set(),
    "action_complete": {
        "exit_code",
        "duration_ms",
        "output",
        "stderr",
        "truncated",
        "timeout_kind",
        "capture",
        "marker",
        "failure",
        "stopped",
        "usage",
    },
    "action_error": {"error", "usage"},
    "action_interrupted": {"policy", "usage"},
    "judge_start": {"attempt", "reserved"},
    "retry_exhausted": {"next"},
    "rate_limit_exhausted": {"next"},
    "throttle_hard": {"next"},
    "throttle_stop": {"state", "count", "hard_max"},
    "learning_explore_invoked": {"attempt"},
    "handoff_detected": {"continuation"},
    "cycle_detected": {"edge", "from", "count", "max"},
    "rate_limit_retry": {"tier", "until", "reset_at", "purpose", "usage"},
    "api_error_retry": {"until", "reset_at", "purpose", "usage"},
    "stall_detected": {"action", "state", "exit_code", "verdict", "consecutive", "recurrent"},
    "loop_complete": {
        "final_state",
        "iterations",
        "terminated_by",
        "error",
        "usage",
        "verdict",
        "resumable",
        "in_place",
        "signal",
        "failure_terminal",
    },
}

FILL: dict[str, Any] = {
    "ts": "2000-01-01T00:00:00.000000+00:00",
    "loop": "?",
    "from_state": "?",
    "iteration": 0,
    "run_id": "?",
    "v": 1,
    "segment": 2,
    "engine": {},
    "state": "?",
    "error": "?",
    "type": "?",
    "retries": 0,
    "to": "?",
    "target": "?",
    "targets": [],
    "count": 0,
    "warn_max": 0,
    "hard_max": 0,
    "wait_seconds": 0,
    "attempt": 0,
    "backoff": 0,
    "orphan": "none",
    "elapsed_seconds": 0,
    "next_attempt_at": 0,
    "cause": "?",
    "reason": "?",
    "pid": 1,
    "is_prompt": False,
}
"""Values for keys that a record must have and that no fold reads."""


def stripped(record: dict[str, Any]) -> dict[str, Any]:
    name = record["event"]
    if name == "evaluate":
        return {**record, "ts": FILL["ts"], "type": "?"}
    kept = ENVELOPE | CATALOGUE.get(name, set())
    return {
        key: value if key in kept else FILL[key]
        for key, value in record.items()
        if key in kept or key in FILL
    }


def folded(records: list[dict[str, Any]]) -> Snapshot:
    snapshot = FRESH
    for record in records:
        snapshot = evolve(snapshot, from_wire(record))
    return snapshot


@pytest.mark.parametrize("first", range(0, 600, 150))
def test_every_key_outside_the_catalogue_may_go(first: int) -> None:
    seen: Counter[str] = Counter()
    for number in range(first, first + 150):
        case = make(number)
        records = run_engine(case.loops, case.root, World(case.script), case.context, case.options)
        seen.update(record["event"] for record in records)
        assert folded([stripped(record) for record in records]) == folded(records), f"case {number}"
    assert len(seen) >= 20, "the cases are rich enough to mean something"
