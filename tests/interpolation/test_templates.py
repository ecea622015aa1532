"""What a template is: which texts are references, which are left alone, which are wrong and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from little_loops.fsm.template import Literal, Malformed, Reference, parse, unknown_name


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("$${x", "${x"),
        ("$$${context.a}", "$${context.a}"),
        ("$HOME", "$HOME"),
        ("$(pwd)", "$(pwd)"),
        ("$$", "$$"),
        ("${}", "${}"),
        ("${unclosed", "${unclosed"),
        ("$${DEPTH:-0}", "${DEPTH:-0}"),
        ("a $${A} b $${B}", "a ${A} b ${B}"),
        ("", ""),
    ],
)
def test_text_that_is_no_reference_stays(text: str, means: str) -> None:
    template = parse(text)
    assert template.is_constant
    assert "".join(part.text for part in template.parts if isinstance(part, Literal)) == means


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("${HOME}", "not of the form", "$${HOME}"),
        ("${context}", "not of the form", "${context.name}"),
        ("${#arr[@]}", "not of the form", "$${#arr[@]}"),
        ("${a\nb}", "not of the form", "$${a"),
        ("${context.a:-x}", "':-', which only bash understands", "${context.a:default=x}"),
        ("${env.A:=x}", "':=', which only bash understands", "${env.A:default=x}"),
        ("${V:-${context.a}", "holds another reference", "$${V:-${…}}"),
        ("${ context.a}", "has a blank in its name", "${context.a}"),
        ("${contxt.a}", "unknown namespace 'contxt'", "did you mean ${context.a}?"),
        ("${param.a}", "unknown namespace 'param'", "known are context"),
        ("${context.a:shel}", "unknown suffix ':shel'", "did you mean ${context.a:shell}?"),
        ("${context.a:defualt=x}", "unknown suffix", "did you mean ${context.a:default=x}?"),
        ("${context.a?:default=x}", "exclude each other", "keep one"),
        ("${context.a:shell:default=x}", "exclude each other", "keep one"),
        ("${context.a:shell?}", "exclude each other", "keep one"),
        ("${context.a?:shell}", "exclude each other", "keep one"),
        ("${context.a:raw:shell}", "exclude each other", "keep one"),
    ],
)
def test_what_only_looks_like_a_reference_says_what_to_write(text: str, reason: str, hint: str) -> None:
    (part,) = parse(text).parts
    assert isinstance(part, Malformed)
    assert reason in part.reason
    assert part.hint is not None
    assert hint in part.hint


def test_a_bare_name_can_be_told_from_other_mistakes() -> None:
    assert [part.dotless for part in parse("${HOME} ${contxt.a} ${#a[*]}").malformed] == [True, False, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${context.a.b}", Reference("context", "a.b", ("a", "b"), None, False, False, False, 0, 14)),
        ("${env.A.B}", Reference("env", "A.B", ("A.B",), None, False, False, False, 0, 10)),
        ("${prev.output?}", Reference("prev", "output", ("output",), None, True, False, False, 0, 15)),
        ("${loop.name:shell}", Reference("loop", "name", ("name",), None, False, True, False, 0, 18)),
        ("${context.a:raw}", Reference("context", "a", ("a",), None, False, False, True, 0, 16)),
        (
            "${context.a:default=a?b:c $(d)}",
            Reference("context", "a", ("a",), "a?b:c $(d)", False, False, False, 0, 31),
        ),
        ("${context.a:default=}", Reference("context", "a", ("a",), "", False, False, False, 0, 21)),
        ("${context.a }", Reference("context", "a ", ("a ",), None, False, False, False, 0, 13)),
    ],
)
def test_a_reference_is_cut_into_its_parts(text: str, expected: Reference) -> None:
    assert parse(text).single == expected


def test_a_string_with_anything_around_the_reference_is_not_a_single_one() -> None:
    assert parse("${context.a}\n").single is None
    assert parse("$${context.a}").single is None


def test_offsets_are_those_of_the_source() -> None:
    text = "é $${x} ${context.a} and ${env.B?}"
    assert [text[part.start : part.end] for part in parse(text).references] == ["${context.a}", "${env.B?}"]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("${loop.nam}", "did you mean ${loop.name}?"),
        ("${state.iterations}", "did you mean ${state.iteration}?"),
        ("${prev.stdout}", "known are output"),
        ("${prev.output.x}", "known are output"),
        ("${result.verdic}", "did you mean ${result.verdict}?"),
    ],
)
def test_a_name_that_no_run_can_have_is_known_before_the_run(text: str, hint: str) -> None:
    reference = parse(text).single
    assert reference is not None
    wrong = unknown_name(reference)
    assert wrong is not None
    assert wrong[1] is not None
    assert hint in wrong[1]


@pytest.mark.parametrize(
    "text", ["${context.x}", "${captured.x.y}", "${prev.details.a.b}", "${loop.continuation}"]
)
def test_a_name_that_a_run_may_have_is_left_to_the_run(text: str) -> None:
    reference = parse(text).single
    assert reference is not None
    assert unknown_name(reference) is None


@given(st.text(alphabet="${}.:?=-abcontextdfulshrw \n", max_size=60))
def test_parsing_never_fails_and_loses_nothing(text: str) -> None:
    parts = parse(text).parts
    assert "".join(text[part.start : part.end] for part in parts) == text
    assert [part.end for part in parts][:-1] == [part.start for part in parts][1:]
