"""What was measured, on a screen and as docs/benchmarks.md."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cases import Row

REASONS = Path(__file__).with_name("missed.md")


def screen_line(row: Row) -> str:
    measured = "-" if row.measured is None else f"{row.measured:.3g}"
    goal = "" if row.goal is None else f" (goal {row.goal:g})"
    verdict = {True: "met   ", False: "MISSED", None: "      "}[row.met]
    details = "; ".join(part for part in (row.ours, row.theirs, row.note) if part)
    return f"{verdict} {measured:>7}{goal:<12} {row.what}  [{details}]"


def write_page(path: Path, rows: Sequence[Row], environments: Path) -> None:
    path.write_text(page(rows, environments), "utf-8")


def page(rows: Sequence[Row], environments: Path) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Written by `bench/run`, which times whole processes, ours and the peers in turn, on one machine;",
        "a ratio is the median of the ratios of neighbouring runs. Below 1 means: faster than the peer.",
        "",
        f"- date: {datetime.datetime.now(datetime.UTC).date().isoformat()}",
        f"- machine: {machine()}",
        f"- other work on it meanwhile: {load()}",
        f"- versions: {versions(environments)}",
        "",
        "| what | goal | measured | | ours | compared with |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        goal = "" if row.goal is None else f"<= {row.goal:g}"
        measured = "-" if row.measured is None else f"{row.measured:.3g}"
        verdict = {True: "met", False: "**missed**", None: ""}[row.met]
        other = "; ".join(part for part in (row.theirs, row.note) if part)
        lines.append(f"| {row.what} | {goal} | {measured} | {verdict} | {row.ours} | {other} |")
    if REASONS.exists():
        lines += ["", REASONS.read_text("utf-8").rstrip()]
    return "\n".join(lines) + "\n"


def machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    system = f"{platform.system()} {platform.release()}"
    return f"{model}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def load() -> str:
    """How busy the machine is; ours is one process at a time, so more than about one is somebody else."""
    average = os.getloadavg()[2]
    busy = (
        "the absolute times are too long, and small differences mean nothing"
        if average > 2
        else "next to none"
    )
    return f"{busy} (load average {average:.1f})"


def versions(environments: Path) -> str:
    wanted = {"little-loops-fsm", "little-loops", "langgraph", "langgraph-checkpoint-sqlite"}
    found = []
    for name in ("ours", "peers"):
        python = environments / name / "bin" / "python"
        argv = [str(python), "-m", "pip", "list", "--format=freeze"]
        listed = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
        found += [line for line in listed.splitlines() if line.partition("==")[0] in wanted]
    return ", ".join(line.replace("==", " ") for line in found)
