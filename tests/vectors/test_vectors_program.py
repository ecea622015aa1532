"""The vectors that need a disk: a run that is handed over and resumed, and runs that want the same paths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LL_LOOP = Path(sys.executable).with_name("ll-loop")
HANDED_OVER = """\
name: relay
initial: a
states:
  a: {action: "true", next: b}
  b: {action: "true", next: c}
  c: {action: "true", next: d}
  d:
    action: "if [ -e seen ]; then echo done; else touch seen; echo 'CONTEXT_HANDOFF: go on'; fi"
    signals: true
    next: end
  end: {terminal: true}
"""
HOLDER = """\
name: holder
initial: hold
scope: [src]
states:
  hold: {action: "touch held; exec sleep 20", next: end}
  end: {terminal: true}
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = [str(LL_LOOP), *words]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def write(folder: Path, name: str, text: str) -> None:
    (folder / ".loops").mkdir(exist_ok=True)
    (folder / ".loops" / f"{name}.yaml").write_text(text)


def journal(folder: Path) -> list[dict[str, Any]]:
    (only,) = folder.glob(".loops/runs/*/events.jsonl")
    return [json.loads(line) for line in only.read_text().splitlines()]


def test_a_run_that_hands_over_goes_on_in_its_own_folder(tmp_path: Path) -> None:
    write(tmp_path, "relay", HANDED_OVER)
    assert run(tmp_path, "run", "relay").returncode == 75
    first = journal(tmp_path)
    assert [event["event"] for event in first[-2:]] == ["handoff_detected", "loop_complete"]
    assert first[-1]["terminated_by"] == "handoff"
    assert run(tmp_path, "resume", "relay").returncode == 0
    whole = journal(tmp_path)
    resumed, started, entered = whole[len(first) : len(first) + 3]
    assert (resumed["event"], resumed["from_handoff"]) == ("loop_resume", True)
    assert resumed["continuation_prompt"] == "go on"
    assert started["event"] == "loop_start"
    assert (entered["event"], entered["state"], entered["iteration"]) == ("state_enter", "d", 5)
    assert whole[-1]["t"] >= first[-1]["t"]
    assert whole[-1]["terminated_by"] == "terminal"


@pytest.fixture
def held(tmp_path: Path) -> Any:
    """A run that holds ``src`` until it is killed."""
    write(tmp_path, "holder", HOLDER)
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    holder = subprocess.Popen(
        [str(LL_LOOP), "run", "holder"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while not (tmp_path / "held").exists():
        assert time.monotonic() < deadline, "the holder never came to its action"
        time.sleep(0.02)
    yield tmp_path, holder
    holder.send_signal(signal.SIGTERM)
    holder.wait(timeout=30)


def asks_for(folder: Path, scope: str) -> int:
    text = f'name: asker\ninitial: end\nscope: ["{scope}"]\nstates:\n  end: {{terminal: true}}\n'
    write(folder, "asker", text)
    return run(folder, "run", "asker").returncode


def test_only_overlapping_paths_exclude_each_other_and_only_while_the_holder_lives(held: Any) -> None:
    folder, holder = held
    assert asks_for(folder, "src/x") == 3
    assert asks_for(folder, ".") == 3
    assert asks_for(folder, "srcfoo") == 0
    holder.kill()
    holder.wait(timeout=30)
    assert asks_for(folder, "src/x") == 0
