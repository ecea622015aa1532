"""An agent that plays a plan: a program named like a host's, put first in PATH.

Beside it lie ``plan.json`` (what it does) and, afterwards, ``asked.json`` (how it was called).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[0]).resolve().parent


def main() -> int:
    stdin = sys.stdin.buffer.read().decode("utf-8", "replace")
    env = {name: os.environ.get(name) for name in ("LL_RUN_ID", "LL_STEP", "LL_ATTEMPT", "CLAUDECODE")}
    files = [Path(word).read_text() for word in sys.argv[1:] if word.endswith(".schema.json")]
    asked = {"argv": sys.argv[1:], "stdin": stdin, "env": env, "cwd": str(Path.cwd()), "files": files}
    with (FOLDER / "asked.jsonl").open("a") as log:
        log.write(json.dumps(asked) + "\n")
    calls = len((FOLDER / "asked.jsonl").read_text().splitlines())
    plans = json.loads((FOLDER / "plan.json").read_text())
    code = 0
    for step in plans[min(calls, len(plans)) - 1]:
        code = play(step, code)
    sys.stdout.flush()
    os._exit(code)


def play(step: dict[str, Any], code: int) -> int:  # noqa: C901, PLR0912 - one case a kind of step
    (kind, value), *_ = step.items()
    match kind:
        case "say":
            sys.stdout.write(value if isinstance(value, str) else json.dumps(value))
            sys.stdout.write("\n")
            sys.stdout.flush()
        case "raw":
            sys.stdout.write(value)
            sys.stdout.flush()
        case "err":
            sys.stderr.write(value + "\n")
            sys.stderr.flush()
        case "sleep":
            time.sleep(value)
        case "wait_for":
            while not Path(value).exists():
                time.sleep(0.01)
        case "write":
            Path(value).write_text("written by the agent")
        case "long_line":
            for _ in range(value):
                sys.stdout.write("x" * (1 << 20))
            sys.stdout.write("\n")
        case "child_keeps_pipes":
            if os.fork() == 0:
                (FOLDER / "child").write_text(str(os.getpid()))
                time.sleep(value)
                os._exit(0)
        case "close":
            sys.stdout.flush()
            os.close(1)
            os.close(2)
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for the rest of the process
        case "exit":
            return int(value)
    return code


if __name__ == "__main__":
    main()
