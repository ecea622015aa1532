"""Runs a loop with the older tool, installed from the package index into a cache outside the project.

It is only ever run as a program. Actions are a small shell script that looks its next answer up in a folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

import yaml
from tests.differential.generator import Case

VERSION = "1.105.0"
ACT = """\
here=world/$1
n=$(cat "$here/n" 2>/dev/null || echo 0)
echo $((n + 1)) > "$here/n"
i=$((n % $(cat "$here/length")))
[ "$2" = echo ] && shift 2 && printf '<%s>' "$@" && echo
cat "$here/$i.out"
exit "$(cat "$here/$i.code")"
"""


class NotInstallable(Exception):
    """The package index does not answer, or does not have it."""


def installed(package: str = f"little-loops=={VERSION}") -> Path:
    """The folder of the tool's programs; installed on first use.

    Raises:
        NotInstallable: no package index.
    """
    home = Path(os.environ.get("XDG_CACHE_HOME") or tempfile.gettempdir()) / "ll-loop-peers"
    place = home / package.replace("==", "-")
    if not (place / "bin" / "ll-loop").exists():
        make = [sys.executable, "-m", "venv", str(place)]
        install = [str(place / "bin" / "pip"), "install", "-q", "--no-input", package]
        for command in (make, install):
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
            if done.returncode != 0:
                raise NotInstallable(done.stderr[-500:])
    return place / "bin"


def lay_out(case: Case, folder: Path) -> None:
    """A project in ``folder`` whose loops and actions are those of the case."""
    loops = folder / ".loops"
    loops.mkdir(parents=True)
    for name, loop in case.loops.items():
        (loops / f"{name}.yaml").write_text(yaml.safe_dump(loop, sort_keys=False, allow_unicode=True))
    (folder / "act").write_text(ACT)
    for label, answers in case.script["answers"].items():
        place = folder / "world" / label
        place.mkdir(parents=True)
        (place / "length").write_text(str(len(answers)))
        for n, answer in enumerate(answers):
            (place / f"{n}.out").write_text(answer["stdout"])
            (place / f"{n}.code").write_text(str(answer["exit_code"]))


def run_older(case: Case, folder: Path, programs: Path) -> list[dict[str, Any]]:
    """The older tool's events of the case."""
    lay_out(case, folder)
    command = [str(programs / "ll-loop"), "run", "l0", "--quiet"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    journals = sorted(folder.glob(".loops/.running/*.events.jsonl"))
    assert journals, f"no journal; the tool said: {done.stdout[-800:]} {done.stderr[-800:]}"
    return [json.loads(line) for line in journals[-1].read_text().splitlines()]


def run_ours(case: Case, folder: Path, program: Path) -> list[dict[str, Any]]:
    """This project's events of the case, as a program."""
    lay_out(case, folder)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        [str(program), "run", "l0", "--quiet"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    journals = sorted(folder.glob(".loops/runs/*/events.jsonl"))
    assert journals, f"no journal; ll-loop said: {done.stdout[-800:]} {done.stderr[-800:]}"
    return [json.loads(line) for line in journals[-1].read_text().splitlines()]


KEYS: Mapping[str, tuple[str, ...]] = {
    "loop_start": ("loop",),
    "state_enter": ("state", "iteration"),
    "route": ("from", "to", "reason"),
    "action_start": ("action", "is_prompt"),
    "action_output": ("line",),
    "action_complete": ("exit_code", "output_preview", "is_prompt"),
    "action_error": ("state", "route"),
    "evaluate": (
        *("type", "verdict", "exit_code", "value", "target", "operator", "path", "matched", "pattern"),
        *("negate", "current", "previous", "delta", "direction", "score"),
    ),
    "retry_exhausted": ("state", "retries", "next"),
    "cycle_detected": ("edge", "from", "to", "count", "max"),
    "loop_complete": ("final_state", "iterations", "terminated_by"),
}
"""What all three say, by event: published fields, and details of evaluators."""


def same(ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    """Whether two runs are one; where a text of ours stands for its data by name, the texts may differ."""
    placed = [event.get("values") is not None for event in ours if event["event"] in KEYS]
    pairs: Iterable[Any] = zip_longest(common(ours), common(others), placed, fillvalue={})
    return all(
        mine == other or (named and {**mine, "action": ""} == {**other, "action": ""})
        for mine, other, named in pairs
    )


def common(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events as all three tools tell them."""
    out = []
    for event in events:
        name = event["event"]
        if name in KEYS:
            kept = {key: event[key] for key in KEYS[name] if key in event}
            out.append({"event": name, "depth": event.get("depth", 0), **kept})
    return out
