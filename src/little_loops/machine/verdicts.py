"""The pure evaluators: evidence in, verdict and details out. One function each, one table.

An evaluator never raises for what it is given; what it cannot judge is the verdict ``error`` with a reason.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from little_loops.fsm.schema import EvaluateConfig
from little_loops.machine.effects import Matched

PREVIEW = 200
NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf(?:inity)?)", re.ASCII)
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluator says; ``memory`` is what it wants to know at its next turn in this place."""

    verdict: str
    details: Mapping[str, Any] = field(default_factory=dict)
    memory: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is judged: the input text, and the exit code of the state's own action (0 without one)."""

    text: str
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """The templates of an evaluator, filled in. ``previous`` is None when it has no value yet."""

    target: Any = None
    previous: str | None = None
    tolerance: Any = None


def error(reason: str, **details: Any) -> Verdict:
    """The verdict ``error`` with its reason."""
    return Verdict("error", {"error": reason, **details})


def yes_no(holds: bool, **details: Any) -> Verdict:
    """``yes`` or ``no`` with details."""
    return Verdict("yes" if holds else "no", details)


def number(text: str) -> float | None:
    """A plain decimal, exponent or infinite number with blanks around it; None for anything else."""
    stripped = text.strip()
    return float(stripped) if NUMBER.fullmatch(stripped) else None


def exit_code(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """0 is yes, 1 is no, anything else is an error."""
    code = evidence.exit_code
    return Verdict({0: "yes", 1: "no"}.get(code, "error"), {"exit_code": code})


def output_numeric(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """Compares the number that the text is, or the last ``key = number`` in it, with the target."""
    target = _numeric_target(terms.target)
    if target is None:
        return error(f"the target {terms.target!r} is not a number")
    text = evidence.text if config.key is None else _keyed(config.key, evidence.text)
    if text is None:
        return error(f"no line gives a number for {config.key!r}")
    value = number(text)
    if value is None:
        return error(f"not a number: {text.strip()[:100]!r}")
    compare = OPERATORS.get(config.operator or "eq")
    if compare is None:
        return error(f"unknown operator {config.operator!r}")
    return yes_no(compare(value, target), value=value, target=target, operator=config.operator or "eq")


def _numeric_target(target: Any) -> float | None:
    if isinstance(target, bool) or target is None:
        return None
    if isinstance(target, int | float):
        return None if math.isnan(target) else float(target)
    return number(str(target))


def _keyed(key: str, text: str) -> str | None:
    found = re.findall(
        rf"{re.escape(key)}[ \t]*=[ \t]*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)", text
    )
    return found[-1] if found else None


def output_json(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """Compares the value at a dotted path of a JSON document with the target."""
    try:
        document = json.loads(evidence.text)
    except (ValueError, RecursionError) as problem:
        return error(f"the output is not JSON: {problem}")
    found, value = dotted(document, config.path or "")
    if not found:
        return error(f"nothing at the path {config.path!r}")
    return compare_json(config, value, terms)


def dotted(document: Any, path: str) -> tuple[bool, Any]:
    """The value at a dotted path (one optional leading dot; digits index lists); found, value."""
    value = document
    for segment in path.removeprefix(".").split("."):
        if isinstance(value, dict) and segment in value:
            value = value[segment]
        elif (
            isinstance(value, list)
            and segment.isascii()
            and segment.isdigit()
            and int(segment[:9]) < len(value)
        ):
            value = value[int(segment[:9])]
        else:
            return False, None
    return True, value


def compare_json(config: EvaluateConfig, value: Any, terms: Terms) -> Verdict:
    """Compares a JSON value: numbers by all operators, everything else by eq and ne."""
    word = config.operator or "eq"
    compare, target = OPERATORS.get(word), terms.target
    if compare is None:
        return error(f"unknown operator {word!r}")
    if not (isinstance(value, int | float) and isinstance(target, int | float)) and word not in ("eq", "ne"):
        return error(f"{word} compares numbers, and {json.dumps(value)[:PREVIEW]} or the target is none")
    return yes_no(bool(compare(value, target)), value=value, path=config.path, target=target, operator=word)


def output_contains(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """Looks for the pattern as text; patterns with special characters are matched by a worker."""
    return contained(config, evidence, (config.pattern or "") in evidence.text)


def contained(config: EvaluateConfig, evidence: Evidence, matched: bool) -> Verdict:
    """The verdict once it is known whether the pattern occurs."""
    details = {"matched": matched, "pattern": config.pattern or "", "negate": config.negate}
    if not matched and not config.negate:
        for text in config.error_patterns or ():
            if text in evidence.text:
                return Verdict("error", {**details, "error_pattern": text})
    return Verdict("yes" if matched != config.negate else "no", details)


def convergence(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """Whether a number reached its target, came nearer, or stalls."""
    current, target = number(evidence.text), _numeric_target(terms.target)
    if current is None:
        return error(f"not a number: {evidence.text.strip()[:100]!r}")
    if target is None:
        return error(f"the target {terms.target!r} is not a number")
    tolerance = 0.0 if terms.tolerance is None else _numeric_target(terms.tolerance)
    if tolerance is None:
        return error(f"the tolerance {terms.tolerance!r} is not a number")
    previous = None if terms.previous is None else number(terms.previous)
    if abs(current - target) <= tolerance or current == target:
        return Verdict("target", {"current": current, "target": target, "delta": 0})
    if previous is None:
        return Verdict("progress", {"current": current, "previous": None, "target": target, "delta": None})
    delta = current - previous
    better = delta < 0 if config.direction == "minimize" else delta > 0
    details = {
        "current": current,
        "previous": previous,
        "target": target,
        "delta": delta,
        "direction": config.direction,
    }
    return Verdict("progress" if better else "stall", details)


def mcp_result(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """Reads the answer of a tool call."""
    code = evidence.exit_code
    if code == 127:
        return Verdict("not_found", {"exit_code": code, "error": "the tool or its server was not found"})
    if code == 124:
        return Verdict("timeout", {"exit_code": code, "error": "the tool call timed out"})
    try:
        envelope = json.loads(evidence.text) if evidence.text.strip() else {}
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict):
        return Verdict("tool_error", {"exit_code": code, "error": evidence.text[:PREVIEW]})
    failed = bool(envelope["isError"]) if "isError" in envelope else code != 0
    return Verdict("tool_error" if failed else "success", {"exit_code": code, "envelope": envelope})


def harbor_scorer(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """Whether the state's own action printed one score and exited 0."""
    if evidence.exit_code != 0:
        return Verdict("no", {"exit_code": evidence.exit_code})
    score = number(evidence.text)
    if score is None:
        return error(f"not a score: {evidence.text.strip()[:PREVIEW]!r}", exit_code=0)
    return Verdict("yes", {"score": score, "exit_code": 0})


def classify(config: EvaluateConfig, evidence: Evidence, terms: Terms) -> Verdict:
    """One line of the text is the verdict."""
    lines = [line.strip() for line in evidence.text.splitlines() if line.strip()]
    if not lines:
        return Verdict("", {"token": "", "line": config.line, "source_lines": 0})
    index = {"last": -1, "first": 0}.get(str(config.line), config.line)
    if isinstance(index, bool) or not isinstance(index, int) or not -len(lines) <= index < len(lines):
        return Verdict("", {"token": "", "line": config.line, "error": f"there is no line {config.line!r}"})
    return Verdict(lines[index], {"token": lines[index], "line": config.line})


PURE: Mapping[str, Callable[[EvaluateConfig, Evidence, Terms], Verdict]] = {
    "exit_code": exit_code,
    "output_numeric": output_numeric,
    "output_json": output_json,
    "output_contains": output_contains,
    "convergence": convergence,
    "mcp_result": mcp_result,
    "harbor_scorer": harbor_scorer,
    "classify": classify,
}
"""Evaluators that need nothing but evidence and terms."""

GATE_EXEMPT = frozenset(
    {
        "exit_code",
        "mcp_result",
        "harbor_scorer",
        "diff_stall",
        "score_stall",
        "action_stall",
        "llm_structured",
    }
)
"""Evaluators that look at exit codes themselves, or at something else than the output."""


def gate(kind: str, code: int) -> Verdict | None:
    """The exit-code gate: what a failing action says before an evaluator of text is asked."""
    if code == 0 or kind == "mcp_result":
        return None
    if code == 124:
        return error("the action timed out", exit_code=code)
    if kind in GATE_EXEMPT:
        return None
    return error(f"the action failed with exit code {code}", exit_code=code)


# --- evaluators with memory --------------------------------------------------------------------------


def counted(memory: Mapping[str, Any] | None, digest: str) -> int:
    """How often in a row this digest came again."""
    if not memory or memory.get("digest") != digest:
        return 0
    return int(memory.get("count", 0)) + 1


def diff_stall(config: EvaluateConfig, digest: str, memory: Mapping[str, Any] | None) -> Verdict:
    """``no`` once the working tree has not changed for ``max_stall`` rounds."""
    count = counted(memory, digest)
    details = {"stall_count": count, "max_stall": config.max_stall, "diff_changed": count == 0}
    verdict = "no" if count >= config.max_stall and count > 0 else "yes"
    return Verdict(verdict, details, {"digest": digest, "count": count})


def action_stall(
    config: EvaluateConfig, digest: str, tracked: tuple[str, ...], memory: Mapping[str, Any] | None
) -> Verdict:
    """``no`` once the tracked values were the same ``max_repeat`` times in a row."""
    count = counted(memory, digest)
    details: dict[str, Any] = {
        "stall_count": count,
        "max_repeat": config.max_repeat,
        "hash_changed": count == 0,
        "tracked_keys": list(tracked),
    }
    if count:
        details["repeated_hash"] = digest[:12]
    verdict = "no" if count >= config.max_repeat else "yes"
    return Verdict(verdict, details, {"digest": digest, "count": count})


def score_stall(config: EvaluateConfig, scores: list[float]) -> Verdict:
    """``no`` once ``max_stall`` rounds brought no score better than the best by more than epsilon."""
    best, stall = (scores[0] if scores else None), 0
    for score in scores[1:]:
        stall = 0 if best is not None and score > best + config.epsilon else stall + 1
        best = score if best is None else max(best, score)
    details = {
        "stall_count": stall,
        "max_stall": config.max_stall,
        "epsilon": config.epsilon,
        "rounds": len(scores),
        "best": best,
    }
    stalled = len(scores) > 1 and stall >= config.max_stall
    return Verdict("no" if stalled else "yes", details)


# --- answers of workers --------------------------------------------------------------------------------


def matched(config: EvaluateConfig, evidence: Evidence, answer: Matched, terms: Terms) -> Verdict:
    """The verdict on a worker's answer."""
    if answer.error is not None:
        return error(answer.error, **({"timeout": True} if answer.timeout else {}))
    if config.type == "output_json":
        return compare_json(config, answer.value, terms)
    if not answer.compiled:
        return output_contains(config, evidence, terms)
    return contained(config, evidence, answer.found)


def clean(value: Any) -> Any:
    """A detail as it can stand in a journal: JSON types, finite numbers, no lone surrogates."""
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case str() if not value.isascii():
            return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
        case dict():
            return {clean(str(key)): clean(item) for key, item in value.items()}
        case list() | tuple():
            return [clean(item) for item in value]
        case _:
            return value
