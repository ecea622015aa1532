"""``ll-loop new``: what a person gets who wants a loop of their own."""

from __future__ import annotations

import pytest
import yaml
from terminals import Place

from little_loops.fsm.load import load

COMPLETE = {
    "goal": ("--check", "make lint", "--fix", "make format"),
    "convergence": ("--check", "wc -l < todo", "--toward", "0", "--fix", "sed -i 1d todo"),
    "invariants": ("--constraint", "fmt", "make fmt-check", "make fmt", "--constraint", "b", "true", "true"),
    "imperative": ("--step", "make a", "--step", "make b", "--check", "make test"),
    "fsm": ("--check", "make lint", "--fix", "make format"),
}
STATES = {
    "goal": ["evaluate", "fix", "done"],
    "convergence": ["measure", "apply", "done"],
    "invariants": ["check_fmt", "fix_fmt", "check_b", "fix_b", "all_valid"],
    "imperative": ["step_0", "step_1", "check_done", "done"],
    "fsm": ["check", "repair", "done", "failed"],
}


@pytest.mark.parametrize("paradigm", COMPLETE)
def test_every_paradigm_gives_a_loop_without_a_finding(place: Place, paradigm: str) -> None:
    screen = place.ll("new", "mine", "--paradigm", paradigm, *COMPLETE[paradigm])
    assert (screen.code, screen.err) == (0, "")
    assert screen.out.splitlines()[0].startswith(f"Wrote .loops/mine.yaml ({paradigm}: ")
    for verb in ("validate", "simulate", "run"):
        assert f"  ll-loop {verb} mine " in screen.out
    result = load(place.file("mine"))
    assert result.diagnostics == ()
    assert list(result.require().states) == STATES[paradigm]
    assert place.ll("validate", "--strict", "mine").code == 0
    assert place.ll("simulate", "mine", "--scenario", "all-pass").code == 0


@pytest.mark.parametrize("paradigm", COMPLETE)
def test_the_file_explains_itself(place: Place, paradigm: str) -> None:
    place.ll("new", "mine", "--paradigm", paradigm, *COMPLETE[paradigm])
    lines = place.file("mine").read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=.loop-schema.json"
    assert lines[1].startswith("# ")
    assert sum("# " in line for line in lines) >= 6
    assert (place.root / ".loops" / ".loop-schema.json").read_text() == place.ll("schema").out
    assert not any(line != line.rstrip() for line in lines)


def test_the_answers_are_in_the_loop(place: Place) -> None:
    place.ll(
        "new", "mine", "--paradigm", "convergence", *COMPLETE["convergence"], "--tolerance", "0.5",
        "--description", "Fewer things to do", "--scope", "todo", "--scope", "lib/", "--max-steps", "7",
    )  # fmt: skip
    loop = load(place.file("mine")).require()
    assert loop.description == "Fewer things to do"
    assert loop.scope == ["todo", "lib/"]
    assert loop.step_cap == 7
    assert loop.context == {"metric_cmd": "wc -l < todo", "target": 0, "tolerance": 0.5}


@pytest.mark.parametrize("paradigm", ["goal", "fsm", "invariants"])
def test_an_agent_repairs_and_sees_what_the_check_printed(place: Place, paradigm: str) -> None:
    given = {**COMPLETE, "invariants": ("--constraint", "fmt", "make fmt-check", "Format: all.")}[paradigm]
    screen = place.ll("new", "mine", "--paradigm", paradigm, *given, "--agent")
    assert screen.code == 0
    result = load(place.file("mine"))
    assert result.diagnostics == ()
    prompts = [s for s in result.require().states.values() if s.action_type == "prompt"]
    assert len(prompts) == 1
    assert prompts[0].action is not None
    assert prompts[0].action.endswith("\n\nThe check printed:\n\n${%s.output}\n" % (
        "captured.report" if paradigm == "fsm" else "prev"
    ))  # fmt: skip


def test_a_loop_that_is_written_also_runs(place: Place) -> None:
    place.ll("new", "mine", "--paradigm", "goal", "--check", "test -e 'a b'", "--fix", "touch 'a b'")
    assert place.ll("run", "mine").code == 0
    assert (place.root / "a b").exists()


def test_braces_of_bash_stay_those_of_bash(place: Place) -> None:
    (place.root.parent / "found").touch()
    place.ll("new", "mine", "--paradigm", "goal", "--check", 'test -e "${HOME}/found"', "--fix", "false")
    assert load(place.file("mine")).diagnostics == ()
    assert place.ll("run", "mine").code == 0


def test_a_command_with_a_path_is_a_command(place: Place) -> None:
    for paradigm in COMPLETE:
        given = {
            "goal": ("--check", "/bin/true", "--fix", "/bin/true"),
            "fsm": ("--check", "/bin/true", "--fix", "/bin/true"),
            "convergence": ("--check", "/bin/echo 0", "--toward", "0", "--fix", "/bin/true"),
            "invariants": ("--constraint", "a", "/bin/true", "/bin/true"),
            "imperative": ("--step", "/bin/true", "--check", "/bin/true"),
        }[paradigm]
        assert place.ll("new", paradigm, "--paradigm", paradigm, *given).code == 0
        assert place.ll("run", paradigm).code == 0, paradigm


# --- what is refused ---------------------------------------------------------------------------------------


def test_nothing_is_overwritten(place: Place) -> None:
    place.ll("new", "mine", "--paradigm", "goal", *COMPLETE["goal"])
    before = place.file("mine").read_bytes()
    screen = place.ll("new", "mine", "--paradigm", "fsm", *COMPLETE["fsm"])
    assert screen.code == 1
    assert ".loops/mine.yaml is there already, and is kept as it is" in screen.err
    assert place.file("mine").read_bytes() == before


def test_a_compiled_loop_of_the_name_would_hide_the_new_one(place: Place) -> None:
    place.file("mine.fsm").parent.mkdir()
    place.file("mine.fsm").write_text("x: y\n")
    assert ".loops/mine.fsm.yaml is there already" in place.ll("new", "mine").err
    assert not place.file("mine").exists()


def test_a_schema_that_is_not_ours_is_kept(place: Place) -> None:
    (place.root / ".loops").mkdir()
    schema = place.root / ".loops" / ".loop-schema.json"
    schema.write_text('{"mine": true}')
    assert place.ll("new", "mine", "--paradigm", "goal", *COMPLETE["goal"]).code == 0
    assert schema.read_text() == '{"mine": true}'


@pytest.mark.parametrize("name", ["../out", "a/b", "", ".hidden", "-x", "a b", "é"])
def test_a_name_that_leads_elsewhere(place: Place, name: str) -> None:
    screen = place.ll("new", "--paradigm", "goal", *COMPLETE["goal"], "--", name)
    assert screen.code == 2
    assert "cannot be a name" in screen.err
    assert not (place.root / ".loops").exists()


def test_without_a_terminal_the_missing_flags_are_named(place: Place) -> None:
    screen = place.ll("new", "mine")
    assert screen.code == 2
    assert "--paradigm goal|convergence|invariants|imperative|fsm" in screen.err
    screen = place.ll("new", "mine", "--paradigm", "convergence", "--fix", "x")
    assert screen.code == 2
    assert "needed for convergence: --check COMMAND, --toward NUMBER" in screen.err
    screen = place.ll("new", "mine", "--paradigm", "invariants")
    assert "--constraint NAME CHECK FIX" in screen.err
    assert not (place.root / ".loops").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("goal", *COMPLETE["goal"], "--step", "x"), "--step does not go with goal"),
        (("goal", *COMPLETE["goal"], "--tolerance", "1"), "--tolerance does not go with goal"),
        (("convergence", *COMPLETE["convergence"], "--agent"), "--agent does not go with convergence"),
        (("goal", "--check", " ", "--fix", "x"), "--check is empty"),
        (("invariants", "--constraint", "a", "", "x"), "--constraint is empty"),
        (("convergence", "--check", "x", "--fix", "x", "--toward", "nan"), "--toward has to be a number"),
        (("convergence", "--check", "x", "--fix", "x", "--toward", "many"), "--toward"),
        (
            ("invariants", *("--constraint", "a", "x", "y") * 2),
            "which constraint 0 has too",
        ),
        (("gaol",), "--paradigm"),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_answers_that_make_no_loop(place: Place, given: tuple[str, ...], said: str) -> None:
    screen = place.ll("new", "mine", "--paradigm", *given)
    assert screen.code == 2
    assert said in screen.err
    assert not place.file("mine").exists()


def test_a_text_that_is_not_utf_8(place: Place) -> None:
    screen = place.ll("new", "mine", "--paradigm", "goal", "--fix", "x", "--check", b"echo \xff")
    assert screen.code == 2
    assert "--check is not UTF-8 text" in screen.err
    assert not place.file("mine").exists()


def test_a_value_that_would_run_as_code_is_refused_before_anything_is_written(place: Place) -> None:
    screen = place.ll("new", "mine", "--paradigm", "goal", "--check", "eval ${prev.output}", "--fix", "x")
    assert screen.code == 2
    assert "nothing was written" in screen.err
    assert not place.file("mine").exists()


# --- a person at a terminal --------------------------------------------------------------------------------


def test_a_person_is_asked_for_everything(place: Place) -> None:
    screen = place.typed("1\nmake lint\nmake format\nLint away\n", "new", "mine")
    assert screen.code == 0
    assert "What kind of loop?" in screen.err
    assert "1 goal         a check, and a repair until it passes" in screen.err
    loop = load(place.file("mine")).require()
    assert loop.description == "Lint away"
    assert loop.states["evaluate"].action == "make lint"
    assert loop.states["fix"].action == "make format"


def test_a_person_is_asked_only_for_what_is_missing(place: Place) -> None:
    screen = place.typed("5\n\n", "new", "mine", "--paradigm", "convergence", "--check", "x", "--fix", "y")
    assert screen.code == 0
    assert "What kind" not in screen.err
    assert "Number to reach:" in screen.err
    loop = load(place.file("mine")).require()
    assert loop.context["target"] == 5
    assert loop.description == "Bring a number to 5"


def test_several_answers_end_with_an_empty_one(place: Place) -> None:
    assert place.typed("imperative\nmake a\nmake b\n\nmake test\n\n", "new", "mine").code == 0
    assert list(load(place.file("mine")).require().states) == ["step_0", "step_1", "check_done", "done"]
    assert place.typed("3\nfmt\nmake x\nmake y\n\n\n", "new", "laws").code == 0
    assert load(place.file("laws")).require().description == "Keep what has to hold: fmt"


def test_input_that_ends_early_writes_nothing(place: Place) -> None:
    screen = place.typed("goal\nmake lint\n", "new", "mine")
    assert screen.code == 2
    assert "nothing was written" in screen.err
    assert not place.file("mine").exists()


def test_other_readers_of_yaml_agree(place: Place) -> None:
    place.ll("new", "mine", "--paradigm", "goal", "--check", "yes", "--fix", "0o17", "--description", "on")
    assert yaml.safe_load(place.file("mine").read_text())["tools"] == ["yes", "0o17"]
    assert yaml.safe_load(place.file("mine").read_text())["description"] == "on"
