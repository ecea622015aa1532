# ruff: noqa: RUF009 - keyed() makes a dataclass field, it is no shared default
"""What a loop file says: the loop, its states, their evaluators and routes.

Attribute names are the keys of the file (``with_`` stands for ``with``). Objects are frozen; construction
never checks anything. This file reads no files and knows no YAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any

from little_loops.fsm.codec import Kind, encode, keyed
from little_loops.fsm.settings import (
    DEFAULT_LLM_MODEL,
    BudgetConfig,
    CircuitConfig,
    CommandEntry,
    LearningConfig,
    LLMConfig,
    LoopConfigOverrides,
    Mapped,
    ParameterSpec,
    RepeatedFailure,
    TargetFileSpec,
    TargetStateSpec,
    ThrottleConfig,
)
from little_loops.fsm.states import EVALUATOR_TYPES, HOST_ACTIONS, EvaluateConfig, RouteConfig, StateConfig

__all__ = [
    "CURRENT_STATE",
    "DEFAULT_LLM_MODEL",
    "EVALUATOR_TYPES",
    "FAILURE_NAMES",
    "HOST_ACTIONS",
    "BudgetConfig",
    "CircuitConfig",
    "CommandEntry",
    "EvaluateConfig",
    "FSMLoop",
    "LLMConfig",
    "LearningConfig",
    "LoopConfigOverrides",
    "ParameterSpec",
    "RepeatedFailure",
    "RouteConfig",
    "StateConfig",
    "TargetFileSpec",
    "TargetStateSpec",
    "ThrottleConfig",
    "definition_text",
    "digest",
]

CURRENT_STATE = "$current"
FAILURE_NAMES = frozenset({"failed", "error", "aborted"})


class Unwritten(int):
    """A number that no author wrote, so that a default can be told from the same number in a file."""


UNWRITTEN_CAP = Unwritten(50)


@dataclass(frozen=True, slots=True)
class FSMLoop(Mapped):
    """A whole loop."""

    name: str = keyed(
        Kind.TEXT, "The name used in messages and run folders.", required=True, example="fix-tests"
    )
    initial: str = keyed(Kind.TEXT, "The state entered first.", required=True, example="check")
    states: dict[str, StateConfig] = keyed(Kind.NAMED, "The states by name.", required=True, of=StateConfig)
    description: str | None = keyed(
        Kind.TEXT, "What the loop does; its first line is listed.", example="Fix the tests"
    )
    context: dict[str, Any] = keyed(
        Kind.MAP, "Variables, read as ${context.NAME}.", factory=dict, example={"dir": "src"}
    )
    parameters: dict[str, ParameterSpec] = keyed(Kind.NAMED, "Typed inputs.", factory=dict, of=ParameterSpec)
    scope: list[str] = keyed(
        Kind.TEXTS, "Paths a run locks; the whole project when empty.", factory=list, example=["src"]
    )
    max_iterations: int = keyed(
        Kind.INT, "How many states a run may enter.", default=UNWRITTEN_CAP, example=20, minimum=1
    )
    max_edge_revisits: int = keyed(
        Kind.INT, "How often one edge may be taken.", default=100, example=10, minimum=1
    )
    backoff: float | None = keyed(Kind.NUMBER, "Seconds between two states.", example=1.5, minimum=0)
    timeout: float | None = keyed(Kind.NUMBER, "Seconds the whole run may take.", example=3600, minimum=1)
    default_timeout: float | None = keyed(
        Kind.NUMBER, "Seconds for actions without their own.", example=600, minimum=1
    )
    maintain: bool = keyed(Kind.BOOL, "Starts again instead of ending.", default=False, example=True)
    llm: LLMConfig = keyed(
        Kind.ONE, "Settings of the judge.", factory=LLMConfig, of=LLMConfig, after="input_key"
    )
    on_handoff: str = keyed(
        Kind.TEXT,
        "What happens when an agent hands over.",
        default="pause",
        example="spawn",
        choices=("pause", "spawn", "terminate"),
    )
    input_key: str = keyed(
        Kind.TEXT, "The variable that holds the input of run.", default="input", example="issue"
    )
    config: LoopConfigOverrides | None = keyed(
        Kind.ONE, "Project settings changed here.", of=LoopConfigOverrides
    )
    category: str = keyed(Kind.TEXT, "The heading in list.", default="", example="quality")
    labels: list[str] = keyed(Kind.TEXTS, "Tags for list.", factory=list, example=["tests"])
    commands: list[CommandEntry] = keyed(
        Kind.MANY, "Commands that show prints.", factory=list, of=CommandEntry
    )
    targets: list[TargetFileSpec] = keyed(
        Kind.MANY, "What may be rewritten.", factory=list, of=TargetFileSpec
    )
    paradigm: str | None = keyed(Kind.TEXT, "The short form it was compiled from.", example="goal")
    max_steps: int | None = keyed(
        Kind.INT,
        "How many states a run may enter; then max_iterations caps the laps.",
        example=100,
        minimum=1,
    )
    interrupted: str | None = keyed(
        Kind.TEXT,
        "What a resume does with an action cut off.",
        example="ask",
        choices=("retry", "fail", "ask"),
    )
    default_idle_timeout: float | None = keyed(
        Kind.NUMBER, "Seconds of silence allowed.", example=300, minimum=1
    )
    required_inputs: list[str] = keyed(
        Kind.TEXTS, "Variables that must not be empty.", factory=list, example=["input"]
    )
    circuit: CircuitConfig | None = keyed(Kind.ONE, "Cuts a run that goes nowhere.", of=CircuitConfig)
    budget: BudgetConfig | None = keyed(Kind.ONE, "What a run may spend.", of=BudgetConfig)
    host: str | None = keyed(Kind.TEXT, "The agent program.", example="claude")
    model: str | None = keyed(Kind.TEXT, "The model of agent actions.", example="sonnet")
    permissions: str | None = keyed(
        Kind.TEXT, "What agents may touch.", example="read", choices=("workspace", "full", "read")
    )
    value_limit: int | None = keyed(
        Kind.INT, "Bytes of an output that are kept as its value.", example=65536, minimum=1
    )
    durability: str | None = keyed(
        Kind.TEXT, "When the record is forced to disk.", example="step", choices=("relaxed", "step", "strict")
    )
    exit_code_gate: bool = keyed(Kind.BOOL, "As in a state, for all.", default=False, example=True)
    lenient_shell_vars: bool = keyed(Kind.BOOL, "Leaves bare ${NAME} to bash.", default=False, example=True)
    require_bound: Any = keyed(
        Kind.ANY, "Refuses a loop that may exceed these numbers.", example={"agent_calls": 200}
    )
    properties: Any = keyed(Kind.ANY, "Laws that every run has to keep.", example={"never": ["publish"]})
    allow: list[str] = keyed(
        Kind.TEXTS, "Rule codes that are silenced here.", factory=list, example=["LL217"]
    )

    PARSE_TIME_KEYS = ("import", "fragments", "from", "flow", "state_defs")

    def to_dict(self) -> dict[str, Any]:
        """The mapping that ``from_dict`` turns back into an equal object; defaults are left out."""
        out = encode(self)
        if (
            self.lap_cap is not None
        ):  # beside max_steps the number means something even when it is the default
            out["max_iterations"] = self.lap_cap
        return out

    def get_all_state_names(self) -> set[str]:
        """The names of all states."""
        return set(self.states)

    def get_terminal_states(self) -> set[str]:
        """The names of the states that end the loop."""
        return {name for name, state in self.states.items() if state.terminal}

    def get_all_referenced_states(self) -> set[str]:
        """The initial state and every state that some state names."""
        return {self.initial}.union(*(state.get_referenced_states() for state in self.states.values()))

    def is_failure(self, state_name: str) -> bool:
        """Whether ending in this terminal state counts as a failure."""
        state = self.states[state_name]
        return state.terminal and (state_name in FAILURE_NAMES if state.failure is None else state.failure)

    @property
    def step_cap(self) -> int:
        """How many states one run may enter."""
        return self.max_iterations if self.max_steps is None else self.max_steps

    @property
    def lap_cap(self) -> int | None:
        """How many laps a maintained loop may run; None when nobody set a cap."""
        written = not isinstance(self.max_iterations, Unwritten)
        return int(self.max_iterations) if self.max_steps is not None and written else None


def definition_text(loop: FSMLoop) -> str:
    """The canonical text of a definition: JSON with sorted keys and no blanks."""
    return dumps(loop.to_dict(), sort_keys=True, separators=(",", ":"), default=str)


def digest(loop: FSMLoop) -> str:
    """The name of a definition: the first 16 hex digits of the SHA-256 of its text."""
    return sha256(definition_text(loop).encode()).hexdigest()[:16]
