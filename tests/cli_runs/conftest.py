from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli_runs.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A project with a few loops."""
    return Shop(tmp_path / "project")
