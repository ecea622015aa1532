"""Real projects in temporary folders, and the real program in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("ll-loop")
GIT = ("-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false")


@dataclass(frozen=True, repr=False)
class Ended:
    """How a command ended, and everything it said."""

    code: int
    said: str

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.said}"


JOURNALS = ".loops/runs/*/events.jsonl"


def environment() -> dict[str, str]:
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("LL_", "GIT_"))}
    return ours | {"COLUMNS": "120", "NO_COLOR": "1"}


class Project:
    """A git repository in which loops are run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        self.git("init", "--quiet", "--initial-branch=main", ".")
        self.write({".gitignore": ".loops/\n__pycache__/\n"})

    def git(self, *arguments: str, at: Path | None = None) -> str:
        command = ["git", *GIT, *arguments]
        done = subprocess.run(command, cwd=at or self.root, capture_output=True, text=True, check=True)
        return done.stdout

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def commit(self, files: dict[str, str] | None = None) -> None:
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "a change")

    def read(self, name: str) -> str:
        return (self.root / name).read_text("utf-8")

    def ll_loop(self, *arguments: str) -> Ended:
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            cwd=self.root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return Ended(done.returncode, done.stdout)

    def killed_in(self, state: str, *arguments: str) -> None:
        """Start a run and kill the engine, without warning, while the action of a state is under way."""
        engine = subprocess.Popen(
            [str(PROGRAM), *arguments],
            cwd=self.root,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        under_way = f'"event":"state_enter".*"state":"{state}".*\n.*"event":"action_start"'
        ends = time.monotonic() + 60
        while time.monotonic() < ends and engine.poll() is None:
            if any(re.search(under_way, path.read_text("utf-8")) for path in self.root.glob(JOURNALS)):
                break
            time.sleep(0.01)
        assert engine.poll() is None, f"the run ended before its state {state}"
        engine.kill()
        engine.wait()

    def run(self, loop: str, *arguments: str, **context: str) -> Ended:
        """Run a built-in loop; keyword arguments become --context."""
        given = [part for key, value in context.items() for part in ("--context", f"{key}={value}")]
        return self.ll_loop("run", loop, *arguments, *given)

    def events(self) -> list[dict[str, Any]]:
        """The journal of the newest run."""
        journal = max(self.root.glob(JOURNALS))
        return [json.loads(line) for line in journal.read_text("utf-8").splitlines()]

    def path(self) -> list[str]:
        """The states the newest run went through, its end included; states of sub-loops are left out."""
        own = [event for event in self.events() if "depth" not in event]
        ends = [
            e["final_state"]
            for e in own
            if e["event"] == "loop_complete" and e["terminated_by"] == "terminal"
        ]
        return [event["state"] for event in own if event["event"] == "state_enter"] + ends
