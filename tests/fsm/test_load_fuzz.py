"""Mangled loop files: always a loop or findings with a place, never an exception, never a long wait."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from little_loops.fsm.diagnostics import as_json, in_file_order, render_all
from little_loops.fsm.load import load_text
from little_loops.fsm.schema import definition_text

HERE = Path(__file__).parent / "rules"
TEXTS = [path.read_text() for path in sorted(HERE.glob("*.yaml"))]
WORDS = [
    *(
        "states:",
        "name",
        "null",
        "yes",
        "[]",
        "{}",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "<<: ",
        "- ",
        "? ",
        ": ",
        "|\n",
        ">-\n",
    ),
    *(
        "${",
        "}",
        "${context.x}",
        "$${",
        "!!str ",
        "!x ",
        "'",
        '"',
        "#",
        "\t",
        "\n",
        "\n  ",
        "---\n",
        "...",
        "%YAML 1.1\n",
    ),
    *(
        "-1",
        "0",
        "1e999",
        ".nan",
        "99999999999999999999",
        "true",
        "on_yes",
        "route:",
        "evaluate:",
        "type:",
        "loop: ",
        "from: ",
    ),
    *(
        "flow: [a?b:c]\n",
        "import: [x]\n",
        "fragments: {a: 1}\n",
        "paradigm: goal\n",
        "\x00",
        "\x85",
        "\ufeff",
        "é",
        "🙂",
        "\u2028",
    ),
]
CASES = int(os.environ.get("LL_FUZZ_CASES", "2000"))


def mangled(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((0, 1, 1, 3, 12, 80)))
        match chance.randrange(5):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + chance.choice(WORDS) + text[at:]
            case 2:
                text = text[:at] + chance.choice(WORDS) + text[end:]
            case 3:
                text = text[:at] + text[at:end] * chance.randint(2, 4) + text[end:]
            case _:
                other = chance.choice(TEXTS)
                cut = chance.randrange(len(other))
                text = text[:at] + other[cut : cut + 60] + text[end:]
    return text


def check(text: str) -> None:
    started = time.monotonic()
    result = load_text(text, folder=HERE, loops_dir=HERE)
    assert result.loop is not None or result.errors
    render_all(in_file_order(result.diagnostics))
    for diagnostic in result.diagnostics:
        assert as_json(diagnostic)["line"] is not None, diagnostic
    if result.loop is not None:
        definition_text(result.loop)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("part", range(8))
def test_a_mangled_file_is_a_loop_or_findings(part: int) -> None:
    chance = random.Random(1105 + part)
    for _ in range(CASES // 8):
        text = mangled(chance.choice(TEXTS), chance)
        try:
            check(text)
        except Exception as error:
            raise AssertionError(f"this text: {text!r}") from error


@pytest.mark.slow
def test_fifty_thousand_mangled_files() -> None:
    chance = random.Random(int(os.environ.get("LL_FUZZ_START", "7")))
    for _ in range(50_000):
        text = mangled(chance.choice(TEXTS), chance)
        try:
            check(text)
        except Exception as error:
            raise AssertionError(f"this text: {text!r}") from error
