"""`kill -9` of the engine at random moments of real runs: nothing is lost, invented or done twice.

Every action writes one line into an effects log. An outcome in the journal must have its line exactly once; a
line without an outcome can only come from an attempt that a kill cut short. ``LL_KILLS`` (default 200) kills
are spread over chunks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.published import breaches

KILLS = int(os.environ.get("LL_KILLS", "200"))
CHUNKS = 4
STEPS = 50
DRIVER = Path(__file__).with_name("drive.py")

LOOP = f"""
name: work
description: counts steps and leaves a line for each
initial: left
scope: [.]
max_iterations: {STEPS + 5}
states:
  left:
    action: |
      echo "$LL_STEP $LL_ATTEMPT left" >> effects.log
      head -c 300 /dev/urandom | od -c
      sleep 0.02
      test "$LL_STEP" -ge {STEPS}
    capture: left
    on_yes: done
    on_no: right
  right:
    action: |
      echo "$LL_STEP $LL_ATTEMPT right" >> effects.log
      test -n "${{captured.left.output}}"
    on_yes: left
    on_no: broken
  broken: {{terminal: true, failure: true}}
  done: {{terminal: true}}
"""


def make_project(folder: Path) -> Path:
    (folder / ".loops").mkdir(parents=True)
    (folder / ".loops" / "work.yaml").write_text(LOOP)
    return folder


def journal_of(project: Path) -> Path | None:
    return next(iter(project.glob(".loops/runs/*/events.jsonl")), None)


def size_of(project: Path) -> int:
    journal = journal_of(project)
    return journal.stat().st_size if journal is not None else 0


def start(project: Path, durability: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(DRIVER), str(project), durability],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def run_and_kill(project: Path, durability: str, rng: random.Random) -> bool:
    """One segment, killed at a random moment after it began to write; True if it ended before that."""
    before, engine = size_of(project), start(project, durability)
    while engine.poll() is None and size_of(project) == before:
        time.sleep(0.001)
    try:
        engine.wait(rng.uniform(0.0, 0.25))
    except subprocess.TimeoutExpired:
        engine.send_signal(signal.SIGKILL)
        engine.wait()
        return is_over(project)
    finally:
        complaint = engine.communicate()[1]
    assert engine.returncode == 0, complaint.decode()
    return True


def is_over(project: Path) -> bool:
    """Whether the last whole line of the journal ends the run."""
    journal = journal_of(project)
    lines = journal.read_bytes().rpartition(b"\n")[0].splitlines() if journal is not None else []
    return bool(lines) and json.loads(lines[-1])["event"] == "loop_complete"


def records(project: Path) -> list[dict[str, Any]]:
    journal = journal_of(project)
    assert journal is not None
    lines = journal.read_bytes().split(b"\n")
    assert lines.pop() == b"", "a finished run has no torn line"
    return [json.loads(line) for line in lines]


def check_laws(project: Path, kills: int) -> None:
    journal = records(project)
    assert breaches(journal) == [], "every record is one of the published schemas"
    assert [record["seq"] for record in journal] == list(range(1, len(journal) + 1))
    entered = [record for record in journal if record["event"] == "state_enter"]
    assert [record["iteration"] for record in entered] == list(range(1, len(entered) + 1))
    assert [record["state"] for record in entered] == [("left", "right")[n % 2] for n in range(len(entered))]
    done = outcomes(journal)
    effects = Counter(
        (int(line.split()[0]), int(line.split()[1]))
        for line in (project / "effects.log").read_text().splitlines()
    )
    assert [key for key in done if effects[key] != 1] == [], "every outcome has its effect exactly once"
    unfinished = sum(effects.values()) - len(done)
    assert unfinished <= kills, "an effect without an outcome costs a kill"
    assert journal[-1]["event"] == "loop_complete"
    assert journal[-1]["terminated_by"] == "terminal"
    assert not list(leftovers(project)), "nothing that the run started lives on"


def outcomes(journal: list[dict[str, Any]]) -> list[tuple[int, int]]:
    """(step, attempt) of every action whose end is recorded."""
    done, step, attempt = [], 0, 0
    for record in journal:
        match record["event"]:
            case "state_enter":
                step += 1
            case "action_start":
                attempt = record.get("attempt", 1)
            case "action_complete":
                done.append((step, attempt))
    return done


def leftovers(project: Path) -> list[str]:
    journal = journal_of(project)
    assert journal is not None
    mark = f"LL_RUN_ID={journal.parent.name}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in environ.read_bytes():
                found.append(environ.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks for leftovers in /proc")
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_a_killed_run_goes_on_without_losing_or_inventing_a_step(chunk: int, tmp_path: Path) -> None:
    rng = random.Random(chunk)
    killed, round_ = 0, 0
    while killed < KILLS // CHUNKS:
        round_ += 1
        durability = ("step", "relaxed", "strict")[round_ % 3]
        project, kills = make_project(tmp_path / str(round_)), 0
        while not run_and_kill(project, durability, rng):
            kills += 1
        check_laws(project, kills)
        killed += kills
