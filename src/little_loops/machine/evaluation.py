"""Which evaluator judges a state, on what, and what that takes: a verdict at once, or an effect first.

Judging is one table (``verdicts.PURE`` and its neighbours); this file finds the evidence and fills in the
terms.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from little_loops import events as ev
from little_loops.fsm.schema import EvaluateConfig
from little_loops.machine.copying import replace
from little_loops.machine.effects import Judge, Judged, Match, Matched, Measure, Measured
from little_loops.machine.interpolation import InterpolationError, Scope, render_plain, value_text
from little_loops.machine.routing import ABSTENTIONS
from little_loops.machine.snapshot import Acted, Result, frame_path
from little_loops.machine.verdicts import (
    PURE,
    Evidence,
    Terms,
    Verdict,
    action_stall,
    clean,
    diff_stall,
    error,
    gate,
    matched,
    score_stall,
)
from little_loops.machine.view import View, mode_of

SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")
JQ = re.compile(r"[\[\]|(){}\"?*,:]")
JUDGE_TAIL = 4000
STDERR_TAIL = 2000
JUDGE_SECONDS = 120.0
DEFAULT_QUESTION = "Judging by its output, did the action do what it was meant to do?"
DISABLED = "judging by a model is switched off for this run"

Plan = Verdict | Match | Measure | Judge


def config_of(view: View) -> tuple[str, EvaluateConfig]:
    """The evaluator of the state: the word for the ``evaluate`` record, and its configuration."""
    state = view.state
    if state.evaluate is not None:
        return state.evaluate.type, state.evaluate
    mode = "shell" if state.action is None else mode_of(state)
    kind = {"mcp": "mcp_result", "prompt": "llm_structured"}.get(mode, "exit_code")
    return "default", EvaluateConfig(type=kind)


def held(view: View) -> Result:
    """The result that is to be judged: the action's, or the empty one of a decision state."""
    return view.phase.result if isinstance(view.phase, Acted) else Result()


def plan(view: View) -> Plan:
    """The verdict, or the effect that has to be performed before there can be one."""
    _, config = config_of(view)
    result = held(view)
    try:
        evidence = Evidence(_text(view, config, result), result.exit_code)
        made = _gated(view, config, result) or _plan(view, config, evidence)
    except InterpolationError as problem:
        made = error(str(problem))
    try:
        return _with_progress(view, made)
    except InterpolationError as problem:
        return error(str(problem))


def _text(view: View, config: EvaluateConfig, result: Result) -> str:
    return result.output if config.source is None else render_plain(config.source, view.scope())


def _gated(view: View, config: EvaluateConfig, result: Result) -> Verdict | None:
    state = view.state
    on = view.loop.exit_code_gate if state.exit_code_gate is None else state.exit_code_gate
    return gate(config.type, result.exit_code) if on and state.evaluate is not None else None


def _plan(view: View, config: EvaluateConfig, evidence: Evidence) -> Plan:
    match config.type:
        case "llm_structured" | "comparator":
            return _judge(view, config, evidence) if view.llm_enabled else error(DISABLED)
        case "output_contains" if SPECIAL.search(config.pattern or ""):
            return Match("pattern", config.pattern or "", _without_env(view, config, evidence))
        case "output_json" if JQ.search(config.path or ""):
            return Match("jq", config.path or "", _without_env(view, config, evidence))
        case "diff_stall":
            return Measure("tree", tuple(config.scope or ()))
        case "score_stall":
            file = config.history_file or "${context.run_dir:default=.}/.score_history"
            return Measure("history", (render_plain(file, _no_env(view)),))
        case "action_stall":
            return _action_stall(view, config)
        case kind if kind in PURE:
            return PURE[kind](config, evidence, terms(view, config))
        case kind:
            return Measure("plugin", name=kind)


def _no_env(view: View) -> Scope:
    """The scope of texts that an effect carries: no environment, since effects are made without facts."""
    return replace(view.scope(), env={})


def _without_env(view: View, config: EvaluateConfig, evidence: Evidence) -> str:
    return evidence.text if config.source is None else render_plain(config.source, _no_env(view))


def _judge(view: View, config: EvaluateConfig, evidence: Evidence) -> Judge:
    state, loop = view.state, view.loop
    question = DEFAULT_QUESTION if config.prompt is None else render_plain(config.prompt, _no_env(view))
    written = loop.llm.timeout != type(loop.llm)().timeout
    return Judge(
        prompt=question,
        output_tail=evidence.text[-JUDGE_TAIL:],
        exit_code=evidence.exit_code,
        stderr_tail=held(view).stderr[-STDERR_TAIL:],
        state=view.frame.state,
        run_id=view.snapshot.run_id,
        step=view.snapshot.steps,
        attempt=view.frame.judgements + 1,
        schema=config.schema,
        model=view.option("llm_model") or state.model or loop.llm.model,
        host=view.option("host") or state.host or loop.host,
        timeout_s=float(loop.llm.timeout) if written else JUDGE_SECONDS,
        min_confidence=config.min_confidence,
        uncertain_suffix=config.uncertain_suffix,
    )


def _with_progress(view: View, made: Plan) -> Plan:
    """Adds the progress paths of the stall detector; a verdict then needs a measurement first."""
    rule = view.loop.circuit.repeated_failure if view.loop.circuit else None
    if rule is None or not rule.progress_paths:
        return made
    scope = _no_env(view)
    paths = tuple(render_plain(path, scope) for path in rule.progress_paths)
    excluded = tuple(render_plain(path, scope) for path in rule.exclude_paths)
    if isinstance(made, Verdict):
        return Measure("none", progress_paths=paths, exclude_paths=excluded)
    return replace(made, progress_paths=paths, exclude_paths=excluded)


def terms(view: View, config: EvaluateConfig) -> Terms:
    """The templates of an evaluator, filled in. Only ``previous`` may have no value yet; else it raises."""
    scope = view.scope()
    target = config.target
    if isinstance(target, str) and config.type != "output_json":
        target = render_plain(target, scope)
    tolerance = config.tolerance
    if isinstance(tolerance, str):
        tolerance = render_plain(tolerance, scope)
    return Terms(target, _previous(config, scope), tolerance)


def _previous(config: EvaluateConfig, scope: Scope) -> str | None:
    if config.previous is None:
        return None
    try:
        return render_plain(config.previous, scope)
    except InterpolationError:
        return None


def _memory(view: View) -> Mapping[str, Any] | None:
    return view.snapshot.memory.get(frame_path(view.snapshot))


def _action_stall(view: View, config: EvaluateConfig) -> Verdict:
    tracked = tuple(config.track or ("action",))
    values = [tracked_value(view, name) for name in tracked]
    digest = hashlib.sha256("\x00".join(values).encode("utf-8", "replace")).hexdigest()
    return action_stall(config, digest, tracked, _memory(view))


def tracked_value(view: View, name: str) -> str:
    """The text of a tracked name: the action's own text, a dotted path, or a bare name; else empty."""
    if name == "action" and isinstance(view.phase, Acted):
        return view.phase.action
    scope = view.scope()
    if "." in name:
        try:
            return render_plain("${" + name + "}", scope)
        except InterpolationError:
            return ""
    for names in (scope.context, scope.captured, scope.prev, scope.result):
        if names and name in names:
            return value_text(names[name])
    return ""


# --- from answers to records ---------------------------------------------------------------------------


def record(view: View, verdict: Verdict, *, progress: str | None = None, usage: Any = None) -> ev.Evaluate:
    """The ``evaluate`` record of a verdict."""
    word, _ = config_of(view)
    return view.record(
        ev.Evaluate,
        type=word,
        verdict=clean(verdict.verdict),
        details=clean(dict(verdict.details)) or None,
        memory=verdict.memory,
        progress=progress,
        usage=usage,
    )


def on_matched(view: View, answer: Matched) -> ev.Evaluate:
    """The record of a worker's answer."""
    _, config = config_of(view)
    try:
        evidence = Evidence(_text(view, config, held(view)), held(view).exit_code)
        return record(view, matched(config, evidence, answer, terms(view, config)), progress=answer.progress)
    except InterpolationError as problem:
        return record(view, error(str(problem)), progress=answer.progress)


def on_measured(view: View, answer: Measured) -> ev.Evaluate:
    """The record of a measurement."""
    _, config = config_of(view)
    return record(view, _measured(view, config, answer), progress=answer.progress)


def _measured(view: View, config: EvaluateConfig, answer: Measured) -> Verdict:
    if answer.error is not None:
        return error(answer.error)
    result = held(view)
    gated = _gated(view, config, result)
    if gated is not None:
        return gated
    match config.type:
        case "diff_stall":
            return diff_stall(config, str(answer.value), _memory(view))
        case "score_stall":
            return score_stall(config, list(answer.value))
        case _:
            return _after_progress(view, config, result)


def _after_progress(view: View, config: EvaluateConfig, result: Result) -> Verdict:
    """The verdict of an evaluator that had only to wait for the progress paths."""
    try:
        made = _plan(view, config, Evidence(_text(view, config, result), result.exit_code))
    except InterpolationError as problem:
        return error(str(problem))
    return made if isinstance(made, Verdict) else error(f"the evaluator {config.type} gave no verdict")


def on_judged(view: View, answer: Judged) -> ev.Evaluate:
    """The record of a judge's answer."""
    before = (_memory(view) or {}).get("abstained", 0)
    abstained = before + 1 if answer.verdict in ABSTENTIONS else 0
    memory = {"abstained": abstained} if abstained or before else None
    verdict = Verdict(answer.verdict, answer.details, memory)
    return record(view, verdict, progress=answer.progress, usage=answer.usage)
