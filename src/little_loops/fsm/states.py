# ruff: noqa: RUF009 - keyed() makes a dataclass field, it is no shared default
"""A state of a loop: its action, its evaluator, its routes and its limits.

Construction never checks anything. Other packages import these names from ``little_loops.fsm.schema``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from little_loops.fsm.codec import Kind, keyed
from little_loops.fsm.settings import BudgetConfig, LearningConfig, Mapped, ThrottleConfig

HOST_ACTIONS = ("shell", "prompt", "slash_command", "mcp_tool")
EVALUATOR_TYPES = (
    "exit_code",
    "output_numeric",
    "output_json",
    "output_contains",
    "convergence",
    "diff_stall",
    "llm_structured",
    "mcp_result",
    "harbor_scorer",
    "classify",
    "score_stall",
    "action_stall",
    "comparator",
)


@dataclass(frozen=True, slots=True)
class EvaluateConfig(Mapped):
    """How the result of an action becomes a verdict."""

    type: str = keyed(
        Kind.TEXT, "The evaluator.", required=True, example="output_numeric", choices=EVALUATOR_TYPES
    )
    operator: str | None = keyed(
        Kind.TEXT, "The comparison.", example="le", choices=("eq", "ne", "lt", "le", "gt", "ge")
    )
    target: int | float | str | None = keyed(
        Kind.NUMBER_OR_TEXT, "What the value is compared with; may be a template.", example=0
    )
    tolerance: float | str | None = keyed(
        Kind.NUMBER_OR_TEXT,
        "How far from the target still counts as reached; may be a template.",
        example=0.5,
    )
    pattern: str | None = keyed(
        Kind.TEXT, "A regular expression, or text that has to occur.", example="passed"
    )
    negate: bool = keyed(Kind.BOOL, "Turns a found pattern into no.", default=False, example=True)
    path: str | None = keyed(Kind.TEXT, "The way to the value inside JSON output.", example=".summary.failed")
    prompt: str | None = keyed(Kind.TEXT, "The question for the judge.", example="Is the change complete?")
    schema: dict[str, Any] | None = keyed(
        Kind.MAP, "JSON Schema of the judge's answer.", example={"type": "object"}
    )
    min_confidence: float = keyed(
        Kind.NUMBER,
        "Confidence, 0 to 1, from which an answer is confident.",
        default=0.5,
        example=0.7,
        minimum=0,
    )
    uncertain_suffix: bool = keyed(
        Kind.BOOL,
        "Adds '_uncertain' to the verdict of an answer below min_confidence.",
        default=False,
        example=True,
    )
    source: str | None = keyed(
        Kind.TEXT,
        "A template to judge instead of the output of the action.",
        example="${captured.report.output}",
    )
    previous: str | None = keyed(
        Kind.TEXT, "A template for the earlier value.", example="${captured.current_value.output}"
    )
    direction: str = keyed(
        Kind.TEXT,
        "Which way is better.",
        default="minimize",
        example="maximize",
        choices=("minimize", "maximize"),
    )
    scope: list[str] | None = keyed(Kind.TEXTS, "Paths whose changes count.", example=["src/"])
    max_stall: int = keyed(
        Kind.INT, "Rounds without progress that are tolerated.", default=1, example=2, minimum=1
    )
    key: str | None = keyed(Kind.TEXT, "Takes the last 'key = number' of the output.", example="coverage")
    error_patterns: list[str] | None = keyed(
        Kind.TEXTS, "Texts that turn a no into an error.", example=["command not found"]
    )
    line: int | str = keyed(
        Kind.INT_OR_TEXT,
        "Which line is the verdict: last, first or an index.",
        default="last",
        example="first",
    )
    track: list[str] | None = keyed(
        Kind.TEXTS, "The values whose repetition is a stall.", example=["captured.plan.output"]
    )
    max_repeat: int = keyed(Kind.INT, "Repetitions that count as a stall.", default=2, example=3, minimum=1)
    history_file: str | None = keyed(
        Kind.TEXT, "The file of scores, one number a line.", example="${context.run_dir}/scores"
    )
    epsilon: float = keyed(Kind.NUMBER, "Gain that counts as progress.", default=0.5, example=0.1, minimum=0)
    baseline_path: str | None = keyed(
        Kind.TEXT, "The folder that holds output.txt to beat.", example="baseline/"
    )
    auto_promote: bool = keyed(
        Kind.BOOL, "Makes a better output the new baseline.", default=False, example=True
    )
    min_pairs: int = keyed(Kind.INT, "How many blind comparisons are made.", default=1, example=3, minimum=1)


@dataclass(frozen=True, slots=True)
class RouteConfig(Mapped):
    """A table from verdict to state."""

    routes: dict[str, str] = keyed(Kind.ROUTES, "The state for each verdict.", factory=dict)
    default: str | None = keyed(
        Kind.TEXT, "The state for a verdict that is not listed.", name="_", example="review"
    )
    error: str | None = keyed(Kind.TEXT, "The state for the verdict error.", name="_error", example="recover")


@dataclass(frozen=True, slots=True)
class StateConfig(Mapped):
    """One state of a loop."""

    action: str | None = keyed(
        Kind.TEXT, "What is run: shell text, a prompt, /command or server/tool.", example="make"
    )
    action_type: str | None = keyed(
        Kind.TEXT,
        "How the action is run; shell, or a command for a leading '/'.",
        example="prompt",
        choices=HOST_ACTIONS,
    )
    params: dict[str, Any] = keyed(Kind.MAP, "Arguments of an MCP tool.", factory=dict, example={"path": "."})
    evaluate: EvaluateConfig | None = keyed(Kind.ONE, "How the output becomes a verdict.", of=EvaluateConfig)
    route: RouteConfig | None = keyed(
        Kind.ONE, "The table from verdict to state; wins over on_... keys.", of=RouteConfig
    )
    on_yes: str | None = keyed(Kind.TEXT, "The state after yes.", alias="on_success", example="done")
    on_no: str | None = keyed(Kind.TEXT, "The state after no.", alias="on_failure", example="fix")
    on_error: str | None = keyed(Kind.TEXT, "The state after an error.", example="diagnose")
    on_partial: str | None = keyed(Kind.TEXT, "The state after partial.", example="continue")
    on_blocked: str | None = keyed(Kind.TEXT, "The state after blocked.", example="ask")
    next: str | None = keyed(Kind.TEXT, "The state that follows without a verdict.", example="check")
    terminal: bool = keyed(Kind.BOOL, "Whether the loop ends here.", default=False, example=True)
    capture: str | None = keyed(Kind.TEXT, "The name under which the result is kept.", example="report")
    timeout: float | None = keyed(Kind.NUMBER, "Seconds the action may take.", example=600, minimum=1)
    on_maintain: str | None = keyed(Kind.TEXT, "Where a maintained loop starts again.", example="check")
    max_retries: int | None = keyed(Kind.INT, "Re-entries in a row that are allowed.", example=3, minimum=1)
    on_retry_exhausted: str | None = keyed(Kind.TEXT, "The state after the last retry.", example="give_up")
    max_rate_limit_retries: int | None = keyed(
        Kind.INT, "Quick retries after a rate limit (3 when absent).", example=3, minimum=1
    )
    on_rate_limit_exhausted: str | None = keyed(
        Kind.TEXT, "The state when waiting has cost too much.", example="later"
    )
    rate_limit_backoff_base_seconds: int | None = keyed(
        Kind.INT, "Seconds of the first quick wait (30 when absent).", example=30, minimum=1
    )
    rate_limit_max_wait_seconds: int | None = keyed(
        Kind.INT, "Seconds all waits together may take (21600 when absent).", example=3600, minimum=1
    )
    rate_limit_long_wait_ladder: list[int] | None = keyed(
        Kind.INTS, "Seconds of the long waits; the last repeats.", example=[300, 900]
    )
    loop: str | None = keyed(Kind.TEXT, "The loop to run as a child.", example="each-file")
    context_passthrough: bool = keyed(
        Kind.BOOL, "Shares context and captures with the child.", default=False, example=True
    )
    with_: dict[str, Any] = keyed(
        Kind.MAP,
        "Values for the child's parameters.",
        name="with",
        factory=dict,
        example={"path": "${context.path}"},
    )
    agent: str | None = keyed(Kind.TEXT, "The named agent of the host.", example="reviewer")
    tools: list[str] | None = keyed(Kind.TEXTS, "The tools the agent may use.", example=["Read", "Edit"])
    extra_routes: dict[str, str] = keyed(Kind.VERDICTS, "The state after any other verdict.", factory=dict)
    type: str | None = keyed(
        Kind.TEXT, "A marker; 'learning' selects the learning runner.", example="learning"
    )
    throttle: ThrottleConfig | None = keyed(Kind.ONE, "Limits actions per stay.", of=ThrottleConfig)
    on_throttle_hard: str | None = keyed(Kind.TEXT, "The state at the hard limit.", example="escalate")
    learning: LearningConfig | None = keyed(Kind.ONE, "What a learning state proves.", of=LearningConfig)
    failure: bool | None = keyed(Kind.BOOL, "Whether ending here counts as a failure.", example=True)
    signals: bool = keyed(Kind.BOOL, "Whether shell output may carry markers.", default=False, example=True)
    idle_timeout: float | None = keyed(
        Kind.NUMBER, "Seconds of silence after which it is ended.", example=120, minimum=1
    )
    model: str | None = keyed(Kind.TEXT, "The model of this action.", example="opus")
    host: str | None = keyed(Kind.TEXT, "The agent program of this action.", example="claude")
    permissions: str | None = keyed(
        Kind.TEXT, "What the agent may touch.", example="read", choices=("workspace", "full", "read")
    )
    budget: BudgetConfig | None = keyed(Kind.ONE, "What this state may spend.", of=BudgetConfig)
    interrupted: str | None = keyed(
        Kind.TEXT,
        "What a resume does with an action cut off.",
        example="ask",
        choices=("retry", "fail", "ask"),
    )
    exit_code_gate: bool | None = keyed(
        Kind.BOOL, "A failing exit code is an error for every evaluator.", example=True
    )
    allow: list[str] = keyed(
        Kind.TEXTS, "Rule codes that are silenced here.", factory=list, example=["LL332"]
    )

    PARSE_TIME_KEYS = ("fragment",)

    @property
    def on_success(self) -> str | None:
        """The older name of ``on_yes``."""
        return self.on_yes

    @property
    def on_failure(self) -> str | None:
        """The older name of ``on_no``."""
        return self.on_no

    def get_referenced_states(self) -> set[str]:
        """Every state this one can name as its follower."""
        return set(self.targets().values())

    def targets(self) -> dict[str, str]:
        """Label to state in the order of the file's keys; labels are verdicts or key names."""
        table = self.route or RouteConfig()
        named = {
            "yes": self.on_yes,
            "no": self.on_no,
            "error": self.on_error,
            "partial": self.on_partial,
            "blocked": self.on_blocked,
            "next": self.next,
            "maintain": self.on_maintain,
            "retry_exhausted": self.on_retry_exhausted,
            "rate_limit_exhausted": self.on_rate_limit_exhausted,
            "throttle_hard": self.on_throttle_hard,
            **{f"route.{verdict}": state for verdict, state in table.routes.items()},
            "route._": table.default,
            "route._error": table.error,
            **{f"on_{verdict}": state for verdict, state in self.extra_routes.items()},
        }
        return {label: state for label, state in named.items() if state}
