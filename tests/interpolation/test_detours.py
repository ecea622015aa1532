"""A value does not become code by a way round: through variables, functions, pipes or nested programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.interpolation.detours import NUMBERS_ONLY, REFUSED, SAFE
from tests.interpolation.hostile import PROGRAMS, VALUES
from tests.interpolation.stage import REFERENCE, perform, rendered, untouched

from little_loops.machine.interpolation import InterpolationError, check_shell

WORDS = (
    "-v a[$(>CANARY)]",
    "x -v a[$(>CANARY)]",
    "5 touch CANARY",
    "touch CANARY",
    "-c >CANARY x",
    "b -e1e>CANARY",
    "1 b[$(>CANARY)]=2",
    "($(>CANARY))",
    "x=a[$(>CANARY)]",
    "-pa[$(>CANARY)]",
    "import os;os.system('touch CANARY')",
    "7",
)
ATTACKS = tuple(value for value in VALUES if len(value) < 5_000)[::17] + PROGRAMS + WORDS


def renderable(text: str) -> list[str]:
    """The attacks that are let through to bash for a text: for most texts, all."""
    found = []
    for value in ATTACKS:
        try:
            rendered(text, value)
        except InterpolationError:
            continue
        found.append(value)
    return found


@pytest.mark.parametrize("text", SAFE)
def test_a_value_on_a_detour_is_not_executed(text: str, tmp_path: Path) -> None:
    values = renderable(text)
    assert len(values) > len(ATTACKS) // 2
    if "python3" in text:
        values = values[::5]
    perform(rendered(text, values[0]), values, tmp_path)
    assert untouched(tmp_path)


@pytest.mark.parametrize("text", NUMBERS_ONLY)
def test_a_value_that_is_calculated_with_in_the_end_must_be_a_number(text: str, tmp_path: Path) -> None:
    assert set(map(str.strip, renderable(text))) <= {"7", "0", "-1", "08"}
    perform(rendered(text, "7"), ["7"], tmp_path)
    assert untouched(tmp_path)


@pytest.mark.parametrize("text", REFUSED)
def test_a_detour_that_ends_in_execution_is_refused(text: str) -> None:
    found = check_shell(text.replace("§", REFERENCE), {})
    assert found
    assert {refusal.label for refusal in found} == {"prev.output"}
    with pytest.raises(InterpolationError, match=r"prev\.output"):
        rendered(text, "7")
