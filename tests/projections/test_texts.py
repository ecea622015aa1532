"""Lines, durations, ways and scores."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.projections.records import Tale

from little_loops.projections import timeline
from little_loops.projections.path import fold, path_text
from little_loops.projections.statistics import rank, score
from little_loops.projections.summary import summarise
from little_loops.projections.text import ago, clean, duration, elapsed, one_line, took, value_text
from little_loops.projections.timeline import Filter, seconds_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
TS = "2026-11-20T10:15:00+00:00"
KINDS = st.sampled_from(
    [
        "loop_start",
        "loop_resume",
        "loop_complete",
        "state_enter",
        "action_start",
        "action_output",
        "action_complete",
        "evaluate",
        "route",
        "action_error",
        "stall_detected",
        "from_tomorrow",
    ]
)
KEYS = st.sampled_from(
    [
        "loop",
        "state",
        "from",
        "to",
        "verdict",
        "confidence",
        "reason",
        "error",
        "action",
        "exit_code",
        "failure",
        "line",
        "refs",
        "depth",
        "attempt",
        "output",
        "stderr",
        "duration_ms",
        "iterations",
        "prompt",
        "x",
    ]
)


def at(ts: str) -> str:
    return ts[11:19]


@given(st.text())
def test_cleaned_text_can_do_nothing_to_a_terminal(text: str) -> None:
    kept = clean(f"a{text}\x1b[2Jb\x1b]0;title\x07c")
    assert all(char in "\n\t" or ord(char) >= 32 for char in kept)
    assert not any(0x7F <= ord(char) < 0xA0 for char in kept)
    assert "\u202e" not in kept


def test_cleaned_text_keeps_what_was_said() -> None:
    assert clean("\x1b[1;31mred\x1b[0m\ttab\nline \x1b]8;;http://x\x1b\\link") == "red\ttab\nline link"
    assert clean("grün 漢字 ✓") == "grün 漢字 ✓"


@given(KINDS, st.dictionaries(KEYS, JSON, max_size=6), st.booleans())
def test_every_record_has_a_line_whatever_it_holds(
    event: str, keys: dict[str, object], verbose: bool
) -> None:
    record = {"event": event, "ts": "2026-11-20T10:15:00.000000+00:00", **keys, "seq": 1, "t": 0}
    shown = timeline.line(record, at, verbose=verbose)
    assert shown.event == event
    assert "\n" not in shown.text()
    assert "\x1b" not in shown.text() + "".join(shown.more)


def test_an_unknown_record_is_shown_with_its_keys() -> None:
    shown = timeline.line(
        {
            "event": "from_tomorrow",
            "ts": TS,
            "what": "new",
            "n": [1],
            "seq": 9,
            "t": 1,
        },
        at,
    )
    assert shown.text() == "10:15:00  from_tomorrow     what=new  n=[1]"


def test_a_judged_verdict_has_confidence_reason_and_verbose_details() -> None:
    record = {
        "event": "evaluate", "ts": TS, "type": "llm_structured", "verdict": "yes",
        "confidence": 0.875, "reason": "looks\ngood", "llm_model": "sonnet", "llm_prompt": "is it?",
        "seq": 1, "t": 1,
    }  # fmt: skip
    shown = timeline.line(record, at, verbose=True)
    assert shown.detail == "✓ yes  confidence=0.88  looks …"
    assert shown.more == ("type: llm_structured", "llm_model: sonnet", "llm_prompt: is it?")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("30m", 1800), ("1h", 3600), ("2d", 172800), ("1h30m", 5400), ("90", 90), ("1.5h", 5400)],
)
def test_ages(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "1x", "h", "1h later", "-5m"])
def test_what_is_no_age(text: str) -> None:
    assert seconds_of(text) is None


def test_a_filter_compares_moments_in_one_time_zone() -> None:
    record = {"event": "route", "ts": "2026-11-20T10:15:00.000000+00:00", "from": "a", "to": "b"}
    assert Filter(since=datetime(2026, 11, 20, 10, 14, tzinfo=UTC)).takes(record)
    assert not Filter(since=datetime(2026, 11, 20, 10, 16, tzinfo=UTC)).takes(record)
    assert Filter(state="b").takes(record)
    assert not Filter(state="c").takes(record)


def test_durations_as_each_place_writes_them() -> None:
    assert [elapsed(ms) for ms in (0, 59_999, 61_000, 3_660_000)] == ["0s", "59s", "1m 1s", "1h 1m"]
    assert [took(ms) for ms in (40, 1_350, 125_000)] == ["0.0s", "1.4s", "2m 5s"]
    assert [duration(ms) for ms in (850, 12_340, 247_000, 7_449_000)] == [
        "850ms",
        "12.3s",
        "4m07s",
        "2h04m09s",
    ]
    assert [ago(s) for s in (-3, 5, 125, 10_920, 356_400)] == [
        "0s ago", "5s ago", "2m 5s ago", "3h 2m ago", "4d 3h ago",
    ]  # fmt: skip


def test_one_line_of_many() -> None:
    assert one_line("\n\n  first \nsecond") == "first …"
    assert one_line("abcdefgh", 5) == "abcd…"
    assert value_text({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'


@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_a_folded_way_is_the_same_way(states: list[str]) -> None:
    assert [state for row, times in fold(states) for state in row * times] == states


def test_repeated_stretches_are_told_once() -> None:
    way = ["start", *["check", "fix"] * 14, "check", "done"]
    assert path_text(way) == "start → (check → fix) ×14 → check → done"
    assert path_text(["a"] * 5) == "a ×5"
    assert "more …" in path_text([f"s{n}" for n in range(100)])


def test_scores_weigh_frequency_recency_and_success() -> None:
    assert score(50, 50, 0) == pytest.approx(1.0)
    assert score(1, 0, 7) == pytest.approx(0.5 * math.log(2) / math.log(51) + 0.15)


def test_the_best_loop_comes_first() -> None:
    good = summarise(Tale().start("good").end("terminal", "done", 0).records)
    bad = summarise(Tale().start("bad").end("error", "a", 0).records)
    now = datetime(2026, 11, 21, tzinfo=UTC).timestamp()
    assert [item.loop for item in rank([bad, good, summarise([])], now)] == ["good", "bad"]
