"""A project in a folder, and ``ll-loop`` as a person types it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LL_LOOP = str(Path(sys.executable).parent / "ll-loop")

FIX = """\
name: fix
description: |
  Make the tests pass.
  By asking again and again.
category: quality
labels: [python, tests]
scope: [src]
initial: check
states:
  check:
    action: pytest -q
    on_yes: done
    on_no: repair
    on_error: broken
  repair: {action: "/repair the tests", next: check}
  done: {terminal: true}
  broken: {terminal: true, failure: true}
"""


@dataclass(frozen=True)
class Screen:
    """What a command left behind."""

    out: str
    err: str
    code: int

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".loops").mkdir(parents=True, exist_ok=True)

    def loop(self, name: str, text: str) -> Path:
        path = self.root / ".loops" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def ll(self, *args: str, stdin: str = "", cwd: Path | None = None, **env: str) -> Screen:
        """``ll-loop`` with these words, without a terminal, 80 columns wide."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LL_")}
        done = subprocess.run(
            [LL_LOOP, *args],
            cwd=cwd or self.root,
            input=stdin,
            capture_output=True,
            text=True,
            env={**clean, "COLUMNS": "80", "HOME": str(self.root.parent), **env},
            timeout=60,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        assert "mistake in ll-loop itself" not in done.stderr, done.stderr
        return Screen(done.stdout, done.stderr, done.returncode)
