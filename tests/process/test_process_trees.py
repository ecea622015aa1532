"""Nothing is left: whole trees at a deadline, orphans of a dead engine, and nobody else's processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.process.tools import bash, ends, is_living, new_run, pid_in, zombies

from little_loops.process import Identity, Limits, alive, boot, fence, identity, sweep
from little_loops.process.exits import watch, watch_in_thread

ESCAPES = {
    "child": "(echo $BASHPID >{file}; exec sleep 300) &",
    "own session": "setsid bash -c 'echo $$ >{file}; exec sleep 300' &",
    "double fork": "(setsid bash -c '(echo $BASHPID >{file}; exec sleep 300) & ' &)",
    "no environment": "env -i PATH=$PATH setsid bash -c '(echo $BASHPID >{file}; exec sleep 300) & '",
    "deaf": "(trap '' TERM; echo $BASHPID >{file}; while :; do sleep 300; done) &",
}


@pytest.mark.parametrize("way", ESCAPES)
def test_a_deadline_ends_every_descendant(way: str, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    # The deadline is long enough for the child to have gone its way; it starts when that is known.
    text = ESCAPES[way].format(file=file) + f"\nuntil [ -s {file} ]; do sleep 0.02; done; sleep 300"
    done = bash(text, Limits(wall_s=1.0, grace_s=0.5), env=new_run())
    assert done.exit_code == 124
    assert not is_living(pid_in(file))


def test_a_fork_that_goes_on_and_on_is_ended_too(tmp_path: Path) -> None:
    file = tmp_path / "pids"
    text = f"f() {{ echo $BASHPID >>{file}; sleep 0.01; (trap '' TERM; f) & }}; f; sleep 300"
    bash(text, Limits(wall_s=0.5, grace_s=0.2), env=new_run())
    pids = file.read_text().split()
    assert len(pids) > 5
    assert not any(is_living(int(pid)) for pid in pids)
    time.sleep(0.2)
    assert file.read_text().split() == pids


def test_a_finished_action_leaves_its_background_work_alone_until_the_run_is_swept(tmp_path: Path) -> None:
    env = new_run()
    bash(f"setsid bash -c 'echo $$ >{tmp_path}/pid; exec sleep 300' >/dev/null 2>&1 &", env=env)
    pid = pid_in(tmp_path / "pid")
    assert is_living(pid)
    # A later step that is cut short has no right to what an earlier step left running.
    bash("sleep 300", Limits(wall_s=0.2), env={**env, "LL_STEP": "2"})
    assert is_living(pid)
    assert sweep(env["LL_RUN_ID"])
    assert not is_living(pid)
    assert not sweep(env["LL_RUN_ID"])


def test_orphans_that_came_to_us_and_ended_do_not_pile_up() -> None:
    for _ in range(600):
        bash("setsid true >/dev/null 2>&1 &")
    assert zombies() < 300


def test_an_identity_is_more_than_a_number() -> None:
    child = subprocess.Popen(["sleep", "300"])
    known = identity(child.pid)
    assert known is not None
    assert known.boot == boot()
    assert alive(known)
    assert not alive(Identity(known.pid, known.pgid, "1", known.boot))
    assert not alive(Identity(known.pid, known.pgid, known.started, "another"))
    child.kill()
    assert ends(child.pid)
    # It waits to be reaped, and counts as gone.
    assert identity(child.pid) is None
    assert not alive(known)
    child.wait()
    assert identity(child.pid) is None


def _orphan(text: str, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """A process as a dead engine leaves it: in a session of its own, with the run's mark."""
    return subprocess.Popen(["bash", "-c", text], env={**os.environ, **env}, start_new_session=True)


def test_fencing_ends_what_the_journal_names_and_what_carries_the_mark(tmp_path: Path) -> None:
    env = new_run()
    recorded = _orphan("exec sleep 300", {})
    marked = _orphan(f"setsid bash -c 'echo $$ >{tmp_path}/pid; exec sleep 300' & wait", env)
    known = identity(recorded.pid)
    assert known is not None
    below = pid_in(tmp_path / "pid")
    assert fence(env["LL_RUN_ID"], [known], grace_s=2.0) == "killed"
    assert not any(map(is_living, (recorded.pid, marked.pid, below)))
    assert recorded.wait() == -15
    marked.wait()
    assert fence(env["LL_RUN_ID"], [known]) == "gone"
    assert fence(env["LL_RUN_ID"], []) == "none"


def test_fencing_kills_what_ignores_it_and_spares_other_runs() -> None:
    env, other = new_run(), new_run()
    deaf = _orphan("trap '' TERM; echo ready; while :; do sleep 300; done", env)
    stranger = _orphan("exec sleep 300", other)
    time.sleep(0.3)  # until the trap stands
    assert fence(env["LL_RUN_ID"], [], grace_s=0.3) == "killed"
    assert deaf.wait() == -9
    assert stranger.poll() is None
    assert fence(other["LL_RUN_ID"], []) == "killed"
    stranger.wait()


def test_a_reused_number_is_left_alone() -> None:
    stranger = _orphan("exec sleep 300", {})
    known = identity(stranger.pid)
    assert known is not None
    reused = Identity(known.pid, known.pgid, "17", known.boot)
    assert fence(new_run()["LL_RUN_ID"], [reused]) == "gone"
    before_boot = Identity(known.pid, known.pgid, known.started, "elder")
    assert fence(new_run()["LL_RUN_ID"], [before_boot]) == "rebooted"
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_resume_from_within_the_run_does_not_end_itself(tmp_path: Path) -> None:
    env = new_run()
    script = (
        "import os, subprocess, sys\n"
        "from little_loops.process import fence\n"
        "others = [subprocess.Popen(['sleep', '300'], start_new_session=own) for own in (True, False)]\n"
        "print(fence(os.environ['LL_RUN_ID'], []), [other.wait() for other in others])\n"
    )
    done = bash(f'{sys.executable} -c "$SCRIPT"; echo still here', env={**env, "SCRIPT": script})
    assert done.out == b"killed [-15, -15]\nstill here\n"


@pytest.mark.parametrize("way", [watch, watch_in_thread])
def test_an_exit_can_be_waited_for_without_reaping(way) -> None:  # type: ignore[no-untyped-def]
    child = subprocess.Popen(["sleep", "0.3"])
    ended = way(child.pid)
    assert not ended.has_ended()
    assert ends(child.pid)
    import select

    poller = select.poll()
    poller.register(ended.fd, select.POLLIN)
    assert poller.poll(2000)
    ended.close()
    assert child.wait() == 0
