"""Terminals, pipes and what happens when they go away."""

from __future__ import annotations

import re
import subprocess

import pytest
from tests.cli_runs.shop import PROGRAM, Shop, terminal, wait_for


def ended(shop: Shop) -> bool:
    return shop.json("status", "waits")["status"] != "running"


def test_a_terminal_shows_the_running_state_its_output_and_what_is_left(shop: Shop) -> None:
    with terminal(shop, "run", "waits", "--timeout", "600") as screen:
        screen.expect("[1/50]")
        screen.expect("│ here")
        screen.expect("49 steps left")
        screen.expect("Ctrl-C stops it")
        shop.go()
        assert screen.end() == 0
        assert re.search(r"9m \d+s left", screen.text)
        assert "Loop completed: " in screen.text


def test_the_cursor_is_back_after_the_live_view(shop: Shop) -> None:
    with terminal(shop, "run", "waits") as screen:
        screen.expect("│ here")
        shop.go()
        screen.end()
    assert screen.text.count("\033[?25l") == screen.text.count("\033[?25h") > 0


def test_control_c_on_a_terminal_stops_in_order(shop: Shop) -> None:
    with terminal(shop, "run", "waits") as screen:
        screen.expect("│ here")
        screen.send("\x03")
        assert screen.end() == 130
        assert "ll-loop resume" in screen.text


def test_no_color_leaves_only_the_movement_of_the_live_view(shop: Shop) -> None:
    with terminal(shop, "run", "waits", NO_COLOR="1") as screen:
        screen.expect("│ here")
        shop.go()
        assert screen.end() == 0
    assert re.findall(r"\033\[[0-9;]*3[0-9][0-9;]*m", screen.text) == []


@pytest.mark.parametrize("columns", [24, 60])
def test_a_narrow_terminal_is_not_overrun(shop: Shop, columns: int) -> None:
    with terminal(shop, "run", "waits", columns=columns) as screen:
        screen.expect("│ here")
        shop.go()
        assert screen.end() == 0
    shown = re.sub(r"\033\[[0-9;?]*[A-Za-z]", "", screen.text)
    live = [line for line in re.split(r"[\r\n]+", shown) if "steps left" in line or "│" in line]
    assert live
    assert max(map(len, live)) <= columns


def test_a_dumb_terminal_gets_plain_lines(shop: Shop) -> None:
    with terminal(shop, "run", "fix", NO_COLOR="1") as screen:
        screen.process.wait(30)
        screen.end()
    with terminal(shop, "status", "fix", NO_COLOR="1") as screen:
        screen.end()
    assert "\033" not in screen.text


def test_diagrams_mark_the_state_that_runs(shop: Shop) -> None:
    with terminal(shop, "run", "waits", "--show-diagrams", "--clear") as screen:
        screen.expect("== loop: waits ==")
        screen.expect("│ here")
        shop.go()
        assert screen.end() == 0
    assert "\033[?1049h" in screen.text
    assert "\033[?1049l" in screen.text


@pytest.mark.parametrize("quiet", [[], ["--quiet"], ["--follow"]], ids=str)
def test_a_terminal_that_goes_away_does_not_end_the_run(shop: Shop, quiet: list[str]) -> None:
    with terminal(shop, "run", "waits", *quiet) as screen:
        if not quiet:
            screen.expect("│ here")
        shop.until("here")
        screen.hang_up()
        wait_for(lambda: not ended(shop), "a look at the run")
        shop.go()
        assert screen.process.wait(30) == 0
    assert shop.json("status", "waits")["status"] == "completed"


def test_a_reader_that_leaves_does_not_end_the_run(shop: Shop) -> None:
    shop.write("chatty", """
        name: chatty
        description: prints after nobody reads
        initial: a
        scope: [chatty]
        states:
          a: {action: "seq 1 20000; touch half; seq 1 20000", next: b}
          b: {action: "exit 1", on_yes: done, on_no: failed}
          done: {terminal: true}
          failed: {terminal: true}
        """)  # fmt: skip
    script = f"{{ {' '.join(PROGRAM)} run chatty; echo $? >code; }} | head -1"
    done = subprocess.run(
        ["bash", "-c", script], cwd=shop.folder, env=shop.env(), capture_output=True, text=True, check=False
    )
    assert done.stdout == "Running loop: chatty\n"
    assert done.stderr == ""
    assert (shop.folder / "code").read_text() == "1\n"
    assert shop.json("status", "chatty")["terminated_by"] == "terminal"


@pytest.mark.parametrize(
    "words", ["history fix latest -n 0 -v", "explain fix", "status fix --json", "--help"]
)
def test_a_closed_pipe_is_quiet(shop: Shop, words: str) -> None:
    shop.ll("fix", "--quiet")
    script = f"{{ sleep 0.2; exec {' '.join(PROGRAM)} {words}; }} | true"
    done = subprocess.run(
        ["bash", "-c", script], cwd=shop.folder, env=shop.env(), capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    ("words", "code"), [("status fix", 1), ("history fix latest", 1), ("run fix", 0), ("run fix --json", 0)]
)
def test_output_that_cannot_be_written_is_a_message_and_never_a_bug(
    shop: Shop, words: str, code: int
) -> None:
    shop.ll("fix", "--quiet")
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(PROGRAM)} {words} >/dev/full"],
        cwd=shop.folder, env=shop.env(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert ("cannot write to standard output" in done.stderr) is (code == 1)


@pytest.mark.parametrize("words", ["status fix", "run fix", "--help"])
def test_without_any_output_at_all(shop: Shop, words: str) -> None:
    shop.ll("fix", "--quiet")
    done = subprocess.run(
        ["bash", "-c", f"{' '.join(PROGRAM)} {words} >&- 2>&-"],
        cwd=shop.folder, env=shop.env(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0


def test_output_of_an_action_cannot_drive_the_terminal(shop: Shop) -> None:
    shop.write("evil", """
        name: evil
        description: prints escape sequences
        initial: a
        scope: [evil]
        states:
          a:
            action: "printf '\\\\033]0;owned\\\\007\\\\033[2Jred \\\\033[31mtext\\\\n'; exit 1"
            on_yes: done
            on_no: failed
          done: {terminal: true}
          failed: {terminal: true}
        """)  # fmt: skip
    run = shop.ll("evil")
    assert "red text" in run.stdout
    for done in (
        run,
        shop.ll("history", "evil", "latest", "-v"),
        shop.ll("explain", "evil"),
        shop.ll("status", "evil"),
    ):
        assert "\033" not in done.stdout
        assert "\007" not in done.stdout
    with terminal(shop, "run", "evil") as screen:
        screen.end()
    assert "\033]0;" not in screen.text
    assert "\033[2J" not in screen.text


def test_a_latin_terminal_gets_readable_text(shop: Shop) -> None:
    done = subprocess.run(
        [*PROGRAM, "run", "fix"], cwd=shop.folder, capture_output=True, text=True, check=False,
        env=shop.env(PYTHONUTF8="0", PYTHONIOENCODING="ascii", LANG="C"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Loop completed: done" in done.stdout


def test_following_shows_what_comes_until_the_run_ends(shop: Shop) -> None:
    run = shop.start("run", "waits")
    shop.until("here")
    watch = shop.start("history", "waits", "latest", "--follow")
    assert watch.stdout is not None
    assert "loop_start" in watch.stdout.readline()
    shop.go()
    rest = watch.communicate(timeout=30)[0]
    assert "loop_complete" in rest.splitlines()[-1]
    assert watch.returncode == 0
    run.communicate(timeout=30)


def test_a_person_is_asked_what_to_do_with_an_action_that_was_cut_off(shop: Shop) -> None:
    text = (shop.loops / "waits.yaml").read_text("utf-8")
    shop.write("waits", text + "interrupted: ask\n")
    run = shop.start("run", "waits")
    shop.until("here")
    run.kill()
    run.communicate(timeout=30)
    shop.go()
    with terminal(shop, "resume", "waits") as screen:
        screen.expect("(retry/fail) ")
        screen.send("what\nretry\n")
        assert screen.end() == 0
    assert screen.text.count("(retry/fail) ") == 2
    assert "attempt 2" in screen.text
