"""The program, killed with -9 again and again, tells the naive executor's run once its journal is healed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.differential.peer import lay_out, same
from tests.differential.shared import make_shared
from tests.differential.test_resume import healed

Json = dict[str, Any]
LL_LOOP = Path(sys.executable).with_name("ll-loop")
KILLS = 12
ACT = """\
here=world/$1
mark=$here/step-$LL_STEP
if [ ! -e "$mark" ]; then
    marks=("$here"/step-*)
    [ -e "${marks[0]}" ] && n=${#marks[@]} || n=0
    echo "$((n % $(cat "$here/length")))" > "$mark.new" && mv "$mark.new" "$mark"
fi
i=$(cat "$mark")
sleep 0.03
[ "$2" = echo ] && shift 2 && printf '<%s>' "$@" && echo
cat "$here/$i.out"
exit "$(cat "$here/$i.code")"
"""
"""An action that gives the same answer when its step is run again."""


@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[pytest.mark.slow] if n > 2001 else []) for n in range(2000, 2030)]
)
def test_a_killed_program_goes_on_as_if_nothing_had_happened(number: int, tmp_path: Path) -> None:
    case, run = make_shared(number)
    lay_out(case, tmp_path)
    (tmp_path / "act").write_text(ACT)
    dice = random.Random(number)
    for _ in range(KILLS):
        if ended(run_for(tmp_path, dice.randint(3, 12))):
            break
    else:
        run_for(tmp_path, 1_000_000)
    lines = journal(tmp_path)
    assert ended(lines), lines[-1:]
    assert same(healed(lines), run.events), str(case)


def run_for(folder: Path, lines: int) -> list[Json]:
    """Start or resume the run, and kill it as soon as it has written so many lines, if it still lives."""
    before = len(journal(folder))
    process = subprocess.Popen(
        [str(LL_LOOP), "resume" if before else "run", "l0", "--quiet"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and len(journal(folder)) < before + lines:
        assert time.monotonic() < deadline, "the program does not come on"
        time.sleep(0.003)
    process.kill()
    process.wait(timeout=30)
    return journal(folder)


def journal(folder: Path) -> list[Json]:
    """The whole lines of the one journal, if there is one yet."""
    lines: list[Json] = []
    for file in folder.glob(".loops/runs/*/events.jsonl"):
        lines += [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]
    return lines


def ended(lines: list[Json]) -> bool:
    return bool(lines) and lines[-1]["event"] == "loop_complete" and not lines[-1].get("depth")
