"""Every folder here is a story: a loop, a world, and the journal that must come out.

``LL_WRITE_STORIES=1`` writes the stories anew, for a reader to check line by line.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.published import breaches

from little_loops.testing import play_scenario, story

SCENARIOS = sorted(path.parent for path in Path(__file__).parent.glob("*/loop.yaml"))


@pytest.mark.parametrize("folder", SCENARIOS, ids=lambda folder: folder.name)
def test_the_story_comes_out(folder: Path) -> None:
    records, expected = play_scenario(folder), folder / "journal.txt"
    told = story(records)
    assert breaches(records) == [], "every record is one of the published schemas"
    if os.environ.get("LL_WRITE_STORIES"):
        expected.write_text(told)
    assert told == expected.read_text()
