# ruff: noqa: RUF009 - setting() makes a dataclass field, it is no shared default
"""The settings of a project as one frozen model; every value knows its place in the file and its origin.

A setting is declared once, as a field of ``Config``: reading, checking, the listing and the documentation
follow from that. Nothing here touches a disk.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

KNOWN_ELSEWHERE = (
    "$schema", "project", "issues", "automation", "continuation", "context_monitor", "parallel",
    "commands.confidence_gate", "commands.pre_implement", "commands.post_implement",
    "commands.custom_verification", "commands.tdd_mode", "commands.max_refine_count",
    "commands.recursive_refine", "dependency_mapping", "sprints", "learning_tests",
    "events.socket", "events.otel", "events.webhook", "cli.colors",
)  # fmt: skip
"""Keys and sections of the file format that other programs of the family read; they are no mistake here."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How one field is written, checked and overridden.

    Attributes:
        key: dotted place in the file.
        kind: ``text``, ``whole``, ``number``, ``switch``, ``texts``, ``wholes`` or
            ``words`` (a map of texts).
        doc: one sentence.
        low, high: smallest and largest number allowed.
        choices: the words allowed.
        env: environment variable that wins over the file.
        loop: dotted key of a loop file that wins over both.
        idle: it is read and checked, but nothing in this version acts on it.
    """

    key: str
    kind: str
    doc: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    env: str = ""
    loop: str = ""
    idle: bool = False


def setting(key: str, kind: str, default: Any, doc: str, **rest: Any) -> Any:
    """A field of ``Config`` that stands at ``key`` in the file."""
    about = {"setting": Setting(key, kind, doc, **rest)}
    if isinstance(default, dict):
        return field(default_factory=default.copy, metadata=about)
    return field(default=default, metadata=about)


GLYPHS = {
    "prompt": "✦",
    "slash": "/━►",
    "shell": "❯_",
    "mcp": "⚡",
    "sub_loop": "↳⟳",
    "route": "⑃",
}
EDGE_COLORS = {
    "yes": "32",
    "no": "38;5;208",
    "error": "31",
    "blocked": "31",
    "partial": "33",
    "next": "2",
    "_": "2",
    "retry_exhausted": "38;5;208",
    "rate_limit_exhausted": "38;5;214",
    "throttle_hard": "38;5;196",
}


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one project.

    Attributes:
        root: folder of the project; relative paths of settings and loops start there.
        file: the file that was read, or None.
        origins: where a value that is no default comes from, by key.
        notes: things a user should hear once (unknown keys), one line each.
    """

    root: Path
    file: Path | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    loops_dir: str = setting("loops.loops_dir", "text", ".loops", "Folder of the loops and their runs.")
    queue_wait_timeout_seconds: float = setting(
        "loops.queue_wait_timeout_seconds",
        "number",
        86400,
        "Seconds run --queue waits for a held scope.",
        low=0,
    )
    clear: bool = setting(
        "loops.run_defaults.clear", "switch", False, "Clear the terminal at every state, as run --clear."
    )
    show_diagrams: bool = setting(
        "loops.run_defaults.show_diagrams",
        "switch",
        False,
        "Draw the graph at every state, as run --show-diagrams.",
    )
    delay: float | None = setting(
        "loops.run_defaults.delay",
        "number",
        None,
        "Seconds between two states, as run --delay.",
        low=0,
        loop="backoff",
    )
    model: str | None = setting(
        "loops.run_defaults.model", "text", None, "Model of agent actions.", loop="model"
    )
    permissions: str = setting(
        "loops.run_defaults.permissions",
        "text",
        "workspace",
        "What agents may touch.",
        choices=("workspace", "full", "read"),
        loop="permissions",
    )
    durability: str = setting(
        "loops.run_defaults.durability",
        "text",
        "step",
        "When the record of a run is forced to disk.",
        choices=("relaxed", "step", "strict"),
        loop="durability",
    )
    value_limit: int = setting(
        "loops.run_defaults.value_limit",
        "whole",
        1 << 20,
        "Bytes of an output that are kept as its value.",
        low=1024,
        loop="value_limit",
    )
    glyphs: dict[str, str] = setting(
        "loops.glyphs", "words", GLYPHS, "Badge of each kind of state in diagrams.", choices=tuple(GLYPHS)
    )
    color: bool = setting("cli.color", "switch", True, "Colours on a terminal.")
    active_color: str = setting(
        "cli.colors.fsm_active_state", "text", "32", "Colour of the active state, as a terminal code."
    )
    edge_colors: dict[str, str] = setting(
        "cli.colors.fsm_edge_labels",
        "words",
        EDGE_COLORS,
        "Colour of each verdict on an edge, as a terminal code.",
    )
    host: str | None = setting(
        "orchestration.host_cli", "text", None, "Agent program.", env="LL_HOST_CLI", loop="host"
    )
    handoff_threshold: int = setting(
        "context_monitor.auto_handoff_threshold",
        "whole",
        80,
        "Percent of the context window at which an agent is asked to hand over.",
        low=1,
        high=100,
        env="LL_HANDOFF_THRESHOLD",
        loop="config.handoff_threshold",
        idle=True,
    )
    context_limit: int = setting(
        "context_monitor.context_limit_estimate",
        "whole",
        1_000_000,
        "Tokens an agent's context window holds.",
        low=1,
        env="LL_CONTEXT_LIMIT",
        idle=True,
    )
    rate_limit_max_wait_seconds: float = setting(
        "commands.rate_limits.max_wait_seconds",
        "number",
        21600,
        "Seconds one state waits for a provider in all.",
        low=0,
    )
    rate_limit_long_wait_ladder: tuple[int, ...] = setting(
        "commands.rate_limits.long_wait_ladder",
        "wholes",
        (300, 900, 1800, 3600),
        "Seconds of the long waits; the last repeats.",
        low=1,
    )
    circuit_breaker_enabled: bool = setting(
        "commands.rate_limits.circuit_breaker_enabled",
        "switch",
        True,
        "Share a provider's recovery time between runs.",
        idle=True,
    )
    circuit_breaker_path: str = setting(
        "commands.rate_limits.circuit_breaker_path",
        "text",
        ".loops/tmp/rate-limit-circuit.json",
        "File that holds the shared recovery time.",
        idle=True,
    )
    worktree_base: str = setting(
        "automation.worktree_base", "text", ".worktrees", "Folder of worktrees made for runs.", idle=True
    )
    transports: tuple[str, ...] = setting(
        "events.transports", "texts", (), "Where events are copied to, by name (jsonl).", idle=True
    )
    extensions: tuple[str, ...] = setting(
        "extensions", "texts", (), "Plug-ins that are loaded, by name.", idle=True
    )

    @property
    def loops_path(self) -> Path:
        """The loops folder as an absolute path."""
        return self.root / self.loops_dir

    def path(self, text: str) -> Path:
        """A path from a setting, made absolute below the project."""
        return self.root / text


def defaults() -> dict[str, Any]:
    """The value every setting has when nobody says anything, by name of its field."""
    bare = Config(Path())
    return {name: getattr(bare, name) for name, _ in settings()}


class Value(NamedTuple):
    """A setting, the value in force, and where it comes from."""

    setting: Setting
    value: Any
    origin: str


def settings() -> Iterator[tuple[str, Setting]]:
    """Every setting with the name of its field, in order of declaration."""
    for item in dataclasses.fields(Config):
        if "setting" in item.metadata:
            yield item.name, item.metadata["setting"]


def values(config: Config, loop: Mapping[str, Any] | None = None) -> list[Value]:
    """Every setting as it is in force; with the mapping of a loop, as a run of that loop would see it."""
    return [effective(config, name, loop=loop) for name, _ in settings()]


def effective(config: Config, name: str, *, flag: Any = None, loop: Mapping[str, Any] | None = None) -> Value:
    """The value of one field by precedence: flag, loop, environment, file, default.

    Args:
        name: field of ``Config``.
        flag: what the command line said, or None.
        loop: the mapping of the loop file, or None.
    """
    about: Setting = next(setting for field_name, setting in settings() if field_name == name)
    if flag is not None:
        return Value(about, flag, "flag")
    found = _dig(loop or {}, about.loop) if about.loop else None
    if found is not None:
        return Value(about, found, "loop")
    return Value(about, getattr(config, name), config.origins.get(about.key, "default"))


def _dig(mapping: Any, dotted: str) -> Any:
    for step in dotted.split("."):
        if not isinstance(mapping, Mapping) or step not in mapping:
            return None
        mapping = mapping[step]
    return mapping
