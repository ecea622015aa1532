"""Findings in the formats of other tools: SARIF 2.1.0 and the annotations of GitHub Actions.

Pure: takes findings, gives data or text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from little_loops.fsm.diagnostics import Diagnostic, Span
from little_loops.fsm.validation.judge import BY_CODE

TOOL = "ll-loop"
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(found: Iterable[Diagnostic], version: str) -> dict[str, Any]:
    """The findings as one SARIF run; ``version`` is that of the program."""
    results = list(found)
    codes = sorted({d.code for d in results if d.code})
    driver = {"name": TOOL, "version": version, "rules": [_sarif_rule(code) for code in codes]}
    run = {"tool": {"driver": driver}, "results": [_sarif_result(d, codes) for d in results]}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def _sarif_rule(code: str) -> dict[str, Any]:
    rule = BY_CODE.get(code)
    if rule is None:
        return {"id": code}
    return {"id": code, "shortDescription": {"text": rule.title}, "help": {"text": rule.help}}


def _sarif_result(found: Diagnostic, codes: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "level": found.severity.value,
        "message": {"text": _sentence(found)},
    }
    if found.code:
        result["ruleId"] = found.code
        result["ruleIndex"] = codes.index(found.code)
    location: dict[str, Any] = {}
    if found.span is not None:
        location["physicalLocation"] = _sarif_place(found.span)
    if found.path:
        location["logicalLocations"] = [{"fullyQualifiedName": found.path}]
    if location:
        result["locations"] = [location]
    return result


def _sarif_place(span: Span) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": span.source.path.replace("\\", "/")},
        "region": {
            "startLine": span.line,
            "startColumn": span.column,
            "endLine": span.end_line,
            "endColumn": max(span.end_column, span.column + 1)
            if span.end_line == span.line
            else span.end_column,
        },
    }


def github(found: Iterable[Diagnostic]) -> list[str]:
    """One workflow command per finding, which GitHub Actions shows at the line."""
    return [_annotation(d) for d in found]


def _annotation(found: Diagnostic) -> str:
    fields: dict[str, str] = {}
    if found.span is not None:
        span = found.span
        fields = {"file": span.source.path, "line": str(span.line), "endLine": str(span.end_line)}
        if span.end_line == span.line:
            fields.update({"col": str(span.column), "endColumn": str(span.end_column)})
    fields["title"] = found.code or TOOL
    listed = ",".join(f"{name}={_escaped(value, ',:')}" for name, value in fields.items())
    return f"::{found.severity.value} {listed}::{_escaped(_sentence(found))}"


def _escaped(text: str, more: str = "") -> str:
    for character in ("%", "\r", "\n", *more):
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _sentence(found: Diagnostic) -> str:
    text = found.message
    if found.suggestion:
        text += f"; did you mean '{found.suggestion}'?"
    return f"{text}\n{found.help}" if found.help else text
