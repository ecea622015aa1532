"""A finding as it is shown: place, code, the line with a caret, help; in the order of the file."""

from __future__ import annotations

from little_loops.fsm.diagnostics import (
    Diagnostic,
    Source,
    Span,
    ValidationSeverity,
    as_json,
    in_file_order,
    render,
    render_all,
)

ERROR = ValidationSeverity.ERROR


def shown(text: str, line: int, column: int, end_column: int, end_line: int | None = None) -> list[str]:
    span = Span(Source("x.yaml", text), line, column, end_line or line, end_column)
    return render(Diagnostic("wrong", "a.b", ERROR, "LL301", span)).splitlines()


def test_the_whole_shape() -> None:
    span = Span(Source("dir/x.yaml", "name: x\ninitial: chek\n"), 2, 10, 2, 14)
    finding = Diagnostic("no such state", "initial", ERROR, "LL206", span, "first\nsecond", "check")
    assert render(finding) == (
        "dir/x.yaml:2:10: error[LL206]: no such state\n"
        "   |\n"
        " 2 | initial: chek\n"
        "   |          ^^^^\n"
        "  = did you mean 'check'?\n"
        "  = help: first\n"
        "          second"
    )
    assert str(finding) == "[ERROR] initial: no such state"


def test_without_a_place_the_path_stands_in_front() -> None:
    assert render(Diagnostic("odd", "states.a", ERROR, "LL1")) == "states.a: error[LL1]: odd"
    assert render(Diagnostic("odd")) == "error[]: odd"
    assert str(Diagnostic("odd")) == "[ERROR] odd"


def test_several_lines_are_underlined_to_the_end_of_the_first() -> None:
    assert shown("a: |\n  one\n  two\n", 1, 4, 6, 3)[-1] == "   |    ^"


def test_tabs_and_wide_letters_keep_the_caret_in_place() -> None:
    assert shown("\ta: bc\n", 1, 5, 7)[-2:] == [" 1 |  a: bc", "   |     ^^"]
    assert shown("名: 前x\n", 1, 4, 6)[-2:] == [" 1 | 名: 前x", "   |     ^^^"]


def test_a_long_line_is_shown_around_the_place() -> None:
    line, caret = shown("k: " + "x" * 900 + "HERE" + "y" * 900 + "\n", 1, 904, 908)[-2:]
    start = caret.index("^")
    assert line[start : start + 4] == "HERE"
    assert len(line) < 200


def test_a_place_behind_the_end_does_not_fail() -> None:
    assert shown("a: 1\n", 9, 1, 1) == ["x.yaml:9:1: error[LL301]: wrong"]
    assert shown("a: 1\n", 1, 80, 90)[0] == "x.yaml:1:80: error[LL301]: wrong"


def test_as_data() -> None:
    data = as_json(Diagnostic("wrong", "a", ERROR, "LL1", Span(Source("f", ""), 1, 2, 3, 4), None, "b"))
    assert data == {
        "code": "LL1",
        "severity": "error",
        "message": "wrong",
        "path": "a",
        "file": "f",
        "line": 1,
        "column": 2,
        "end_line": 3,
        "end_column": 4,
        "help": None,
        "suggestion": "b",
    }


def test_findings_are_sorted_by_file_and_place() -> None:
    source = Source("f", "")
    late, early = (
        Diagnostic(name, span=Span(source, line, 1, line, 1)) for name, line in (("b", 9), ("a", 2))
    )
    free = Diagnostic("free")
    assert [d.message for d in in_file_order([late, early, free])] == ["free", "a", "b"]
    assert render_all([free, free]) == "error[]: free\n\nerror[]: free"
