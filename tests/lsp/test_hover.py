"""What an editor tells about the thing under the pointer."""

from __future__ import annotations

import pytest
from editor import Editor

LOOP = """\
name: told
description: everything once
scope: [.]
import: [lib/own.yaml]
max_steps: 9
context: {who: you, run: "make -k"}
allow: [LL217]
initial: check
states:
  check:
    action: |
      # ${context.who}
      echo ${captured.report.output:shell} ``` ${prev.output?}
    capture: report
    evaluate: {type: output_numeric, operator: lt, target: 3}
    on_yes: done
    on_no: gated
    on_error: sub
  gated: {fragment: gate, on_yes: done, on_no: check, on_error: check}
  sub: {loop: child, with: {file: a}, on_yes: done, on_no: done, on_error: $current}
  done: {terminal: true}
"""
NAME = ".loops/told.yaml"


@pytest.fixture(scope="module")
def told(editor: Editor) -> Editor:
    editor.open(NAME, LOOP)
    return editor


@pytest.mark.parametrize(
    ("needle", "said"),
    [
        ("max_steps", ["**max_steps** · whole number", "How many states a run may enter", "max_steps: 100"]),
        ("max_steps", ["at least 1"]),
        ("description", ["What the loop does; its first line is listed."]),
        ("evaluate", ["**evaluate** · mapping", "How the output becomes a verdict."]),
        ("operator", ["one of `eq`, `ne`, `lt`, `le`, `gt`, `ge`"]),
        ("on_error: sub", ["**on_error** · text", "The state after an error."]),
        ("fragment: gate", ["The fragment that fills this state."]),
        ("with", ["Values for the child's parameters."]),
        ("import", ["Libraries of fragments, later ones win."]),
        ("terminal", ["default `false`"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_key_is_documented(told: Editor, needle: str, said: list[str]) -> None:
    about, where = told.hover(NAME, needle)
    for part in said:
        assert part in about
    assert where == needle.partition(":")[0]


def test_a_word_of_the_language_is_told_with_its_verdicts(told: Editor) -> None:
    about, where = told.hover(NAME, "output_numeric")
    assert where == "output_numeric"
    assert "`output_numeric` answers yes, no, error" in about


def test_a_state_is_summed_up_where_it_is_made_and_where_it_is_named(told: Editor) -> None:
    made, where = told.hover(NAME, "  check:\n".strip())
    named, value = told.hover(NAME, "check\nstates")
    assert where == value == "check"
    assert made == named
    assert "**check** · shell" in made
    assert "````bash\n# ${context.who}\n" in made  # the fence is longer than what is inside
    assert "judged by `output_numeric`" in made
    assert "kept as `${captured.report.output}`" in made
    assert "yes → `done` · no → `gated` · error → `sub`" in made
    assert "entered from the start, `gated`" in made
    assert "the loop ends here" in told.hover(NAME, "done\n    on_no")[0]
    assert "runs the loop `child`" in told.hover(NAME, "sub\n")[0]


def test_a_fragment_is_told_with_its_library(told: Editor) -> None:
    about, where = told.hover(NAME, "gate,")
    assert where == "gate"
    assert "**gate** · fragment of `own.yaml`" in about
    assert "Goes by the exit code." in about
    assert '"action": "make check"' in about
    assert "fragments in sight: `gate`, `wrong`" in told.hover(NAME, "lib/own.yaml")[0]


def test_a_sub_loop_is_told_with_what_it_takes_and_how_it_ends(told: Editor) -> None:
    about, where = told.hover(NAME, "child")
    assert where == "child"
    assert "One file, looked at." in about
    assert "- `file`: path, required. the file" in about
    assert "- `tries`: integer, default `2`." in about
    assert "ends at `good`, `bad` (failure)" in about


def test_a_value_of_a_template(told: Editor) -> None:
    about, where = told.hover(NAME, "{context.who")
    assert where == "${context.who}"
    assert "a variable of the loop" in about
    assert "\nyou\n" in about
    about, where = told.hover(NAME, "report.output:shell")
    assert where == "${captured.report.output:shell}"
    assert "kept by `check`" in about
    assert "the step before this one" in told.hover(NAME, "prev.output")[0]


def test_the_code_of_a_rule(told: Editor) -> None:
    about, where = told.hover(NAME, "LL217")
    assert where == "LL217"
    assert about.startswith("**LL217** · warning\n\n")


def test_where_there_is_nothing_to_say(told: Editor) -> None:
    assert told.hover(NAME, "everything once") == ("", "")
    assert told.hover(NAME, "\n", after=False) == ("", "")


def test_the_rule_behind_a_finding_is_explained(editor: Editor) -> None:
    name = ".loops/ruled.yaml"
    editor.open(name, LOOP.replace("on_no: gated", "on_no: gatd").replace("max_steps", "max_stepz"))
    about, _ = editor.hover(name, "gatd")
    assert "**LL301** · error" in about
    about, _ = editor.hover(name, "max_stepz")
    assert "**LL125** · warning" in about


def test_hover_goes_on_while_the_text_below_is_broken(editor: Editor) -> None:
    name = ".loops/halfway.yaml"
    editor.open(name, LOOP)
    editor.edit(name, LOOP + "  more: {action: [\n")
    assert "How the output becomes a verdict." in editor.hover(name, "evaluate")[0]
    assert "entered from the start" in editor.hover(name, "check\nstates")[0]
