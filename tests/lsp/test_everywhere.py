"""The same promises at every place of every loop of the package: what stands there would be offered there.

No server is started: the answers are asked for directly, thousands of times.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from little_loops.fsm.library import BUILT_IN_DIR
from little_loops.fsm.mentions import Names, mentions
from little_loops.lsp.analysis import Analysis, Home, analyse
from little_loops.lsp.completing import complete
from little_loops.lsp.cursor import scalars
from little_loops.lsp.grammar import node_at
from little_loops.lsp.hovering import hover
from little_loops.lsp.outline import outline
from little_loops.lsp.places import named_at, origin_of
from little_loops.lsp.renaming import Refused, rename
from little_loops.lsp.reporting import report
from little_loops.lsp.text import Text

LOOPS = sorted(BUILT_IN_DIR.rglob("*.yaml"))
ODD = [
    "{", "}", "[", "]", ":", ": ", '"', "'", "#", "\n", "\t", "- ", "${", "${context.", "&a ", "*a", "|", ">",
    "\u2028", "\u0085", "😀", "on_", "? ", "---\n", "!!", "\r", "\ufeff", "%", "# ll: allow ",
]  # fmt: skip


def read(path: Path, text: str | None = None) -> tuple[Analysis, Text]:
    source = path.read_text() if text is None else text
    return analyse(source, Home(path, BUILT_IN_DIR)), Text(source)


@pytest.mark.parametrize("path", LOOPS, ids=lambda path: path.stem)
def test_what_stands_there_is_offered_there(path: Path) -> None:
    analysis, text = read(path)
    asked = 0
    for mention in mentions(analysis.data):
        if mention.defines and mention.names is Names.STATE:
            continue
        if mention.defines or mention.names in (Names.PARENT, Names.LIBRARY, Names.LOOP):
            continue
        offers = [item.label for item in complete(text, mention.end, analysis)]
        assert mention.name in offers, (mention, offers[:5])
        asked += 1
    for found in scalars(text.source):
        if found.on_key and isinstance(found.path[-1], str) and node_at(found.path) is not None:
            if found.path[0] in ("context", "parameters") and len(found.path) == 2:
                continue
            offers = [item.label for item in complete(text, found.end, analysis)]
            named = found.path[:-1] in (("states",), ("fragments",)) or "with" in found.path[:-1]
            assert named or found.value in offers, found
            asked += 1
    assert asked > 5


@pytest.mark.parametrize("path", LOOPS, ids=lambda path: path.stem)
def test_every_name_leads_somewhere_and_every_key_is_documented(path: Path) -> None:
    analysis, text = read(path)
    for mention in mentions(analysis.data):
        named = named_at(analysis, text.source, mention.start)
        assert named is not None
        assert named.name == mention.name
        assert origin_of(named, analysis) is not None, mention
    for found in scalars(text.source):
        free = found.path[0] in ("context", "parameters", "states", "fragments") and len(found.path) == 2
        if found.on_key and not free and "with" not in found.path[:-1] and found.path[-2:-1] != ("route",):
            told = hover(analysis, text, found.start)
            assert told is not None, found


@pytest.mark.parametrize("path", LOOPS, ids=lambda path: path.stem)
def test_offsets_and_positions_are_inverse(path: Path) -> None:
    source = path.read_text().replace("the", "t😀e").replace("and", "你\u2028好")
    text = Text(source)
    for offset in range(len(source) + 1):
        assert text.offset(text.position(offset)) == offset


def test_no_text_however_broken_stops_an_answer() -> None:
    dice = random.Random(20)
    for _ in range(150):
        path = dice.choice(LOOPS)
        source = path.read_text()
        for _ in range(dice.choice([1, 2, 5])):
            at = dice.randrange(len(source) + 1)
            match dice.randrange(3):
                case 0:
                    source = source[:at] + dice.choice(ODD) + source[at:]
                case 1:
                    source = source[:at] + source[at + dice.randrange(1, 30) :]
                case _:
                    source = source[: max(at, 40)]
        analysis, text = read(path, source)
        for found in report(analysis, text):
            assert found.range.start.line <= found.range.end.line <= source.count("\n") + source.count("\r")
        outline(analysis, text)
        for _ in range(5):
            offset = dice.randrange(len(source) + 1)
            complete(text, offset, analysis)
            hover(analysis, text, offset)
            try:
                edits = rename(analysis, offset, "another")
            except Refused:
                continue
            assert edits
