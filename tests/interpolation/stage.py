"""Real bash on a stage of its own: values come from files, everything written is compared, nothing may run.

One bash runs a text for many values, each in a subshell, so that hundreds of values cost one process and not
hundreds; the text is the same for all of them, because no value is ever in it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from little_loops.fsm.bash import prelude
from little_loops.machine.interpolation import Rendered, Scope, render_shell, resolve_values

REFERENCE = "${prev.output}"
CANARY = "CANARY"
_GOT = "got() { printf '%s\\0' \"$@\"; }\nexport -f got\n"
_LOOP = """
for name in values/*; do
  name=${name##*/}
  LC_ALL=C IFS= read -r -d '' VARIABLE < "values/$name"
  (. ./action) > "out/$name" 2>> errors < /dev/null
done
"""


def scope(value: object, **changes: object) -> Scope:
    """A scope in which the step before wrote `value`."""
    prev = {"output": value, "exit_code": 0, "state": "before", "timeout_kind": None}
    fields: dict[str, object] = {
        "context": {},
        "data": frozenset(),
        "context_env": {},
        "captured": {},
        "prev": prev,
        "result": None,
        "state": "here",
        "iteration": 1,
        "loop": "corpus",
        "started_at": "2026-01-01T00:00:00+00:00",
        "elapsed_ms": 0,
        "continuation": None,
        "env": {},
    }
    return Scope(**{**fields, **changes})  # type: ignore[arg-type]


def rendered(text: str, value: str) -> Rendered:
    """A text of the tables, `§` being the reference, rendered for a value."""
    return render_shell(text.replace("§", REFERENCE), scope(value))


def carrier(action: Rendered) -> str:
    """The variable that carries the value."""
    (variable,) = action.values
    return variable


def perform(action: Rendered, values: Sequence[str], stage: Path) -> list[bytes]:
    """What the action writes for each value, all in one bash."""
    variable = carrier(action)
    for folder in ("values", "out", "dir"):
        (stage / folder).mkdir(parents=True)
    for number, value in enumerate(values):
        (stage / "values" / f"{number:04}").write_bytes(value.encode())
    (stage / "action").write_text(action.text + "\n", encoding="utf-8")
    driver = _GOT + _LOOP.replace("VARIABLE", variable)
    run_bash(driver, stage, {})
    return [(stage / "out" / f"{number:04}").read_bytes() for number in range(len(values))]


def perform_one(action: Rendered, value: str, stage: Path, *, by_file: bool = False) -> bytes:
    """What the action writes as `bash -c`, the value in the environment or read from a file."""
    stage.mkdir(parents=True, exist_ok=True)
    (stage / "dir").mkdir(exist_ok=True)
    texts = {name: text for name, (text, _) in resolve_values(action.values, scope(value)).items()}
    if not by_file:
        return run_bash(_GOT + action.text, stage, texts)
    paths: dict[str, str] = {}
    for name, text in texts.items():
        paths[name] = str(stage / f"it's {name}")
        Path(paths[name]).write_bytes(text.encode())
    return run_bash(prelude(paths) + _GOT + action.text, stage, {})


def run_bash(text: str, stage: Path, values: Mapping[str, str]) -> bytes:
    """Run a text in a bash of its own; what it wrote to standard output."""
    env = {"PATH": os.environ["PATH"], "HOME": str(stage), "LANG": "C.UTF-8", **values}
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=stage,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def untouched(stage: Path) -> bool:
    """True when nothing has been executed: nowhere on the stage is there a canary."""
    return not any(name == CANARY for _, _, files in os.walk(stage) for name in files)
