"""A project, a run folder and agents that play plans."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from pathlib import Path
from typing import Any

from little_loops.hosts.table import HOSTS
from little_loops.machine.effects import ActionResult, Done, Failed, RunAction, Stopped
from little_loops.runners.agent import AgentRunner
from little_loops.runners.calls import Place
from little_loops.runtime.ports import Stop

FAKE = Path(__file__).with_name("fake_agent.py")
INIT = {"type": "system", "subtype": "init", "session_id": "s-1", "model": "opus"}


def said(text: str) -> dict[str, Any]:
    """The agent says something."""
    return {"type": "assistant", "message": {"content": [{"type": "text", "text": text}]}}


def used(tool: str, **given: Any) -> dict[str, Any]:
    """The agent uses a tool."""
    return {"type": "assistant", "message": {"content": [{"type": "tool_use", "name": tool, "input": given}]}}


def result(**given: Any) -> dict[str, Any]:
    """The host's account of the call, a good one unless said otherwise."""
    return {
        "type": "result", "subtype": "success", "is_error": False, "result": "done", "session_id": "s-1",
        "total_cost_usd": 0.5, "usage": {"input_tokens": 10, "output_tokens": 20}, **given,
    }  # fmt: skip


class Stage:
    """Everything one test needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin, self.project, self.run = folder / "bin", folder / "project", folder / "run"
        self.tools = folder / "tools"
        for made in (self.bin, self.project, self.run, self.tools):
            made.mkdir()
        # What loops need and nothing else: an agent that this machine has is never asked.
        for name in ("bash", "sh", "git"):
            program = shutil.which(name)
            assert program is not None
            (self.tools / name).symlink_to(program)

    @property
    def env(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LANG", "TMPDIR") if name in os.environ}
        path = f"{self.bin}:{self.tools}"
        return {**kept, "PATH": path, "HOME": str(self.folder), "WHO": "me", "CLAUDECODE": "1"}

    def installs(self, name: str, *plans: list[dict[str, Any]]) -> None:
        """Put an agent there; call by call it plays plan by plan, the last one again and again."""
        program = self.bin / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {self.bin}/fake_agent.py "$@"\n')
        program.chmod(0o755)
        (self.bin / "fake_agent.py").write_text(FAKE.read_text())
        (self.bin / "plan.json").write_text(json.dumps(plans))

    @property
    def asked(self) -> list[dict[str, Any]]:
        """How the agent was called, call by call."""
        log = self.bin / "asked.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def place(self) -> Place:
        return Place(str(self.run), self.env, str(self.project), grace_s=1.0)

    def runner(self, host: str = "claude") -> AgentRunner:
        return AgentRunner(HOSTS[host], self.place)

    def done(self, outcomes: list[Any]) -> ActionResult:
        """The result at the end of the outcomes."""
        end = outcomes[-1]
        assert isinstance(end, Done | Stopped), end
        assert end.result is not None
        return end.result

    def perform(
        self, *plan: dict[str, Any], host: str = "claude", stop: Stop | None = None, **given: Any
    ) -> list[Any]:
        """Everything that comes of a call whose agent plays the plan."""
        from tests.runners.tools import perform

        self.installs(HOSTS[host].program, list(plan))
        return perform(self.runner(host), action(**given), stop)

    def result(self, *plan: dict[str, Any], **given: Any) -> ActionResult:
        """The result of such a call."""
        return self.done(self.perform(*plan, **given))

    def refused(self, *plan: dict[str, Any], **given: Any) -> str:
        """Why such a call failed for good."""
        end = self.perform(*plan, **given)[-1]
        assert isinstance(end, Failed), end
        return end.error


def action(prompt: str = "do it", **given: Any) -> RunAction:
    """An agent action of step 1."""
    known = {"state": "s", "run_id": f"test-{uuid.uuid4().hex}", "step": 1, "attempt": 1, "markers": True}
    return RunAction(mode="prompt", action=prompt, **{**known, **given})


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
