"""Whatever a person types, the written loop holds exactly that."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from little_loops.cli.drafts import WRITERS, Constraint, Draft, text_of
from little_loops.fsm.diagnostics import Source
from little_loops.fsm.load import load_text
from little_loops.fsm.scalars import inline, scalar
from little_loops.fsm.schema import FSMLoop
from little_loops.fsm.yaml import parse

HOSTILE = [
    "yes", "No", "null", "~", "1e5", "0o17", "0x1F", ".5", "2026-11-20", "12:30:45", "<<", "=",
    "a: b", "a:", "x # y", "# x", "- x", "-", "--- x", "...", "? x", "| x", "> x", "[a", "{a: b", "a, b]}",
    "*x", "&x y", "!x y", "%x", "@x", "`x`", "'x'", '"x', "it's", 'say "x"', "\\n", "tab\there", " lead",
    "trail ", "two\nlines", "block\n  indented\n\nend\n", "\nblank first", "ends\n\n", "trail \nx",
    "  lead\nx", "\t\nx", "é ✦ 你好 😀", "nbsp\u00a0x", "sep\u2028x\ny", "nel\u0085x", "bom\ufeffx",
    "esc\x1b[31m", "del\x7f", "cr\r\nx", "x" * 300, "word " * 60 + "end",
]  # fmt: skip


def loop_of(draft: Draft) -> FSMLoop:
    result = load_text(text_of(draft), "new.yaml")
    assert result.loop is not None, result.diagnostics
    assert not result.errors, result.errors
    return result.loop


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_reads_back_as_itself(text: str) -> None:
    for indent in (0, 2, 6):
        pad = " " * indent
        written = f"{pad}key: {scalar(text, indent)}\n{pad}other: 1\n{pad}list:\n"
        written += f"{pad}  - {scalar(text, indent + 2)}\n"
        document = parse(Source("x", written))
        assert not document.found, written
        assert document.data == {"key": text, "other": 1, "list": [text]}
        assert yaml.safe_load(written) == document.data


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
@settings(max_examples=300, deadline=None)
def test_any_text_reads_back_as_itself(text: str) -> None:
    written = f"a:\n  key: {scalar(text, 2)}\nb: 1\nc: [{inline(text)}, {{{inline(text)}: {inline(text)}}}]\n"
    document = parse(Source("x", written))
    assert not document.found, written
    assert document.data == {"a": {"key": text}, "b": 1, "c": [text, {text: text}]}


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable()])
def test_every_paradigm_holds_hostile_texts_without_a_finding(text: str) -> None:
    written = f": {text!r} {text}".replace("(", "").replace("$", "")
    quoted = "'" + written.replace("'", "'\\''") + "'"
    command = f"echo {quoted}"
    for paradigm in WRITERS:
        draft = Draft(
            "new", paradigm, text, command, command, steps=(command, "true"), scope=(text,),
            constraints=(Constraint("a", command, command), Constraint("b", command, "true")), toward=1.5,
        )  # fmt: skip
        result = load_text(text_of(draft), "new.yaml")
        assert result.diagnostics == (), paradigm
        loop = loop_of(draft)
        assert loop.description == text
        assert loop.scope == [text]
        first = loop.states[loop.initial].action
        assert command in (first, loop.context.get("metric_cmd")), paradigm


def test_a_prompt_of_many_lines_stays_readable() -> None:
    draft = Draft("new", "fsm", "d", "make", "First.\n\n  - a: b\n  - c # d", agent=True)
    assert (
        "    action: |\n      First.\n\n        - a: b\n        - c # d\n\n      The check printed:\n"
        in text_of(draft)
    )
    assert loop_of(draft).states["repair"].action == (
        "First.\n\n  - a: b\n  - c # d\n\nThe check printed:\n\n${captured.report.output}\n"
    )


def test_a_prompt_that_names_a_value_itself_is_left_as_it_is() -> None:
    draft = Draft("new", "goal", "d", "make", "Look at ${prev.output} and ${HOME}", agent=True)
    assert loop_of(draft).states["fix"].action == "Look at ${prev.output} and $${HOME}"


@pytest.mark.parametrize("paradigm", WRITERS)
def test_what_bash_expands_is_left_to_bash(paradigm: str) -> None:
    command = 'echo "${HOME}" ${x[@]} ${#y} ${z:-w} $HOME ${context.run_dir}'
    laws = (Constraint("a", command, command),)
    draft = Draft("new", paradigm, "d", command, command, steps=(command,), constraints=laws)
    loop = loop_of(draft)
    escaped = 'echo "$${HOME}" $${x[@]} $${#y} $${z:-w} $HOME ${context.run_dir}'
    actions = [s.action for s in loop.states.values() if s.action]
    assert escaped in actions
    assert set(actions) <= {escaped, "${context.metric_cmd}"}
