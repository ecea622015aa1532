"""Rules about the graph: what is never entered, what fails silently, what is read before it is captured."""

from __future__ import annotations

from collections.abc import Iterator

from little_loops.fsm.fitting import Path, closest
from little_loops.fsm.graph import followers, reachable, unreachable
from little_loops.fsm.schema import FSMLoop, StateConfig
from little_loops.fsm.template import parse
from little_loops.fsm.validation.rule import WARNING, Hit, Rule, Subject, rule
from little_loops.fsm.validation.states import is_learning
from little_loops.fsm.validation.texts import texts_of

MOST_STEPS = 2_000_000  # states looked at in one loop before the search gives up
SUB_LOOP_FIELDS = frozenset({"output", "exit_code", "events"})


@rule("LL332", "Every state can be entered.", "Lead to it from some state, or remove it.", WARNING)
def never_entered(subject: Subject) -> Iterator[Hit]:
    if subject.loop.initial not in subject.loop.states:
        return
    for name in unreachable(subject.loop):
        yield Hit(("states", name), f"the state '{name}' is never entered", on_key=True)


@rule(
    "LL333",
    "A failure says why.",
    "Let a state that acts lead to the failure end, so that the record shows the reason.",
    WARNING,
)
def silent_failure(subject: Subject) -> Iterator[Hit]:
    loop = subject.loop
    for name, state in loop.states.items():
        if not state.terminal or not loop.is_failure(name):
            continue
        others = (other for key, other in loop.states.items() if key != name)
        if not any(name in other.get_referenced_states() and _acts(other) for other in others):
            note = f"'{name}' ends the loop as a failure, but no state that acts leads to it"
            yield Hit(("states", name), note, on_key=True)


def _acts(state: StateConfig) -> bool:
    return bool(state.action or state.loop) or is_learning(state)


@rule(
    "LL334",
    "An end does nothing.",
    "The action of a terminal state never runs. Move it to a state before the end.",
    WARNING,
    lint=True,
)
def action_at_end(subject: Subject) -> Iterator[Hit]:
    for name, state in subject.loop.states.items():
        if state.terminal and (state.action or state.loop):
            key = "action" if state.action else "loop"
            note = f"'{name}' is terminal, so its {key} never runs"
            yield Hit(("states", name, key), note, on_key=True)


@rule(
    "LL503",
    "A captured value is captured before it is read.",
    "`capture: NAME` in an earlier state makes `${captured.NAME.output}`. Write `${captured.NAME.output?}` "
    "or `:default=` where it may be missing.",
    WARNING,
    lint=True,
)
def capture_reach(subject: Subject) -> Iterator[Hit]:
    loop = subject.loop
    captures = Captures(loop)
    for name, state in loop.states.items():
        seen: set[str] = set()
        for path, text in texts_of(name, state):
            for reference in parse(text).references:
                key = reference.keys[0]
                sure = reference.default is None and not reference.optional
                if reference.namespace != "captured" or not sure or reference.name in seen:
                    continue
                seen.add(reference.name)
                note = captures.problem(name, path, reference.keys)
                if note:
                    near = None if key in captures.makers else closest(key, list(captures.makers))
                    yield Hit(path, note, suggestion=near, needle=text[reference.start : reference.end])


class Captures:
    """Who captures what in a loop, and whether that has happened when a state reads it."""

    def __init__(self, loop: FSMLoop) -> None:
        self.loop = loop
        self.ways = followers(loop)
        self.entered = reachable(loop, ways=self.ways)
        self.around: dict[tuple[str, ...], set[str]] = {}
        self.children = any(state.loop for state in loop.states.values())
        self.makers: dict[str, list[str]] = {}
        for name, state in loop.states.items():
            if state.capture:
                self.makers.setdefault(state.capture, []).append(name)
            if state.loop:
                self.makers.setdefault(name, []).append(name)

    def problem(self, reader: str, path: Path, keys: tuple[str, ...]) -> str | None:
        """What is wrong with reading ``${captured.<keys>}`` at this place of a state, or None."""
        key = keys[0]
        makers = self.makers.get(key)
        if makers is None:
            return f"nobody captures '{key}'" + (", unless a sub-loop does" if self.children else "")
        if len(keys) > 1 and keys[1] not in SUB_LOOP_FIELDS and all(self._is_result(m, key) for m in makers):
            return f"'{key}' is the result of a sub-loop and has only output and exit_code, not '{keys[1]}'"
        judged = reader in makers and "evaluate" in path  # the capture is made before the verdict
        if not judged and self._entered_without(reader, makers):
            return f"'{key}' may not be captured yet: a way leads here around {', '.join(makers)}"
        return None

    def _is_result(self, name: str, key: str) -> bool:
        state = self.loop.states[name]
        return state.loop is not None and state.capture == key

    def _entered_without(self, reader: str, makers: list[str]) -> bool:
        if reader not in self.entered:
            return False
        closed = tuple(name for name in makers if name != reader)
        if closed not in self.around:
            if len(self.around) * len(self.loop.states) > MOST_STEPS:
                return False
            self.around[closed] = reachable(self.loop, without=closed, ways=self.ways)
        return reader in self.around[closed]


RULES: tuple[Rule, ...] = (never_entered, silent_failure, action_at_end, capture_reach)
