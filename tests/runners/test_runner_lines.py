"""Lines and values: however the bytes are cut into reads, the text is the same, and memory is bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from little_loops.machine.effects import Marker
from little_loops.runners.lines import LINE, LINES, Lines, Value

CHUNKS = st.lists(
    st.binary(max_size=8) | st.sampled_from([b"\n", b"\r\n", b" \t\n", b"\xc3", b"\xa9"]), max_size=30
)


def _lines(*chunks: bytes, markers: bool = False) -> tuple[list[str], Lines]:
    splitter = Lines("more.out", markers=markers)
    reads = [splitter.feed(chunk) for chunk in chunks] + [splitter.finish()]
    return [line for read in reads if read is not None for line in read.lines], splitter


@given(CHUNKS)
def test_lines_do_not_depend_on_how_the_bytes_were_cut(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    text = whole.decode("utf-8", "replace")
    expected = [line.removesuffix("\r").rstrip(" \t") for line in text.split("\n")]
    if text == "" or text.endswith("\n"):
        expected.pop()
    found, splitter = _lines(*chunks)
    assert found == expected
    assert splitter.count == len(expected)


def test_what_is_shown_of_a_line() -> None:
    found, _ = _lines(b"a\r\nb \t\nc\r\r\n  d\n\ne")
    assert found == ["a", "b", "c\r", "  d", "", "e"]


def test_a_long_line_is_cut_and_its_length_is_known() -> None:
    splitter = Lines("more.out")
    assert splitter.feed(b"x" * (LINE + 5)) is None
    assert splitter.partial() == "x" * LINE
    read = splitter.feed(b"yz\nshort\n" + b"w" * (LINE + 1) + b"\n")
    assert read is not None
    assert read.lines == ("x" * LINE, "short", "w" * LINE)
    assert read.cut == {0: LINE + 7, 2: LINE + 1}


def test_a_line_without_an_end_takes_no_memory() -> None:
    splitter = Lines("more.out")
    for _ in range(1000):
        assert splitter.feed(b"x" * 65536) is None
    last = splitter.finish()
    assert last is not None
    assert last.cut == {0: 65_536_000}
    assert len(last.lines[0]) == LINE


def test_lines_are_recorded_up_to_a_limit_and_counted_beyond_it() -> None:
    splitter = Lines("more.out")
    line = b"0123456789abcde\n"
    first = splitter.feed(line * (LINES // 15))
    assert first is not None
    assert (first.recorded, first.more) == (len(first.lines), None)
    second = splitter.feed(line * 5)
    assert second is not None
    assert (second.recorded, second.more) == (1, "more.out")
    third = splitter.feed(line * 2)
    assert third is not None
    assert (len(third.lines), third.recorded, third.more) == (2, 0, None)
    assert (splitter.count, splitter.recorded) == (LINES // 15 + 7, LINES // 15 + 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"CONTEXT_HANDOFF: go on there \n", Marker("handoff", "go on there")),
        (b"FATAL_ERROR:disk\nCONTEXT_HANDOFF: x\n", Marker("error", "disk")),
        (b"LOOP_STOP:\n", Marker("stop", "")),
        (b"LOOP_STOP: enough", Marker("stop", "enough")),
        (b"say FATAL_ERROR: no\n FATAL_ERROR: no\n", None),
        (b"FATAL_ERROR:\nnext line is no payload\n", None),
        (b"fatal_error: no\n", None),
    ],
)
def test_a_control_line_starts_its_line_and_keeps_to_it(text: bytes, expected: Marker | None) -> None:
    assert _lines(text, markers=True)[1].marker == expected
    assert _lines(*(bytes([one]) for one in text), markers=True)[1].marker == expected
    assert _lines(text, markers=False)[1].marker is None


def _value(limit: int, *chunks: bytes) -> Value:
    value = Value(limit)
    for chunk in chunks:
        value.feed(chunk)
    return value


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_a_value_up_to_the_limit_is_the_exact_text(chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    value = _value(max(len(whole), 2), *chunks)
    assert not value.truncated
    assert value.text() == whole.decode("utf-8", "replace")


def test_a_longer_value_keeps_its_beginning_and_its_end() -> None:
    value = _value(10, b"01234\n", b"x" * 100, b"abcde")
    assert value.truncated
    assert value.text() == "01234\n[... 101 bytes left out ...]\nabcde"


NO_LINE_ENDS = st.characters(exclude_categories=["Cs"], exclude_characters="\n[")


@given(st.text(NO_LINE_ENDS, min_size=20, max_size=200), st.integers(4, 19), st.integers(1, 7))
def test_no_character_is_cut_in_two_and_every_byte_is_accounted_for(text: str, limit: int, size: int) -> None:
    data = text.encode()
    shown = _value(limit, *(data[i : i + size] for i in range(0, len(data), size))).text()
    head, _, rest = shown.partition("[... ")
    left_out, _, tail = rest.partition(" bytes left out ...]\n")
    head = head.removesuffix("\n")
    assert text.startswith(head)
    assert text.endswith(tail)
    assert len(head.encode()) + int(left_out) + len(tail.encode()) == len(data)
    assert limit - 6 <= len((head + tail).encode()) <= limit
