"""Which runner performs which effect: one table, filled by the composition root."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from little_loops.machine.effects import Effect, Failed, Outcome, RunAction
from little_loops.runtime.ports import Runner, Stop


@dataclass(frozen=True, slots=True)
class Performer:
    """Runners by kind of effect; actions by mode."""

    actions: Mapping[str, Runner]
    effects: Mapping[type[Effect], Runner] = field(default_factory=dict)

    def __call__(self, effect: Effect, stop: Stop) -> Iterator[Outcome]:
        """Perform one effect; without a runner it fails with a reason."""
        runner = (
            self.actions.get(effect.mode) if isinstance(effect, RunAction) else self.effects.get(type(effect))
        )
        if runner is None:
            yield Failed(f"nothing here can perform {type(effect).__name__}")
            return
        yield from runner.perform(effect, stop)
