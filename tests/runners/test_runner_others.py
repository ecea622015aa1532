"""Waits, patterns, jq programs, measurements and fencing, with real clocks, workers, trees and processes."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.process.tools import ends, new_run
from tests.runners.tools import perform, the_end

from little_loops.machine.effects import (
    Facts,
    Fence,
    Fenced,
    Heartbeat,
    Match,
    Matched,
    Measure,
    Measured,
    Process,
    Stopped,
    Wait,
    Woke,
)
from little_loops.process import StopToken, identity
from little_loops.runners.fence import FenceRunner
from little_loops.runners.match import MatchRunner
from little_loops.runners.measure import MeasureRunner
from little_loops.runners.progress import fingerprint
from little_loops.runners.wait import WaitRunner


class Clocks:
    """A run clock that starts at ``start_ms`` and a wall that is ``ahead`` seconds off."""

    def __init__(self, start_ms: int = 0, ahead: float = 0.0) -> None:
        self.opened, self.start_ms, self.ahead = time.monotonic(), start_ms, ahead

    def facts(self) -> Facts:
        clock = self.start_ms + round((time.monotonic() - self.opened) * 1000)
        return Facts(time.time() + self.ahead, clock)


# --- waits


def _waited(effect: Wait, clocks: Clocks, stop: StopToken | None = None) -> tuple[list[object], float]:
    began = time.monotonic()
    outcomes = perform(WaitRunner(clocks), effect, stop)
    return outcomes, time.monotonic() - began


def test_a_wait_goes_by_the_run_clock() -> None:
    outcomes, seconds = _waited(Wait(90_300), Clocks(90_000))
    assert outcomes == [Woke()]
    assert 0.28 < seconds < 1
    assert _waited(Wait(5), Clocks(90_000))[1] < 0.1


def test_a_reset_time_ends_a_wait_early_but_never_makes_it_longer() -> None:
    assert _waited(Wait(60_000, reset_at=time.time() + 0.3), Clocks())[1] < 1
    # The wall clock was set back by an hour: the plan counts.
    assert _waited(Wait(300, reset_at=time.time()), Clocks(ahead=-3600))[1] < 1


def test_a_wait_does_not_go_past_the_end_of_its_frame() -> None:
    assert _waited(Wait(60_000, deadline=200), Clocks())[1] < 1


def test_a_stop_ends_a_wait_at_once_and_a_long_one_announces_itself() -> None:
    stop = StopToken()
    threading.Timer(0.2, stop.request, ("SIGINT",)).start()
    outcomes, seconds = _waited(Wait(600_000, heartbeats=True), Clocks(), stop)
    assert outcomes == [Heartbeat(), Stopped("SIGINT")]
    assert seconds < 1
    assert _waited(Wait(100, heartbeats=True), Clocks())[0] == [Woke()]


# --- patterns and jq programs


@pytest.fixture(scope="module")
def matcher() -> Iterator[MatchRunner]:
    runner = MatchRunner()
    yield runner
    runner.close()


def _match(runner: MatchRunner, kind: str, program: str, text: str, deadline_s: float = 5.0) -> Matched:
    return the_end(runner, Match(kind, program, text, deadline_s), Matched)  # type: ignore[arg-type]


def test_patterns_search_anywhere_and_know_when_they_are_none(matcher: MatchRunner) -> None:
    assert _match(matcher, "pattern", "^b", "a\nb").found is False
    assert _match(matcher, "pattern", "(?m)^b", "a\nb").found is True
    assert _match(matcher, "pattern", r"(?P<x>ü)(?P=x)", "füür").found is True
    broken = _match(matcher, "pattern", "a*b[", "x a*b[ y")
    assert (broken.found, broken.compiled, broken.error) == (False, False, None)


def test_a_pattern_that_never_ends_is_ended(matcher: MatchRunner) -> None:
    began = time.monotonic()
    hopeless = _match(matcher, "pattern", "(a+)+$", "a" * 60 + "b", deadline_s=0.5)
    assert hopeless.timeout
    assert hopeless.error is not None
    assert time.monotonic() - began < 2
    # The next one gets a new worker.
    assert _match(matcher, "pattern", "a", "a").found


def test_a_stop_ends_a_pattern(matcher: MatchRunner) -> None:
    stop = StopToken()
    threading.Timer(0.2, stop.request, ("SIGINT",)).start()
    effect = Match("pattern", "(a+)+$", "a" * 60 + "b")
    assert the_end(matcher, effect, Stopped, stop).cause == "SIGINT"


def test_a_large_text_goes_to_the_worker_and_back(matcher: MatchRunner) -> None:
    assert _match(matcher, "pattern", "needle", "hay " * 500_000 + "needle").found
    value = _match(matcher, "jq", ".a | length", '{"a": "' + "x" * 1_000_000 + '"}').value
    assert value == 1_000_000


@pytest.mark.parametrize(
    ("program", "value"),
    [
        (".a[1].b", 7),
        (".a | length", 2),
        (".a[] | select(.b == 7) | .b", 7),
        (".missing", None),
        ('."env"', 1),
    ],
)
def test_a_jq_program_gives_one_value(matcher: MatchRunner, program: str, value: object) -> None:
    answer = _match(matcher, "jq", program, '{"a": [{"b": 1}, {"b": 7}], "env": 1}')
    assert (answer.error, answer.value) == (None, value)


@pytest.mark.parametrize(
    ("program", "text", "words"),
    [
        (".a", "no json", "invalid JSON"),
        (".a[", "{}", "jq:"),
        (".a.b", '{"a": 1}', "jq:"),
        (".[]", "[1, 2]", "several"),
        ("empty", "1", "no value"),
        ("env", "1", "not available"),
        ("$ENV.HOME", "1", "not available"),
        ('"\\(env)"', "1", "not available"),
        ("input", "1 2", "not available"),
        ('import "a" as a; .', "1", "not available"),
        ("[range(1e9)]", "1", ""),
        ("def f: f; f", "1", ""),
    ],
)
def test_what_a_jq_program_may_not_do_is_an_error(
    matcher: MatchRunner, program: str, text: str, words: str
) -> None:
    answer = _match(matcher, "jq", program, text, deadline_s=1.5)
    assert answer.error is not None
    assert words in answer.error


def test_a_program_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "secret")
    runner = MatchRunner()
    # However it is spelt, there is nothing to read.
    assert "secret" not in str(_match(runner, "jq", '[builtins] | length, "\\($__loc__)"', "1"))
    worker = runner.worker
    assert worker is not None
    assert b"secret" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    runner.close()


def test_memory_is_capped() -> None:
    runner = MatchRunner(memory=200 << 20)
    answer = _match(runner, "jq", '("0123456789" * 100000000) | length', "1", deadline_s=20)
    assert answer.error is not None
    assert not answer.timeout
    assert _match(runner, "jq", ".", "1").value == 1
    runner.close()


def test_a_worker_that_was_killed_between_two_requests_is_replaced(matcher: MatchRunner) -> None:
    _match(matcher, "pattern", "a", "a")
    worker = matcher.worker
    assert worker is not None
    os.kill(worker.pid, 9)
    assert ends(worker.pid)
    assert _match(matcher, "pattern", "a", "a").found


# --- measurements


def _git(folder: Path, *arguments: str) -> None:
    author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "a.py").write_text("one\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-qm", "first")
    return tmp_path


def _tree(project: Path, *scope: str) -> str:
    runner = MeasureRunner(dict(os.environ), str(project))
    measured = the_end(runner, Measure("tree", scope), Measured)
    assert measured.error is None
    return str(measured.value)


def test_every_kind_of_change_is_seen_and_nothing_else(project: Path) -> None:
    seen = [_tree(project)]

    def changed() -> bool:
        seen.append(_tree(project))
        return seen[-1] != seen[-2]

    assert not changed()
    (project / "src" / "a.py").write_text("two\n")
    assert changed()
    (project / "src" / "a.py").write_text("six\n")  # the same size
    assert changed()
    _git(project, "add", ".")  # staging is no change
    assert not changed()
    (project / "new.txt").write_text("untracked")
    assert changed()
    (project / "new.txt").write_text("UNTRACKED")
    assert changed()
    _git(project, "add", ".")
    assert not changed()
    (project / "x.log").write_text("ignored")
    assert not changed()
    runs = project / ".loops" / "runs" / "r1"
    runs.mkdir(parents=True)
    (runs / "events.jsonl").write_text("{}")
    assert not changed()
    (project / "src" / "a.py").unlink()
    assert changed()
    _git(project, "commit", "-qam", "second")
    assert changed()


def test_one_runner_that_looks_twice_sees_an_edit_of_the_same_size(project: Path) -> None:
    runner = MeasureRunner(dict(os.environ), str(project))
    values = []
    for text in ("two\n", "six\n", "six\n"):
        (project / "src" / "a.py").write_text(text)
        values.append(the_end(runner, Measure("tree"), Measured).value)
    assert values[0] != values[1] == values[2]


def test_a_scope_sees_its_own_part_only(project: Path) -> None:
    before = _tree(project, "src/")
    (project / "other.txt").write_text("x")
    assert _tree(project, "src/") == before
    (project / "src" / "b.py").write_text("x")
    assert _tree(project, "src/") != before


def test_the_whole_tree_is_looked_at_from_a_folder_of_it(project: Path) -> None:
    assert _tree(project / "src") == _tree(project)
    (project / "other.txt").write_text("x")
    assert _tree(project / "src") == _tree(project)


def test_a_repository_without_a_commit_is_measured(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    before = _tree(tmp_path)
    (tmp_path / "a").write_text("x")
    assert _tree(tmp_path) != before


def test_what_cannot_be_measured_is_an_error_in_words(tmp_path: Path, project: Path) -> None:
    outside = MeasureRunner({**os.environ, "GIT_DIR": str(tmp_path / "none")}, str(tmp_path))
    assert "git: " in (the_end(outside, Measure("tree"), Measured).error or "")
    without = MeasureRunner({"PATH": str(tmp_path)}, str(tmp_path))
    assert "git: command not found" in (the_end(without, Measure("tree"), Measured).error or "")
    late = MeasureRunner(dict(os.environ), str(project))
    assert "longer than" in (the_end(late, Measure("tree", deadline_s=0.0), Measured).error or "")
    stop = StopToken()
    stop.request("SIGINT")
    assert the_end(late, Measure("tree"), Stopped, stop).cause == "SIGINT"


def test_a_history_is_its_numbers(tmp_path: Path) -> None:
    (tmp_path / "scores").write_text("1\n 2.5 \njunk\n\n1e1\nnan\n-3")
    runner = MeasureRunner(dict(os.environ), str(tmp_path))
    assert the_end(runner, Measure("history", ("scores",)), Measured).value == [1.0, 2.5, 10.0, -3.0]
    assert the_end(runner, Measure("history", ("missing",)), Measured).value == []
    assert the_end(runner, Measure("history", (".",)), Measured).error is not None


def test_progress_is_a_file_that_was_touched(tmp_path: Path) -> None:
    runner = MeasureRunner(dict(os.environ), str(tmp_path))

    def progress(*exclude: str) -> str | None:
        effect = Measure("none", progress_paths=("notes", "dir"), exclude_paths=exclude)
        return the_end(runner, effect, Measured).progress

    nothing = progress()
    assert nothing is not None
    (tmp_path / "notes").write_text("x")
    first = progress()
    assert first != nothing
    assert progress() == first
    (tmp_path / "dir" / "deep").mkdir(parents=True)
    (tmp_path / "dir" / "deep" / "file.tmp").write_text("x")
    assert progress() != first
    without = progress("dir/deep")
    (tmp_path / "dir" / "deep" / "file.tmp").write_text("longer")
    assert progress("dir/deep") == without
    assert progress("*.tmp") == progress("dir/deep")
    assert fingerprint(()) is None


# --- fencing


def test_fencing_answers_what_became_of_the_orphan() -> None:
    env = new_run()
    orphan = subprocess.Popen(["sleep", "300"], env={**os.environ, **env}, start_new_session=True)
    known = identity(orphan.pid)
    assert known is not None
    process = Process(known.pid, known.pgid, known.started, known.boot)
    runner = FenceRunner(Clocks())
    effect = Fence(env["LL_RUN_ID"], (process,), 1.0, reserved_seconds=100.0, since_wall=time.time() - 7)
    fenced = the_end(runner, effect, Fenced)
    assert fenced.orphan == "killed"
    assert fenced.seconds is not None
    assert 7 <= fenced.seconds < 10
    orphan.wait()
    assert the_end(runner, effect, Fenced).orphan == "gone"
    assert the_end(runner, Fence(env["LL_RUN_ID"], ()), Fenced) == Fenced("none")
