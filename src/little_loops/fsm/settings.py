# ruff: noqa: RUF009 - keyed() makes a dataclass field, it is no shared default
"""The small blocks of a loop file: parameters, throttle, judge settings, budget, targets and the like.

Every field says what it means where it is declared; documentation, JSON Schema, reading and writing follow
from that. Construction never checks anything: a law about values is a rule of ``fsm.validation``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from little_loops.errors import LoadError
from little_loops.fsm.codec import Kind, Mistake, decode, encode, keyed

DEFAULT_LLM_MODEL = "sonnet"


class Mapped:
    """Gives a dataclass of the language its two conversions."""

    __slots__ = ()

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """The object a mapping describes; raises ``LoadError`` (a ``ValueError``) naming every mistake."""
        mistakes: list[Mistake] = []
        made = decode(cls, data, (), mistakes)
        wrong = [m for m in mistakes if m.severity == "error"]
        if made is None or wrong:
            places = (".".join(str(step) for step in m.path) for m in wrong)
            lines = [
                f"{place}: {m.message}" if place else m.message
                for place, m in zip(places, wrong, strict=True)
            ]
            raise LoadError("\n".join(lines))
        return made

    def to_dict(self) -> dict[str, Any]:
        """The mapping that ``from_dict`` turns back into an equal object; defaults are left out."""
        return encode(self)


@dataclass(frozen=True, slots=True)
class ParameterSpec(Mapped):
    """A typed input of a loop."""

    type: str = keyed(
        Kind.TEXT,
        "The type of the value.",
        required=True,
        example="string",
        choices=("string", "integer", "number", "boolean", "enum", "path"),
    )
    required: bool = keyed(Kind.BOOL, "Whether a caller has to give a value.", default=False, example=True)
    default: Any = keyed(Kind.ANY, "The value used when the caller gives none.", example="main")
    description: str | None = keyed(Kind.TEXT, "What the value is for.", example="branch to compare with")
    values: list[Any] | None = keyed(Kind.LIST, "The values an enum may take.", example=["fast", "full"])


@dataclass(frozen=True, slots=True)
class ThrottleConfig(Mapped):
    """How many actions one unbroken stay in a state may run. Writing the block switches the throttle on."""

    normal_max: int | None = keyed(
        Kind.INT, "Up to this count all is quiet (3 when absent).", example=3, minimum=1
    )
    warn_max: int | None = keyed(
        Kind.INT, "At this count a warning is recorded (8 when absent).", example=8, minimum=1
    )
    hard_max: int | None = keyed(
        Kind.INT,
        "At this count the state is left (12 when absent); beyond it the run ends.",
        example=12,
        minimum=1,
    )


@dataclass(frozen=True, slots=True)
class LearningConfig(Mapped):
    """What a learning state has to prove."""

    targets: list[str] = keyed(
        Kind.TEXTS,
        "The things to prove, in order.",
        factory=list,
        always=True,
        example=["retry is idempotent"],
    )
    max_retries: int = keyed(Kind.INT, "Attempts per target.", default=2, always=True, example=2, minimum=0)


@dataclass(frozen=True, slots=True)
class LLMConfig(Mapped):
    """Settings of the judge."""

    enabled: bool = keyed(Kind.BOOL, "Whether a judge may be called.", default=True, example=False)
    model: str = keyed(Kind.TEXT, "The model that judges.", default=DEFAULT_LLM_MODEL, example="sonnet")
    max_tokens: int = keyed(Kind.INT, "Length of an answer in tokens.", default=256, example=256, minimum=1)
    timeout: int = keyed(Kind.INT, "Seconds one judgement may take.", default=1800, example=120, minimum=1)


@dataclass(frozen=True, slots=True)
class LoopConfigOverrides(Mapped):
    """Project settings that this loop changes for its own runs."""

    handoff_threshold: int | None = keyed(
        Kind.INT,
        "Share of the context window, in percent, at which an agent hands over.",
        example=80,
        minimum=1,
    )
    readiness_threshold: int | None = keyed(
        Kind.INT,
        "Readiness, in percent, below which an issue is not started.",
        name="commands.confidence_gate.readiness_threshold",
        example=85,
        minimum=1,
    )
    outcome_threshold: int | None = keyed(
        Kind.INT,
        "Confidence in the outcome, in percent, below which an issue is not started.",
        name="commands.confidence_gate.outcome_threshold",
        example=70,
        minimum=1,
    )
    max_continuations: int | None = keyed(
        Kind.INT,
        "How often an agent may hand over to a fresh one.",
        name="automation.max_continuations",
        alias="continuation.max_continuations",
        example=5,
        minimum=1,
    )


@dataclass(frozen=True, slots=True)
class CommandEntry(Mapped):
    """A line of the block of commands that ``show`` prints."""

    cmd: str = keyed(Kind.TEXT, "The command line.", required=True, example="ll-loop run tidy")
    comment: str = keyed(Kind.TEXT, "What it does.", required=True, example="tidy the whole project")


@dataclass(frozen=True, slots=True)
class TargetStateSpec(Mapped):
    """A state that may be rewritten, and how a rewrite is judged."""

    name: str = keyed(Kind.TEXT, "The name of the state.", required=True, example="draft")
    examples_file: str = keyed(
        Kind.TEXT, "The file of examples.", required=True, example="examples/draft.jsonl"
    )
    eval_fragment: str = keyed(
        Kind.TEXT, "The fragment that judges it.", required=True, name="eval", example="score"
    )


@dataclass(frozen=True, slots=True)
class TargetFileSpec(Mapped):
    """A loop file, or a pattern of them, whose states may be rewritten."""

    file: str | None = keyed(Kind.TEXT, "One file, ending in .yaml.", example="loops/draft.yaml")
    glob: str | None = keyed(Kind.TEXT, "A pattern of files; instead of file.", example="loops/*.yaml")
    states: list[TargetStateSpec] = keyed(Kind.MANY, "The states meant.", factory=list, of=TargetStateSpec)


@dataclass(frozen=True, slots=True)
class BudgetConfig(Mapped):
    """What may be spent; shared with sub-loops and still in force after a resume."""

    usd: float | None = keyed(Kind.NUMBER, "Dollars.", example=2.5, minimum=0)
    tokens: int | None = keyed(Kind.INT, "Tokens, in and out together.", example=500000, minimum=0)
    agent_calls: int | None = keyed(Kind.INT, "Calls of an agent or a judge.", example=40, minimum=0)
    seconds: float | None = keyed(Kind.NUMBER, "Seconds spent in agent calls.", example=3600, minimum=0)
    unknown_price: float | None = keyed(
        Kind.NUMBER,
        "Dollars to assume for one call of a model without a known price.",
        example=0.5,
        minimum=0,
    )


@dataclass(frozen=True, slots=True)
class RepeatedFailure(Mapped):
    """Notices a run that keeps getting the same result in the same state."""

    window: int = keyed(
        Kind.INT, "Equal results in a row that count as stuck.", default=3, example=3, minimum=1
    )
    on_repeated_failure: str = keyed(
        Kind.TEXT, "'abort', or the state to go to when stuck.", default="abort", example="diagnose"
    )
    recurrent_window: int | None = keyed(
        Kind.INT, "Total number of equal results that count as stuck, in a row or not.", example=6, minimum=2
    )
    progress_paths: list[str] = keyed(
        Kind.TEXTS,
        "Files whose change counts as progress and clears the count.",
        factory=list,
        example=["src/**"],
    )
    exclude_paths: list[str] = keyed(
        Kind.TEXTS, "Files whose change never counts as progress.", factory=list, example=["*.log"]
    )


@dataclass(frozen=True, slots=True)
class CircuitConfig(Mapped):
    """Ways to cut a run that goes nowhere."""

    repeated_failure: RepeatedFailure | None = keyed(
        Kind.ONE, "The stall detector over whole steps.", of=RepeatedFailure, example={"window": 3}
    )
