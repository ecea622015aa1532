"""Who may run: scopes by path, freed by the system when a process dies, tried with real processes."""

from __future__ import annotations

import fcntl
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.journal.actors import Actor, holder, locker
from tests.journal.stories import WALL, Story, new_folder, written

from little_loops.errors import JournalError, ScopeHeld
from little_loops.journal.append import Writer
from little_loops.journal.folder import RunStore
from little_loops.journal.lock import Claim, Locks, RunHeld, overlap, resolved_scope
from little_loops.process.table import Identity, alive, identity


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("/p/src", "/p/src", True),
        ("/p/src", "/p/src/a/b", True),
        ("/p/src/a", "/p/src", True),
        ("/p/src", "/p/srcfoo", False),
        ("/p/src", "/p/docs", False),
        ("/", "/p", True),
        ("/p", "/", True),
        ("/p/a", "/p/ab", False),
    ],
)
def test_scopes_meet_by_whole_path_components(one: str, other: str, meet: bool) -> None:
    assert (overlap([one], [other]) is not None) == meet
    assert (overlap([one, "/elsewhere"], ["/nowhere", other]) is not None) == meet


def test_a_scope_is_resolved_against_the_folder_and_through_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    place = os.path.realpath(tmp_path)
    assert resolved_scope([], str(tmp_path)) == (place,)
    assert resolved_scope(["link/x", "../", "/etc"], str(tmp_path)) == (
        f"{place}/real/x", os.path.dirname(place), "/etc",
    )  # fmt: skip


def test_an_overlapping_run_is_refused_and_the_holder_named(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with holder(tmp_path, "20260101-a", "/p/src") as first:
        with pytest.raises(ScopeHeld) as caught:
            locks.take(Claim("20260101-b", "other", ("/p/src/deep",)))
        assert caught.value.exit_code == 3
        for word in ("loop-20260101-a", "20260101-a", str(first.pid), "/p/src", "/p/src/deep", "other"):
            assert word in caught.value.message
        assert "--queue" in (caught.value.hint or "")
        locks.take(Claim("20260101-c", "other", ("/p/docs",))).release()
        first.go()
        assert first.says() == "released"
        locks.take(Claim("20260101-b", "other", ("/p/src/deep",))).release()
    assert [path.name for path in tmp_path.glob("*.lock")] == []


def test_a_lock_says_whose_it_is(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    assert locks.held() == []
    assert locks.holder("20260101-a") is None
    with holder(tmp_path, "20260101-a", "/p") as first:
        held = locks.holder("20260101-a")
        assert held is not None
        assert (held.run_id, held.loop) == ("20260101-a", "loop-20260101-a")
        assert (held.scope, held.pid) == (("/p",), first.pid)
        assert identity(first.pid) == Identity(first.pid, os.getpgid(first.pid), held.started, held.boot)
        assert locks.is_held("20260101-a")
        assert [one.run_id for one in locks.held()] == ["20260101-a"]
        assert not locks.is_held("20260101-b")


def test_killing_a_process_frees_what_it_held(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with holder(tmp_path, "20260101-a", "/p") as first:
        first.kill()
    assert (tmp_path / "20260101-a.lock").exists()
    assert not locks.is_held("20260101-a")
    assert locks.held() == []
    with locks.take(Claim("20260101-b", "other", ("/p",))):
        assert not (tmp_path / "20260101-a.lock").exists()


def test_a_reused_process_number_means_nothing(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with holder(tmp_path, "20260101-a", "/p") as first:
        content = (tmp_path / "20260101-a.lock").read_text()
        first.kill()
    # The file of a dead run that names a living process: ours.
    (tmp_path / "20260101-a.lock").write_text(content.replace(f'"pid": {first.pid}', f'"pid": {os.getpid()}'))
    assert locks.held() == []
    locks.take(Claim("20260101-b", "other", ("/p",))).release()


def test_a_process_is_the_same_only_with_the_same_start_time(tmp_path: Path) -> None:
    with holder(tmp_path, "20260101-a", "/p") as first:
        held = Locks(tmp_path).holder("20260101-a")
        assert held is not None
        me = identity(os.getpid())
        assert me is not None
        assert alive(Identity(held.pid, 0, held.started, held.boot))
        assert not alive(Identity(os.getpid(), 0, str(int(me.started) - 1), held.boot))
        first.kill()
        assert not alive(Identity(held.pid, 0, held.started, held.boot))


def test_a_run_runs_once(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with holder(tmp_path, "20260101-a", "/p") as first:
        with pytest.raises(RunHeld) as caught:
            locks.take(Claim("20260101-a", "same", ("/q",)))
        assert "already running" in caught.value.message
        assert str(first.pid) in caught.value.message
        first.kill()
        locks.take(Claim("20260101-a", "same", ("/q",))).release()


def test_one_process_may_hold_what_does_not_overlap_and_no_more(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with locks.take(Claim("20260101-a", "one", ("/p",))), locks.take(Claim("20260101-b", "two", ("/q",))):
        with pytest.raises(ScopeHeld):
            locks.take(Claim("20260101-c", "three", ("/p",)))
        assert [one.run_id for one in locks.held()] == ["20260101-a", "20260101-b"]


def test_of_many_that_start_at_once_exactly_one_holds_the_scope(tmp_path: Path) -> None:
    actors = [locker(tmp_path, f"20260101-{number}", "/p") for number in range(6)]
    for actor in actors:
        actor.go()
    said = [actor.says().split()[0] for actor in actors]
    for actor in actors:
        actor.kill()
        actor.__exit__(None, None, None)
    assert sorted(said) == ["holds"] + ["refused"] * 5


def test_looking_does_not_disturb_a_run_that_starts(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with locker(tmp_path, "20260101-z", "/elsewhere") as other:
        other.go()
        assert other.says() == "holds"
        for number in range(50):
            with locks.take(Claim(f"20260101-{number}", "one", (f"/{number}",))):
                assert locks.is_held(f"20260101-{number}")
            assert not locks.is_held(f"20260101-{number}")


PROBER = """
import sys
from pathlib import Path
from little_loops.journal.lock import Locks
locks = Locks(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    locks.held()
    locks.is_held("20260101-a")
"""


def test_readers_that_look_all_the_time_never_make_a_start_fail(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    locks.take(Claim("20260101-0", "one", ())).release()
    with Actor(PROBER, tmp_path) as one, Actor(PROBER, tmp_path) as two:
        assert one.says() == two.says() == "ready"
        for _ in range(300):
            locks.take(Claim("20260101-a", "one", ("/p",))).release()


def test_a_waiter_that_just_wakes_up_does_not_keep_the_next_out(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with holder(tmp_path, "20260101-a", "/p") as first:
        first.kill()
    waking = os.open(tmp_path / "20260101-a.lock", os.O_RDONLY)
    fcntl.flock(waking, fcntl.LOCK_SH)
    with ThreadPoolExecutor(1) as pool:
        taking = pool.submit(locks.take, Claim("20260101-a", "resumed", ("/p",)))
        with pytest.raises(TimeoutError):
            taking.result(0.2)
        os.close(waking)
        taking.result(10).release()


def test_a_lock_nobody_can_read_holds_everything(tmp_path: Path) -> None:
    locks = Locks(tmp_path)
    with locks.take(Claim("20260101-a", "one", ("/p",))):
        (tmp_path / "20260101-a.lock").write_text("edited by hand")
        with pytest.raises(ScopeHeld):
            locks.take(Claim("20260101-b", "two", ("/q",)))


def test_two_writers_of_one_journal_are_one_too_many(tmp_path: Path) -> None:
    folder = new_folder(tmp_path)
    story = Story(folder.run_id).start()
    with Writer(folder) as writer:
        with pytest.raises(JournalError, match="another process writes"):
            Writer(folder)
        writer.append(story.told[0])
        writer.write(sync=False)
    Writer(folder, story.snapshot()).close()


def test_a_journal_that_went_on_since_it_was_folded_takes_no_second_story(tmp_path: Path) -> None:
    folder, story = written(tmp_path, steps=1)
    old = story.snapshot()
    Writer(folder, old).close()
    content = folder.journal.read_bytes()
    folder.journal.write_bytes(content + b'{"event":"x","ts":"t","seq":9,"t":999}\n')
    with pytest.raises(JournalError, match="went on to record 9 while record 8 was the last"):
        Writer(folder, old)
    folder.journal.write_bytes(content)
    Writer(folder, old).close()


WRITER = """
import sys
from pathlib import Path
from little_loops.journal.append import Writer
from little_loops.journal.folder import RunFolder
writer = Writer(RunFolder(Path(sys.argv[1])))
print("writes", flush=True)
sys.stdin.readline()
"""


def test_a_killed_writer_leaves_the_journal_to_the_next(tmp_path: Path) -> None:
    folder = RunStore(tmp_path).new("fix", WALL)
    with Actor(WRITER, folder.path) as actor:
        assert actor.says() == "writes"
        with pytest.raises(JournalError):
            Writer(folder)
        actor.signal(signal.SIGKILL)
        actor.wait()
    Writer(folder).close()
    assert sorted(path.name for path in folder.path.iterdir()) == ["events.jsonl", "files", "loops", "output"]
