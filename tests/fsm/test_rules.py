"""Every rule has a small file that breaks it and one that keeps it.

The head of a breaking file says what is reported: code, severity, path and the exact stretch of text.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from little_loops.fsm.diagnostics import Diagnostic, refusals, render
from little_loops.fsm.load import load, load_and_validate, load_text
from little_loops.fsm.schema import EvaluateConfig, FSMLoop, StateConfig
from little_loops.fsm.validation import ValidationSeverity, validate_fsm
from little_loops.fsm.validation.judge import EXPLAINED, strict

RULE_FILES = Path(__file__).parent / "rules"
CODES = sorted(path.name.split(".")[0] for path in RULE_FILES.glob("*.bad.yaml"))


def summary(found: Diagnostic, name: str) -> str:
    span = found.span
    assert span is not None
    one_line = span.end_line == span.line
    end = str(span.end_column) if one_line else f"{span.end_line}:{span.end_column}"
    elsewhere = "" if Path(span.source.path).name == name else f" in {Path(span.source.path).name}"
    place = f"{span.line}:{span.column}-{end}{elsewhere}"
    return f"# {found.code} {found.severity.value} {found.path} {place}"


@pytest.mark.parametrize("code", CODES)
def test_breaking_file_is_reported_at_its_place(code: str) -> None:
    path = RULE_FILES / f"{code}.bad.yaml"
    expected = [line for line in path.read_text().splitlines() if line.startswith(f"# {code} ")]
    reported = [summary(d, path.name) for d in load(path).diagnostics if d.code == code]
    assert expected, "the file has to say what it breaks"
    assert reported == expected


@pytest.mark.parametrize("code", CODES)
def test_keeping_file_is_clean(code: str) -> None:
    result = load(RULE_FILES / f"{code}.good.yaml")
    assert [render(d) for d in result.diagnostics] == []
    assert result.loop is not None


def test_every_rule_has_its_two_files() -> None:
    in_table = [rule.code for rule in EXPLAINED]
    assert len(in_table) == len(set(in_table))
    assert sorted(in_table) == CODES


def test_every_rule_explains_itself() -> None:
    for rule in EXPLAINED:
        assert rule.title.endswith("."), rule.code
        assert rule.help.endswith("."), rule.code


def a_loop(**states: StateConfig) -> FSMLoop:
    done = StateConfig(terminal=True)
    return FSMLoop("sample", next(iter(states)), {**states, "done": done}, description="a sample")


def test_a_loop_built_in_code_is_judged_without_a_file() -> None:
    found = validate_fsm(a_loop(a=StateConfig(action="make", on_yes="done", on_no="nowhere")))
    assert [str(d) for d in found] == ["[ERROR] states.a: 'on_no' leads to the undefined state 'nowhere'"]
    assert found[0].severity is ValidationSeverity.ERROR


def test_plug_ins_may_add_evaluators_and_actions() -> None:
    state = StateConfig(
        action="x", action_type="fax", evaluate=EvaluateConfig("smell"), on_yes="done", on_no="a"
    )
    assert [d.code for d in validate_fsm(a_loop(a=state))] == ["LL316", "LL304"]
    assert validate_fsm(a_loop(a=state), extra_evaluators=["smell"], extra_actions=["fax"]) == []


def test_any_value_may_be_constructed_and_judged() -> None:
    odd = StateConfig(action=5, timeout="soon", max_retries=[], throttle={}, evaluate=EvaluateConfig(None))  # type: ignore[arg-type]
    found = validate_fsm(
        FSMLoop("n", 3, {"a": odd}, max_iterations="many")  # type: ignore[arg-type]
    )
    assert [(d.code, d.path) for d in found if d.is_error] == [
        ("LL121", "states.a.evaluate"),
        ("LL122", "states.a.timeout"),
        ("LL122", "states.a.max_retries"),
        ("LL122", "max_iterations"),
        ("LL206", "initial"),
        ("LL207", "states"),
        ("LL312", "states.a"),
    ]


def test_references_and_unreachable_states_come_in_file_order() -> None:
    states = {name: StateConfig(action="x", next="done") for name in ("zeta", "alpha", "mid")}
    loop = FSMLoop(
        "n",
        "go",
        {"go": StateConfig(action="x", next="done"), **states, "done": StateConfig(terminal=True)},
        "d",
    )
    assert [d.path for d in validate_fsm(loop)] == ["states.zeta", "states.alpha", "states.mid"]


def test_all_mistakes_are_told_at_once() -> None:
    text = (
        "name: x\ninitial: chek\nmaxx_iterations: 3\nstates:\n  check:\n    action: make\n    on_yes: don\n"
        "    evaluate: {type: output_numerik}\n  other: 5\n  done: {terminal: true}\n"
    )
    result = load_text(text)
    assert [d.code for d in result.errors] == ["LL122", "LL206", "LL301", "LL304"]
    suggestions = {d.code: d.suggestion for d in result.diagnostics if d.suggestion}
    assert suggestions == {
        "LL125": "max_iterations",
        "LL206": "check",
        "LL301": "done",
        "LL304": "output_numeric",
    }


def test_a_value_of_the_wrong_shape_is_not_judged_twice() -> None:
    text = "name: x\ninitial: a\nstates:\n  a: [1]\n  b: {action: x, next: a}\n  done: {terminal: true}\n"
    assert [d.code for d in load_text(text).errors] == ["LL122"]


SILENT = "name: x\ndescription: d\ninitial: a\nscope: [.]\n"


def test_allow_silences_a_warning_of_one_state_and_counts_it() -> None:
    body = (
        "states:\n  a: {{action: make, next: done}}\n  b: {{next: done{}}}\n  c: {{next: done}}\n"
        "  done: {{terminal: true}}\n"
    )
    plain = load_text(SILENT + body.format(""))
    allowed = load_text(SILENT + body.format(", allow: [LL332]"))
    assert [d.path for d in plain.warnings] == ["states.b", "states.c"]
    assert [d.path for d in allowed.warnings] == ["states.c"]
    assert [d.path for d in allowed.suppressed] == ["states.b"]


def test_allow_of_the_loop_silences_a_warning_everywhere() -> None:
    text = (
        SILENT
        + "allow: [LL332]\nstates:\n  a: {action: make, next: done}\n  b: {next: done}\n"
        + "  done: {terminal: true}\n"
    )
    result = load_text(text)
    assert result.warnings == []
    assert [d.code for d in result.suppressed] == ["LL332"]


def test_what_is_found_while_loading_can_be_allowed_as_well() -> None:
    text = (
        SILENT
        + "states:\n  a: {action: make, next: done, note: x, allow: [LL125]}\n  done: {terminal: yes}\n"
    )
    result = load_text(text)
    assert [(d.code, d.path) for d in result.warnings] == [("LL124", "states.done.terminal")]
    assert [(d.code, d.path) for d in result.suppressed] == [("LL125", "states.a")]


def test_an_error_cannot_be_allowed() -> None:
    text = SILENT + "allow: [LL301]\nstates:\n  a: {action: make, next: dome}\n  done: {terminal: true}\n"
    assert [d.code for d in load_text(text).errors] == ["LL301"]


def test_strict_makes_every_warning_an_error() -> None:
    result = load(RULE_FILES / "LL332.bad.yaml")
    assert result.errors == []
    assert all(d.is_error for d in strict(result.diagnostics))


def test_a_warning_that_means_certain_failure_keeps_a_run_from_starting() -> None:
    result = load(RULE_FILES / "LL335.bad.yaml")
    assert result.errors == []
    assert [d.code for d in refusals(result.diagnostics)] == ["LL335"]


def test_the_public_loader_raises_one_error_with_one_line_per_mistake() -> None:
    with pytest.raises(ValueError, match="is not a valid loop") as caught:
        load_and_validate(RULE_FILES / "LL328.bad.yaml")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert all(line.startswith("  [ERROR] states.a: ") for line in lines[1:])


def test_the_public_loader_gives_warnings_unknown_keys_first_and_in_one(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text("zebra: 1\nname: x\ninitial: a\napple: 2\nscope: [.]\nstates:\n  a: {terminal: true}\n")
    loop, warnings = load_and_validate(path)
    assert loop.name == "x"
    assert [str(w) for w in warnings] == [
        "[WARNING] <root>: unknown top-level keys: apple, zebra",
        "[WARNING] <root>: the loop has no description",
    ]


def test_the_public_loader_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.yaml"):
        load_and_validate(tmp_path / "nothing.yaml")
