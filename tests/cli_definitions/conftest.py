from __future__ import annotations

from pathlib import Path

import pytest
from screens import FIX, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "work")
    made.loop("fix", FIX)
    return made
