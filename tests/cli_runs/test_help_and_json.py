"""Help, names of commands, JSON, and the boundary at which errors become messages."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli_runs.shop import PROGRAM, Shop

from little_loops.cli.main import ALIASES, VERBS, unfit

BOOM = """
import sys, types
import click
from little_loops.cli import main, usage

module = types.ModuleType("little_loops.cli.commands.boom")

@usage.command("boom", help="Fails.", examples=[("boom", "fails")])
@click.option("--param")
def command(param):
    raise ZeroDivisionError("nobody expected this")

module.command = command
sys.modules[module.__name__] = module
main.VERBS["boom"] = main.Verb("boom", "Fails.")
sys.exit(main.main(["boom", "--param", "api_key=hush"]))
"""


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_command_has_help_with_examples_that_name_it(shop: Shop, verb: str) -> None:
    done = shop.ll(verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: ll-loop {verb} ")
    assert f"Examples:\n  ll-loop {verb}" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


def test_the_help_lists_every_command_with_its_short_names(shop: Shop) -> None:
    text = shop.ll("--help").stdout
    for verb in VERBS:
        assert f"\n  {verb}" in text
    for alias, verb in ALIASES.items():
        assert f"{verb}, {alias}" in text


@pytest.mark.parametrize(("alias", "verb"), sorted(ALIASES.items()))
def test_a_short_name_is_the_command(shop: Shop, alias: str, verb: str) -> None:
    assert shop.ll(alias, "--help").stdout.startswith(f"Usage: ll-loop {verb} ")


def test_a_first_word_that_is_no_command_is_a_loop_to_run(shop: Shop) -> None:
    assert shop.ll("fix").stdout.startswith("Running loop: fix")
    assert shop.ll(".loops/fix.yaml").stdout.startswith("Running loop: fix")


def test_a_mistyped_command_that_is_no_loop_is_recognised(shop: Shop) -> None:
    done = shop.ll("statsu")
    assert done.returncode == 2
    assert "if you meant the command: ll-loop status" in done.stderr


def test_a_mistyped_option_gets_a_suggestion(shop: Shop) -> None:
    done = shop.ll("run", "fix", "--max-iteration", "3")
    assert done.returncode == 2
    assert "--max-iterations" in done.stderr
    assert "next: ll-loop run --help" in done.stderr


def test_the_version_is_one_line(shop: Shop) -> None:
    done = shop.ll("--version")
    assert done.stdout.startswith("ll-loop 0.")
    assert done.stdout.count("\n") == 1


def test_the_shell_can_complete_commands_and_options(shop: Shop) -> None:
    done = shop.ll(_LL_LOOP_COMPLETE="bash_complete", COMP_WORDS="ll-loop hist", COMP_CWORD="1")
    assert "history" in done.stdout
    done = shop.ll(_LL_LOOP_COMPLETE="bash_complete", COMP_WORDS="ll-loop run --para", COMP_CWORD="2")
    assert "--param" in done.stdout
    done = shop.ll(_LL_LOOP_COMPLETE="bash_complete", COMP_WORDS="ll-loop run nev", COMP_CWORD="2")
    assert done.stdout == "plain,never\n"
    shop.ll("fix", "--quiet")
    done = shop.ll(_LL_LOOP_COMPLETE="bash_complete", COMP_WORDS="ll-loop status 20", COMP_CWORD="2")
    assert done.stdout == f"plain,{shop.runs()[0]}\n"


@pytest.mark.parametrize(
    "words",
    [["status"], ["status", "fix"], ["history"], ["history", "fix"], ["history", "fix", "latest"],
     ["explain", "fix"], ["explain", "fix", "2"], ["prune", "--keep", "5"], ["run", "fix"],
     ["run", "fix", "--dry-run"]],
    ids=" ".join,
)  # fmt: skip
def test_json_is_json_and_nothing_else(shop: Shop, words: list[str]) -> None:
    shop.ll("fix", "--quiet")
    done = shop.ll(*words, "--json")
    assert done.returncode == 0
    json.loads(done.stdout)
    assert done.stdout.count("\n  ") > 0 or done.stdout == "[]\n"
    assert "\033" not in done.stdout


def test_the_status_keeps_the_documented_fields(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    told = shop.json("status", "fix")
    documented = {
        "loop_name", "current_state", "iteration", "captured", "prev_result", "last_result", "started_at",
        "updated_at", "status", "accumulated_ms", "pid", "pid_source", "log_file", "log_updated_ago",
        "last_event",
    }  # fmt: skip
    assert documented <= told.keys()
    assert told["captured"]["tests"]["output"] == "testing\n3 passed\n"
    assert told["last_result"] == {"verdict": "yes", "details": {"exit_code": 0}}
    assert told["prev_result"]["state"] == "check"
    listed = shop.json("history", "fix")
    assert {"run_id", "status", "started_at", "iterations", "duration_ms"} <= listed[0].keys()


def test_the_records_of_a_run_carry_its_id_and_all_their_keys(shop: Shop) -> None:
    shop.ll("fix", "--quiet")
    run_id = shop.runs()[0]
    told = json.loads(shop.ll("history", run_id, "-n", "0", "--json").stdout)
    assert [{**record, "run_id": run_id} for record in shop.records(run_id)] == told


def test_the_result_of_a_run_as_json_says_how_to_go_on(shop: Shop) -> None:
    done = shop.ll("run", "never", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == 1
    assert (told["status"], told["terminated_by"], told["iterations"]) == ("interrupted", "max_iterations", 4)
    assert told["next_command"] == f"ll-loop resume {told['run_id']} --max-iterations 8"


def test_following_a_run_as_json_gives_every_record_as_a_line(shop: Shop) -> None:
    done = shop.ll("run", "fix", "--follow", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    run_id = shop.runs()[0]
    assert told == [{**record, "run_id": run_id} for record in shop.records(run_id)]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["-e", "route"], {"route"}),
        (["-s", "repair"], {"state_enter", "route"}),
        (["-S", "1h", "-e", "evaluate"], {"evaluate"}),
    ],
)
def test_filters_come_first_and_the_tail_last(shop: Shop, words: list[str], kept: set[str]) -> None:
    shop.ll("fix", "--quiet")
    told = json.loads(shop.ll("history", "fix", "latest", *words, "-n", "2", "--json").stdout)
    assert len(told) == 2
    assert {record["event"] for record in told} <= kept


def test_full_history_shows_what_the_actions_printed(shop: Shop) -> None:
    shop.write("loud", """
        name: loud
        description: prints much
        initial: a
        scope: [loud]
        states:
          a: {action: "seq 1 400; echo oops >&2", next: done}
          done: {terminal: true}
        """)  # fmt: skip
    shop.ll("loud", "--quiet")
    text = shop.ll("history", "loud", "latest", "--full", "-e", "action_complete").stdout
    assert [line.split("│ ")[1] for line in text.splitlines() if "│" in line] == [
        *map(str, range(1, 401)),
        "oops",
    ]


# --- the boundary ------------------------------------------------------------------------------------------


def test_a_mistake_of_ours_is_one_line_and_a_report_file_never_a_traceback(shop: Shop) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOOM],
        cwd=shop.folder,
        env=shop.env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    assert "Traceback" not in done.stderr
    assert "nobody expected this" in done.stderr
    report = Path(done.stderr.split("a report was written to ")[1].strip())
    assert report.parent == shop.folder
    assert "ZeroDivisionError: nobody expected this" in report.read_text("utf-8")
    assert "api_key=***" in report.read_text("utf-8")
    assert "hush" not in report.read_text("utf-8")
    assert report.stat().st_mode & 0o077 == 0


def test_the_other_distribution_in_the_same_environment_is_refused(shop: Shop) -> None:
    place = shop.folder / "packages"
    (place / "little_loops-1.105.0.dist-info").mkdir(parents=True)
    done = shop.ll("status", PYTHONPATH=str(place))
    assert done.returncode == 2
    assert "little_loops-1.105.0.dist-info" in done.stderr
    assert "pip uninstall little-loops" in done.stderr


@pytest.mark.parametrize(("platform", "refused"), [("linux", False), ("darwin", False), ("win32", True)])
def test_platforms(platform: str, refused: bool) -> None:
    assert (unfit(platform, []) is not None) is refused


def test_a_folder_that_is_gone_is_a_message(shop: Shop) -> None:
    place = shop.folder / "gone"
    place.mkdir()
    script = f"rmdir {place}; exec {' '.join(PROGRAM)} status"
    done = subprocess.run(
        ["sh", "-c", script], cwd=place, env=shop.env(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no longer exists" in done.stderr


def test_an_error_message_cannot_drive_the_terminal(shop: Shop) -> None:
    done = shop.ll("run", "evil\x1b[31m\x1b]0;title\x07name")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\x07" not in done.stderr
