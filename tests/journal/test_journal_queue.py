"""Waiting runs: in the order of their ids, only for what conflicts, woken by the end of others."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.journal.actors import holder, locker, waiter

from little_loops.journal.lock import Locks

A, B, C, D = (f"20260101-{letter}" for letter in "abcd")


def test_a_waiting_run_says_what_it_waits_for_and_starts_when_that_ends(tmp_path: Path) -> None:
    with holder(tmp_path, A, "/p") as first, waiter(tmp_path, B, "/p/src", behind=A) as second:
        held = Locks(tmp_path).holder(B)
        assert held is not None
        assert held.waiting_for == (A,)
        assert second.hears(0.2) is None
        first.go()
        assert second.says() == "holds"
        held = Locks(tmp_path).holder(B)
        assert held is not None
        assert held.waiting_for == ()


def test_a_killed_holder_wakes_the_one_that_waits_at_once(tmp_path: Path) -> None:
    with holder(tmp_path, A, "/p") as first, waiter(tmp_path, B, "/p", behind=A) as second:
        began = time.monotonic()
        first.kill()
        assert second.says() == "holds"
        assert time.monotonic() - began < 3.0


def test_a_run_that_waits_uses_no_time_of_the_processor(tmp_path: Path) -> None:
    with holder(tmp_path, A, "/p"), waiter(tmp_path, B, "/p", behind=A) as second:
        before = cpu_ticks(second.pid)
        assert second.hears(1.0) is None
        assert cpu_ticks(second.pid) - before <= 2


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_runs_wait_in_the_order_of_their_ids_whenever_they_came(tmp_path: Path) -> None:
    with (
        holder(tmp_path, A, "/p") as first,
        waiter(tmp_path, C, "/p", behind=A) as third,
        waiter(tmp_path, B, "/p", behind=A) as second,
        waiter(tmp_path, D, "/p", behind=f"{A} {B} {C}") as fourth,
    ):
        first.kill()
        assert second.says() == "holds"
        assert third.says() == f"waits {B}"
        assert fourth.says() == f"waits {B} {C}"
        second.go()
        assert third.says() == "holds"
        assert fourth.says() == f"waits {C}"
        third.kill()
        assert fourth.says() == "holds"


def test_a_run_passes_those_it_does_not_touch(tmp_path: Path) -> None:
    with (
        holder(tmp_path, A, "/p"),
        waiter(tmp_path, B, "/p", "/q", behind=A),
        locker(tmp_path, C, "/r", queue=600) as free,
    ):
        free.go()
        assert free.says() == "holds"
        with waiter(tmp_path, D, "/q", behind=B):
            assert [one.run_id for one in Locks(tmp_path).held() if one.waiting_for] == [B, D]


def test_without_the_queue_nobody_overtakes_one_that_waits(tmp_path: Path) -> None:
    with (
        holder(tmp_path, A, "/p"),
        waiter(tmp_path, B, "/p", "/q", behind=A),
        locker(tmp_path, C, "/q") as late,
    ):
        late.go()
        assert late.says().startswith(f"refused ScopeHeld 3 loop-{B}")


def test_a_resumed_run_is_older_than_those_that_wait(tmp_path: Path) -> None:
    with (
        holder(tmp_path, B, "/q"),
        waiter(tmp_path, C, "/p", "/q", behind=B),
        locker(tmp_path, A, "/p") as old,
    ):
        old.go()
        assert old.says() == "holds"


def test_a_waiting_run_that_is_killed_makes_way(tmp_path: Path) -> None:
    with (
        holder(tmp_path, A, "/p") as first,
        waiter(tmp_path, B, "/p", behind=A) as second,
        waiter(tmp_path, C, "/p", behind=f"{A} {B}") as third,
    ):
        second.kill()
        first.kill()
        assert third.says() == "holds"


def test_a_stop_ends_the_wait_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with holder(tmp_path, A, "/p") as first, waiter(tmp_path, B, "/p", behind=A) as second:
        held = Locks(tmp_path).holder(B)
        assert held is not None
        os.kill(held.pid, signal.SIGTERM)
        said = second.says(2.0)
        assert said.startswith(f"refused WaitEnded 143 stopped (SIGTERM) while waiting for loop-{A}")
        assert second.wait() == 0
        assert [one.run_id for one in Locks(tmp_path).held()] == [A]
        assert not (tmp_path / f"{B}.lock").exists()
        first.go()
        assert first.says() == "released"


def test_a_wait_has_an_end(tmp_path: Path) -> None:
    with holder(tmp_path, A, "/p"), waiter(tmp_path, B, "/p", behind=A, seconds=0.3) as second:
        assert second.says().startswith(f"refused ScopeHeld 3 loop-{B} waited 0.3 s for loop-{A}")
        assert second.wait() == 0
