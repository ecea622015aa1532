"""What an editor offers at the cursor, and what is written when an offer is taken."""

from __future__ import annotations

import os

import pytest
from editor import Editor

LOOP = """\
name: offers
description: everything once
scope: [.]
import: [lib/own.yaml]
context: {who: you, deep: {a: {b: 1}}}
parameters:
  speed: {type: enum, values: [fast, slow], default: fast}
initial: check
states:
  check:
    action: echo
    capture: report
    evaluate: {type: convergence, target: 3}
    on_error: done
    route: {target: done, progress: missing}
  sub:
    loop: child
    with: {file: a}
    next: done
  a b: {action: make, next: done}
  done: {terminal: true}
"""
GOLD = ".loops/offers.yaml"


@pytest.fixture(scope="module")
def gold(editor: Editor) -> Editor:
    editor.open(GOLD, LOOP)
    return editor


def typed(editor: Editor, before: str, now: str) -> tuple[str, str]:
    """A text that was whole and in which a person has just typed something."""
    name = f".loops/typed{len(editor.texts)}.yaml"
    assert before in LOOP
    editor.open(name, LOOP)
    editor.edit(name, LOOP.replace(before, now, 1))
    return name, now


# --- keys --------------------------------------------------------------------------------------------------


def test_keys_of_a_state_that_are_not_there_yet(editor: Editor) -> None:
    name, _ = typed(editor, "    capture: report\n", "    capture: report\n    on_b\n")
    offers = editor.offers(name, "on_b")
    assert {"on_blocked", "timeout", "fragment", "max_retries"} <= set(offers)
    assert not {"action", "capture", "route", "on_error", "name", "initial", "on_success"} & set(offers)
    assert editor.written(name, offers["on_blocked"]) == editor.texts[name].replace(
        "on_b\n", "on_blocked: \n"
    )
    assert offers["on_blocked"].detail == "The state after blocked."


def test_keys_that_open_a_mapping_or_a_list(editor: Editor) -> None:
    name, _ = typed(editor, "  done: {terminal: true}\n", "  done: {terminal: true}\nci")
    offers = editor.offers(name, "\nci")
    assert editor.written(name, offers["circuit"]).endswith("\ncircuit:")
    assert editor.written(name, offers["labels"]).endswith("\nlabels:")
    assert editor.written(name, offers["max_steps"]).endswith("\nmax_steps: ")


def test_keys_of_every_kind_of_mapping(editor: Editor) -> None:
    for place, key in (
        ("circuit:\n  ", "repeated_failure"),
        ("circuit:\n  repeated_failure:\n    ", "window"),
        ("llm:\n  ", "max_tokens"),
        ("parameters:\n  x:\n    ", "required"),
        ("config:\n  commands:\n    confidence_gate:\n      ", "readiness_threshold"),
        ("targets:\n  - file: x.yaml\n    states:\n      - ", "examples_file"),
        ("commands:\n  - ", "cmd"),
        ("fragments:\n  x:\n    ", "on_yes"),
        ("fragments:\n  x:\n    ", "description"),
        ("states:\n  x:\n    evaluate:\n      ", "operator"),
        ("states:\n  x:\n    throttle:\n      ", "hard_max"),
        ("states:\n  x: {", "action"),
        ("states:\n  x: {action: make, ev", "evaluate"),
    ):
        name = f".loops/keys{len(editor.texts)}.yaml"
        editor.open(name, "name: x\n" + place)
        offers = editor.offers(name, place)
        assert key in offers, place
        assert "initial" not in offers


def test_top_level_keys_fit_the_short_form(editor: Editor) -> None:
    editor.open(".loops/short.yaml", "name: x\nparadigm: convergence\ncheck: wc\n")
    offers = editor.offers(".loops/short.yaml", "check: wc\n")
    assert {"toward", "using", "on_stall"} <= set(offers)
    assert not {"goal", "tools", "constraints", "check"} & set(offers)
    editor.open(".loops/long.yaml", "name: x\n\n")
    assert not {"toward", "goal"} & set(editor.offers(".loops/long.yaml", "name: x\n"))


def test_keys_for_the_verdicts_of_the_evaluator(editor: Editor) -> None:
    name, _ = typed(editor, "    on_error: done\n", "    on_\n")
    assert {"on_target", "on_progress", "on_stall", "on_yes"} <= set(editor.offers(name, "    on_"))
    name, _ = typed(editor, "{target: done, progress: missing}", "{target: done, }")
    offers = editor.offers(name, "{target: done, ")
    assert {"progress", "stall", "error", "_", "_error"} <= set(offers)
    assert not {"target", "yes"} & set(offers)


def test_keys_for_the_parameters_of_a_sub_loop(editor: Editor) -> None:
    name, _ = typed(editor, "{file: a}", "{file: a, }")
    offers = editor.offers(name, "{file: a, ")
    assert list(offers) == ["tries"]
    assert offers["tries"].detail == "integer."


def test_states_that_are_named_and_not_there_yet(editor: Editor) -> None:
    name, _ = typed(editor, "  done: {terminal: true}\n", "  done: {terminal: true}\n  m\n")
    assert list(editor.offers(name, "\n  m")) == ["missing"]


def test_a_key_that_has_its_colon_keeps_it(editor: Editor) -> None:
    name, _ = typed(editor, "    capture: report\n", "    capture: report\n    time: 5\n")
    offers = editor.offers(name, "    time")
    assert editor.written(name, offers["timeout"]) == editor.texts[name].replace("time: 5", "timeout: 5")


# --- values ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("on_error: done", "on_error: "),
        ("on_error: done", "on_error: do"),
        ("initial: check", "initial: "),
        ("{target: done, progress: missing}", "{target: done, progress: "),
        ("    next: done\n  a b", "    next:\n      "),
        ("action: make, next: done}", "action: make, next: d"),
        ("on_error: done", "on_verified: "),
    ],
)
def test_states_where_a_state_is_wanted(editor: Editor, before: str, now: str) -> None:
    name, place = typed(editor, before, now)
    offers = editor.offers(name, place)
    assert {"check", "sub", "a b", "done"} <= set(offers)
    assert ("$current" in offers) == ("initial" not in now)
    assert editor.written(name, offers["done"]).startswith(editor.texts[name].partition(now)[0])


def test_a_name_is_quoted_where_it_must_be(editor: Editor) -> None:
    name = ".loops/quoting.yaml"
    text = LOOP.replace("  a b:", "  'yes':").replace("on_error: done", "on_error: ")
    editor.open(name, text)
    assert "on_error: 'yes'\n" in editor.written(name, editor.offers(name, "on_error: ")["yes"])
    editor.edit(name, text.replace("on_error: ", 'on_error: "'))
    assert 'on_error: "yes\n' in editor.written(name, editor.offers(name, 'on_error: "')["yes"])


def test_states_in_a_flow(editor: Editor) -> None:
    name = ".loops/flowing.yaml"
    text = "name: x\ninitial: a\nflow: [a, 'b?c:a', c]\nstate_defs:\n  a: {action: x}\n"
    editor.open(name, text)
    editor.edit(name, text.replace("b?c:a'", "b?c:"))
    offers = editor.offers(name, "b?c:")
    assert {"a", "b", "c"} == set(offers) - {"$current"}
    assert "'b?c:b, c]" in editor.written(name, offers["b"])


def test_fragments_loops_parents_and_libraries(editor: Editor) -> None:
    name, place = typed(editor, "    loop: child\n", "    fragment: \n")
    offers = editor.offers(name, "fragment: ")
    assert list(offers) == ["gate", "wrong"]
    assert "Goes by the exit code." in str(offers["gate"].documentation)
    name, place = typed(editor, "loop: child", "loop: ")
    offers = editor.offers(name, place)
    assert {"base", "child", "fix-until-green", "lib/own"} <= set(offers)
    assert os.path.basename(name).removesuffix(".yaml") not in offers
    name, place = typed(editor, "description: everything once", "description: x\nfrom: ")
    assert {"base", "lib/own"} <= set(editor.offers(name, "\nfrom: "))
    name, place = typed(editor, "import: [lib/own.yaml]", "import: [lib/own.yaml, ")
    offers = editor.offers(name, place)
    assert {"lib/common.yaml", "lib/project.yaml", "lib/own.yaml"} <= set(offers)
    assert "base.yaml" not in offers


def test_words_where_only_some_will_do(editor: Editor) -> None:
    name, place = typed(editor, "{type: convergence, target: 3}", "{type: out")
    offers = editor.offers(name, place)
    assert {"output_numeric", "exit_code"} <= set(offers)
    assert offers["convergence"].documentation is not None
    name, place = typed(editor, "    action: echo\n", "    action: echo\n    action_type: \n")
    assert list(editor.offers(name, "action_type: ")) == ["shell", "prompt", "slash_command", "mcp_tool"]
    name, place = typed(editor, "terminal: true", "terminal: ")
    assert list(editor.offers(name, place)) == ["true", "false"]
    name, place = typed(editor, "name: offers\n", "name: offers\nallow: [LL2\n")
    assert "LL217" in editor.offers(name, "allow: [LL2")
    name, place = typed(editor, "name: offers\n", "name: offers\npermissions: \n")
    assert list(editor.offers(name, "permissions: ")) == ["workspace", "full", "read"]
    name, place = typed(
        editor, "name: offers\n", "name: offers\ncircuit: {repeated_failure: {on_repeated_failure: \n"
    )
    assert {"abort", "check"} <= set(editor.offers(name, "on_repeated_failure: "))


def test_nothing_where_anything_may_stand(gold: Editor) -> None:
    assert gold.offers(GOLD, "description: every") == {}
    assert gold.offers(GOLD, "name: off") == {}


# --- templates ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "offered", "kept_out"),
    [
        ("${", {"context", "captured", "prev", "env"}, {"who"}),
        ("${cont", {"context"}, set()),
        ("${context.", {"who", "deep", "speed", "input", "run_dir"}, {"context"}),
        ("${context.deep.", {"a"}, {"who"}),
        ("${context.deep.a.", {"b"}, {"a"}),
        ("${captured.", {"report", "sub"}, {"who"}),
        ("${captured.report.", {"output", "stderr", "exit_code", "duration_ms"}, {"report"}),
        ("${captured.sub.", {"seen"}, {"output"}),
        ("${captured.sub.seen.", {"output"}, {"seen"}),
        ("${prev.", {"output", "verdict"}, set()),
        ("${result.", {"verdict", "details"}, set()),
        ("${state.", {"name", "iteration"}, set()),
        ("${loop.", {"name", "elapsed_ms", "continuation"}, set()),
        ("${env.", {"HOME"}, {"context"}),
        ("${context.who:", {":default=", ":shell", "?"}, {"who"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize(
    "around", ["echo {}", '"echo {}"', "|\n      first\n      then {}\n      last"], ids=str
)
def test_values_inside_a_template(
    editor: Editor, written: str, offered: set[str], kept_out: set[str], around: str
) -> None:
    name, _ = typed(editor, "    action: echo\n", f"    action: {around.format(written)}\n")
    offers = set(editor.offers(name, written))
    assert offered <= offers
    assert not kept_out & offers


def test_what_is_written_for_a_value(editor: Editor) -> None:
    name, _ = typed(editor, "    action: echo\n", "    action: echo ${context.w\n")
    assert "echo ${context.who}\n" in editor.written(name, editor.offers(name, "${context.w")["who"])
    name, _ = typed(editor, "    action: echo\n", "    action: echo ${context.w}\n")
    assert "echo ${context.who}\n" in editor.written(name, editor.offers(name, "${context.w")["who"])
    name, _ = typed(editor, "    action: echo\n", "    action: echo ${ca\n")
    assert "echo ${captured.\n" in editor.written(name, editor.offers(name, "${ca")["captured"])
    name, _ = typed(editor, "    action: echo\n", "    action: echo ${captured.\n")
    assert "echo ${captured.report\n" in editor.written(name, editor.offers(name, "${captured.")["report"])


def test_a_secret_of_the_environment_is_not_offered(editor: Editor) -> None:
    name, _ = typed(editor, "    action: echo\n", "    action: echo ${env.\n")
    offers = editor.offers(name, "${env.")
    assert not [label for label in offers if "KEY" in label or "TOKEN" in label or "SECRET" in label]


def test_a_template_that_is_none(editor: Editor) -> None:
    name, _ = typed(editor, "    action: echo\n", "    action: echo $${\n")
    assert editor.offers(name, "$${") == {}
    name, _ = typed(editor, "    action: echo\n", "    action: echo ${context.who} \n")
    assert editor.offers(name, "${context.who} ") == {}


# --- broken texts ------------------------------------------------------------------------------------------


def test_a_text_that_was_never_whole(editor: Editor) -> None:
    name = ".loops/never.yaml"
    editor.open(name, LOOP.replace("on_error: done", "on_error: [{").replace("  a b:", "  a b: ]"))
    assert "capture" in editor.offers(name, "    action: echo\n    ")
    name = ".loops/never2.yaml"
    editor.open(name, LOOP.replace("    on_error: done\n", "    on_\n"))
    assert "on_blocked" in editor.offers(name, "    on_")
    name = ".loops/never3.yaml"
    editor.open(name, LOOP.replace("on_error: done", "on_error: [done"))
    assert {"check", "sub"} <= set(editor.offers(name, "on_error: [done"))


def test_a_text_broken_above_the_cursor_goes_by_indentation(editor: Editor) -> None:
    name, _ = typed(editor, "  sub:\n    loop: child\n", "  }: [\n  sub:\n    loop: child\n    on_\n")
    offers = editor.offers(name, "    loop: child\n    on_")
    assert "on_blocked" in offers
    assert "initial" not in offers
    name, _ = typed(editor, "  sub:\n    loop: child\n", "  }: [\n  sub:\n    loop: child\n    on_yes: \n")
    assert {"check", "done"} <= set(editor.offers(name, "on_yes: "))


def test_the_codes_of_rules_in_a_comment(editor: Editor) -> None:
    name, _ = typed(editor, "initial: check\n", "# ll: allow LL2\ninitial: check\n")
    offers = editor.offers(name, "# ll: allow LL2")
    assert "LL217" in offers
    assert "# ll: allow LL217\n" in editor.written(name, offers["LL217"])
    name, _ = typed(editor, "initial: check\n", "# any words\ninitial: check\n")
    assert editor.offers(name, "# any w") == {}
