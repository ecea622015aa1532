"""Runs in the background, inputs, and deleting old runs."""

from __future__ import annotations

import json
import signal

from tests.cli_runs.shop import Shop, plain, screen, wait_for

from little_loops.process import identity

ECHO = """
    name: echo
    description: shows what it was given
    initial: a
    scope: [echo]
    parameters:
      word: {type: string, required: true}
      times: {type: integer, default: 1}
    context:
      flag: "-n"
    states:
      a:
        action: |
          printf '%s|' "${context.word}" "${context.times}" "${context.input:default=none}"
          echo ${context.flag} end
        next: done
      done: {terminal: true}
    """


def test_a_background_run_says_where_it_is_and_goes_on_alone(shop: Shop) -> None:
    done = shop.ll("run", "waits", "--background")
    assert done.returncode == 0
    assert plain(done.stdout, shop) == screen(
        """
        Started RUN-waits in the background (PID PID)
        Log:    .loops/runs/RUN-waits/log
        Status: ll-loop status RUN-waits
        Stop:   ll-loop stop RUN-waits
        """
    )
    told = shop.json("status", "waits")
    assert (told["status"], told["pid_source"]) == ("running", "lock_file")
    shop.go()
    wait_for(lambda: shop.json("status", "waits")["status"] == "completed", "the end")
    log = (shop.loops / "runs" / shop.runs()[0] / "log").read_text("utf-8")
    assert "Loop completed: done" in log
    assert shop.json("status", "waits")["log_file"].endswith("/log")


def test_a_background_run_can_be_stopped_and_resumed_in_the_background(shop: Shop) -> None:
    shop.ll("run", "waits", "-b")
    shop.until("here")
    stopped = shop.ll("stop", "waits")
    assert (stopped.returncode, "waits stopped" in stopped.stdout) == (0, True)
    assert shop.json("status", "waits")["terminated_by"] == "signal"
    shop.go()
    assert shop.ll("resume", "waits", "-b").returncode == 0
    wait_for(lambda: shop.json("status", "waits")["status"] == "completed", "the end")


def test_a_run_that_does_not_answer_is_killed_with_what_it_started(shop: Shop) -> None:
    run = shop.start("run", "waits")
    shop.until("here")
    child = next(one["pid"] for one in shop.records(shop.runs()[0]) if one["event"] == "action_spawned")
    run.send_signal(signal.SIGSTOP)
    done = shop.ll("stop", "waits", "--wait", "0.2")
    assert done.returncode == 0
    assert "killing it" in done.stderr
    assert "was killed" in done.stdout
    assert run.wait(30) == -signal.SIGKILL
    assert identity(child) is None
    shop.go()
    assert shop.ll("resume", "waits").returncode == 0


def test_what_cannot_begin_in_the_background_is_told_in_the_foreground(shop: Shop) -> None:
    shop.ll("run", "waits", "-b")
    shop.until("here")
    done = shop.ll("run", "waits", "-b")
    assert done.returncode == 3
    assert "holds" in done.stderr
    assert len(shop.runs()) == 1
    shop.go()


def test_several_runs_of_one_loop_in_the_same_second(shop: Shop) -> None:
    shop.write("quick", """
        name: quick
        description: short
        initial: a
        states:
          a: {action: "true", next: done}
          done: {terminal: true}
        """)  # fmt: skip
    started = [shop.start("run", "quick", "--queue") for _ in range(4)]
    for one in started:
        one.communicate(timeout=60)
    assert [one.returncode for one in started] == [0, 0, 0, 0]
    assert len(shop.runs()) == 4


def test_parameters_are_typed_data_and_context_is_code(shop: Shop) -> None:
    shop.write("echo", ECHO)
    hostile = "$(touch owned) '\"; touch owned #"
    done = shop.ll("echo", "--param", f"word={hostile}", "--param", "times=3", "the input")
    assert done.returncode == 0, done.stderr
    assert f"{hostile}|3|the input|end" in done.stdout
    assert not (shop.folder / "owned").exists()
    refused = shop.ll("echo", "--param", "word=a", "--param", "times=many")
    assert (refused.returncode, "times" in refused.stderr) == (2, True)
    missing = shop.ll("echo")
    assert (missing.returncode, "--param word=VALUE" in missing.stderr) == (2, True)
    code = shop.ll("echo", "--param", "word=a", "--context", "flag=; touch made; echo")
    assert code.returncode == 0
    assert (shop.folder / "made").exists()


def test_a_parameter_comes_from_a_file_or_from_standard_input(shop: Shop) -> None:
    shop.write("echo", ECHO)
    (shop.folder / "word.txt").write_text("from a file\nwith two lines\n", "utf-8")
    assert "from a file\n       with two lines|1|none|" in shop.ll("echo", "--param", "word=@word.txt").stdout
    assert "typed|1|none|" in shop.ll("echo", "--param", "word=-", stdin="typed\n").stdout
    assert "@sign|1|" in shop.ll("echo", "--param", "word=@@sign").stdout
    gone = shop.ll("echo", "--param", "word=@gone.txt")
    assert (gone.returncode, "gone.txt" in gone.stderr) == (2, True)


def test_a_background_run_gets_its_inputs_without_showing_them(shop: Shop) -> None:
    shop.write("echo", ECHO)
    assert shop.ll("echo", "-b", "--param", "word=-", "an input", stdin="secret word").returncode == 0
    wait_for(lambda: shop.json("status", "echo")["status"] == "completed", "the end")
    folder = shop.loops / "runs" / shop.runs()[0]
    assert "secret word|1|an input|" in (folder / "log").read_text("utf-8")
    assert not (folder / "given.json").exists()


def test_an_input_file_steers_the_loop(shop: Shop) -> None:
    shop.write("steered", """
        name: steered
        description: reads a steering file
        initial: a
        scope: [steered]
        context: {directive: "", targets: ""}
        states:
          a: {action: 'echo "${context.directive}/${context.targets}"', next: done}
          done: {terminal: true}
        """)  # fmt: skip
    (shop.folder / "plan.md").write_text("## Directive\nbe kind\n## Targets\n- one\n- two\n", "utf-8")
    assert "be kind/one two" in shop.ll("steered", "--program-md", "plan.md").stdout


def test_pruning_spares_what_can_be_resumed_unless_it_is_named(shop: Shop) -> None:
    for _ in range(3):
        shop.ll("fix", "--quiet")
    shop.ll("never", "--quiet")
    dry = shop.ll("prune", "--keep", "1", "--dry-run")
    assert "2 runs would be deleted" in dry.stdout
    assert len(shop.runs()) == 4
    done = shop.ll("prune", "--keep", "1", "--json")
    assert len(json.loads(done.stdout)) == 2
    assert len(shop.runs()) == 2
    never = next(run for run in shop.runs() if "never" in run)
    assert shop.ll("prune", never[-4:]).returncode == 0
    assert never not in shop.runs()


def test_pruning_never_touches_a_live_run(shop: Shop) -> None:
    shop.ll("run", "waits", "-b")
    shop.until("here")
    run_id = shop.runs()[0]
    refused = shop.ll("prune", run_id)
    assert refused.returncode != 0
    assert "is live" in refused.stderr
    shop.ll("prune", "--keep", "0")
    assert shop.runs() == [run_id]
    shop.go()


def test_a_part_of_a_run_id_is_enough_where_it_is_the_only_one(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    shop.ll("fix", "--quiet")
    first, second = shop.runs()
    assert shop.json("status", first[-4:])["run_id"] == first
    both = shop.ll("history", first[:4])
    assert both.returncode == 2
    assert second in both.stderr


def test_a_changed_loop_file_is_mentioned_and_changes_nothing(shop: Shop) -> None:
    shop.ll("never", "--quiet")
    path = shop.loops / "never.yaml"
    path.write_text(path.read_text("utf-8").replace("exit 1", "exit 0"), "utf-8")
    assert "never.yaml changed since" in shop.ll("status", "never").stdout
    again = shop.ll("resume", "never", "-n", "5")
    assert "changed since" in again.stderr
    assert "✗ no" in again.stdout
