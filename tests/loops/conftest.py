"""The fixture of these tests: an empty project."""

from __future__ import annotations

from pathlib import Path

import pytest
from loop_project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")
