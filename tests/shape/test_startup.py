"""What a command imports, it makes every user wait for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("pydantic", "asyncio", "rich", "mcp", "jsonschema", "tree_sitter", "psutil", "hypothesis", "jq")
START = "import sys; from little_loops.cli.main import main; sys.exit(main())"
LOOP = """
name: one
description: one step
initial: a
states:
  a: {action: 'true', next: b}
  b: {terminal: true}
"""


def imported(arguments: list[str], folder: Path) -> set[str]:
    """Top-level names of everything that a command imports."""
    argv = [sys.executable, "-X", "importtime", "-c", START, *arguments]
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert lines, done.stderr
    assert done.returncode in {0, 1}, done.stderr[-500:]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.fixture(scope="module")
def with_a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / ".loops").mkdir()
    (folder / ".loops" / "one.yaml").write_text(LOOP, "utf-8")
    program = Path(sys.executable).with_name("ll-loop")
    subprocess.run([program, "run", "one"], cwd=folder, capture_output=True, check=True)
    return folder


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["list"], ["status", "one"], ["history", "one"], ["stop", "one"]],
    ids=" ".join,
)
def test_a_command_that_only_looks_imports_nothing_heavy(arguments: list[str], with_a_run: Path) -> None:
    assert sorted(imported(arguments, with_a_run) & set(HEAVY)) == []


def test_a_run_of_shell_actions_imports_no_event_loop_and_no_models(with_a_run: Path) -> None:
    assert (
        sorted(imported(["run", "one", "--quiet"], with_a_run) & {"pydantic", "asyncio", "mcp", "rich"}) == []
    )
