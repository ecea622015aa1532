"""The picture of a loop, as a person sees it on a terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from little_loops.diagrams import mermaid
from little_loops.diagrams.canvas import cells
from little_loops.diagrams.text import draw
from little_loops.fsm.schema import FSMLoop


def loop(states: dict[str, Any], initial: str = "") -> FSMLoop:
    return FSMLoop.from_dict({"name": "x", "initial": initial or next(iter(states)), "states": states})


FIX = loop(
    {
        "check": {"action": "pytest -q", "on_yes": "done", "on_no": "fix", "on_error": "fail"},
        "fix": {"action": "/fix ${captured.log.output}", "next": "check"},
        "done": {"terminal": True},
        "fail": {"terminal": True, "failure": True},
    }
)


def test_a_small_loop() -> None:
    assert (
        draw(FIX)
        == """\
┌────────────────────────────────┐
│                                ▼
│                     ┌────────────── ❯_ ┐
│                     │ → check          │
│                     │ pytest -q        │
│                     └─┬─────┬───┬──────┘
│                       │yes  │no │error
│      ┌────────────────┘     │   └──────────────────────┐
│      ▼                      ▼                          ▼
│ ┌────────┐    ┌───────────────────────── /━► ┐    ┌────────┐
│ │ done ◉ │    │ fix                          │    │ fail ◉ │
│ └────────┘    │ /fix ${captured.log.output}  │    └────────┘
│               └───────────────┬──────────────┘
│                               │next
└───────────────────────────────┘"""
    )


def test_a_loop_of_one_state_is_one_box() -> None:
    assert draw(loop({"done": {"terminal": True}})).splitlines() == [
        "┌──────────┐",
        "│ → done ◉ │",
        "└──────────┘",
    ]


def test_a_state_that_nothing_leads_to_is_drawn_below_the_rest() -> None:
    picture = draw(
        loop({"go": {"next": "done"}, "done": {"terminal": True}, "lost": {"action": "x", "next": "go"}})
    )
    assert picture.index("→ go") < picture.index("done ◉") < picture.index("lost")


def test_ways_to_itself_and_to_places_known_only_in_a_run_stand_in_the_box() -> None:
    picture = draw(
        loop(
            {
                "pick": {
                    "action": "x",
                    "on_no": "$current",
                    "on_yes": "${captured.n.output}",
                    "on_error": "e",
                },
                "e": {"terminal": True},
            }
        )
    )
    assert "↺ no" in picture
    assert "yes → ${captured.n.output}" in picture


def test_edges_between_the_same_states_are_one_line_with_both_labels() -> None:
    assert "yes/error" in draw(
        loop({"a": {"action": "x", "on_yes": "b", "on_error": "b"}, "b": {"terminal": True}})
    )


def test_a_route_table_hides_the_short_forms_it_replaces() -> None:
    picture = draw(
        loop(
            {
                "a": {"action": "x", "on_yes": "never", "route": {"ready": "b", "_": "a", "_error": "b"}},
                "b": {"terminal": True},
                "never": {"terminal": True},
            }
        )
    )
    assert "ready/error" in picture
    assert "↺ _" in picture
    assert "yes" not in picture


def test_every_kind_of_state_has_its_badge() -> None:
    picture = draw(
        loop(
            {
                "a": {"action": "make", "next": "b"},
                "b": {"action": "look", "action_type": "prompt", "next": "c"},
                "c": {"action": "/go", "next": "d"},
                "d": {"action": "srv/tool", "action_type": "mcp_tool", "next": "e"},
                "e": {"loop": "child", "on_yes": "f", "on_no": "f"},
                "f": {"route": {"_": "g"}},
                "g": {"action": "x", "action_type": "webhook", "next": "h"},
                "h": {"terminal": True},
            }
        )
    )
    for badge in ("❯_", "✦", "/━►", "⚡", "↳⟳", "⑃", "[webhook]"):
        assert badge in picture


def test_the_active_state_stands_out() -> None:
    plain, live = draw(FIX), draw(FIX, active="fix", color=True)
    assert "\033[32;1m" in live
    assert re.sub(r"\033\[[\d;]*m", "", live) == plain
    assert "\033" not in plain


def test_a_narrow_terminal_gets_a_list() -> None:
    lines = draw(FIX, width=24).splitlines()
    assert lines[:5] == ["→ check ❯_", "    pytest -q", "    yes → done", "    no → fix", "    error → fail"]


def test_the_whole_action_when_asked_for() -> None:
    long = loop({"a": {"action": "first\nsecond\nthird", "next": "b"}, "b": {"terminal": True}})
    assert "second" not in draw(long)
    assert "first …" in draw(long)
    assert "third" in draw(long, verbose=True)


def test_wide_characters_keep_the_borders_straight() -> None:
    picture = draw(
        loop({"检查 🎉": {"action": "测试", "on_yes": "été", "on_no": "$current"}, "été": {"terminal": True}})
    )
    boxes = [line for line in picture.splitlines() if line.lstrip().startswith(("│ →", "│ 测", "│ ↺"))]
    assert len({cells(line) for line in boxes}) == 1


NAMES = [f"state_{n}" for n in range(48)]


@st.composite
def loops(draw_from: st.DrawFn) -> FSMLoop:
    names = NAMES[: draw_from(st.integers(1, 48))]
    target = st.sampled_from(names)
    states: dict[str, Any] = {}
    for name in names:
        ways = draw_from(
            st.dictionaries(st.sampled_from(["on_yes", "on_no", "on_error", "next", "on_odd"]), target)
        )
        states[name] = {"action": "x" * draw_from(st.integers(1, 60)), **ways} if ways else {"terminal": True}
    return loop(states)


@settings(max_examples=150, deadline=None)
@given(loops(), st.integers(20, 160))
def test_any_loop_is_drawn_whole_and_within_the_width(some: FSMLoop, width: int) -> None:
    picture = draw(some, width=width)
    words = set(re.findall(r"\w+", picture))
    assert set(some.states) <= words
    assert all(cells(line) <= width for line in picture.splitlines() if "→ state" not in line)
    labels = {label for state in some.states.values() for label in state.targets()}
    assert {label.removeprefix("on_") for label in labels} <= words
    arrows = len(
        {target for name, s in some.states.items() for target in s.targets().values() if target != name}
    )
    if "┌" in picture:
        assert picture.count("▼") == arrows


@settings(max_examples=50, deadline=None)
@given(loops())
def test_mermaid_has_one_line_for_every_transition(some: FSMLoop) -> None:
    source = mermaid.draw(some)
    pairs = {(name, target) for name, s in some.states.items() for target in s.targets().values()}
    terminals = len(some.get_terminal_states())
    assert source.count(" --> ") == len(pairs) + terminals + 1


@pytest.mark.parametrize("name", ["a: b", 'say "hi"', "x#y;z", "a -->b"])
def test_mermaid_escapes_what_its_notation_would_read(name: str) -> None:
    source = mermaid.draw(loop({name: {"next": "end"}, "end": {"terminal": True}}))
    declared = next(line for line in source.splitlines() if line.endswith(" as s0"))
    assert re.fullmatch(r'    state "[^":;>]*(#\d+;[^":;>]*)*" as s0', declared)
