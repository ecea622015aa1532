"""The throw-away projects that are measured: loop files that this engine and little-loops read alike."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

HEADER = "description: a loop to be measured\nscope: [{scope}]\n"


def project(root: Path, name: str) -> Path:
    """An empty git repository with a folder for loops."""
    folder = root / name
    (folder / ".loops").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", "."], cwd=folder, check=True)
    return folder


def write_loop(folder: Path, name: str, body: str) -> None:
    text = f"name: {name}\n{HEADER.format(scope=json.dumps(name))}{body}"
    (folder / ".loops" / f"{name}.yaml").write_text(text, "utf-8")


def ping_pong(steps: int, action: str, *, more: str = "", capture_bytes: int = 0) -> str:
    """Two states that hand over to each other until the step cap; with a capture, every step reads it."""
    first, read = "a", ""
    states = []
    if capture_bytes:
        first, read = "big", "\n      : ${captured.big.output}"
        states.append(
            f"  big:\n    action: head -c {capture_bytes} /dev/zero | tr '\\0' x\n"
            "    capture: big\n    next: a\n"
        )
    for state, other in (("a", "b"), ("b", "a")):
        states.append(
            f"  {state}:\n    action: |\n      {action}{read}\n"
            f"    on_yes: {other}\n    on_no: done\n    on_error: done\n"
        )
    return (
        f"initial: {first}\nmax_iterations: {steps}\nmax_edge_revisits: 100000000\n{more}"
        f"states:\n{''.join(states)}  done: {{terminal: true}}\n"
    )


def silent_ping_pong(steps: int) -> str:
    """The same without actions: nothing but the engine and what it writes."""
    return (
        f"initial: a\nmax_iterations: {steps}\nmax_edge_revisits: 100000000\nstates:\n"
        "  a: {on_yes: b, on_no: done}\n  b: {on_yes: a, on_no: done}\n  done: {terminal: true}\n"
    )


def many_states(count: int) -> str:
    """A chain of shell states with evaluators, captures and ways back, as real loops have them."""
    states = []
    for i in range(count - 2):
        after = f"s{i + 1}" if i < count - 3 else "done"
        back = f"s{max(0, i - 3)}"
        seen = f" ${{captured.c{i - 1}.output}}" if i else ""
        states.append(
            f"  s{i}:\n    action: |\n      echo step {i} ${{context.word}}{seen}\n    capture: c{i}\n"
            f"    evaluate: {{type: output_contains, pattern: step}}\n"
            f"    on_yes: {after}\n    on_no: {back}\n    on_error: failed\n"
        )
    return (
        "context: {word: hello}\ninitial: s0\nmax_iterations: 500\nstates:\n"
        + "".join(states)
        + "  failed: {terminal: true}\n  done: {terminal: true}\n"
    )


def lines(count: int) -> str:
    return (
        "initial: a\nstates:\n"
        f"  a: {{action: seq {count}, on_yes: done, on_no: done, on_error: done}}\n"
        "  done: {terminal: true}\n"
    )
