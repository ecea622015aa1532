"""Runs that start in the same second are listed, and queue, in the order of their start."""

from __future__ import annotations

from little_loops.journal.folder import new_run_id


def test_run_ids_of_one_second_sort_by_time() -> None:
    moments = [1_795_000_000 + part / 40 for part in range(40)]
    ids = [new_run_id("fix", moment) for moment in moments]
    assert ids == sorted(ids)
