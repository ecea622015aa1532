"""Naive evaluators for the naive executor: one function a type, plain maps in, verdict and details out.

Knows nothing of the product. It must never import it.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.differential.texts import Missing, look_up, render, to_text

Verdict = tuple[str, dict[str, Any]]
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
BLIND_TO_EXIT = {
    "output_numeric",
    "output_json",
    "output_contains",
    "convergence",
    "comparator",
    "classify",
}


@dataclass
class Seen:
    """All an evaluator may look at."""

    text: str
    exit_code: int
    scope: Mapping[str, Any]
    memory: dict[str, Any]
    action: str = ""
    measured: Any = None
    gate: bool = False
    measured_error: bool = False
    notes: dict[str, Any] = field(default_factory=dict)


def verdict_of(config: Mapping[str, Any], seen: Seen) -> Verdict:
    """The verdict of one evaluator; whatever goes wrong inside is the verdict ``error``."""
    kind = config["type"]
    if gated(kind, seen):
        return "error", {"exit_code": seen.exit_code, "error": "gate"}
    try:
        return EVALUATORS[kind](config, seen)
    except (ValueError, Missing, TypeError) as problem:
        return "error", {"error": str(problem)}


def gated(kind: str, seen: Seen) -> bool:
    """Whether a failed action is not judged at all, where the author asked for that."""
    if not seen.gate or seen.exit_code == 0 or kind == "mcp_result":
        return False
    return seen.exit_code == 124 or kind in BLIND_TO_EXIT


def number(text: str) -> float:
    """A plain decimal number or infinity; nothing else that ``float`` would take."""
    text = text.strip()
    if re.fullmatch(NUMBER, text, re.ASCII) or re.fullmatch(r"[+-]?inf(inity)?", text, re.I):
        return float(text)
    raise ValueError(f"not a number: {text[:100]}")


def _target(config: Mapping[str, Any], seen: Seen) -> float:
    target = config.get("target")
    if isinstance(target, str):
        return number(render(target, seen.scope))
    if target is None:
        raise ValueError("no target")
    return float(target)


def exit_code(config: Mapping[str, Any], seen: Seen) -> Verdict:
    return {0: "yes", 1: "no"}.get(seen.exit_code, "error"), {"exit_code": seen.exit_code}


def output_numeric(config: Mapping[str, Any], seen: Seen) -> Verdict:
    target = _target(config, seen)
    text = seen.text
    if config.get("key"):
        found = re.findall(re.escape(config["key"]) + rf"\s*=\s*({NUMBER})", text)
        if not found:
            return "error", {"error": "no such key"}
        text = found[-1]
    value = number(text)
    sign = config.get("operator", "eq")
    yes = COMPARE[sign](value, target)
    return "yes" if yes else "no", {"value": value, "target": target, "operator": sign}


def output_json(config: Mapping[str, Any], seen: Seen) -> Verdict:
    path, target, sign = config["path"], config["target"], config.get("operator", "eq")
    value = json.loads(seen.text)
    for part in path.removeprefix(".").split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return "error", {"error": f"path not found: {path}"}
    numbers = isinstance(value, int | float) and isinstance(target, int | float)
    if not numbers and sign not in ("eq", "ne"):
        return "error", {"error": "not comparable"}
    yes = COMPARE[sign](value, target)
    details = {"value": value, "path": path, "target": target, "operator": sign}
    return "yes" if yes else "no", details


def output_contains(config: Mapping[str, Any], seen: Seen) -> Verdict:
    pattern, negate = config.get("pattern", ""), config.get("negate", False)
    try:
        matched = re.search(pattern, seen.text) is not None
    except re.error:
        matched = pattern in seen.text
    details = {"matched": matched, "pattern": pattern, "negate": negate}
    if matched != negate:
        return "yes", details
    for bad in config.get("error_patterns") or []:
        if not negate and bad in seen.text:
            return "error", {**details, "error_pattern": bad}
    return "no", details


def convergence(config: Mapping[str, Any], seen: Seen) -> Verdict:
    current, target = number(seen.text), _target(config, seen)
    tolerance = config.get("tolerance") or 0
    if isinstance(tolerance, str):
        tolerance = number(render(tolerance, seen.scope))
    if abs(current - target) <= tolerance:
        return "target", {"current": current, "target": target, "delta": 0}
    details: dict[str, Any] = {"current": current, "previous": None, "target": target, "delta": None}
    if config.get("previous") is None:
        return "progress", details
    try:
        previous = number(render(config["previous"], seen.scope))
    except (Missing, ValueError):
        return "progress", details
    delta, direction = current - previous, config.get("direction", "minimize")
    details.update(previous=previous, delta=delta, direction=direction)
    better = delta < 0 if direction == "minimize" else delta > 0
    return "progress" if better else "stall", details


def mcp_result(config: Mapping[str, Any], seen: Seen) -> Verdict:
    code = seen.exit_code
    if code in (127, 124):
        return {127: "not_found", 124: "timeout"}[code], {"exit_code": code, "error": "no result"}
    try:
        envelope = json.loads(seen.text) if seen.text.strip() else {}
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict):
        return "tool_error", {"exit_code": code, "error": seen.text[:200]}
    bad = envelope.get("isError", code != 0)
    return "tool_error" if bad else "success", {"exit_code": code, "envelope": envelope}


def harbor_scorer(config: Mapping[str, Any], seen: Seen) -> Verdict:
    if seen.exit_code != 0:
        return "no", {"exit_code": seen.exit_code}
    try:
        return "yes", {"score": number(seen.text), "exit_code": 0}
    except ValueError as problem:
        return "error", {"exit_code": 0, "error": str(problem)}


def classify(config: Mapping[str, Any], seen: Seen) -> Verdict:
    line = config.get("line", "last")
    lines = [text.strip() for text in seen.text.splitlines() if text.strip()]
    if not lines:
        return "", {"token": "", "line": line, "source_lines": 0}
    index = {"last": -1, "first": 0}.get(line, line)
    try:
        token = lines[index]
    except IndexError:
        return "", {"token": "", "line": line, "error": "no such line"}
    return token, {"token": token, "line": line}


def _counted(seen: Seen, digest: str, limit: int) -> tuple[int, bool]:
    """How often in a row the same digest came after its first time."""
    changed = seen.memory.get("digest") != digest
    count = 0 if changed else seen.memory.get("count", 0) + 1
    seen.notes["memory"] = {"digest": digest, "count": count}
    return count, changed


def action_stall(config: Mapping[str, Any], seen: Seen) -> Verdict:
    names, limit = config.get("track") or ["action"], config.get("max_repeat", 2)
    digest = repr([_tracked(name, seen) for name in names])
    count, changed = _counted(seen, digest, limit)
    details = {"stall_count": count, "max_repeat": limit, "hash_changed": changed, "tracked_keys": names}
    return "no" if not changed and count >= limit else "yes", details


def _tracked(name: str, seen: Seen) -> str:
    if name == "action":
        return seen.action
    for path in [name] if "." in name else [f"{space}.{name}" for space in ("context", "captured", "prev")]:
        try:
            return to_text(look_up(path, seen.scope))
        except Missing:
            continue
    return ""


def diff_stall(config: Mapping[str, Any], seen: Seen) -> Verdict:
    if seen.measured_error:
        return "error", {"error": str(seen.measured)}
    limit = config.get("max_stall", 1)
    count, changed = _counted(seen, seen.measured, limit)
    details = {"stall_count": count, "max_stall": limit, "diff_changed": changed}
    return "no" if not changed and count >= limit else "yes", details


def score_stall(config: Mapping[str, Any], seen: Seen) -> Verdict:
    if seen.measured_error:
        return "error", {"error": str(seen.measured)}
    limit, epsilon = config.get("max_stall", 1), config.get("epsilon", 0.5)
    best: float | None = None
    stall = 0
    for score in seen.measured:
        if best is None or score > best + epsilon:
            stall = 0
        else:
            stall += 1
        best = score if best is None else max(best, score)
    details = {
        "stall_count": stall,
        "max_stall": limit,
        "epsilon": epsilon,
        "rounds": len(seen.measured),
        "best": best,
    }
    return "no" if len(seen.measured) >= 2 and stall >= limit else "yes", details


EVALUATORS: dict[str, Callable[[Mapping[str, Any], Seen], Verdict]] = {
    "exit_code": exit_code,
    "output_numeric": output_numeric,
    "output_json": output_json,
    "output_contains": output_contains,
    "convergence": convergence,
    "mcp_result": mcp_result,
    "harbor_scorer": harbor_scorer,
    "classify": classify,
    "action_stall": action_stall,
    "diff_stall": diff_stall,
    "score_stall": score_stall,
}
