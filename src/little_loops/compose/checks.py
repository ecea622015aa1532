"""What keeps a run from starting: mistakes of the file, missing values, effects nothing here performs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from little_loops.compose.agents import Agents
from little_loops.errors import LoadError, UserError
from little_loops.fsm.diagnostics import render_all
from little_loops.fsm.load import LoadResult
from little_loops.fsm.schema import FSMLoop, StateConfig
from little_loops.fsm.template import Reference, parse
from little_loops.machine.view import is_learning, mode_of

JUDGED = frozenset({"llm_structured", "comparator"})


def runnable(result: LoadResult) -> FSMLoop:
    """The loop, if it may run.

    Raises:
        LoadError: it has errors, or would certainly fail or execute data; every one shown in its place.
    """
    loop = result.require()
    if result.refusals:
        raise LoadError(render_all(result.refusals), "`ll-loop validate` shows every finding")
    return loop


def missing_values(loop: FSMLoop, context: Mapping[str, Any]) -> None:
    """Refuses a run whose actions and judge prompts name context values that nobody gave.

    Raises:
        UserError: one line per missing name, and how to pass it.
    """
    missing = sorted({name for name in needed_values(loop) if name not in context})
    if missing:
        lines = "\n".join(f"  {name}" for name in missing)
        how = " ".join(f"--context {name}=VALUE" for name in missing)
        raise UserError(f"loop {loop.name} needs context values that are not set:\n{lines}", f"pass {how}")


def needed_values(loop: FSMLoop) -> Iterator[str]:
    """Names of context values that actions and judge prompts cannot do without; a name once per use."""
    for state in loop.states.values():
        if state.terminal:
            continue
        texts = [state.action or "", state.evaluate.prompt or "" if state.evaluate else ""]
        for text in texts:
            for part in parse(text).parts:
                if isinstance(part, Reference) and _must_be_set(part):
                    yield part.keys[0]


def _must_be_set(part: Reference) -> bool:
    return part.namespace == "context" and bool(part.keys) and part.default is None and not part.optional


def performable(loop: FSMLoop, *, agents: Agents, llm: bool) -> None:
    """Refuses a loop one of whose states would ask for something that nothing here can do.

    Args:
        agents: the hosts of the run.
        llm: models may judge (``--no-llm`` was not given).

    Raises:
        UserError: names the state, the reason and the way out.
    """
    judges = llm and loop.llm.enabled
    for name, state in loop.states.items():
        if state.terminal:
            continue
        problem = _problem(state) or _agent_problem(loop, state, agents, judges)
        if problem is not None:
            reason, hint = problem
            raise UserError(f"loop {loop.name}, state {name}: {reason}", hint)


def _problem(state: StateConfig) -> tuple[str, str] | None:
    if is_learning(state):
        return (
            "learning states cannot be run by this version",
            "remove the state, or prove the targets by hand",
        )
    mode = _mode(state)
    if mode == "mcp":
        return "tool calls cannot be run by this version", "call the tool from a shell action"
    if mode not in ("none", "shell", "prompt"):
        return f"nothing here runs actions of type {mode!r}", "correct action_type, or install its plug-in"
    return None


def _agent_problem(loop: FSMLoop, state: StateConfig, agents: Agents, judges: bool) -> tuple[str, str] | None:
    mode = _mode(state)
    judged = state.next is None and judges and _is_judged(state, mode)
    if mode != "prompt" and not judged:
        return None
    name = agents.chosen(state.host, loop.host)
    if mode == "prompt":
        obstacle = agents.obstacle(name)
        if obstacle is not None:
            return f"its action is for an agent, and {obstacle[0]}", obstacle[1]
    problem = _judge_problem(state, agents, name) if judged else None
    return problem or _price_problem(loop, state, agents, name)


def _price_problem(
    loop: FSMLoop, state: StateConfig, agents: Agents, name: str | None
) -> tuple[str, str] | None:
    own = [budget for budget in (loop.budget, state.budget) if budget is not None and budget.usd is not None]
    if name is None or not (own or agents.usd) or not agents.unpriced(name):
        return None
    return (
        f"there is a budget in USD, and {name} does not tell what a call costs",
        "say what to count for a call (budget: {unknown_price: 0.5}), or limit tokens or agent_calls instead",
    )


def _judge_problem(state: StateConfig, agents: Agents, name: str | None) -> tuple[str, str] | None:
    if state.evaluate is not None and state.evaluate.type == "comparator":
        return "comparisons cannot be judged by this version", "use evaluate: with type: llm_structured"
    obstacle = agents.obstacle(name, judging=True)
    if obstacle is None:
        return None
    return (
        f"its verdict comes from a model, and {obstacle[0]}",
        f"{obstacle[1]}, or give the state an evaluate: block (exit_code, output_contains ...) or next:, "
        "or use --no-llm",
    )


def spending_notes(loop: FSMLoop, agents: Agents) -> Iterator[str]:
    """What to say of a budget in USD that a host does not keep by itself; once per host."""
    if not agents.usd:
        return
    asked = {
        agents.chosen(state.host, loop.host) for state in loop.states.values() if _mode(state) == "prompt"
    }
    for name in sorted(name for name in asked if name is not None and agents.overruns(name)):
        yield f"{name} does not keep a budget itself: one call may cost more than is left"


def _mode(state: StateConfig) -> str:
    return mode_of(state) if state.action is not None else "none"


def _is_judged(state: StateConfig, mode: str) -> bool:
    if state.loop is not None:
        return False
    return mode == "prompt" if state.evaluate is None else state.evaluate.type in JUDGED


def static_children(loop: FSMLoop) -> Iterator[str]:
    """Names of child loops that are written out in the file."""
    for state in loop.states.values():
        if state.loop is not None and "${" not in state.loop:
            yield state.loop
