"""Where this project and the older tool are meant to agree, their runs are the same, event by event."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from tests.differential.peer import NotInstallable, common, installed, run_older, run_ours, same
from tests.differential.shared import make_shared

CASES = int(os.environ.get("LL_PEER_CASES", "60"))
OURS = Path(sys.executable).with_name("ll-loop")


@pytest.fixture(scope="module")
def programs() -> Path:
    try:
        return installed()
    except NotInstallable as problem:
        pytest.skip(f"the package index does not answer: {problem}")


@pytest.mark.parametrize("number", range(4))
def test_the_program_runs_the_loop_as_the_naive_executor_does(number: int, tmp_path: Path) -> None:
    case, run = make_shared(number)
    assert same(run_ours(case, tmp_path, OURS), run.events), str(case)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(CASES))
def test_the_older_tool_runs_the_loop_as_this_one_does(number: int, programs: Path, tmp_path: Path) -> None:
    case, run = make_shared(number)
    older = run_older(case, tmp_path / "older", programs)
    assert common(older) == common(run.events), str(case)
    assert same(run_ours(case, tmp_path / "ours", OURS), older), str(case)
