"""A project folder and the real program run in it; screens made comparable."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-P", "-m", "little_loops.cli.main"]
PATIENCE = 30.0

FIX = """
    name: fix
    description: test and repair until green
    initial: check
    max_iterations: 20
    scope: [fix]
    states:
      check:
        action: |
          echo testing
          test -f fixed && echo "3 passed" || { echo "1 failed"; exit 1; }
        capture: tests
        on_yes: done
        on_no: repair
      repair:
        action: echo repairing "${captured.tests.output}"; touch fixed
        next: check
      done:
        terminal: true
    """
NEVER = """
    name: never
    description: never gets there
    initial: check
    max_iterations: 4
    scope: [never]
    states:
      check:
        action: echo "FAILED test_a"; echo "1 failed" >&2; exit 1
        on_yes: done
        on_no: repair
        on_error: done
      repair:
        action: "true"
        next: check
      done:
        terminal: true
    """
WAITS = """
    name: waits
    description: says that it is there, and waits for the file go
    initial: a
    scope: [waits]
    states:
      a:
        action: echo here; touch here; until test -e go; do sleep 0.02; done; echo gone
        next: done
      done:
        terminal: true
    """
LOOPS = {"fix": FIX, "never": NEVER, "waits": WAITS}


class Shop:
    """A project with loops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loops = folder / ".loops"
        self.loops.mkdir(parents=True)
        for name, text in LOOPS.items():
            self.write(name, text)

    def write(self, name: str, text: str) -> Path:
        """Put a loop file there."""
        path = self.loops / f"{name}.yaml"
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def env(self, **more: str) -> dict[str, str]:
        kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "PYTHONPATH") if key in os.environ}
        return {**kept, "TZ": "UTC", "PYTHONUTF8": "1", "TMPDIR": str(self.folder), **more}

    def ll(self, *words: str, stdin: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        """Run the program to its end."""
        return subprocess.run(
            [*PROGRAM, *words], cwd=self.folder, env=self.env(**env), input=stdin, capture_output=True,
            text=True, check=False, timeout=PATIENCE,
            **({} if stdin is not None else {"stdin": subprocess.DEVNULL}),
        )  # fmt: skip

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start the program and leave it alone."""
        return subprocess.Popen(
            [*PROGRAM, *words], cwd=self.folder, env=self.env(**env), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def json(self, *words: str) -> Any:
        """What a command answers as JSON."""
        done = self.ll(*words, "--json")
        return json.loads(done.stdout)

    def runs(self) -> list[str]:
        """Run ids, oldest first."""
        place = self.loops / "runs"
        return sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []

    def records(self, run_id: str) -> list[dict[str, Any]]:
        """The journal of a run."""
        text = (self.loops / "runs" / run_id / "events.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def until(self, name: str) -> None:
        """Wait for a file of the project."""
        wait_for((self.folder / name).exists, f"file {name}")

    def go(self) -> None:
        """Let the loop ``waits`` end."""
        (self.folder / "go").touch()


def wait_for(there: Callable[[], bool], what: str) -> None:
    """Wait until something is so, for as long as a slow machine may need."""
    until = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.02)


def plain(text: str, shop: Shop) -> str:
    """A screen with its run ids, times, durations and paths replaced, and blanks at line ends dropped."""
    text = text.replace(str(shop.folder), "PROJECT")
    text = re.sub(r"\d{8}-\d{6}-([a-z0-9-]+)-[a-z2-7]{4}", r"RUN-\1", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "DATE TIME", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\b\d+ms\b|\b\d+\.\ds\b|\(\d+s\)|\b\d+s ago\b", _span, text)
    text = re.sub(r"(PID:? +|PID |pid )\d+", r"\1PID", text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def _span(found: re.Match[str]) -> str:
    return "(Ns)" if found[0].startswith("(") else "Ns ago" if found[0].endswith("ago") else "SPAN"


def screen(text: str) -> str:
    """An expected screen, written indented."""
    return textwrap.dedent(text).strip("\n")


class Terminal:
    """The program on a pseudo-terminal, with what it printed so far."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.master = master
        self.text = ""

    def read(self, seconds: float) -> bool:
        """Take in what comes; False once nothing more can come."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            piece = os.read(self.master, 65536)
        except OSError:
            return False
        self.text += piece.decode("utf-8", "replace")
        return bool(piece)

    def expect(self, text: str) -> None:
        """Read until the text was printed."""
        until = time.monotonic() + PATIENCE
        while text not in self.text:
            assert time.monotonic() < until, f"{text!r} never came; there was: {self.text!r}"
            if not self.read(0.1):
                break
        assert text in self.text, f"{text!r} never came; there was: {self.text!r}"

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def end(self) -> int:
        """Read to the end; the exit code."""
        until = time.monotonic() + PATIENCE
        while self.read(0.1) and self.process.poll() is None:
            assert time.monotonic() < until, self.text
        while self.read(0) and select.select([self.master], [], [], 0)[0]:
            pass
        return self.process.wait(PATIENCE)

    def hang_up(self) -> None:
        """The terminal goes away."""
        os.close(self.master)
        self.master = -1


@contextmanager
def terminal(shop: Shop, *words: str, columns: int = 100, **env: str) -> Iterator[Terminal]:
    """The program on a terminal of its own, in the foreground of its own session."""
    master, slave = pty.openpty()
    _resize(slave, columns)
    process = subprocess.Popen(
        [*PROGRAM, *words], cwd=shop.folder, env=shop.env(TERM="xterm-256color", **env),
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True, preexec_fn=_take_terminal,  # noqa: PLW1509 - no threads here
    )  # fmt: skip
    os.close(slave)
    shown = Terminal(process, master)
    try:
        yield shown
    finally:
        if shown.master >= 0:
            os.close(shown.master)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)


def _take_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _resize(fd: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
