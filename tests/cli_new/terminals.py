"""``ll-loop`` in an empty project: with flags and no terminal, or with a person who answers at one."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LL_LOOP = str(Path(sys.executable).parent / "ll-loop")


@dataclass(frozen=True)
class Screen:
    out: str
    err: str
    code: int


@dataclass(frozen=True)
class Place:
    """A folder that is a project of its own."""

    root: Path

    def file(self, name: str) -> Path:
        return self.root / ".loops" / f"{name}.yaml"

    def environment(self) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("LL_")}
        return {**clean, "COLUMNS": "100", "HOME": str(self.root.parent), "NO_COLOR": "1"}

    def ll(self, *args: str | bytes) -> Screen:
        done = subprocess.run(
            [LL_LOOP, *args], cwd=self.root, stdin=subprocess.DEVNULL, capture_output=True,
            env=self.environment(), timeout=60, check=False,
        )  # fmt: skip
        out, err = done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        assert "Traceback" not in err and "mistake in ll-loop itself" not in err, err
        return Screen(out, err, done.returncode)

    def typed(self, answers: str, *args: str) -> Screen:
        """The same at a terminal at which a person types these lines; the end of them is Ctrl-D."""
        mine, theirs = pty.openpty()
        with subprocess.Popen(
            [LL_LOOP, *args], cwd=self.root, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE,
            env={**self.environment(), "TERM": "xterm"}, start_new_session=True,
        ) as running:  # fmt: skip
            os.close(theirs)
            os.write(mine, answers.encode() + b"\x04")
            assert running.stdout is not None
            out = running.stdout.read().decode()
            code = running.wait(60)
        said = b""
        while True:
            try:
                piece = os.read(mine, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            said += piece
        os.close(mine)
        err = said.decode("utf-8", "replace").replace("\r\n", "\n")
        assert "Traceback" not in err and "mistake in ll-loop itself" not in err, err
        return Screen(out, err, code)
