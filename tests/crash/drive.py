"""Runs or resumes the loop of a project in this process, as the command line does; made to be killed."""

from __future__ import annotations

import os
import sys

from little_loops import compose
from little_loops.process import StopToken


def main(project: str, durability: str) -> int:
    os.chdir(project)
    opened = compose.open_project()
    options = compose.RunOptions(durability=durability)
    runs = opened.store.folders()
    if runs and runs[0].is_started():
        prepared = compose.prepare_resume(opened, runs[0], options)
    else:
        prepared = compose.prepare(opened, "work", compose.Inputs(), options)
    return compose.execute(prepared, StopToken()).outcome.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
