"""What a user installs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_wheel_holds_the_package_with_its_loops_and_nothing_else(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(argv, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("little_loops_fsm-*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    loops = {
        p.relative_to(ROOT / "src").as_posix()
        for p in (ROOT / "src" / "little_loops" / "loops").rglob("*.yaml")
    }
    assert loops <= names
    assert {"little_loops/py.typed", "little_loops/cli/main.py"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"little_loops", "little_loops_fsm"}


def test_what_the_project_file_promises() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["name"] == "little-loops-fsm"
    assert project["requires-python"] == ">=3.11"
    assert project["license"] == "MIT"
    assert {"ll-loop", "ll-generate-schemas"} <= set(project["scripts"])
