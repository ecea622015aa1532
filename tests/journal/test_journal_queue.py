"""Waiting runs: in the order of their ids, only for what conflicts, woken by the holder's end and by no clock."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.journal.actors import holder, locker, waiter

from little_loops.journal.lock import Locks


def test_a_waiting_run_says_what_it_waits_for_and_starts_when_that_ends(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        with waiter(tmp_path, "20260101-b", "/p/src", behind="20260101-a") as second:
            held = Locks(tmp_path).holder("20260101-b")
            assert held is not None
            assert held.waiting_for == ("20260101-a",)
            assert second.hears(0.2) is None
            first.go()
            assert second.says() == "holds"
            held = Locks(tmp_path).holder("20260101-b")
            assert held is not None
            assert held.waiting_for == ()


def test_a_killed_holder_wakes_the_one_that_waits(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        with waiter(tmp_path, "20260101-b", "/p", behind="20260101-a") as second:
            first.kill()
            assert second.says() == "holds"


def test_the_wake_up_comes_at_once(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        with waiter(tmp_path, "20260101-b", "/p", behind="20260101-a") as second:
            began = time.monotonic()
            first.kill()
            assert second.says() == "holds"
            assert time.monotonic() - began < 1.0


def test_a_run_that_waits_uses_no_time_of_the_processor(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p"):
        with waiter(tmp_path, "20260101-b", "/p", behind="20260101-a") as second:
            before = cpu_ticks(second.pid)
            assert second.hears(1.0) is None
            assert cpu_ticks(second.pid) - before <= 1


def cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_runs_wait_in_the_order_of_their_ids_whenever_they_came(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        with waiter(tmp_path, "20260101-c", "/p", behind="20260101-a") as third:
            with waiter(tmp_path, "20260101-b", "/p", behind="20260101-a") as second:
                with waiter(
                    tmp_path, "20260101-d", "/p", behind="20260101-a 20260101-b 20260101-c"
                ) as fourth:
                    first.kill()
                    assert second.says() == "holds"
                    assert third.says() == "waits 20260101-b"
                    assert fourth.says() == "waits 20260101-b 20260101-c"
                    second.go()
                    assert third.says() == "holds"
                    third.kill()
                    assert fourth.says() == "waits 20260101-c"
                    assert fourth.says() == "holds"


def test_a_run_passes_those_it_does_not_touch(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        with waiter(tmp_path, "20260101-b", "/p", "/q", behind="20260101-a"):
            with locker(tmp_path, "20260101-c", "/r", queue=600) as free:
                free.go()
                assert free.says() == "holds"
            with waiter(tmp_path, "20260101-d", "/q", behind="20260101-b") as behind_a_waiter:
                assert first.pid != behind_a_waiter.pid


def test_without_the_queue_nobody_overtakes_one_that_waits(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p"):
        with waiter(tmp_path, "20260101-b", "/p", "/q", behind="20260101-a"):
            with locker(tmp_path, "20260101-c", "/q") as late:
                late.go()
                assert late.says().startswith("refused ScopeHeld 3 loop-20260101-b")


def test_a_resumed_run_is_older_than_those_that_wait(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-b", "/q"):
        with waiter(tmp_path, "20260101-c", "/p", "/q", behind="20260101-b"):
            with locker(tmp_path, "20260101-a", "/p") as old:
                old.go()
                assert old.says() == "holds"


def test_a_waiting_run_that_is_killed_makes_way(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        with waiter(tmp_path, "20260101-b", "/p", behind="20260101-a") as second:
            with waiter(tmp_path, "20260101-c", "/p", behind="20260101-a 20260101-b") as third:
                second.kill()
                first.kill()
                assert third.says() == "holds"


def test_a_stop_ends_the_wait_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        with waiter(tmp_path, "20260101-b", "/p", behind="20260101-a") as second:
            held = Locks(tmp_path).holder("20260101-b")
            assert held is not None
            os.kill(held.pid, signal.SIGTERM)
            said = second.says(2.0)
            assert said.startswith(
                "refused WaitEnded 143 stopped (SIGTERM) while waiting for loop-20260101-a"
            )
            assert second.wait() == 0
        assert [one.run_id for one in Locks(tmp_path).held()] == ["20260101-a"]
        assert not (tmp_path / "20260101-b.lock").exists()
        first.go()
        assert first.says() == "released"


def test_a_wait_has_an_end(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p"):
        with waiter(tmp_path, "20260101-b", "/p", behind="20260101-a", seconds=0.3) as second:
            assert second.says().startswith(
                "refused ScopeHeld 3 loop-20260101-b waited 0.3 s for loop-20260101-a"
            )
            assert second.wait() == 0
