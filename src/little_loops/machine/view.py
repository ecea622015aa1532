"""What a decision looks at: the definitions, the snapshot and the moment, with run options already applied.

Caps and the timeout given as run options bind the root loop; every other option binds every frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar

from little_loops.events import Event
from little_loops.fsm.schema import FSMLoop, StateConfig
from little_loops.machine.effects import Facts, Mode
from little_loops.machine.interpolation import Scope
from little_loops.machine.snapshot import Frame, Judged, Phase, Prev, Snapshot

Loops = Mapping[str, FSMLoop]
E = TypeVar("E", bound=Event)

DEFAULT_ACTION_SECONDS = 3600
DEFAULT_TOOL_SECONDS = 30
DEFAULT_VALUE_LIMIT = 1 << 20

NO_FACTS = Facts(0.0, 0)


def mode_of(state: StateConfig) -> Mode:
    """How the state's own action runs: shell, prompt, mcp or a contributed name."""
    match state.action_type:
        case "mcp_tool":
            return "mcp"
        case "prompt" | "slash_command":
            return "prompt"
        case None:
            return "prompt" if (state.action or "").startswith("/") else "shell"
        case name:
            return name


def is_learning(state: StateConfig) -> bool:
    """Whether the state proves learning targets."""
    return state.type == "learning" and state.learning is not None


@dataclass(frozen=True, slots=True)
class View:
    """One look at a running snapshot. ``facts`` are absent where nothing of the moment may matter."""

    loops: Loops
    snapshot: Snapshot
    facts: Facts = NO_FACTS

    @property
    def frame(self) -> Frame:
        return self.snapshot.frames[-1]

    @property
    def phase(self) -> Phase:
        return self.snapshot.frames[-1].phase

    @property
    def loop(self) -> FSMLoop:
        return self.loops[self.frame.definition]

    @property
    def state(self) -> StateConfig:
        return self.loop.states[self.frame.state]

    @property
    def is_root(self) -> bool:
        return len(self.snapshot.frames) == 1

    def record(self, kind: type[E], /, *, depth: int | None = None, **fields: Any) -> E:
        """A record of this moment, with its envelope."""
        return kind(
            ts=stamp(self.facts.wall),
            seq=self.snapshot.seq + 1,
            t=max(self.facts.clock, self.snapshot.t),
            depth=self.snapshot.depth if depth is None else depth,
            **fields,
        )

    # --- options ---------------------------------------------------------------------------------------

    def option(self, name: str) -> Any:
        """A run option, or None."""
        return self.snapshot.overrides.get(name)

    def cap(self, name: str) -> Any:
        """A run option that binds the root loop only."""
        return self.option(name) if self.is_root else None

    @property
    def step_cap(self) -> int:
        steps = self.cap("max_steps")
        if steps is not None:
            return int(steps)
        if self.loop.max_steps is not None:
            return self.loop.max_steps
        return int(self.cap("max_iterations") or self.loop.max_iterations)

    @property
    def lap_cap(self) -> int | None:
        if self.cap("max_steps") is None and self.loop.max_steps is None:
            return None
        laps = self.cap("max_iterations")
        return self.loop.lap_cap if laps is None else int(laps)

    @property
    def max_edge_revisits(self) -> int:
        return int(self.cap("max_edge_revisits") or self.loop.max_edge_revisits)

    @property
    def timeout(self) -> float | None:
        """Seconds this frame may take; None = no limit."""
        if not self.is_root:
            return self.frame.timeout or None
        return self.option("timeout") or self.loop.timeout or None

    @property
    def deadline(self) -> int | None:
        """Run clock at which this frame's time is up, ms."""
        return None if self.timeout is None else self.frame.started + int(self.timeout * 1000)

    @property
    def late(self) -> bool:
        return self.deadline is not None and self.facts.clock > self.deadline

    @property
    def backoff_ms(self) -> int:
        given = self.option("backoff")
        seconds = self.loop.backoff if given is None else given
        return max(0, int((seconds or 0) * 1000))

    @property
    def llm_enabled(self) -> bool:
        return self.loop.llm.enabled and not self.option("no_llm")

    @property
    def value_limit(self) -> int:
        return int(self.loop.value_limit or self.option("value_limit") or DEFAULT_VALUE_LIMIT)

    @property
    def on_interrupt(self) -> str:
        return self.state.interrupted or self.loop.interrupted or "retry"

    @property
    def on_handoff(self) -> str:
        return str(self.option("on_handoff") or self.loops[self.snapshot.root.definition].on_handoff)

    # --- interpolation ---------------------------------------------------------------------------------

    def scope(self) -> Scope:
        """What templates of the top frame may see. ``result`` is there only while a verdict is routed."""
        frame = self.frame
        return Scope(
            context=frame.context,
            data=frame.data,
            context_env=frame.env,
            captured=frame.captured,
            prev=prev_map(frame.prev),
            result=result_map(frame.phase),
            state=frame.state,
            iteration=frame.iteration,
            loop=frame.name,
            started_at=frame.started_ts,
            elapsed_ms=frame.entered - frame.started,
            continuation=self.snapshot.continuation,
            env=self.facts.env,
        )


@lru_cache(maxsize=4)
def stamp(wall: float) -> str:
    """Epoch seconds as a time stamp of a record; records of one moment share it."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="microseconds")


def prev_map(prev: Prev | None) -> Mapping[str, Any] | None:
    """``prev`` as templates see it; verdict and details only where there was an evaluation."""
    if prev is None:
        return None
    known: dict[str, Any] = {
        "output": prev.output,
        "exit_code": prev.exit_code,
        "state": prev.state,
        "timeout_kind": prev.timeout_kind,
    }
    if prev.verdict is not None:
        known["verdict"], known["details"] = prev.verdict, prev.details or {}
    return known


def result_map(phase: Phase) -> Mapping[str, Any] | None:
    """``result`` as templates see it."""
    if isinstance(phase, Judged):
        return {"verdict": phase.verdict, "details": phase.details}
    return None
