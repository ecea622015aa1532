"""References rendered at a moment of a run: their values, their text, what is missing, what is data, what is
secret."""

from __future__ import annotations

from typing import Any

import pytest
from tests.interpolation.stage import scope

from little_loops.machine.interpolation import (
    InterpolationError,
    check_shell,
    render_plain,
    render_prompt,
    render_shell,
    render_tree,
    resolve_values,
    value_text,
)

CONTEXT = {
    "a": True,
    "n": None,
    "f": 1.0,
    "cmd": "make -j2",
    "m": {"k": [1, "x", None]},
    "run_dir": "/r",
    "t": "Bearer ${env.T}",
}
HERE = scope(
    "out\n",
    context=CONTEXT,
    data=frozenset({"/run_dir", "/t"}),
    context_env={"/t": ((7, "T"),)},
    captured={
        "x": {"output": "one\r\n\n", "stderr": "e\n", "exit_code": 3},
        "sub": {"y": {"output": "two\n"}},
    },
    env={"HOME": "/home/u", "T": "s3cret", "API_KEY": "k", "N": "5", "IFS": ":", "A-B": "odd", "EMPTY": ""},
    elapsed_ms=90_000,
    iteration=4,
    continuation="go on",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${context.a}", "True"),
        ("[${context.n}]", "[]"),
        ("${context.f}", "1.0"),
        ("${context.m}", '{"k": [1, "x", null]}'),
        ("${context.m.k}", '[1, "x", null]'),
        ("${captured.x.output}|", "one|"),
        ("${captured.x.stderr}|", "e\n|"),
        ("${captured.x.exit_code}", "3"),
        ("${captured.sub.y.output}|", "two|"),
        ("${prev.output}|", "out\n|"),
        ("${prev.exit_code} ${prev.state}", "0 before"),
        ("${prev.timeout_kind}|", "|"),
        ("${state.name} ${state.iteration}", "here 4"),
        ("${loop.name} ${loop.elapsed_ms} ${loop.elapsed}", "corpus 90000 1m 30s"),
        ("${loop.started_at}", "2026-01-01T00:00:00+00:00"),
        ("${loop.continuation}", "go on"),
        ("${context.missing:default=a?b:c}", "a?b:c"),
        ("${context.missing?}|", "|"),
        ("${context.n:default=x}|", "|"),
        ("${result.verdict:default=none}", "none"),
        ("${env.NOPE:default=}|", "|"),
        ("$${context.a}", "${context.a}"),
        ("${context.cmd:shell}", "'make -j2'"),
    ],
)
def test_a_prompt_holds_the_values(text: str, expected: str) -> None:
    assert render_prompt(text, HERE).text == expected


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0ms"),
        (999, "999ms"),
        (1000, "1s"),
        (59000, "59s"),
        (60000, "1m"),
        (90000, "1m 30s"),
        (3600000, "60m"),
    ],
)
def test_elapsed_time_in_words(milliseconds: int, text: str) -> None:
    assert render_prompt("${loop.elapsed}", scope("", elapsed_ms=milliseconds)).text == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${context.run_dri}", "did you mean ${context.run_dir}?"),
        ("${context.zzz}", "--context zzz=VALUE"),
        ("${context.m.kk}", "did you mean ${context.m.k}?"),
        ("${context.m.k.x}", "'context.m.k' is no map"),
        ("${captured.zzz.output}", "nothing has been captured as 'zzz'"),
        ("${captured.x.outputs}", "did you mean ${captured.x.output}?"),
        ("${result.verdict}", "only while the state routes"),
        ("${env.HOMES}", "did you mean ${env.HOME}?"),
        ("${loop.nam}", "did you mean ${loop.name}?"),
        ("${HOME}", "$${HOME}"),
        ("${context.a }", "did you mean ${context.a}?"),
    ],
)
def test_what_is_missing_is_named_with_the_way_forward(text: str, said: str) -> None:
    for render in (render_prompt, render_plain, render_shell):
        with pytest.raises(InterpolationError) as caught:
            render(text, HERE)
        assert said in str(caught.value)


def test_before_the_first_step_there_is_nothing_previous() -> None:
    first = scope("", prev=None, continuation=None)
    with pytest.raises(InterpolationError, match="no step has run"):
        render_prompt("${prev.output}", first)
    with pytest.raises(InterpolationError, match="no work was handed over"):
        render_prompt("${loop.continuation}", first)
    assert render_prompt("${prev.output?}${loop.continuation?}", first).text == ""


def test_a_value_is_never_rendered_a_second_time() -> None:
    assert render_prompt("${prev.output}", scope("${context.a} $${x")).text == "${context.a} $${x"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "True"),
        (False, "False"),
        (7, "7"),
        (1.5, "1.5"),
        ("é", "é"),
        (["é", {"a": None}], '["é", {"a": null}]'),
    ],
)
def test_the_text_of_a_value(value: Any, text: str) -> None:
    assert value_text(value) == text


# -- the environment --


def test_the_environment_is_named_and_not_written_down() -> None:
    prompt = render_prompt("é ${env.T}, ${context.t} and ${env.EMPTY}.", HERE)
    assert prompt.text == "é ${env.T}, Bearer ${env.T} and ${env.EMPTY}."
    assert prompt.env == ((2, "T"), (19, "T"), (32, "EMPTY"))
    assert all(prompt.text.startswith("${env." + name + "}", offset) for offset, name in prompt.env)


def test_words_that_only_look_like_the_environment_are_not_listed() -> None:
    prompt = render_prompt("${prev.output} ${env.T}", scope("${env.T}", env={"T": "x"}))
    assert prompt.env == ((9, "T"),)


def test_a_shell_gets_the_variable_itself() -> None:
    action = render_shell('ls ${env.HOME} "${env.HOME}/x" $(( ${env.N} + 1 )) $${HOME}', HERE)
    assert action.text == 'ls "${env.HOME}" "${env.HOME}/x" $(( ${env.N} + 1 )) ${HOME}'
    assert action.values == {}
    assert [action.text[offset : offset + 7 + len(name)] for offset, name in action.env] == [
        "${env.HOME}",
        "${env.HOME}",
        "${env.N}",
    ]


def test_what_bash_would_not_hand_on_as_it_is_travels_under_another_name() -> None:
    action = render_shell("got ${env.IFS} ${env.A-B} ${env.NOPE:default=a b} ${context.t}", HERE)
    assert action.env == ()
    assert resolve_values(action.values, HERE) == {
        "LL_ENV_IFS": ("${env.IFS}", ((0, "IFS"),)),
        "LL_ENV_A_B": ("${env.A-B}", ((0, "A-B"),)),
        "LL_ENV_NOPE": ("a b", ()),
        "LL_CONTEXT_T": ("Bearer ${env.T}", ((7, "T"),)),
    }


def test_a_number_from_the_environment_is_checked_and_never_shown() -> None:
    with pytest.raises(InterpolationError) as caught:
        render_shell("echo $(( ${env.T} ))", HERE)
    assert "whole number" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_condition_reads_the_environment_but_no_secret() -> None:
    assert render_plain("${env.HOME}/${env.N} ${context.t}", HERE) == "/home/u/5 Bearer s3cret"
    for name in ("API_KEY", "my_token", "SECRETS", "PASSWORD2"):
        with pytest.raises(InterpolationError, match="may not read a secret"):
            render_plain("${env." + name + "}", scope("", env={name: "x"}))


def test_a_variable_of_the_environment_is_never_pasted() -> None:
    with pytest.raises(InterpolationError, match="never pasted"):
        render_shell("echo ${env.HOME:raw}", HERE)


# -- code and data --


def test_code_of_the_loop_is_pasted_and_data_is_named() -> None:
    action = render_shell("${context.cmd} -C ${context.run_dir} && echo '${prev.output}' $${x}", HERE)
    assert action.text == "make -j2 -C \"${LL_CONTEXT_RUN_DIR}\" && echo ''\"${LL_PREV_OUTPUT}\"'' ${x}"
    assert action.values == {"LL_CONTEXT_RUN_DIR": "context.run_dir", "LL_PREV_OUTPUT": "prev.output"}
    assert action.data
    assert not render_shell("${context.cmd} ${state.name} ${state.iteration} ${loop.elapsed_ms}", HERE).data


def test_a_whole_action_may_be_code() -> None:
    assert (
        render_shell("${context.cmd}", scope("", context={"cmd": "a && b | c > d"})).text == "a && b | c > d"
    )


def test_shell_and_raw_turn_the_rule_around() -> None:
    assert render_shell("got ${context.cmd:shell}", HERE).text == 'got "${LL_CONTEXT_CMD}"'
    assert render_shell('got "${context.cmd:shell}"', HERE).text == 'got "${LL_CONTEXT_CMD}"'
    assert render_shell("got ${prev.output:raw}", scope("a; b")).text == "got a; b"
    assert resolve_values({"V": "context.n"}, HERE) == {"V": ("", ())}


def test_different_references_get_different_variables() -> None:
    action = render_shell(
        "got ${context.a-b} ${context.a_b} ${context.a_b} ${context.c:default=x} ${context.c?}",
        scope("", context={"a-b": "1", "a_b": "2"}, data=frozenset({""})),
    )
    assert action.values["LL_CONTEXT_A_B"] == "context.a-b"
    assert action.values["LL_CONTEXT_A_B_2"] == "context.a_b"
    assert len(action.values) == 2


def test_what_stands_below_data_is_data_and_what_holds_data_too() -> None:
    context = {"m": {"x": "1", "y": {"z": "2"}}}
    labelled = scope("", context=context, data=frozenset({"/m/y"}))
    assert render_shell("got ${context.m.x}", labelled).text == "got 1"
    assert render_shell("got ${context.m.y.z}", labelled).values == {"LL_CONTEXT_M_Y_Z": "context.m.y.z"}
    assert render_shell("got ${context.m}", labelled).values == {"LL_CONTEXT_M": "context.m"}


def test_a_code_value_that_moves_what_follows_is_refused_by_name() -> None:
    for code in ("echo '", 'echo "', "cat <<EOF\n", "echo $(", "# ", "echo a; eval", "[[ x =="):
        with pytest.raises(InterpolationError, match=r"context\.cmd|prev\.output") as caught:
            render_shell("${context.cmd} ${prev.output}\n", scope("v", context={"cmd": code}))
        assert caught.value.hint
    with pytest.raises(InterpolationError, match=r"context\.cmd.*changes how bash reads.*prev\.output"):
        render_shell("got ${context.cmd} ${prev.output}'", scope("v", context={"cmd": "'"}))


def test_a_bare_name_is_an_error_unless_the_loop_is_lenient() -> None:
    with pytest.raises(InterpolationError, match=r"\$\${RUN_ID}"):
        render_shell("echo ${RUN_ID}", HERE)
    assert render_shell("echo ${RUN_ID} ${#a[@]} ${prev.output}", scope("v"), lenient=True).text == (
        'echo ${RUN_ID} ${#a[@]} "${LL_PREV_OUTPUT}"'
    )
    with pytest.raises(InterpolationError, match="did you mean"):
        render_shell("echo ${contxt.a}", HERE, lenient=True)


def test_the_text_of_an_action_does_not_depend_on_its_data() -> None:
    texts = {
        render_shell("got ${prev.output}", scope(value)).text for value in ("", "'", "$(x)", "a" * 10_000)
    }
    assert texts == {'got "${LL_PREV_OUTPUT}"'}


# -- bindings --


def test_a_binding_that_is_one_reference_keeps_its_type() -> None:
    value, data, env = render_tree(
        {
            "a": "${context.m}",
            "b": ["${state.iteration}", "n ${state.iteration}", 5, None],
            "c": "${context.n}",
        },
        HERE,
    )
    assert value == {"a": {"k": [1, "x", None]}, "b": [4, "n 4", 5, None], "c": None}
    assert (data, env) == ((), {})


def test_labels_and_environment_follow_a_value_through_a_binding() -> None:
    value, data, env = render_tree(
        {
            "a/b": "${prev.output}",
            "c": ["x ${captured.x.output}", "${env.HOME}", "${context.t}!"],
            "d": "${context.cmd}",
        },
        HERE,
    )
    assert value == {"a/b": "out\n", "c": ["x one", "${env.HOME}", "Bearer ${env.T}!"], "d": "make -j2"}
    assert set(data) == {"/a~1b", "/c/0", "/c/1", "/c/2"}
    assert env == {"/c/1": ((0, "HOME"),), "/c/2": ((7, "T"),)}
    assert render_tree("${context.t}", HERE) == ("Bearer ${env.T}", ("",), {"": ((7, "T"),)})


def test_labels_inside_a_map_follow_it() -> None:
    given = scope(
        "",
        context={"m": {"x": 1, "y": "d ${env.T}"}},
        data=frozenset({"/m/y"}),
        context_env={"/m/y": ((2, "T"),)},
    )
    assert render_tree({"p": "${context.m}"}, given) == (
        {"p": {"x": 1, "y": "d ${env.T}"}},
        ("/p/y",),
        {"/p/y": ((2, "T"),)},
    )
    with pytest.raises(InterpolationError, match="cannot become text"):
        render_prompt("x ${context.m}", given)


# -- before a run --


def test_every_misplaced_value_of_an_action_is_found_at_its_place() -> None:
    text = 'a ${context.zz} "${captured.x.output}" && eval ${prev.output}; python3 -c ${captured.y.output}'
    found = check_shell(text, {})
    assert [text[refusal.offset :].split("}", maxsplit=1)[0] for refusal in found] == [
        "${prev.output",
        "${captured.y.output",
    ]
    assert check_shell("${context.c} ${prev.output}", {"c": "eval"})
    assert not check_shell("${context.c} ${prev.output}", {"c": "got"})
    assert check_shell("${context.c} x", {"c": "got"}, frozenset({"/c"}))
    assert not check_shell("echo ${HOME} ${prev.output} ${contxt.x}", {})
