"""Every way a command can end, by its exit code."""

from __future__ import annotations

import signal
import time

import pytest
from tests.cli_runs.shop import Shop, wait_for

HANDOFF = """
    name: handing
    description: hands over
    initial: a
    scope: [handing]
    on_handoff: {how}
    states:
      a:
        signals: true
        action: |
          test -e second && exit 0
          touch second
          echo 'CONTEXT_HANDOFF: go on with part two'
        on_yes: done
        on_no: done
      done: {{terminal: true}}
    """


def one_state(name: str, action: str, extra: str = "") -> str:
    return f"""
name: {name}
description: one state
initial: a
scope: [{name}]
{extra}
states:
  a:
    action: {action}
    on_yes: done
    on_no: failed
  done: {{terminal: true}}
  failed: {{terminal: true}}
"""


def test_the_goal_is_0_and_a_failure_terminal_1(shop: Shop) -> None:
    shop.write("good", one_state("good", "exit 0"))
    shop.write("bad", one_state("bad", "exit 1"))
    assert shop.ll("good").returncode == 0
    done = shop.ll("bad")
    assert done.returncode == 1
    assert "It reached failed, an end that counts as a failure." in done.stdout


def test_no_route_is_1(shop: Shop) -> None:
    shop.write("noroute", one_state("noroute", "exit 7"))
    assert shop.ll("noroute").returncode == 1


def test_steps_used_up_is_1_and_goes_on_only_with_more(shop: Shop) -> None:
    assert shop.ll("never").returncode == 1
    refused = shop.ll("resume", "never")
    assert refused.returncode == 2
    assert "-n " in refused.stderr
    more = shop.ll("resume", "never", "-n", "6")
    assert more.returncode == 1
    assert "(6 iterations" in more.stdout


def test_time_up_is_1_and_goes_on_only_with_more(shop: Shop) -> None:
    shop.write("late", """
        name: late
        description: takes too long
        initial: a
        scope: [late]
        timeout: 1
        states:
          a: {action: "sleep 1.2", next: b}
          b: {next: done}
          done: {terminal: true, failure: false}
        """)  # fmt: skip
    done = shop.ll("late")
    assert done.returncode == 1
    assert "[timeout]" in done.stdout
    assert shop.ll("resume", "late").returncode == 2
    assert shop.ll("resume", "late", "--timeout", "60").returncode == 0


def test_a_cycle_is_1_and_can_be_allowed(shop: Shop) -> None:
    shop.write("cycle", """
        name: cycle
        description: goes round
        initial: a
        scope: [cycle]
        max_edge_revisits: 2
        states:
          a: {action: "true", next: b}
          b: {action: "touch x$(ls -1 | wc -l); test $(ls -1 | wc -l) -gt 4", on_yes: done, on_no: a}
          done: {terminal: true}
        """)  # fmt: skip
    done = shop.ll("cycle")
    assert done.returncode == 1
    assert "--max-edge-revisits 4" in done.stdout
    again = shop.ll("resume", "cycle", "--max-edge-revisits", "40")
    assert again.returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "nothing"], "nothing"),
        (["run", "fix", "--no-such-flag"], "--no-such-flag"),
        (["run", "fix", "--context", "novalue"], "expected KEY=VALUE"),
        (["run", "fix", "--param", "x=1"], "no parameter"),
        (["run", "fix", "--budget", "beer=2"], "kinds: usd"),
        (["run", "fix", "--handoff-threshold", "101"], "expected 1 to 100"),
        (["run", "fix", "-b", "--follow"], "exclude each other"),
        (["run", "fix", "-n", "many"], "many"),
        (["run", "fix", "--program-md", "gone.md"], "gone.md"),
        (["history", "fix", "--since", "yesterday"], "not a time"),
        (["prune"], "nothing to prune by"),
        (["prune", "--max-size", "big"], "not a size"),
        (["stop"], "say which run"),
        (["explain", "fix", "zero"], "zero"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line_is_2_with_a_reason_and_no_traceback(
    shop: Shop, words: list[str], said: str
) -> None:
    done = shop.ll(*words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert shop.runs() == []


def test_a_loop_that_cannot_be_loaded_is_2_and_shown_in_its_place(shop: Shop) -> None:
    shop.write("broken", "name: broken\ninitial: a\nstates:\n  a: {action: 'true', next: nowhere}\n")
    done = shop.ll("broken")
    assert done.returncode == 2
    assert "broken.yaml:4" in done.stderr
    assert shop.runs() == []


def test_a_missing_context_value_is_2_and_says_how_to_give_it(shop: Shop) -> None:
    shop.write("needy", one_state("needy", "test '${context.branch}' = main"))
    done = shop.ll("needy")
    assert done.returncode == 2
    assert "--context branch=VALUE" in done.stderr
    assert shop.ll("needy", "--context", "branch=main").returncode == 0


def test_a_held_scope_is_3_and_so_is_a_wait_that_ran_out(shop: Shop) -> None:
    first = shop.start("run", "waits")
    shop.until("here")
    held = shop.ll("run", "waits")
    assert held.returncode == 3
    assert "--queue" in held.stderr
    late = shop.ll("run", "waits", "--queue-timeout", "0.2")
    assert late.returncode == 3
    assert len(shop.runs()) == 1
    shop.go()
    first.communicate(timeout=30)
    assert first.returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_in_order_and_a_resume_goes_on(shop: Shop, number: signal.Signals, code: int) -> None:
    run = shop.start("run", "waits")
    shop.until("here")
    run.send_signal(number)
    shown, notice = run.communicate(timeout=30)
    assert run.returncode == code
    assert "stopping; once more ends it at once" in notice
    assert f"It was stopped by {number.name} in a." in shown
    shop.go()
    again = shop.ll("resume", "waits")
    assert again.returncode == 0
    assert "attempt 2" in again.stdout
    assert "Path: a → done" in again.stdout, "the path of the whole run, not of its last part"


def test_a_second_signal_ends_what_does_not_listen(shop: Shop) -> None:
    shop.write("deaf", one_state("deaf", "trap '' TERM INT; touch here; while true; do sleep 0.05; done"))
    run = shop.start("run", "deaf")
    shop.until("here")
    run.send_signal(signal.SIGINT)
    assert run.stderr is not None
    assert "stopping" in run.stderr.readline()
    before = time.monotonic()
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=30)
    assert run.returncode == 130
    assert time.monotonic() - before < 4


def test_a_handoff_is_75_and_the_resume_goes_on_after_it(shop: Shop) -> None:
    shop.write("handing", HANDOFF.format(how="pause"))
    done = shop.ll("handing")
    assert done.returncode == 75
    assert shop.json("status", "handing")["status"] == "awaiting_continuation"
    again = shop.ll("resume", "handing")
    assert again.returncode == 0
    assert "go on with part two" in again.stdout


def test_a_handoff_that_is_refused_is_1(shop: Shop) -> None:
    shop.write("handing", HANDOFF.format(how="terminate"))
    assert shop.ll("handing").returncode == 1
    assert shop.ll("resume", "handing").returncode == 1


def test_an_action_cut_off_under_ask_is_75_until_it_is_answered(shop: Shop) -> None:
    shop.write(
        "asks", one_state("asks", "touch here; until test -e go; do sleep 0.02; done", "interrupted: ask")
    )
    run = shop.start("run", "asks")
    shop.until("here")
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=30)
    asked = shop.ll("resume", "asks")
    assert asked.returncode == 75
    assert "--interrupted retry" in asked.stderr
    shop.go()
    assert shop.ll("resume", "asks", "--interrupted", "retry").returncode == 0


def test_a_killed_run_shows_as_interrupted_and_its_action_is_gone_before_it_goes_on(shop: Shop) -> None:
    run = shop.start("run", "waits")
    shop.until("here")
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=30)
    told = shop.json("status", "waits")
    assert (told["status"], told["pid"], told["resumable"]) == ("interrupted", None, True)
    assert "The process that ran it is gone" in told["why"]
    shop.go()
    assert shop.ll("resume", "waits").returncode == 0
    text = shop.ll("explain", "waits").stdout
    assert "cut short, nobody knows its exit code" in text
    assert "resumed here (segment 2)" in text


@pytest.mark.parametrize("words", [["status"], ["status", "fix"], ["stop", "fix"], ["stop", "--all"]])
def test_nothing_there_is_1(shop: Shop, words: list[str]) -> None:
    done = shop.ll(*words)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no run")


def test_a_run_that_is_over_cannot_be_stopped_and_not_resumed(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    stopped = shop.ll("stop", "fix")
    assert (stopped.returncode, "is not running" in stopped.stderr) == (1, True)
    resumed = shop.ll("resume", "fix")
    assert resumed.returncode == 1
    assert "ll-loop run fix" in resumed.stderr


def test_history_without_runs_is_0_and_of_an_unknown_run_1(shop: Shop) -> None:
    assert shop.ll("history").returncode == 0
    assert shop.ll("history", "fix").returncode == 0
    shop.ll("fix", "--quiet")
    assert shop.ll("history", "fix", "zzzz").returncode == 1
    assert shop.ll("history", "zzzz").returncode == 1


def test_no_arguments_prints_the_help_and_is_1(shop: Shop) -> None:
    done = shop.ll()
    assert done.returncode == 1
    assert "Examples:" in done.stdout


def test_a_folder_that_cannot_be_written_is_a_message(shop: Shop) -> None:
    place = shop.loops / "runs"
    place.write_text("not a folder", "utf-8")
    done = shop.ll("run", "fix")
    assert done.returncode in (1, 2)
    assert str(place) in done.stderr
    assert "Traceback" not in done.stderr
    assert "a report was written" not in done.stderr.lower()


def test_a_journal_edited_by_hand_is_named_with_its_line(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    journal = shop.loops / "runs" / shop.runs()[0] / "events.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    lines[4] = "{ this is no record }\n"
    journal.write_text("".join(lines), "utf-8")
    for words in (["explain", "fix"], ["history", "fix", "latest", "-n", "0"]):
        done = shop.ll(*words)
        assert done.returncode == 2
        assert "line 5" in done.stderr
        assert "Traceback" not in done.stderr


def statuses(shop: Shop) -> list[str]:
    told = shop.json("status")
    return sorted(run["status"] for run in told) if isinstance(told, list) else [told["status"]]


def test_a_stopped_queue_leaves_nothing_behind(shop: Shop) -> None:
    first = shop.start("run", "waits")
    shop.until("here")
    (holding,) = shop.runs()
    second = shop.start("run", "waits", "--queue")
    wait_for(lambda: statuses(shop) == ["queued", "running"], "the queue")
    (queued,) = set(shop.runs()) - {holding}
    assert shop.ll("stop", queued).returncode == 0
    second.communicate(timeout=30)
    assert second.returncode == 143
    assert len(shop.runs()) == 1
    shop.go()
    first.communicate(timeout=30)
    assert first.returncode == 0
