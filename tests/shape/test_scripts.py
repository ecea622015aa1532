"""The two commands of a fresh machine: what they say when something is missing; the demo ends green."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NO_VENV = """#!/bin/sh
case $1 in -c) exit 0 ;; -m) echo 'ensurepip is not available' >&2; exit 1 ;; esac
"""
NO_PYTHON = "#!/bin/sh\nexit 127\n"


def started(script: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | ({"PATH": path} if path else {}) | {"CI": "true", "NO_COLOR": "1"}
    return subprocess.run(
        [str(script), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The scripts in a checkout of their own, without an environment."""
    for name in ("check", "demo", "pyproject.toml", "README.md"):
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "src").mkdir()
    return tmp_path


def fake_python(folder: Path, text: str) -> str:
    """A PATH on which every Python is this script."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("python3", "python", *(f"python3.{minor}" for minor in range(11, 15))):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    for name in ("bash", "cat", "dirname", "env", "find", "git", "mkdir", "rm", "sed", "sh", "sort", "cksum"):
        found = shutil.which(name)
        assert found is not None, name
        (programs / name).symlink_to(found)
    return str(programs)


@pytest.mark.parametrize("script", ["check", "demo"])
def test_it_explains_itself(script: str) -> None:
    told = started(ROOT / script, "--help")
    assert told.returncode == 0
    assert f"./{script}" in told.stdout


@pytest.mark.parametrize("script", ["check", "demo"])
def test_an_option_that_does_not_exist_is_a_mistake(script: str) -> None:
    told = started(ROOT / script, "--no-such-thing")
    assert told.returncode == 2
    assert "--no-such-thing" in told.stdout


@pytest.mark.parametrize("script", ["check", "demo"])
def test_a_machine_without_venv_is_told_what_to_install(script: str, copied: Path) -> None:
    told = started(copied / script, path=fake_python(copied, NO_VENV))
    assert told.returncode == 1
    assert "apt install python3-venv" in told.stdout
    assert not list(copied.glob(".*/bin/python")), "nothing half made is left behind"


@pytest.mark.parametrize("script", ["check", "demo"])
def test_a_machine_without_a_python_of_today_is_told_so(script: str, copied: Path) -> None:
    told = started(copied / script, path=fake_python(copied, NO_PYTHON))
    assert told.returncode == 1
    assert "no python3 of version 3.11 or newer" in told.stdout


def test_ci_runs_what_everybody_runs() -> None:
    lines = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert [line.strip() for line in lines if "./" in line] == ["exec ./check --agents", "exec ./check"]


@pytest.mark.slow
def test_the_demo_ends_green_and_shows_its_path_twice_in_a_row() -> None:
    for _ in range(2):
        told = started(ROOT / "demo")
        assert told.returncode == 0, told.stdout
        assert "Path: lint → fix_lint → (progress → lint → test → fix_tests) ×2" in told.stdout
