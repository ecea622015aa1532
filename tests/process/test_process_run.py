"""One command: its bytes, its deadlines, its exit code, and what a stop does to it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.process.tools import bash, ends, pid_in, ran, zombies

from little_loops.process import Chunk, Command, Limits, SpawnFailed, Started, StopToken, collect, launch, run


def test_a_silent_command_ends_at_its_deadline() -> None:
    done = bash("sleep 30", Limits(wall_s=1))
    assert (done.exit_code, done.cause) == (124, "wall")
    assert 0.95 < done.seconds < 1.5


def test_what_was_printed_before_the_deadline_is_kept() -> None:
    done = bash("printf abc; sleep 30", Limits(wall_s=0.3))
    assert (done.exit_code, done.out) == (124, b"abc")


def test_a_background_child_does_not_hold_up_a_finished_command() -> None:
    done = bash("sleep 3 & echo hi")
    assert (done.exit_code, done.out, done.cause) == (0, b"hi\n", None)
    assert done.seconds < 1


def test_a_background_child_that_keeps_printing_is_listened_to_for_two_seconds_at_most() -> None:
    done = bash("(for i in $(seq 500); do echo x; sleep 0.01; done) & exit 3", Limits(wall_s=20))
    assert done.exit_code == 3
    assert done.seconds < 3


def test_output_of_a_process_substitution_that_ends_a_moment_later_is_read() -> None:
    assert bash("echo hi > >(cat)").out == b"hi\n"


def test_a_command_that_closes_its_streams_and_works_on_is_waited_for() -> None:
    done = bash("exec >&- 2>&-; sleep 0.7; exit 4")
    assert done.exit_code == 4
    assert done.seconds > 0.6


def test_any_byte_restarts_the_idle_time_and_silence_ends_it() -> None:
    busy = bash("for i in 1 2 3 4; do printf . >&2; sleep 0.2; done", Limits(idle_s=0.6))
    assert (busy.exit_code, busy.cause, busy.err) == (0, None, b"....")
    idle = bash("printf a; sleep 30", Limits(idle_s=0.3))
    assert (idle.exit_code, idle.cause, idle.out) == (124, "idle", b"a")


def test_reserved_seconds_end_a_command_and_say_so() -> None:
    done = bash("sleep 30", Limits(wall_s=20, budget_s=0.2))
    assert (done.exit_code, done.cause) == (124, "budget")


@pytest.mark.parametrize(("text", "code"), [("exit 7", 7), ("kill -9 $$", -9), ("kill -TERM $$", -15)])
def test_the_exit_code_is_the_command_s_own(text: str, code: int) -> None:
    assert bash(text).exit_code == code


def test_words_said_on_the_way_out_are_heard() -> None:
    done = bash("trap 'echo bye; exit 5' TERM; echo hi; while :; do sleep 0.05; done", Limits(wall_s=0.3))
    assert (done.exit_code, done.out) == (124, b"hi\nbye\n")


def test_a_child_that_ignores_the_polite_request_is_killed_after_the_grace() -> None:
    done = bash("trap '' TERM; sleep 30; sleep 30", Limits(wall_s=0.2, grace_s=0.4))
    assert done.exit_code == 124
    assert 0.5 < done.seconds < 2


def test_a_stop_ends_a_silent_command_at_once() -> None:
    stop = StopToken()
    threading.Timer(0.2, stop.request, ("SIGINT",)).start()
    done = bash("sleep 30", stop=stop)
    assert (done.cause, done.stop_cause, done.exit_code) == ("stop", "SIGINT", -15)
    assert done.seconds < 1


def test_a_stop_asked_for_before_the_start_ends_the_command_too() -> None:
    stop = StopToken()
    stop.request("SIGTERM")
    assert bash("sleep 30", stop=stop).cause == "stop"


def test_a_second_request_takes_the_grace_away() -> None:
    stop = StopToken()
    threading.Timer(0.2, stop.request, ("SIGINT",)).start()
    threading.Timer(0.5, stop.request, ("SIGINT",)).start()
    done = bash("trap '' TERM INT; while :; do sleep 0.05; done", Limits(grace_s=30), stop)
    assert done.exit_code == -9
    assert 0.4 < done.seconds < 3


def test_a_stop_is_obeyed_while_the_command_floods_its_output() -> None:
    stop = StopToken()
    threading.Timer(0.2, stop.request, ("SIGINT",)).start()
    began = time.monotonic()
    for _ in run(Command(("bash", "-c", "yes")), Limits(), stop):
        pass
    assert time.monotonic() - began < 3


def test_bytes_arrive_as_they_are() -> None:
    assert bash(r"printf '\377\376\000x'").out == b"\xff\xfe\x00x"


def test_an_unfinished_line_is_reported_once_after_a_silence_and_only_then() -> None:
    pausing = bash("printf wait; sleep 0.4; echo done; sleep 0.2")
    assert pausing.events.count("Quiet") == 1
    assert pausing.events[:3] == ["Started", "Chunk", "Quiet"]


def test_bytes_arrive_while_the_command_goes_on() -> None:
    began = time.monotonic()
    events = run(Command(("bash", "-c", "printf abc; sleep 30")), Limits())
    assert isinstance(next(events), Started)
    assert next(events) == Chunk("out", b"abc")
    assert time.monotonic() - began < 1
    events.close()


def test_giving_up_the_iteration_ends_the_command(tmp_path: Path) -> None:
    events = run(Command(("bash", "-c", f"echo $$ >{tmp_path}/pid; sleep 30")), Limits())
    next(events)
    pid = pid_in(tmp_path / "pid")
    events.close()
    assert ends(pid, 0)


def test_standard_input_is_empty_unless_it_is_given() -> None:
    assert bash("cat; echo end").out == b"end\n"
    large = bytes(range(256)) * 2000
    done = ran(Command(("sha256sum",), stdin=large))
    import hashlib

    assert done.out.split()[0].decode() == hashlib.sha256(large).hexdigest()


def test_input_that_nobody_reads_is_no_error() -> None:
    done = ran(Command(("bash", "-c", "exec <&-; sleep 0.1; echo ok"), stdin=b"x" * 1_000_000))
    assert (done.exit_code, done.out) == (0, b"ok\n")


def test_another_directory_and_another_environment(tmp_path: Path) -> None:
    here = ran(Command(("bash", "-c", "pwd; echo $NAME"), {"NAME": "v"}, str(tmp_path)))
    assert here.out.decode().splitlines() == [str(tmp_path.resolve()), "v"]


def test_what_cannot_be_started_is_said_in_words(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("no program")
    cases = [
        (Command(("no-such-command-here",)), 127, "no-such-command-here: command not found"),
        (Command((str(tmp_path / "missing"),)), 127, "command not found"),
        (Command((str(plain),)), 126, "Permission denied"),
        (Command(("bash",), cwd=str(tmp_path / "nowhere")), 126, "no such directory"),
        (Command(("bash", "-c", "x" * 300_000)), 126, "Argument list too long"),
    ]
    for command, code, words in cases:
        with pytest.raises(SpawnFailed, match=words) as caught:
            launch(command)
        assert caught.value.exit_code == code


def test_a_closed_pipe_ends_a_writer_as_it_does_in_a_terminal() -> None:
    assert bash("yes | head -1 >/dev/null; echo ${PIPESTATUS[0]}").out == b"141\n"


def test_the_command_leads_a_session_of_its_own() -> None:
    done = bash("ps -o sid= -p $$")
    assert done.identity is not None
    assert int(done.out) == done.identity.pid == done.identity.pgid


def _spawn_many(count: int) -> None:
    ran(Command(("true",)))  # what is opened once stays open
    before, waiting = len(os.listdir("/proc/self/fd")), zombies()
    for _ in range(count):
        assert ran(Command(("true",))).exit_code == 0
    assert len(os.listdir("/proc/self/fd")) == before
    assert zombies() <= waiting


def test_many_short_commands_leave_no_descriptor_and_no_zombie() -> None:
    _spawn_many(300)


@pytest.mark.slow
def test_ten_thousand_short_commands_leave_no_descriptor_and_no_zombie() -> None:
    _spawn_many(10_000)


def test_a_lookup_keeps_what_fits_and_says_that_there_was_more() -> None:
    command = Command(("bash", "-c", "head -c 5000 /dev/zero; echo e >&2; exit 2"))
    done = collect(command, Limits(), output_limit=1000)
    assert (done.exit_code, len(done.out), done.err, done.overflowed) == (2, 1000, b"e\n", True)
    late = collect(Command(("sleep", "30")), Limits(wall_s=0.1))
    assert (late.exit_code, late.cause) == (124, "wall")


@pytest.mark.parametrize(
    "setting", ["trap '' CHLD", "exec <&- >&- 2>&-", "ulimit -s unlimited", "trap '' PIPE HUP"]
)
def test_an_engine_started_in_a_strange_setting_runs_commands_all_the_same(
    setting: str, tmp_path: Path
) -> None:
    script = (
        "import sys\n"
        "from little_loops.process import Command, Limits, collect\n"
        "done = collect(Command(('bash', '-c', 'cat; echo out; echo err >&2; exit 3')), Limits(wall_s=10))\n"
        "open(sys.argv[1], 'w').write(f'{done.exit_code} {done.out} {done.err}')\n"
    )
    file = tmp_path / "found"
    subprocess.run(
        ["bash", "-c", f'{setting}; exec "$0" -c "$1" "$2"', sys.executable, script, str(file)], check=True
    )
    assert file.read_text() == "3 b'out\\n' b'err\\n'"


def test_the_directory_of_a_command_is_its_own_and_not_the_engine_s(tmp_path: Path) -> None:
    before = os.getcwd()
    assert ran(Command(("pwd",), cwd=str(tmp_path))).out.decode().strip() == str(tmp_path.resolve())
    assert os.getcwd() == before
