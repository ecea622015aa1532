"""The short forms compile to the documented states and routes, and what they make is a valid loop."""

from __future__ import annotations

from typing import Any

import pytest

from little_loops.fsm.compilers import compile_paradigm, slug
from little_loops.fsm.load import load_text
from little_loops.fsm.schema import EvaluateConfig, RouteConfig
from little_loops.fsm.validation import ValidationSeverity, validate_fsm

GOAL = {"paradigm": "goal", "goal": "No type errors!", "tools": ["mypy src", "./fix"]}
CONVERGENCE = {"paradigm": "convergence", "name": "lint", "check": "count", "toward": 0, "using": "./fix one"}
INVARIANTS = {
    "paradigm": "invariants",
    "name": "guard",
    "constraints": [
        {"name": "tests", "check": "make test", "fix": "./fix tests"},
        {"name": "lint it", "check": "make lint", "fix": "./fix lint"},
    ],
}
IMPERATIVE = {
    "paradigm": "imperative",
    "name": "steps",
    "steps": ["one", "two"],
    "until": {"check": "make test"},
}
ALL = [GOAL, CONVERGENCE, INVARIANTS, IMPERATIVE]


@pytest.mark.parametrize("spec", ALL, ids=lambda spec: str(spec["paradigm"]))
def test_what_is_compiled_is_valid(spec: dict[str, Any]) -> None:
    loop = compile_paradigm(spec)
    assert loop.paradigm == spec["paradigm"]
    assert [d for d in validate_fsm(loop) if d.severity is ValidationSeverity.ERROR] == []


def test_goal() -> None:
    loop = compile_paradigm(
        {**GOAL, "on_handoff": "spawn", "max_iterations": 5, "backoff": 1.5, "timeout": 60}
    )
    assert loop.to_dict() == {
        "name": "goal-no-type-errors",
        "initial": "evaluate",
        "states": {
            "evaluate": {"action": "mypy src", "on_yes": "done", "on_no": "fix", "on_error": "fix"},
            "fix": {"action": "./fix", "next": "evaluate"},
            "done": {"terminal": True},
        },
        "max_iterations": 5,
        "backoff": 1.5,
        "timeout": 60,
        "on_handoff": "spawn",
        "paradigm": "goal",
    }
    assert (loop.states["evaluate"].on_success, loop.states["evaluate"].on_failure) == ("done", "fix")


def test_a_goal_with_one_tool_repairs_with_it_as_well() -> None:
    loop = compile_paradigm({"paradigm": "goal", "name": "g", "goal": "x", "tools": ["make"]})
    assert (loop.name, loop.states["fix"].action) == ("g", "make")


def test_convergence() -> None:
    loop = compile_paradigm({**CONVERGENCE, "tolerance": 2})
    assert loop.context == {"metric_cmd": "count", "target": 0, "tolerance": 2}
    measure = loop.states["measure"]
    assert (loop.initial, measure.action, measure.capture) == (
        "measure",
        "${context.metric_cmd}",
        "current_value",
    )
    assert measure.evaluate == EvaluateConfig(
        "convergence",
        target="${context.target}",
        tolerance="${context.tolerance}",
        previous="${prev.output}",
    )
    assert measure.route == RouteConfig({"target": "done", "progress": "apply", "stall": "done"})
    assert loop.states["apply"].to_dict() == {"action": "./fix one", "next": "measure"}
    assert compile_paradigm(CONVERGENCE).context["tolerance"] == 0


def test_invariants() -> None:
    loop = compile_paradigm({**INVARIANTS, "maintain": True})
    assert loop.maintain is True
    assert loop.to_dict()["states"] == {
        "check_tests": {"action": "make test", "on_yes": "check_lint it", "on_no": "fix_tests"},
        "fix_tests": {"action": "./fix tests", "next": "check_tests"},
        "check_lint it": {"action": "make lint", "on_yes": "all_valid", "on_no": "fix_lint it"},
        "fix_lint it": {"action": "./fix lint", "next": "check_lint it"},
        "all_valid": {"terminal": True, "on_maintain": "check_tests"},
    }
    assert compile_paradigm(INVARIANTS).states["all_valid"].on_maintain is None


def test_imperative() -> None:
    loop = compile_paradigm(IMPERATIVE)
    assert (loop.initial, loop.to_dict()["states"]) == (
        "step_0",
        {
            "step_0": {"action": "one", "next": "step_1"},
            "step_1": {"action": "two", "next": "check_done"},
            "check_done": {"action": "make test", "on_yes": "done", "on_no": "step_0"},
            "done": {"terminal": True},
        },
    )


def test_states_written_out_pass_through() -> None:
    loop = compile_paradigm({"name": "n", "initial": "a", "states": {"a": {"terminal": True}}})
    assert loop.paradigm is None
    with pytest.raises(ValueError, match="'initial' is missing"):
        compile_paradigm({"paradigm": "fsm", "name": "n", "states": {}})


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (None, None),
        ({}, None),
        ({"type": "exit_code"}, None),
        (
            {"type": "output_numeric", "operator": "le", "target": 3, "negate": True},
            EvaluateConfig("output_numeric", operator="le", target=3),
        ),
        ({"type": "output_contains", "pattern": "ok"}, EvaluateConfig("output_contains", pattern="ok")),
    ],
)
def test_evaluators_of_short_forms(option: Any, expected: EvaluateConfig | None) -> None:
    constraint = {"name": "c", "check": "x", "fix": "y", "evaluator": option}
    specs = [
        ({**GOAL, "evaluator": option}, "evaluate"),
        ({**IMPERATIVE, "until": {"check": "x", "evaluator": option}}, "check_done"),
        ({**INVARIANTS, "constraints": [constraint]}, "check_c"),
    ]
    for spec, state in specs:
        assert compile_paradigm(spec).states[state].evaluate == expected


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"paradigm": "gaol"}, "^Unknown paradigm 'gaol'.*convergence, fsm, goal, imperative, invariants"),
        ({"paradigm": ["goal"]}, "^Unknown paradigm"),
        ({"paradigm": "goal"}, "^Goal paradigm requires 'goal', 'tools'"),
        ({**GOAL, "tools": []}, "'tools'.*at least one tool"),
        ({**GOAL, "tools": [{"action_type": "shell"}]}, "'tool'"),
        ({**GOAL, "tools": [{"tool": "x", "action_type": "fax"}]}, "'fax'"),
        ({**GOAL, "evaluator": "exit_code"}, "'evaluator'"),
        (
            {"paradigm": "convergence", "name": "n"},
            "^Convergence paradigm requires 'check', 'toward', 'using'",
        ),
        ({**INVARIANTS, "constraints": []}, "'constraints'.*at least one constraint"),
        ({**INVARIANTS, "constraints": [{"check": "x"}]}, "Constraint 0 requires 'name' field"),
        ({**INVARIANTS, "constraints": [{"name": "a", "fix": "x"}]}, "'a' requires 'check' field"),
        ({**INVARIANTS, "constraints": [{"name": "a", "check": "x"}]}, "'a' requires 'fix' field"),
        (
            {**INVARIANTS, "constraints": INVARIANTS["constraints"][:1] * 2},
            "Constraint 1 has the name 'tests'",
        ),  # type: ignore[index]
        ({"paradigm": "invariants", "name": "n"}, "^Invariants paradigm requires"),
        ({**IMPERATIVE, "steps": []}, "'steps'.*at least one step"),
        ({**IMPERATIVE, "until": {}}, "'until'.*'check' field"),
        ({"paradigm": "imperative", "name": "n"}, "^Imperative paradigm requires 'steps', 'until'"),
    ],
)
def test_a_short_form_that_is_incomplete(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        compile_paradigm(spec)


def test_additions_change_nothing_unless_used() -> None:
    typed = {
        **GOAL,
        "tools": [{"tool": "Check it", "action_type": "prompt"}, "./fix"],
        "on_partial_target": "fix",
    }
    evaluate = compile_paradigm(typed).states["evaluate"]
    assert (evaluate.action, evaluate.action_type, evaluate.on_partial) == ("Check it", "prompt", "fix")
    stalled = compile_paradigm({**CONVERGENCE, "on_stall": "apply"}).states["measure"].route
    assert stalled is not None and stalled.routes["stall"] == "apply"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("No type errors!", "no-type-errors"),
        ("  a -- b  ", "a-b"),
        ("Über_cool", "über_cool"),
        ("x" * 80, "x" * 50),
        ("!!!", ""),
    ],
)
def test_slug(text: str, name: str) -> None:
    assert slug(text) == name


def test_a_short_form_in_a_file_keeps_its_head_and_its_places() -> None:
    text = (
        "name: guard\ndescription: keeps it clean\nparadigm: invariants\nscope: [src]\nlabels: [x]\n"
        "constraints:\n  - name: tests\n    check: make ${contxt.x}\n    fix: ./fix\n"
    )
    result = load_text(text)
    loop = result.require()
    assert (loop.description, loop.scope, loop.labels) == ("keeps it clean", ["src"], ["x"])
    (warning,) = result.warnings
    assert warning.span is not None
    assert (warning.code, warning.span.line, warning.span.column) == ("LL501", 8, 17)


def test_a_short_form_with_initial_is_taken_as_written() -> None:
    text = "name: n\nparadigm: goal\ninitial: a\nstates: {a: {terminal: true}}\n"
    assert load_text(text).require().paradigm == "goal"
