"""Rules about one state: its action, its routes, its retries and limits."""

from __future__ import annotations

from collections.abc import Iterator

from little_loops.fsm.codec import reserved
from little_loops.fsm.fitting import closest
from little_loops.fsm.graph import edges_of
from little_loops.fsm.schema import CURRENT_STATE, HOST_ACTIONS, StateConfig
from little_loops.fsm.validation.rule import WARNING, Hit, Rule, Subject, below, is_whole, rule, state_rule

USUAL_WORDS = {"bash": "shell", "sh": "shell", "llm": "prompt", "agent": "prompt", "mcp": "mcp_tool"}
SHORTHAND = ("on_yes", "on_no", "on_error", "on_partial", "on_blocked")


def has_shorthand(state: StateConfig) -> bool:
    """Whether any `on_<verdict>` is written."""
    return any(getattr(state, key) for key in SHORTHAND) or bool(state.extra_routes)


@rule(
    "LL301",
    "Every state that is named exists.",
    "A target is a name under `states`, `$current` or a template.",
)
def unknown_target(subject: Subject) -> Iterator[Hit]:
    names = subject.loop.states
    for name, state in names.items():
        seen: set[str] = set()
        for edge in edges_of(name, state):
            if edge.dynamic or edge.target in names or edge.target in (CURRENT_STATE, *seen):
                continue
            seen.add(edge.target)
            near = closest(str(edge.target), list(names))
            at = ("states", name, *edge.key.split(".", 1))
            note = f"'{edge.key}' leads to the undefined state '{edge.target}'"
            yield Hit(("states", name), note, at, suggestion=near)


@state_rule("LL302", "Only MCP tools take params.", "`params` are the arguments of `action_type: mcp_tool`.")
def params(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.params and state.action_type != "mcp_tool":
        yield Hit(("states", name, "params"), "params without `action_type: mcp_tool`", on_key=True)


@state_rule(
    "LL303", "A state has an action or a loop.", "Split it in two: one state acts, the next runs the loop."
)
def action_and_loop(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.loop is not None and state.action is not None:
        yield Hit(("states", name), "both `loop` and `action` are written", ("states", name, "loop"), True)


@state_rule(
    "LL311",
    "A state routes by a table or by on_… keys.",
    "A `route` table wins: the `on_yes`, `on_no` … beside it are never used. Move them into the table.",
    WARNING,
)
def table_and_shorthand(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.route is not None and has_shorthand(state):
        keys = [edge.key for edge in edges_of(name, state) if edge.shadowed]
        note = f"`route` is written, so {', '.join(keys)} {'is' if len(keys) == 1 else 'are'} never used"
        yield Hit(("states", name), note, ("states", name, "route"), True)


@state_rule(
    "LL312",
    "Every state leads somewhere.",
    "Give it `on_yes`/`on_no`, a `route` table, `next`, or make it the end with `terminal: true`.",
)
def no_way_out(name: str, state: StateConfig) -> Iterator[Hit]:
    routed = has_shorthand(state) or state.route is not None or bool(state.next)
    if not routed and not state.terminal and not state.loop:
        yield Hit(("states", name), f"the state '{name}' has no transition", on_key=True)


@state_rule("LL313", "A limit of retries has an exit.", "Add `on_retry_exhausted: STATE`.")
def retries_without_exit(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.max_retries is not None and not state.on_retry_exhausted:
        at = ("states", name, "max_retries")
        yield Hit(("states", name), "max_retries without on_retry_exhausted", at, True)


@state_rule("LL314", "An exit for retries has a limit.", "Add `max_retries: N`.")
def exit_without_retries(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.on_retry_exhausted and state.max_retries is None:
        at = ("states", name, "on_retry_exhausted")
        yield Hit(("states", name), "on_retry_exhausted without max_retries", at, True)


@state_rule(
    "LL315", "max_retries is at least 1.", "It is the number of re-entries in a row that are allowed."
)
def max_retries(name: str, state: StateConfig) -> Iterator[Hit]:
    if below(state.max_retries, 1):
        note = f"max_retries must be >= 1, is {state.max_retries}"
        yield Hit(("states", name), note, ("states", name, "max_retries"))


@rule("LL316", "The action type is known.", f"Known are {', '.join(HOST_ACTIONS)} and those of plug-ins.")
def action_type(subject: Subject) -> Iterator[Hit]:
    known = {*HOST_ACTIONS, *subject.known.actions}
    for name, state in subject.loop.states.items():
        if state.action_type is not None and state.action_type not in known:
            near = USUAL_WORDS.get(str(state.action_type)) or closest(str(state.action_type), known)
            path = ("states", name, "action_type")
            yield Hit(path, f"unknown action type '{state.action_type}'", suggestion=near)


@state_rule(
    "LL317", "Only sub-loops take `with`.", "`with` binds the parameters of the loop named by `loop`."
)
def with_without_loop(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.with_ and state.loop is None:
        yield Hit(("states", name, "with"), "`with` without `loop`", on_key=True)


def is_learning(state: StateConfig) -> bool:
    """Whether the learning runner performs this state."""
    return state.type == "learning" and state.learning is not None


@state_rule(
    "LL318", "A learning state has something to prove.", "List what is to be proven in `learning.targets`."
)
def learning_targets(name: str, state: StateConfig) -> Iterator[Hit]:
    if is_learning(state) and state.learning is not None and not state.learning.targets:
        yield Hit(("states", name, "learning", "targets"), "learning.targets is empty")


@state_rule("LL319", "learning.max_retries is not negative.", "It is the number of attempts per target.")
def learning_retries(name: str, state: StateConfig) -> Iterator[Hit]:
    if is_learning(state) and state.learning is not None and below(state.learning.max_retries, 0):
        note = f"learning.max_retries must be >= 0, is {state.learning.max_retries}"
        yield Hit(("states", name, "learning", "max_retries"), note)


@state_rule("LL320", "A learning state says what follows success.", "Add `on_yes: STATE`.")
def learning_yes(name: str, state: StateConfig) -> Iterator[Hit]:
    if is_learning(state) and not state.on_yes:
        yield Hit(("states", name, "on_yes"), "a learning state needs on_yes")


@state_rule(
    "LL321", "A learning state says what follows failure.", "Add `on_blocked: STATE` or `on_no: STATE`."
)
def learning_no(name: str, state: StateConfig) -> Iterator[Hit]:
    if is_learning(state) and not state.on_blocked and not state.on_no:
        yield Hit(("states", name), "a learning state needs on_blocked or on_no", on_key=True)


@state_rule(
    "LL322",
    "A sub-loop gets its values by `with` or by context_passthrough.",
    "`with` binds declared parameters, `context_passthrough` shares everything. Keep one.",
)
def with_and_passthrough(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.with_ and state.context_passthrough:
        at = ("states", name, "context_passthrough")
        yield Hit(("states", name), "both `with` and `context_passthrough` are written", at, True)


@state_rule(
    "LL323",
    "The limit of rate-limit retries and its exit come together.",
    "`max_rate_limit_retries` needs `on_rate_limit_exhausted`, and the other way round.",
)
def rate_limit_pair(name: str, state: StateConfig) -> Iterator[Hit]:
    owner = ("states", name)
    if state.max_rate_limit_retries is not None and not state.on_rate_limit_exhausted:
        note = "max_rate_limit_retries without on_rate_limit_exhausted"
        yield Hit(owner, note, (*owner, "max_rate_limit_retries"), True)
    if state.on_rate_limit_exhausted and state.max_rate_limit_retries is None:
        note = "on_rate_limit_exhausted without max_rate_limit_retries"
        yield Hit(owner, note, (*owner, "on_rate_limit_exhausted"), True)


def _at_least_one(name: str, state: StateConfig, key: str) -> Iterator[Hit]:
    held = getattr(state, key)
    if below(held, 1):
        yield Hit(("states", name), f"{key} must be >= 1, is {held}", ("states", name, key))


@state_rule("LL324", "max_rate_limit_retries is at least 1.", "It is the number of quick retries.")
def rate_limit_retries(name: str, state: StateConfig) -> Iterator[Hit]:
    yield from _at_least_one(name, state, "max_rate_limit_retries")


@state_rule(
    "LL325", "rate_limit_backoff_base_seconds is at least 1.", "It is the first quick wait in seconds."
)
def rate_limit_backoff(name: str, state: StateConfig) -> Iterator[Hit]:
    yield from _at_least_one(name, state, "rate_limit_backoff_base_seconds")


@state_rule(
    "LL326", "rate_limit_max_wait_seconds is at least 1.", "It bounds all waits of one stay together."
)
def rate_limit_wait(name: str, state: StateConfig) -> Iterator[Hit]:
    yield from _at_least_one(name, state, "rate_limit_max_wait_seconds")


@state_rule("LL327", "The ladder of long waits is not empty.", "Write at least one number of seconds.")
def ladder_empty(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.rate_limit_long_wait_ladder is not None and not state.rate_limit_long_wait_ladder:
        at = ("states", name, "rate_limit_long_wait_ladder")
        yield Hit(("states", name), "rate_limit_long_wait_ladder is empty", at)


@state_rule("LL328", "The ladder holds whole numbers of seconds.", "Each entry is at least 1.")
def ladder_entries(name: str, state: StateConfig) -> Iterator[Hit]:
    for index, entry in enumerate(state.rate_limit_long_wait_ladder or ()):
        if not is_whole(entry, 1):
            at = ("states", name, "rate_limit_long_wait_ladder", index)
            note = f"rate_limit_long_wait_ladder[{index}] must be a whole number >= 1, is {entry!r}"
            yield Hit(("states", name), note, at)


@state_rule("LL329", "Throttle limits are whole numbers.", "Each is at least 1.")
def throttle_numbers(name: str, state: StateConfig) -> Iterator[Hit]:
    for key in ("normal_max", "warn_max", "hard_max"):
        held = getattr(state.throttle, key, None)
        if held is not None and not is_whole(held, 1):
            note = f"throttle.{key} must be a whole number >= 1, is {held!r}"
            yield Hit(("states", name), note, ("states", name, "throttle", key))


def _ordered(name: str, state: StateConfig, lower: str, upper: str) -> Iterator[Hit]:
    small, large = getattr(state.throttle, lower, None), getattr(state.throttle, upper, None)
    if isinstance(small, int) and isinstance(large, int) and small >= large:
        note = f"throttle.{lower} ({small}) must be < {upper} ({large})"
        yield Hit(("states", name), note, ("states", name, "throttle", lower))


@state_rule("LL330", "The throttle is quiet before it warns.", "`normal_max` is smaller than `warn_max`.")
def throttle_normal(name: str, state: StateConfig) -> Iterator[Hit]:
    yield from _ordered(name, state, "normal_max", "warn_max")


@state_rule("LL331", "The throttle warns before it stops.", "`warn_max` is smaller than `hard_max`.")
def throttle_warn(name: str, state: StateConfig) -> Iterator[Hit]:
    yield from _ordered(name, state, "warn_max", "hard_max")


@state_rule(
    "LL335",
    "Time limits of a state are positive.",
    "A limit of zero or less would end the action at once.",
    WARNING,
    blocks=True,
)
def time_limits(name: str, state: StateConfig) -> Iterator[Hit]:
    for key in ("timeout", "idle_timeout"):
        held = getattr(state, key)
        if below(held, 0) or held == 0:
            yield Hit(("states", name, key), f"{key} must be > 0, is {held}")


@state_rule(
    "LL336",
    "Only an end can be a failure.",
    "`failure: true` belongs to a state with `terminal: true`.",
    WARNING,
)
def failure_without_end(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.failure is not None and not state.terminal:
        yield Hit(
            ("states", name, "failure"), "`failure` without `terminal: true` means nothing", on_key=True
        )


@state_rule(
    "LL337",
    "Settings of an agent belong to an agent action.",
    "`model`, `host`, `agent`, `tools` and `permissions` are for prompts and slash commands.",
    WARNING,
    lint=True,
)
def agent_settings(name: str, state: StateConfig) -> Iterator[Hit]:
    if state.action_type not in ("shell", "mcp_tool"):
        return
    for key in ("model", "host", "agent", "tools", "permissions"):
        if getattr(state, key) is not None:
            note = f"`{key}` means nothing for `action_type: {state.action_type}`"
            yield Hit(("states", name, key), note, on_key=True)


@state_rule(
    "LL344",
    "A verdict of one's own is not a misspelt key.",
    "Any `on_<verdict>` is a route for that verdict. This one looks like another key of the language.",
    WARNING,
    lint=True,
)
def misspelt_verdict(name: str, state: StateConfig) -> Iterator[Hit]:
    known = [key for key in reserved(StateConfig) if key.startswith("on_")]
    for verdict in state.extra_routes:
        near = closest(f"on_{verdict}", known, likeness=0.8)
        if near is not None:
            path = ("states", name, f"on_{verdict}")
            note = f"`on_{verdict}` is read as a route for the verdict '{verdict}'"
            yield Hit(path, note, on_key=True, suggestion=near)


RULES: tuple[Rule, ...] = (
    unknown_target,
    params,
    action_and_loop,
    table_and_shorthand,
    no_way_out,
    retries_without_exit,
    exit_without_retries,
    max_retries,
    action_type,
    with_without_loop,
    learning_targets,
    learning_retries,
    learning_yes,
    learning_no,
    with_and_passthrough,
    rate_limit_pair,
    rate_limit_retries,
    rate_limit_backoff,
    rate_limit_wait,
    ladder_empty,
    ladder_entries,
    throttle_numbers,
    throttle_normal,
    throttle_warn,
    time_limits,
    failure_without_end,
    agent_settings,
    misspelt_verdict,
)
