"""A required key that stands there without a value is as missing as one that does not."""

from __future__ import annotations

import pytest

from little_loops.fsm.load import load_text

WHOLE = {"name": "x", "initial": "a", "states": "{a: {terminal: true}}"}


@pytest.mark.parametrize("empty", WHOLE)
@pytest.mark.parametrize("written", ["", " null", " ~"])
def test_a_key_without_a_value_is_told(empty: str, written: str) -> None:
    text = "".join(f"{key}:{written if key == empty else ' ' + value}\n" for key, value in WHOLE.items())
    result = load_text(text)
    assert [d.code for d in result.errors] == ["LL121"]
    assert empty in result.errors[0].message
    assert result.loop is None
