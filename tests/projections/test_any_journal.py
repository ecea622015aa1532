"""Whatever a journal holds that passes as records, it is told: never an exception of ours."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.projections.records import Tale

from little_loops.cli.endblock import end_lines
from little_loops.cli.narrator import plain
from little_loops.fsm.schema import FSMLoop
from little_loops.journal.shape import mistake
from little_loops.projections.ending import caps, ending
from little_loops.projections.explain import explain
from little_loops.projections.path import path_text
from little_loops.projections.summary import STATUSES, summarise

KEYS = st.sampled_from(
    [
        "input_tokens",
        "cost_usd",
        "kind",
        "max_iterations",
        "max_steps",
        "timeout",
        "max_edge_revisits",
        "output",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats(allow_nan=False) | st.text(max_size=4)
    | st.sampled_from(["Infinity", "NaN"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)  # fmt: skip
MORE = st.sampled_from(
    [
        *("usage", "failure", "marker", "refs", "origin", "context", "overrides", "definition", "initial"),
        *(
            "path",
            "enter",
            "capture",
            "attempt",
            "depth",
            "details_",
            "error",
            "v",
            "needs",
            "values",
            "env",
            "x",
        ),
    ]
)
LOOP = FSMLoop.from_dict(
    {
        "name": "fix",
        "initial": "check",
        "states": {"check": {"action": "x", "on_yes": "done", "on_no": "check"}, "done": {"terminal": True}},
    }
)


def story() -> list[dict[str, Any]]:
    tale = Tale().start().step("check", 1, 1, "check").add("state_enter", state="check", iteration=2)
    tale.add("action_start", action="x", is_prompt=True)
    tale.add("action_complete", exit_code=1, duration_ms=1, is_prompt=True, failure={"kind": "rate_limit"})
    tale.add("rate_limit_retry", state="check", tier="short", attempt=1, wait_seconds=1.5, until=900)
    tale.add("action_start", action="x", is_prompt=True, attempt=2)
    tale.add(
        "loop_resume", loop="fix", from_state="check", iteration=2, run_id="r", v=1, segment=2, engine={}
    )
    tale.add("loop_start", loop="fix")
    tale.add("action_interrupted", state="check", attempt=2, policy="fail", orphan="gone")
    tale.add("evaluate", type="default", verdict="error", error="cut short")
    tale.add("route", from_="check", to="done", via="verdict", verdict="error")
    return tale.end("terminal", "done", 2).records


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30) | MORE, JSON), min_size=1, max_size=4))
def test_a_journal_with_odd_values_is_told(changes: list[tuple[int, int | str, Any]]) -> None:
    records = copy.deepcopy(story())
    for where, key, value in changes:
        record = records[where % len(records)]
        name = list(record)[key % len(record)] if isinstance(key, int) else key
        if name not in ("seq", "t"):
            record[name] = value
    assume(not any(mistake(record, n, 0, 64) for n, record in enumerate(records, 1)))
    run = summarise(records)
    end = ending(run, caps(LOOP.to_dict(), run.overrides))
    assert end.headline
    assert path_text(run.way) or not run.way
    assert all("\x1b" not in plain(line) for line in end_lines(run, end, None))
    told = explain(records, {"d1": LOOP})
    assert told.run.events == len(records)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30) | MORE, JSON), min_size=1, max_size=4))
def test_a_glance_at_unchecked_records_still_tells_what_there_is(
    changes: list[tuple[int, int | str, Any]],
) -> None:
    records = copy.deepcopy(story())
    for where, key, value in changes:
        record = records[where % len(records)]
        record[list(record)[key % len(record)] if isinstance(key, int) else key] = value
    run = summarise(records)
    end = ending(run, caps(LOOP.to_dict(), run.overrides))
    assert all(isinstance(state, str) for state in (*run.path, *run.way))
    assert all("\x1b" not in plain(line) for line in end_lines(run, end, None))
    assert run.as_json(run.status(live=False))["status"] in STATUSES
