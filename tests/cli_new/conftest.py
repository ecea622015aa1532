from __future__ import annotations

from pathlib import Path

import pytest
from terminals import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "work"
    (root / ".git").mkdir(parents=True)
    return Place(root)
