"""Rules about evaluators: the fields a type needs, the values it takes, the verdicts nobody routes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from little_loops.fsm.fitting import closest
from little_loops.fsm.schema import EVALUATOR_TYPES, EvaluateConfig, StateConfig
from little_loops.fsm.validation.rule import WARNING, Hit, Rule, Subject, below, number, rule, state_rule

VALID_OPERATORS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
EVALUATOR_REQUIRED_FIELDS: dict[str, list[str]] = {
    **{name: [] for name in EVALUATOR_TYPES},
    "output_numeric": ["operator", "target"],
    "output_json": ["path", "operator", "target"],
    "output_contains": ["pattern"],
    "convergence": ["target"],
    "comparator": ["baseline_path"],
}
FIRST_ROUND = {
    "eq": lambda target: target == 1,
    "ne": lambda target: target != 1,
    "lt": lambda target: target > 1,
    "le": lambda target: target >= 1,
    "gt": lambda target: target < 1,
    "ge": lambda target: target <= 1,
}
LONGEST_SCRIPT = 20_000  # of which a counter is looked for
COUNTER = re.compile(r"\$\(\(\s*\$?\{?(\w+)\}?\s*\+\s*1\s*\)\)|\bexpr\b[^\n]*\+\s*1\b|\+\+|\+=\s*1\b")


def is_judged(state: StateConfig) -> bool:
    """Whether a model decides about this state."""
    if state.evaluate is not None:
        return state.evaluate.type == "llm_structured"
    return is_agent(state)


def is_agent(state: StateConfig) -> bool:
    """Whether an agent performs this state's action."""
    if state.action is None:
        return False
    if state.action_type is None:
        return state.action.startswith("/")
    return state.action_type in ("prompt", "slash_command")


def _evaluated(subject: Subject) -> Iterator[tuple[str, EvaluateConfig]]:
    known = {*EVALUATOR_TYPES, *subject.known.evaluators}
    for name, state in subject.loop.states.items():
        if state.evaluate is not None and state.evaluate.type in known:
            yield name, state.evaluate


@rule("LL304", "The evaluator is known.", f"Known are {', '.join(EVALUATOR_TYPES)} and those of plug-ins.")
def evaluator_type(subject: Subject) -> Iterator[Hit]:
    known = {*EVALUATOR_TYPES, *subject.known.evaluators}
    for name, state in subject.loop.states.items():
        if state.evaluate is not None and state.evaluate.type not in known:
            near = closest(str(state.evaluate.type), known)
            path = ("states", name, "evaluate")
            yield Hit(
                path, f"unknown evaluator type '{state.evaluate.type}'", (*path, "type"), suggestion=near
            )


@rule("LL305", "An evaluator has the fields it needs.", "The reference table lists them for each type.")
def required_fields(subject: Subject) -> Iterator[Hit]:
    for name, evaluate in _evaluated(subject):
        for field in EVALUATOR_REQUIRED_FIELDS.get(evaluate.type, []):
            if getattr(evaluate, field) is None:
                path = ("states", name, "evaluate")
                yield Hit(path, f"the evaluator '{evaluate.type}' needs '{field}'", on_key=True)


@rule("LL306", "The operator is known.", f"Known are {', '.join(sorted(VALID_OPERATORS))}.")
def operator(subject: Subject) -> Iterator[Hit]:
    symbols = {"==": "eq", "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
    for name, evaluate in _evaluated(subject):
        held = evaluate.operator
        if held is not None and held not in VALID_OPERATORS:
            near = symbols.get(str(held)) or closest(str(held), VALID_OPERATORS)
            path = ("states", name, "evaluate", "operator")
            yield Hit(path, f"unknown operator '{held}'", suggestion=near)


@rule("LL307", "Convergence has a direction.", "`direction` is `minimize` or `maximize`.")
def direction(subject: Subject) -> Iterator[Hit]:
    for name, evaluate in _evaluated(subject):
        if evaluate.type == "convergence" and evaluate.direction not in ("minimize", "maximize"):
            near = closest(str(evaluate.direction), ("minimize", "maximize"))
            path = ("states", name, "evaluate", "direction")
            yield Hit(path, f"unknown direction '{evaluate.direction}'", suggestion=near)


@rule("LL308", "A tolerance is not negative.", "It is a distance from the target.")
def tolerance(subject: Subject) -> Iterator[Hit]:
    for name, evaluate in _evaluated(subject):
        if evaluate.type == "convergence" and below(evaluate.tolerance, 0):
            path = ("states", name, "evaluate", "tolerance")
            yield Hit(path, f"tolerance must be >= 0, is {evaluate.tolerance}")


@rule("LL309", "A confidence lies between 0 and 1.", "`min_confidence` is a share, not a percentage.")
def min_confidence(subject: Subject) -> Iterator[Hit]:
    for name, evaluate in _evaluated(subject):
        held = number(evaluate.min_confidence)
        if evaluate.type == "llm_structured" and held is not None and not 0 <= held <= 1:
            path = ("states", name, "evaluate", "min_confidence")
            yield Hit(path, f"min_confidence must lie between 0 and 1, is {held}")


@rule("LL310", "max_stall is at least 1.", "It is the number of unchanged rounds that are tolerated.")
def max_stall(subject: Subject) -> Iterator[Hit]:
    for name, evaluate in _evaluated(subject):
        if evaluate.type == "diff_stall" and below(evaluate.max_stall, 1):
            path = ("states", name, "evaluate", "max_stall")
            yield Hit(path, f"max_stall must be >= 1, is {evaluate.max_stall}")


@rule(
    "LL338",
    "The numbers of score_stall, action_stall and comparator make sense.",
    "`max_stall`, `max_repeat` and `min_pairs` are at least 1, `epsilon` is not negative.",
    WARNING,
    blocks=True,
)
def stall_numbers(subject: Subject) -> Iterator[Hit]:
    least = {
        "score_stall": (("max_stall", 1), ("epsilon", 0)),
        "action_stall": (("max_repeat", 1),),
        "comparator": (("min_pairs", 1),),
    }
    for name, evaluate in _evaluated(subject):
        for key, minimum in least.get(evaluate.type, ()):
            held = getattr(evaluate, key)
            if below(held, minimum):
                yield Hit(("states", name, "evaluate", key), f"{key} must be >= {minimum}, is {held}")


def is_index(value: object) -> bool:
    """Whether a value is the index of a line, written as a number or as digits."""
    return isinstance(value, int) or (isinstance(value, str) and value.lstrip("-").isdecimal())


@rule(
    "LL339",
    "classify names a line.",
    "`line` is `last`, `first` or the index of a line; negative numbers count from the end.",
    WARNING,
    blocks=True,
)
def classify_line(subject: Subject) -> Iterator[Hit]:
    for name, evaluate in _evaluated(subject):
        if (
            evaluate.type == "classify"
            and evaluate.line not in ("last", "first")
            and not is_index(evaluate.line)
        ):
            near = closest(str(evaluate.line), ("last", "first"))
            path = ("states", name, "evaluate", "line")
            yield Hit(path, f"'{evaluate.line}' is not a line", suggestion=near)


@state_rule(
    "LL340",
    "A judged state routes every answer.",
    "A model answers yes, no or partial. A verdict without a route ends the run in an error.",
    WARNING,
    lint=True,
)
def partial_routes(name: str, state: StateConfig) -> Iterator[Hit]:
    if not is_judged(state) or not state.on_yes or state.next or state.route is not None:
        return
    missing = [key for key in ("on_no", "on_partial") if not getattr(state, key)]
    if missing:
        note = f"a model judges this state, but there is no {' and no '.join(missing)}"
        yield Hit(("states", name), note, on_key=True)


@state_rule(
    "LL341",
    "A classified word that is not listed has a way.",
    "`classify` makes any word a verdict. Give the `route` table a `_` entry.",
    WARNING,
    lint=True,
)
def classify_default(name: str, state: StateConfig) -> Iterator[Hit]:
    classified = state.evaluate is not None and state.evaluate.type == "classify"
    if classified and state.route is not None and not state.route.default:
        yield Hit(
            ("states", name),
            "the route table of a classify evaluator has no '_'",
            ("states", name, "route"),
            True,
        )


@state_rule(
    "LL342",
    "A counter lets at least one round through.",
    "The script counts up from 1, and 1 already fails the comparison, so the first round is the last.",
    WARNING,
    lint=True,
)
def zero_retry(name: str, state: StateConfig) -> Iterator[Hit]:
    evaluate = state.evaluate
    if evaluate is None or evaluate.type != "output_numeric" or not state.action or is_agent(state):
        return
    target, passes = number(evaluate.target), FIRST_ROUND.get(str(evaluate.operator))
    if (
        target is None
        or passes is None
        or not COUNTER.search(state.action[:LONGEST_SCRIPT])
        or passes(target)
    ):
        return
    note = f"the counter starts at 1, and 1 {evaluate.operator} {evaluate.target} is already a no"
    yield Hit(("states", name, "evaluate"), note, ("states", name, "evaluate", "target"))


@rule(
    "LL343",
    "Convergence compares with an earlier measurement.",
    "`${prev.output}` is the output of the state before. When that is an agent's text it is no number, "
    "and every measurement counts as progress.",
    WARNING,
    lint=True,
)
def previous_is_text(subject: Subject) -> Iterator[Hit]:
    states = subject.loop.states
    for name, evaluate in _evaluated(subject):
        if evaluate.type != "convergence" or "${prev.output}" not in (evaluate.previous or ""):
            continue
        before = [s for n, s in states.items() if n != name and name in s.get_referenced_states()]
        if before and all(is_agent(state) for state in before):
            path = ("states", name, "evaluate", "previous")
            help = (
                "put a shell state between the two that prints the last measurement, such as\n"
                f"`action: echo ${{captured.{states[name].capture or 'NAME'}.output}}` with `next: {name}`"
            )
            yield Hit(
                ("states", name, "evaluate"),
                "`previous` is an agent's text and never a number",
                path,
                help=help,
            )


RULES: tuple[Rule, ...] = (
    evaluator_type,
    required_fields,
    operator,
    direction,
    tolerance,
    min_confidence,
    max_stall,
    stall_numbers,
    classify_line,
    partial_routes,
    classify_default,
    zero_retry,
    previous_is_text,
)
