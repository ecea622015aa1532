"""Hostile values in every place of a bash text: they arrive byte for byte and nothing runs, or they are
refused.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.interpolation.hostile import PROGRAMS, VALUES
from tests.interpolation.places import ACCEPTED, NUMBERS, REFUSED, Place
from tests.interpolation.stage import REFERENCE, perform, perform_one, rendered, untouched

from little_loops.fsm.bash import Refusal
from little_loops.machine.interpolation import InterpolationError, check_shell

FEW = tuple(value for value in VALUES if len(value) < 100_000)[::19] + PROGRAMS


def test_the_corpus_is_large_enough() -> None:
    assert len(VALUES) >= 300
    assert len({len(value) for value in VALUES}) > 20
    assert min(map(len, VALUES)) == 0
    assert max(map(len, VALUES)) >= 200_000


@pytest.mark.parametrize("place", ACCEPTED, ids=lambda place: place.name)
def test_a_value_arrives_as_it_is_and_nothing_runs(place: Place, tmp_path: Path) -> None:
    values = FEW if place.few else VALUES + PROGRAMS
    action = rendered(place.text, values[0])
    assert all(rendered(place.text, value) == action for value in values[:40])
    written = perform(action, values, tmp_path)
    assert untouched(tmp_path)
    for value, got in zip(values, written, strict=True):
        expected = place.writes(value)
        assert expected is None or got == expected.encode(), (place.text, action.text, value[:80])


@pytest.mark.parametrize("by_file", [False, True], ids=["environment", "file"])
def test_a_value_arrives_in_a_bash_of_its_own(by_file: bool, tmp_path: Path) -> None:
    values = [*FEW, VALUES[-1]] if by_file else FEW
    for number, value in enumerate(values):
        place = [place for place in ACCEPTED if not place.few][number % (len(ACCEPTED) - 20)]
        action = rendered(place.text, value)
        got = perform_one(action, value, tmp_path / str(number), by_file=by_file)
        expected = place.writes(value)
        assert expected is None or got == expected.encode(), (place.text, action.text, value[:80])
    assert untouched(tmp_path)


@pytest.mark.parametrize("text", REFUSED)
def test_a_place_where_a_value_would_be_executed_is_refused(text: str, tmp_path: Path) -> None:
    found = check_shell(text.replace("§", REFERENCE), {})
    assert found, text
    assert isinstance(found[0], Refusal)
    assert found[0].label == "prev.output"
    assert found[0].hint
    assert text.replace("§", REFERENCE).startswith(REFERENCE, found[0].offset)
    with pytest.raises(InterpolationError, match=r"prev\.output"):
        rendered(text, "echo x >CANARY")


@pytest.mark.parametrize(("text", "writes"), NUMBERS)
def test_a_place_for_numbers_takes_numbers_and_nothing_else(text: str, writes: str, tmp_path: Path) -> None:
    action = rendered(text, "7")
    assert perform(action, ["7"], tmp_path) == [(writes + ("" if writes == ".." else "\0")).encode()]
    for value in (*VALUES, *PROGRAMS):
        if value.strip().removeprefix("-").isascii() and value.strip().removeprefix("-").isdigit():
            assert rendered(text, value) == action
        else:
            with pytest.raises(InterpolationError, match=r"prev\.output"):
                rendered(text, value)
