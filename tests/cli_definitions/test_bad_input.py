"""What people get wrong: a clear message with the place and a way forward, never a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from screens import FIX, Project

READERS = (("validate",), ("show",), ("simulate",), ("test",), ("compile",), ("run",))


@pytest.mark.parametrize("verb", READERS, ids=lambda verb: verb[0])
def test_a_loop_that_is_not_there(project: Project, verb: tuple[str, ...]) -> None:
    screen = project.ll(*verb, "fixx")
    assert screen.code == 2
    assert "no loop named 'fixx'" in screen.err
    assert "did you mean 'fix'?" in screen.err
    screen = project.ll(*verb, "nowhere/fix.yaml")
    assert screen.code == 2
    assert "no such loop file: nowhere/fix.yaml" in screen.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", ":1:"),
        ("", "expected a mapping|must be a mapping"),
        ("- a\n- b\n", "must be a mapping"),
        ("name: x\ninitial: a\nstates: {a: {action: 'true', next: a}}\n", "terminal"),
        (
            "name: x\ninitial: a\nstates: {a: {action: 'true', next: b}, c: {terminal: true}}\n",
            "undefined state 'b'",
        ),
        ("name: x\ninitial: a\nstates: {a: null, b: {terminal: true}}\n", "found nothing"),
        ("name: x\nname: y\ninitial: a\nstates: {a: {terminal: true}}\n", "written twice"),
        ("[" * 5000, "nest|deep"),
        ("name: x\ninitial: a\nmax_iterations: many\nstates: {a: {terminal: true}}\n", "whole number"),
    ],
    ids=["syntax", "empty", "list", "no-terminal", "unknown-state", "null-state", "twice", "deep", "type"],
)
def test_a_file_that_is_no_loop(project: Project, text: str, said: str) -> None:
    project.loop("bad", text)
    others = READERS[1 + len(text) % 5]
    for verb in (("validate",), others):
        screen = project.ll(*verb, "bad")
        assert screen.code == (1 if verb == ("validate",) else 2)
        shown = screen.out + screen.err
        assert any(word in shown for word in said.split("|")), shown
        assert ".loops/bad.yaml" in shown


def test_a_file_that_is_not_text(project: Project) -> None:
    (project.root / ".loops" / "binary.yaml").write_bytes(b"\xff\xfe\x00name")
    screen = project.ll("validate", "binary")
    assert screen.code == 2
    assert "binary.yaml" in screen.err


def test_a_folder_where_a_file_should_be(project: Project) -> None:
    (project.root / ".loops" / "odd.yaml").mkdir()
    assert project.ll("show", "odd").code == 2
    assert project.ll("list").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(project: Project) -> None:
    (project.root / ".loops" / "fix.yaml").chmod(0)
    screen = project.ll("show", "fix")
    assert screen.code == 2
    assert "Permission denied" in screen.err


@pytest.mark.parametrize(
    "words",
    [
        ("simulate", "fix", "--context", "noequals"),
        ("simulate", "fix", "--param", "nope=1"),
        ("test", "fix", "--param", "=1"),
        ("test", "fix", "--param", "a=@missing.txt"),
        ("simulate", "fix", "-n", "0"),
        ("list", "--status", "odd"),
        ("validate", "--nope"),
        ("show",),
        ("fragments", "../../etc/passwd"),
        ("next-loop", "-n", "x"),
    ],
    ids=" ".join,
)
def test_wrong_usage(project: Project, words: tuple[str, ...]) -> None:
    screen = project.ll(*words)
    assert screen.code == 2
    assert screen.err.startswith("error: ")
    assert screen.out == ""


def test_a_loop_that_is_huge(project: Project) -> None:
    states = "".join(f"  s{n}: {{action: 'true', next: s{n + 1}}}\n" for n in range(1500))
    project.loop("huge", f"name: huge\ninitial: s0\nstates:\n{states}  s1500: {{terminal: true}}\n")
    screen = project.ll("show", "huge")
    assert screen.code == 0
    assert "s1499" in screen.out
    assert project.ll("simulate", "huge", "--scenario", "all-pass", "-n", "2000").code == 0


def test_a_closed_pipe_is_no_error(project: Project) -> None:
    import subprocess

    from screens import LL_LOOP

    done = subprocess.run(
        ["bash", "-c", f"{LL_LOOP} show fix | head -n 1; exit ${{PIPESTATUS[0]}}"],
        cwd=project.root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.startswith("── fix")


def test_help_of_every_command_has_an_example(project: Project) -> None:
    for verb in (
        "validate",
        "show",
        "list",
        "compile",
        "fragments",
        "install",
        "new",
        "next-loop",
        "config",
        "simulate",
        "test",
        "schema",
    ):
        screen = project.ll(verb, "--help")
        assert screen.code == 0
        assert f"\nExamples:\n  ll-loop {verb}" in screen.out
        assert max(len(line) for line in screen.lines) <= 100


def test_names_and_paths_with_blanks_and_accents(project: Project) -> None:
    project.loop("prüfen und testen", FIX.replace("name: fix", "name: prüfen"))
    assert project.ll("validate", "prüfen und testen").code == 0
    assert project.ll("simulate", "prüfen und testen", "--scenario", "all-pass").code == 0
    path = Path(".loops") / "prüfen und testen.yaml"
    assert "prüfen" in project.ll("show", str(path)).out
