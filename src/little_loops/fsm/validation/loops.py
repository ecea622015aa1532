"""Rules about a loop as a whole: its head, its parameters, its numbers."""

from __future__ import annotations

from collections.abc import Iterator

from little_loops.fsm.fitting import closest
from little_loops.fsm.graph import stall_target
from little_loops.fsm.validation.rule import WARNING, Hit, Rule, Subject, below, rule

VALID_PARAMETER_TYPES = frozenset({"string", "integer", "number", "boolean", "enum", "path"})
HANDOFF_WAYS = ("pause", "spawn", "terminate")


@rule(
    "LL201",
    "A loop says what it is for.",
    "The first line of `description` is what `ll-loop list` shows.",
    WARNING,
)
def description(subject: Subject) -> Iterator[Hit]:
    if not subject.loop.description:
        yield Hit((), "the loop has no description", help="add a `description:` of a sentence or two")


@rule("LL202", "A parameter has a known type.", f"Known are {', '.join(sorted(VALID_PARAMETER_TYPES))}.")
def parameter_type(subject: Subject) -> Iterator[Hit]:
    for name, spec in subject.loop.parameters.items():
        if spec.type not in VALID_PARAMETER_TYPES:
            near = closest(str(spec.type), VALID_PARAMETER_TYPES)
            at = ("parameters", name, "type")
            yield Hit(("parameters", name), f"unknown parameter type '{spec.type}'", at, suggestion=near)


@rule("LL203", "An enum parameter lists its values.", "Write `values: [a, b]` beside `type: enum`.")
def enum_values(subject: Subject) -> Iterator[Hit]:
    for name, spec in subject.loop.parameters.items():
        if spec.type == "enum" and not spec.values:
            yield Hit(("parameters", name), f"the enum parameter '{name}' has no values", on_key=True)


@rule(
    "LL204",
    "A required parameter has no default.",
    "A caller has to bind a required parameter, so a default would never be used. Remove one of the two.",
)
def required_default(subject: Subject) -> Iterator[Hit]:
    for name, spec in subject.loop.parameters.items():
        if spec.required and spec.default is not None:
            at = ("parameters", name, "default")
            yield Hit(("parameters", name), f"parameter '{name}' is required and has a default", at, True)


@rule("LL205", "A target file is a YAML file.", "`targets[].file` names a loop file ending in .yaml.")
def target_file(subject: Subject) -> Iterator[Hit]:
    for index, target in enumerate(subject.loop.targets):
        if target.file is not None and not str(target.file).endswith(".yaml"):
            yield Hit(("targets", index, "file"), f"'{target.file}' does not end in .yaml")


@rule("LL206", "The initial state exists.", "`initial` has to be one of the names under `states`.")
def initial(subject: Subject) -> Iterator[Hit]:
    loop = subject.loop
    if loop.initial not in loop.states:
        near = closest(str(loop.initial), list(loop.states))
        yield Hit(("initial",), f"the initial state '{loop.initial}' is not defined", suggestion=near)


@rule("LL207", "A loop can end.", "At least one state has to say `terminal: true`.")
def terminals(subject: Subject) -> Iterator[Hit]:
    if not any(state.terminal for state in subject.loop.states.values()):
        yield Hit(("states",), "no state is terminal", on_key=True)


@rule("LL208", "max_iterations is positive.", "It is the number of states a run may enter.")
def max_iterations(subject: Subject) -> Iterator[Hit]:
    if below(subject.loop.max_iterations, 1):
        yield Hit(("max_iterations",), f"max_iterations must be > 0, is {subject.loop.max_iterations}")


@rule("LL209", "max_edge_revisits is positive.", "It is how often one way between two states may be taken.")
def max_edge_revisits(subject: Subject) -> Iterator[Hit]:
    if below(subject.loop.max_edge_revisits, 1):
        yield Hit(
            ("max_edge_revisits",), f"max_edge_revisits must be > 0, is {subject.loop.max_edge_revisits}"
        )


@rule("LL210", "backoff is not negative.", "It is a pause in seconds.")
def backoff(subject: Subject) -> Iterator[Hit]:
    if below(subject.loop.backoff, 0):
        yield Hit(("backoff",), f"backoff must be >= 0, is {subject.loop.backoff}")


@rule(
    "LL211", "timeout is positive.", "It is the number of seconds a run may take; leave it out for no limit."
)
def timeout(subject: Subject) -> Iterator[Hit]:
    held = subject.loop.timeout
    if below(held, 0) or held == 0:
        yield Hit(("timeout",), f"timeout must be > 0, is {held}")


@rule("LL212", "llm.max_tokens is positive.", "It is the length of a judge's answer.")
def llm_max_tokens(subject: Subject) -> Iterator[Hit]:
    if below(subject.loop.llm.max_tokens, 1):
        yield Hit(("llm", "max_tokens"), f"llm.max_tokens must be > 0, is {subject.loop.llm.max_tokens}")


@rule("LL213", "llm.timeout is positive.", "It is the number of seconds one judgement may take.")
def llm_timeout(subject: Subject) -> Iterator[Hit]:
    held = subject.loop.llm.timeout
    if below(held, 0) or held == 0:
        yield Hit(("llm", "timeout"), f"llm.timeout must be > 0, is {held}")


@rule(
    "LL214",
    "Other limits of a loop are positive.",
    "A limit of zero or less would stop every run at once.",
    WARNING,
    blocks=True,
)
def other_limits(subject: Subject) -> Iterator[Hit]:
    loop = subject.loop
    for key in ("default_timeout", "default_idle_timeout"):
        held = getattr(loop, key)
        if below(held, 0) or held == 0:
            yield Hit((key,), f"{key} must be > 0, is {held}")
    for key in ("max_steps", "value_limit"):
        if below(getattr(loop, key), 1):
            yield Hit((key,), f"{key} must be > 0, is {getattr(loop, key)}")


@rule(
    "LL215",
    "Words with a fixed choice are spelled as known.",
    "`on_handoff`: pause, spawn, terminate. `interrupted`: retry, fail, ask. "
    "`permissions`: workspace, full, read. `durability`: relaxed, step, strict.",
    WARNING,
    blocks=True,
)
def choices(subject: Subject) -> Iterator[Hit]:
    loop = subject.loop
    yield from _choice((), "on_handoff", loop.on_handoff, HANDOFF_WAYS)
    yield from _choice((), "durability", loop.durability, ("relaxed", "step", "strict"))
    yield from _choice((), "interrupted", loop.interrupted, ("retry", "fail", "ask"))
    yield from _choice((), "permissions", loop.permissions, ("workspace", "full", "read"))
    for name, state in loop.states.items():
        yield from _choice(("states", name), "interrupted", state.interrupted, ("retry", "fail", "ask"))
        yield from _choice(("states", name), "permissions", state.permissions, ("workspace", "full", "read"))


def _choice(owner: tuple[str, ...], key: str, value: str | None, known: tuple[str, ...]) -> Iterator[Hit]:
    if value is not None and value not in known:
        near = closest(str(value), known)
        yield Hit((*owner, key), f"'{value}' is not one of {', '.join(known)}", suggestion=near)


@rule(
    "LL216",
    "The stall detector is set up so that it can work.",
    "`window` is at least 1, `recurrent_window` at least 2, and `on_repeated_failure` is `abort` or a state.",
    WARNING,
    blocks=True,
)
def stall_detector(subject: Subject) -> Iterator[Hit]:
    detector = subject.loop.circuit.repeated_failure if subject.loop.circuit else None
    if detector is None:
        return
    at = ("circuit", "repeated_failure")
    if below(detector.window, 1):
        yield Hit((*at, "window"), f"window must be >= 1, is {detector.window}")
    if below(detector.recurrent_window, 2):
        yield Hit((*at, "recurrent_window"), f"recurrent_window must be >= 2, is {detector.recurrent_window}")
    target = detector.on_repeated_failure
    if target != "abort" and stall_target(subject.loop) is None:
        near = closest(str(target), ["abort", *subject.loop.states])
        note = f"'{target}' is neither `abort` nor a state"
        yield Hit((*at, "on_repeated_failure"), note, suggestion=near)


@rule(
    "LL217",
    "A loop says which paths it works on.",
    "Without `scope` a run locks the whole project, so no other loop can run beside it.",
    WARNING,
    lint=True,
)
def scope(subject: Subject) -> Iterator[Hit]:
    works = any(state.action or state.loop for state in subject.loop.states.values())
    if works and not subject.loop.scope:
        help = "add `scope: [src/]`, or `scope: [.]` to say that it is meant"
        yield Hit(("scope",), "the loop has no scope; a run of it locks the whole project", help=help)


@rule(
    "LL218",
    "A target names a file or a pattern, not both.",
    "Write either `file` or `glob` in an entry of `targets`.",
    WARNING,
)
def file_or_glob(subject: Subject) -> Iterator[Hit]:
    for index, target in enumerate(subject.loop.targets):
        if target.file is not None and target.glob is not None:
            yield Hit(("targets", index), "both file and glob are written", ("targets", index, "glob"), True)


@rule(
    "LL219",
    "Required inputs have a name.",
    "`required_inputs` lists keys of the context or declared parameters.",
    WARNING,
    lint=True,
)
def required_inputs(subject: Subject) -> Iterator[Hit]:
    loop = subject.loop
    if loop.input_key != "input" and not loop.required_inputs and loop.input_key not in loop.context:
        help = f"add `required_inputs: [{loop.input_key}]`, or a value for it under `context`"
        note = f"input is read as '{loop.input_key}', but nothing says what happens without it"
        yield Hit(("required_inputs",), note, ("input_key",), help=help)


@rule(
    "LL220",
    "A budget holds no negative numbers.",
    "Leave a dimension out for no limit.",
    WARNING,
    blocks=True,
)
def budget(subject: Subject) -> Iterator[Hit]:
    owners = [((), subject.loop.budget)]
    owners += [(("states", name), state.budget) for name, state in subject.loop.states.items()]  # type: ignore[misc]
    for owner, held in owners:
        for key in ("usd", "tokens", "agent_calls", "seconds", "unknown_price"):
            if held is not None and below(getattr(held, key), 0):
                yield Hit((*owner, "budget", key), f"{key} must be >= 0, is {getattr(held, key)}")


RULES: tuple[Rule, ...] = (
    description,
    parameter_type,
    enum_values,
    required_default,
    target_file,
    initial,
    terminals,
    max_iterations,
    max_edge_revisits,
    backoff,
    timeout,
    llm_max_tokens,
    llm_timeout,
    other_limits,
    choices,
    stall_detector,
    scope,
    file_or_glob,
    required_inputs,
    budget,
)
