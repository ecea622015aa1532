"""Data in shell text, judged when a file is loaded: what is data, what is code, what stops a run."""

from __future__ import annotations

import pytest

from little_loops.fsm.load import load_text

OPENING = (
    "name: x\ndescription: d\ninitial: a\nscope: [.]\ncontext: {cmd: make all, path: {deep: src}}\n"
    "parameters: {goal: {type: string, default: tests}}\nstates:\n  a:\n    action: |\n"
)
CLOSING = (
    "    capture: out\n    on_yes: done\n    on_no: done\n    on_error: done\n  done: {terminal: true}\n"
)


def found(*lines: str) -> list[tuple[str, str, bool]]:
    body = "".join(f"      {line}\n" for line in lines)
    result = load_text(OPENING + body + CLOSING)
    shown = []
    for d in result.diagnostics:
        if d.code in ("LL507", "LL508"):
            assert d.span is not None
            text = d.span.source.line(d.span.line)[d.span.column - 1 : d.span.end_column - 1]
            shown.append((d.code, text, d.blocks))
    return shown


@pytest.mark.parametrize(
    "line",
    [
        "${context.cmd} --fast",
        "bash -c '${context.cmd}'",
        "eval ${context.path.deep}",
        "echo ${prev.output}",
        'grep -q "${captured.out.output?}" log',
        "printf '%s\\n' '${context.goal}'",
        "echo ${env.HOME} ${state.name} ${loop.name}",
        "echo $${HOME}",
        "${context.later:default=make} all",
    ],
)
def test_what_may_stand_where_it_stands(line: str) -> None:
    assert found(line) == []


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('eval "${prev.output}"', "${prev.output}"),
        ("bash -c 'ls ${env.DIR}'", "${env.DIR}"),
        ("${prev.output} --fast", "${prev.output}"),
        ("echo $((1 + ${context.goal}))x; trap '${context.goal}' EXIT", "${context.goal}"),
        ("ssh host ls ${context.input}", "${context.input}"),
    ],
)
def test_what_would_be_run_keeps_the_run_from_starting(line: str, shown: str) -> None:
    assert ("LL507", shown, True) in found(line)


def test_what_only_the_start_of_a_run_can_tell_is_said_and_does_not_stop_it() -> None:
    assert found("bash -c 'ls ${context.other}'") == [("LL507", "${context.other}", False)]


def test_every_place_of_an_action_is_told() -> None:
    shown = found('eval "${prev.output}"', "echo fine", 'eval "${env.X}"')
    assert [text for _, text, _ in shown] == ["${prev.output}", "${env.X}"]


def test_a_prompt_may_hold_any_data() -> None:
    text = OPENING + '      eval "${prev.output}"\n' + "    action_type: prompt\n" + CLOSING
    assert [d.code for d in load_text(text).warnings] == ["LL340"]


def test_raw_data_can_be_allowed_by_name() -> None:
    text = OPENING + "      ${prev.output:raw}\n" + "    allow: [LL508]\n" + CLOSING
    result = load_text(text)
    assert result.diagnostics == ()
    assert [d.code for d in result.suppressed] == ["LL508"]
