"""Silencing a rule with a comment: where it may stand, how far it reaches, and that it is never silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from little_loops.fsm.diagnostics import Diagnostic
from little_loops.fsm.load import LoadResult, load, load_text

LOOP = """\
name: one
description: two states that nobody enters
scope: [.]
initial: check
states:
  check: {action: make, on_yes: done, on_no: check, on_error: done}
  lost:
    action: make
    next: done
  other:
    action: make
    next: done
  done: {terminal: true}
"""


def left(text: str) -> list[tuple[str, str | None]]:
    return [(d.code, d.path) for d in load_text(text).diagnostics]


def hidden(text: str) -> list[tuple[str, str | None]]:
    return [(d.code, d.path) for d in load_text(text).suppressed]


LOST, OTHER = ("LL332", "states.lost"), ("LL332", "states.other")


def test_without_a_comment_both_are_told() -> None:
    assert left(LOOP) == [LOST, OTHER]
    assert hidden(LOOP) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  lost:\n", "  lost: # ll: allow LL332\n"),
        ("  lost:\n", "  # ll: allow LL332\n  lost:\n"),
        ("  lost:\n", "  # ll: allow LL332\n\n  # more words\n  lost:\n"),
        ("  lost:\n", "  #ll:allow LL217,LL332: somebody may enter it by hand\n  lost:\n"),
        ("  lost:\n", "# ll: allow LL217 LL332\n  lost:\n"),
        ("  lost:\n", "  'lost': \t# ll: allow LL332\n"),
        (
            "  lost:\n    action: make\n    next: done\n",
            "  lost: {action: make, next: done} # ll: allow LL332\n",
        ),
        (
            "  lost:\n    action: make\n    next: done\n",
            "  lost: {\n    action: make,\n    next: done\n  } # ll: allow LL332\n",
        ),
    ],
)  # fmt: skip
def test_a_comment_at_a_state_silences_that_state(old: str, new: str) -> None:
    text = LOOP.replace(old, new)
    assert left(text) == [OTHER]
    assert hidden(text) == [LOST]


@pytest.mark.parametrize(
    "text",
    [
        "# ll: allow LL332\n" + LOOP,
        "# yaml-language-server: $schema=x\n\n# about\n# ll: allow LL332 both are for later\n---\n" + LOOP,
        LOOP.replace("states:", "states: # ll: allow LL332"),
        LOOP.replace("states:", "# ll: allow LL332\nstates:"),
    ],
)
def test_a_comment_at_the_top_silences_the_file(text: str) -> None:
    assert left(text) == []
    assert hidden(text) == [LOST, OTHER]


def test_a_comment_reaches_no_further_than_its_key() -> None:
    text = LOOP.replace("    next: done\n  other:", "    next: done # ll: allow LL332\n  other:")
    assert left(text) == [LOST, OTHER]
    text = LOOP.replace("  check:", "  # ll: allow LL332\n  check:")
    assert left(text) == [LOST, OTHER]


def test_a_key_within_a_state() -> None:
    text = LOOP.replace("  lost:\n", "  lost:\n    on_yess: done\n    timeot: 5 # ll: allow LL125\n")
    assert ("LL125", "states.lost") in hidden(text)
    assert [d.message for d in load_text(text).diagnostics if d.code == "LL125"] == []
    text = LOOP.replace("  lost:\n", "  lost:\n    timout: 1\n    # ll: allow LL125\n    timeot: 5\n")
    assert [d.message for d in load_text(text).diagnostics if d.code == "LL125"] == ["unknown key 'timout'"]


def test_a_block_of_text_is_reached_from_its_first_line() -> None:
    bad = (Path(__file__).parent / "rules" / "LL505.bad.yaml").read_text()
    before = [d for d in load_text(bad).diagnostics if d.code == "LL505"]
    after = load_text(bad.replace("action: |", "action: | # ll: allow LL505"))
    assert before
    assert [d for d in after.diagnostics if d.code == "LL505"] == []
    assert [d.message for d in after.suppressed] == [d.message for d in before]


def test_what_looks_like_a_comment_inside_a_text_is_none() -> None:
    for action in (
        "'echo # ll: allow LL332'",
        '"echo # ll: allow LL332"',
        "|\n      make # ll: allow LL332\n      # ll: allow LL332\n      # ll: nonsense",
        ">\n      make # ll: allow LL332",
        "make#ll:allow LL332",
    ):
        text = LOOP.replace("    action: make\n", f"    action: {action}\n", 1)
        assert left(text) == [LOST, OTHER], action


def test_errors_and_what_stops_a_run_cannot_be_silenced() -> None:
    text = "# ll: allow LL301\n" + LOOP.replace("on_error: done", "on_error: gone")
    assert ("LL301", "states.check") in left(text)
    bad = (Path(__file__).parent / "rules" / "LL507.bad.yaml").read_text()
    found = [d for d in load_text(f"# ll: allow LL507\n{bad}").diagnostics if d.code == "LL507"]
    assert found
    assert all(d.blocks for d in found)


def odd(text: str) -> list[Diagnostic]:
    return [d for d in load_text(text).diagnostics if d.code == "LL126"]


@pytest.mark.parametrize(
    ("comment", "said", "place", "near"),
    [
        ("# ll: alow LL332", "'alow' is not understood here", "alow", "allow"),
        ("# ll: allow LL3332", "'LL3332' is not the code of a rule", "LL3332", "LL333"),
        ("# ll: allow LL332 LL999", "'LL999' is not the code of a rule", "LL999", None),
        ("# ll: allow everything", "'everything' is not the code of a rule", "everything", None),
        ("# ll: allow", "no code of a rule stands here", "allow", None),
        ("#  ll:", "'' is not understood here", "", None),
    ],
)
def test_a_comment_that_means_nothing_is_told(comment: str, said: str, place: str, near: str | None) -> None:
    (found,) = odd(LOOP.replace("  lost:", f"  lost: {comment}"))
    assert found.message == said
    assert not found.is_error
    if near:
        assert found.suggestion == near
    span = found.span
    assert span is not None
    assert span.line == 7
    assert span.source.line(7)[span.column - 1 : span.end_column - 1].strip() == place.strip()


def test_a_comment_behind_everything_is_told() -> None:
    (found,) = odd(LOOP + "\n# ll: allow LL332\n")
    assert found.message == "this comment stands at nothing"


def test_a_comment_in_a_parent_holds_for_what_it_brings(tmp_path: Path) -> None:
    base = LOOP.replace("  lost:", "  lost: # ll: allow LL332")
    (tmp_path / "base.yaml").write_text(base)
    heir = tmp_path / "heir.yaml"
    heir.write_text("name: heir\nfrom: base\ndescription: mine\n")
    result = load(heir)
    assert [d.path for d in result.suppressed] == ["states.lost"]
    assert [d.path for d in result.diagnostics] == ["states.other"]
    (tmp_path / "base.yaml").write_text("# ll: allow LL332\n" + LOOP)
    assert [d.path for d in load(heir).suppressed] == ["states.lost", "states.other"]
    heir.write_text(heir.read_text() + "states:\n  own: {action: make, next: done}\n")
    assert [d.path for d in load(heir).diagnostics] == [
        "states.own"
    ]  # the parent does not speak for its heirs


def test_a_state_from_a_library_is_silenced_where_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "lib.yaml").write_text("fragments:\n  slow:\n    timeot: 5\n    action: make\n")
    loop = tmp_path / "x.yaml"
    text = LOOP.replace("scope:", "import: [lib.yaml]\nscope:")
    loop.write_text(
        text.replace("  lost:\n    action: make", "  lost: # ll: allow LL125\n    fragment: slow")
    )
    result = load(loop)
    assert ("LL125", "states.lost") in [(d.code, d.path) for d in result.suppressed]
    (tmp_path / "lib.yaml").write_text(
        "fragments:\n  slow:\n    timeot: 5 # ll: allow LL125\n    action: make\n"
    )
    loop.write_text(text.replace("  lost:\n    action: make", "  lost:\n    fragment: slow"))
    assert ("LL125", "states.lost") in [(d.code, d.path) for d in load(loop).suppressed]


def test_the_bodies_of_a_flow_and_short_forms() -> None:
    flow = (
        "name: f\ndescription: d\nscope: [.]\ninitial: a\nflow: [a, b]\nstate_defs:\n"
        "  a: {action: make, timeot: 1}\n  # ll: allow LL342\n  b: {action: never}\n"
    )
    result = load_text(flow)
    assert [d.path for d in result.suppressed if d.code == "LL342"] == [
        d.path for d in load_text(flow.replace("# ll: allow LL342", "#")).diagnostics if d.code == "LL342"
    ]
    short = "# ll: allow LL217\nname: s\nparadigm: goal\ndescription: d\ngoal: g\ntools: [make, make]\n"
    assert load_text(short).diagnostics == ()
    assert [d.code for d in load_text(short).suppressed] == ["LL217"]


def test_comments_of_a_broken_file_do_no_harm() -> None:
    result: LoadResult = load_text("# ll: allow LL101\nname: [\n# ll: allow LL332\n")
    assert [d.code for d in result.errors] == ["LL101"]
    assert load_text("# ll: allow LL119\n").errors[0].code == "LL119"
    assert load_text("a: 1 # ll: allow LL125\r\nb: 2\r\n").suppressed[0].message == "unknown key 'a'"


def test_very_many_comments_cost_little() -> None:
    text = LOOP + "".join(f"x{n}: {n} # ll: allow LL332\n" for n in range(20_000))
    assert len(load_text(text).diagnostics) > 1000
    assert load_text("a: # ll: allow LL332\n" + "[" * 100_000).errors
