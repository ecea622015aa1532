"""Performing effects with the real runners."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from little_loops.machine.effects import (
    ActionResult,
    Done,
    Effect,
    Failed,
    OutputRead,
    PartialLine,
    RunAction,
    Stopped,
    Text,
)
from little_loops.process import StopToken
from little_loops.runners.shell import ShellRunner
from little_loops.runtime.ports import Runner, Stop

E = TypeVar("E")


def perform(runner: Runner, effect: Effect, stop: Stop | None = None) -> list[Any]:
    """Everything the runner says; exactly one end, and that last, is checked here for all runners."""
    outcomes: list[Any] = list(runner.perform(effect, stop or StopToken()))
    ends = [one for one in outcomes if type(one).__name__ in ENDS]
    assert ends == outcomes[-1:]
    return outcomes


ENDS = {"Done", "Failed", "Stopped", "Judged", "Matched", "Measured", "Fenced", "Woke"}


def the_end(runner: Runner, effect: Effect, kind: type[E], stop: Stop | None = None) -> E:
    """The end, of the kind that is expected."""
    end = perform(runner, effect, stop)[-1]
    assert isinstance(end, kind), end
    return end


def action(text: str, mode: str = "shell", **others: Any) -> RunAction:
    """An action of step 1."""
    given = {"state": "s", "run_id": f"test-{uuid.uuid4().hex}", "step": 1, "attempt": 1, **others}
    return RunAction(mode=mode, action=text, **given)


@dataclass
class Shell:
    """Bash in a folder."""

    folder: Path
    env: Mapping[str, str] | None = None
    cwd: str | None = None

    @property
    def runner(self) -> ShellRunner:
        env = {**os.environ, **(self.env or {})}
        return ShellRunner(str(self.folder), env, self.cwd, grace_s=1.0)

    def run(self, text: str, **others: Any) -> ActionResult:
        """The result of a text that bash runs."""
        end = perform(self.runner, action(text, **others))[-1]
        assert isinstance(end, Done | Stopped), end
        assert end.result is not None
        return end.result

    def refused(self, text: str, **others: Any) -> str:
        """Why a text is not run."""
        return the_end(self.runner, action(text, **others), Failed).error

    def value(self, text: str, name: str = "V", **others: Any) -> bytes:
        """What bash prints of one data value."""
        self.run(f'printf %s "${name}"', values={name: Text(text)}, **others)
        file = self.folder / "output" / "0001.out"
        return file.read_bytes() if file.exists() else b""


def lines_of(outcomes: list[Any]) -> list[str]:
    """All complete lines."""
    return [line for one in outcomes if isinstance(one, OutputRead) for line in one.lines]


def recorded(outcomes: list[Any]) -> list[str]:
    """The lines that go into a journal."""
    reads = [one for one in outcomes if isinstance(one, OutputRead)]
    return [line for one in reads for line in one.lines[: one.recorded]]


def partials(outcomes: list[Any]) -> list[str]:
    """The unfinished lines that were shown."""
    return [one.text for one in outcomes if isinstance(one, PartialLine)]
