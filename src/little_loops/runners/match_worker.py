"""The process in which an author's pattern or jq program runs: a script that imports nothing of ours.

One JSON line in, one JSON line out, until standard input ends. It is told a memory cap on its command line,
ends itself when a request outlives its deadline, and has no environment: a program reads its text alone.
"""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
from typing import Any

_SPARE_SECONDS = 2  # the engine kills at the deadline; the alarm is for a worker whose engine is gone


def find(pattern: str, text: str) -> dict[str, Any]:
    """Whether ``pattern`` is found anywhere in ``text``."""
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return {"compiled": False}
    return {"found": compiled.search(text) is not None}


def select(program: str, text: str) -> dict[str, Any]:
    """The one value that a jq program gives for a JSON text."""
    import jq

    try:
        document = json.loads(text)
    except ValueError as error:
        return {"error": f"invalid JSON: {error}"}
    try:
        results = iter(jq.compile(program).input_value(document))
        found = [value for value, _ in zip(results, range(2), strict=False)]
    except ValueError as error:
        return {"error": f"jq: {str(error).strip()}"}
    if len(found) == 1:
        return {"found": True, "value": found[0]}
    return {
        "error": "jq: the program gives no value" if not found else "jq: the program gives several values"
    }


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; a mistake of the program is an ``error``."""
    try:
        if request["kind"] == "jq":
            return select(request["program"], request["text"])
        return find(request["program"], request["text"])
    except MemoryError:
        return {"error": "the program needs more memory than it may have"}
    except RecursionError:
        return {"error": "the program is nested too deeply"}


def main(memory: int, path: list[str]) -> None:
    """Serve requests. ``memory`` in bytes of address space; ``path`` is where jq is found."""
    sys.path[:] = path
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 2)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for line in sys.stdin.buffer:
        request = json.loads(line)
        signal.alarm(int(request["deadline_s"]) + _SPARE_SECONDS)
        reply = answer(request)
        signal.alarm(0)
        sys.stdout.buffer.write(json.dumps(reply).encode("ascii") + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
