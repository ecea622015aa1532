"""Shell actions from end to end: what bash is given, what is made of its output, and how it is ended."""

from __future__ import annotations

import hashlib
import os
import resource
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.process.tools import ends, pid_in
from tests.runners.tools import Shell, action, lines_of, partials, perform, recorded, the_end

from little_loops.errors import WriteFailed
from little_loops.machine.effects import Marker, OutputRead, Spawned, Stopped, Text
from little_loops.process import StopToken, identity
from little_loops.runners.shell import ShellRunner


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_an_action_reports_its_process_its_lines_and_its_result(shell: Shell) -> None:
    outcomes = perform(shell.runner, action("echo a; printf 'b \\r\\n'; echo no >&2; printf c; exit 3"))
    assert isinstance(outcomes[0], Spawned)
    assert lines_of(outcomes) == recorded(outcomes) == ["a", "b", "c"]
    result = outcomes[-1].result
    assert (result.exit_code, result.output, result.stderr) == (3, "a\nb \r\nc", "no\n")
    assert (result.truncated, result.timeout_kind, result.marker, result.output_lines) == (
        False,
        None,
        None,
        None,
    )


def test_all_bytes_are_in_files_and_a_silent_stream_has_none(shell: Shell) -> None:
    result = shell.run(r"printf '\377a\000'", step=12, attempt=3)
    assert result.files == {"output": "output/0012-3.out"}
    assert result.exact == frozenset()
    assert result.output == "\ufffda\0"
    assert (shell.folder / "output/0012-3.out").read_bytes() == b"\xffa\0"
    assert os.listdir(shell.folder / "output") == ["0012-3.out"]
    both = shell.run("echo ü; echo e >&2")
    assert both.exact == {"output", "stderr"}
    assert (shell.folder / both.files["stderr"]).stat().st_mode & 0o777 == 0o600


def test_the_child_is_told_run_step_and_attempt(shell: Shell) -> None:
    assert (
        shell.run("echo $LL_RUN_ID $LL_STEP $LL_ATTEMPT", run_id="r1", step=7, attempt=2).output == "r1 7 2\n"
    )


def test_an_unfinished_line_is_shown_but_not_recorded_twice(shell: Shell) -> None:
    outcomes = perform(shell.runner, action("printf 'Password: '; sleep 0.3; echo ok"))
    assert partials(outcomes) == ["Password: "]
    assert lines_of(outcomes) == ["Password: ok"]


def test_a_deadline_and_its_kind(shell: Shell) -> None:
    wall = the_end(shell.runner, action("printf abc; sleep 30", timeout_s=0.3), Stopped)
    assert wall.cause == "wall"
    assert wall.result is not None
    assert (wall.result.exit_code, wall.result.timeout_kind, wall.result.output) == (124, "wall", "abc")
    assert 250 < wall.result.duration_ms < 1500
    assert the_end(shell.runner, action("sleep 30", idle_s=0.2), Stopped).cause == "idle"
    assert the_end(shell.runner, action("sleep 30", seconds=0.2), Stopped).cause == "budget"


def test_a_stop_is_named_and_keeps_what_was_said(shell: Shell) -> None:
    stop = StopToken()
    threading.Timer(0.3, stop.request, ("SIGTERM",)).start()
    end = the_end(shell.runner, action("echo started; sleep 30"), Stopped, stop)
    assert end.cause == "SIGTERM"
    assert end.result is not None
    assert (end.result.output, end.result.timeout_kind, end.result.exit_code) == ("started\n", None, -15)


def test_control_lines_count_only_where_they_are_asked_for(shell: Shell) -> None:
    text = "echo 'FATAL_ERROR: no room'"
    assert shell.run(text).marker is None
    assert shell.run(text, markers=True).marker == Marker("error", "no room")
    assert shell.run(f"{text} >&2", markers=True).marker is None


HOSTILE = "$(touch pwned) `id` ' \" \\ \n ; ${x} ü € \t* ~ # -n"


@pytest.mark.parametrize("size", [0, 1, 31 * 1024, 33 * 1024, 300 * 1024])
def test_a_value_of_any_size_arrives_byte_for_byte(shell: Shell, size: int) -> None:
    value = (HOSTILE * (size // len(HOSTILE) + 1))[:size] + "\n\n"
    assert shell.value(value) == value.encode()
    assert not (shell.folder / "pwned").exists()
    assert sorted(os.listdir(shell.folder / "output")) == ["0001.out"]


def test_many_values_that_are_too_large_together(shell: Shell) -> None:
    values = {f"V{n}": Text(f"{n}'" * 10_000) for n in range(12)}
    names = " ".join(f'"$V{n}"' for n in range(12))
    result = shell.run(f"printf %s {names} | sha256sum", values=values)
    expected = hashlib.sha256("".join(f"{n}'" * 10_000 for n in range(12)).encode()).hexdigest()
    assert result.output.split()[0] == expected


def test_large_values_are_not_handed_on_to_other_programs(shell: Shell) -> None:
    values = {"SMALL": Text("s"), "LARGE": Text("l" * 50_000)}
    assert shell.run("env | grep -cE '^(SMALL|LARGE)='", values=values).output == "1\n"


def test_a_text_larger_than_an_argument_may_be(shell: Shell) -> None:
    text = ("# " + "x" * 98 + "\n") * 2000 + "echo $0 $# $LINENO; f() { return 4; }; f"
    result = shell.run(text, values={"LARGE": Text("l" * 50_000)})
    assert (result.exit_code, result.output) == (4, "bash 0 2001\n")


def test_line_numbers_stay_the_author_s_when_values_travel_by_file(shell: Shell) -> None:
    result = shell.run("echo $LINENO\necho $LINENO; nosuch", values={"LARGE": Text("l" * 50_000)})
    assert result.output == "1\n2\n"
    assert "line 2: nosuch" in result.stderr


def test_environment_variables_go_in_only_where_the_effect_says(tmp_path: Path) -> None:
    shell = Shell(tmp_path, env={"GIVEN": "a b; $(id)"})
    text = 'echo "${env.GIVEN}"'
    assert shell.run(text, env=((6, "GIVEN"),)).output == "a b; $(id)\n"
    said = {"V": Text("${env.GIVEN} ${env.GIVEN}", ((13, "GIVEN"),))}
    assert shell.run('echo "$V"', values=said).output == "${env.GIVEN} a b; $(id)\n"


def test_what_bash_cannot_be_given_is_refused_before_anything_runs(shell: Shell) -> None:
    assert "NUL" in shell.refused("echo ran >ran\0")
    assert "NUL" in shell.refused("echo ran >ran", values={"V": Text("a\0b")})
    assert "'1'" in shell.refused("echo ${env.1}", env=((5, "1"),))
    assert os.listdir(shell.folder) == []


def test_a_directory_that_is_gone_and_a_missing_bash_are_failures_in_words(tmp_path: Path) -> None:
    gone = Shell(tmp_path, cwd=str(tmp_path / "gone"))
    assert "no such directory" in gone.refused("true")
    assert "bash: command not found" in Shell(tmp_path, env={"PATH": str(tmp_path)}).refused("true")


def test_actions_run_where_they_are_told(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    assert (
        Shell(tmp_path, cwd=str(tmp_path / "project")).run("pwd").output == f"{tmp_path.resolve()}/project\n"
    )


def test_a_disk_that_refuses_the_output_ends_the_action_and_says_where(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("a file where the folder should be")
    runner = ShellRunner(str(tmp_path), dict(os.environ), grace_s=1.0)
    with pytest.raises(WriteFailed, match=r"cannot write .*0001\.out: .*\(.* MB free\)"):
        perform(runner, action(f"echo $$ >{tmp_path}/pid; echo hi; sleep 300"))
    assert ends(pid_in(tmp_path / "pid"), 0)


def test_a_full_disk_ends_the_action(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "0001.out").symlink_to("/dev/full")
    runner = ShellRunner(str(tmp_path), dict(os.environ))
    with pytest.raises(WriteFailed, match="No space left on device"):
        perform(runner, action("echo hi; sleep 300"))


def test_giving_up_an_action_ends_it(tmp_path: Path) -> None:
    outcomes = Shell(tmp_path).runner.perform(action("sleep 300"), StopToken())
    spawned: Any = next(outcomes)
    assert identity(spawned.process.pid) is not None
    outcomes.close()  # type: ignore[attr-defined]
    assert identity(spawned.process.pid) is None


def _flood(shell: Shell, megabytes: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = f"yes 0123456789abcdefghijklmnopqrstuvwxyz | head -c {megabytes}000000"
    end: Any = None
    lines = 0
    for outcome in shell.runner.perform(action(text), StopToken()):
        lines += len(outcome.lines) if isinstance(outcome, OutputRead) else 0
        end = outcome
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 20_000
    assert end.result.truncated
    assert len(end.result.output) < 1_048_576 + 100
    assert end.result.output_lines == lines == -(-megabytes * 1_000_000 // 37)
    assert (shell.folder / "output/0001.out").stat().st_size == megabytes * 1_000_000


def test_two_hundred_megabytes_pass_through_bounded_memory(shell: Shell) -> None:
    _flood(shell, 200)


@pytest.mark.slow
def test_a_gigabyte_passes_through_bounded_memory(shell: Shell) -> None:
    _flood(shell, 1000)


def test_a_line_is_reported_while_the_action_goes_on(shell: Shell) -> None:
    began = time.monotonic()
    outcomes = shell.runner.perform(action("echo now; sleep 30"), StopToken())
    next(outcomes)
    read: Any = next(outcomes)
    assert read.lines == ("now",)
    assert time.monotonic() - began < 1
    outcomes.close()  # type: ignore[attr-defined]
