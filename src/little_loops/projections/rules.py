"""Which key of a loop file a recorded transition followed, and which value a verdict rests on. Pure."""

from __future__ import annotations

from typing import Any

from little_loops.fsm.schema import EvaluateConfig, StateConfig
from little_loops.projections.text import Record, value_text

_FIXED = {
    "next": "next",
    "exit_code": "on_error",
    "on_error": "on_error",
    "action_error": "on_error",
    "interrupted": "on_error",
    "maintain": "on_maintain",
    "stall": "circuit.repeated_failure",
}


_OLDER = {"yes": "success", "no": "failure"}


def rule_of(state: StateConfig | None, via: str, verdict: str | None) -> str:
    """The key that named the target, as written in the file; empty where the definition is not at hand."""
    if via in _FIXED:
        return _maintain(state) if via == "maintain" else _FIXED[via]
    if state is None:
        return ""
    match via:
        case "verdict" | "sub_loop":
            return _by_verdict(state, verdict or "", child=via == "sub_loop")
        case "throttle":
            return "on_throttle_hard" if state.on_throttle_hard else "on_error"
        case "rate_limit_exhausted":
            return "on_rate_limit_exhausted" if state.on_rate_limit_exhausted else "on_error"
        case "learning_complete":
            return "on_yes"
        case "learning_blocked":
            return "on_blocked" if state.on_blocked else "on_no"
        case _:
            return via


def _maintain(state: StateConfig | None) -> str:
    return "on_maintain" if state is not None and state.on_maintain else "maintain: back to the initial state"


def _by_verdict(state: StateConfig, verdict: str, *, child: bool) -> str:
    if state.route is not None:
        return _by_table(state, verdict)
    named = {
        "yes": state.on_yes,
        "no": state.on_no,
        "error": state.on_error,
        "partial": state.on_partial,
        "blocked": state.on_blocked,
    }
    if named.get(verdict) or verdict in state.extra_routes:
        return f"on_{verdict}"
    if child and verdict == "error" and state.on_no:
        return "on_no"
    if state.next:
        return "next"
    return f"on_{verdict}"


def _by_table(state: StateConfig, verdict: str) -> str:
    table = state.route
    assert table is not None
    if verdict in table.routes:
        return f"route.{verdict}"
    older = _OLDER.get(verdict)
    if older in table.routes:
        return f"route.{older}"
    if verdict == "error" and table.error:
        return "route._error"
    return "route._"


_VALUES: dict[str, tuple[str, ...]] = {
    "exit_code": ("exit_code",),
    "default": ("exit_code", "reason"),
    "output_numeric": ("value",),
    "output_json": ("value",),
    "output_contains": ("matched",),
    "convergence": ("current",),
    "classify": ("token", "classification", "value"),
    "llm_structured": ("reason",),
    "score_stall": ("best", "current"),
}
_HIDDEN = frozenset(
    {"event", "ts", "seq", "t", "depth", "refs", "run_id", "type", "verdict", "usage", "memory", "progress"}
)


def seen_by(record: Record, config: EvaluateConfig | None) -> tuple[str, str, dict[str, Any]]:
    """What an evaluator saw: the value, its source, and the other details of the verdict."""
    kind = str(record.get("type", "?"))
    details = {key: value for key, value in record.items() if key not in _HIDDEN}
    hidden = details.pop("details_", None)
    if isinstance(hidden, dict):
        details.update(hidden)
    key = next((name for name in _VALUES.get(kind, ()) if name in details), None)
    value = value_text(details.pop(key)) if key else ""
    if key:
        value = f"{key.replace('_', ' ')} {value}"
    return value, _source(kind, key, config), details


def _source(kind: str, key: str | None, config: EvaluateConfig | None) -> str:
    if key == "reason":
        return "the judge's answer"
    if key == "exit_code" or kind in ("exit_code", "default"):
        return "the action's exit code"
    if config is not None and config.source:
        return config.source
    place = _place(config)
    if kind in ("diff_stall", "action_stall"):
        return "the working tree" if kind == "diff_stall" else "the values it tracks"
    return f"{place} the action's output" if place else "the action's output"


def _place(config: EvaluateConfig | None) -> str:
    if config is None:
        return ""
    if config.path:
        return f"{config.path} in"
    if config.key:
        return f"'{config.key} =' in"
    if config.pattern:
        return f"pattern {config.pattern!r} in"
    return ""
