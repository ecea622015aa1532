"""The composition root: settings and plug-ins become ports here, and nowhere else."""

from __future__ import annotations

from little_loops.compose.ends import Outcome, outcome_of
from little_loops.compose.inputs import Inputs
from little_loops.compose.project import Project, open_project
from little_loops.compose.resuming import find_run, prepare_resume
from little_loops.compose.session import Finished, Prepared, RunOptions, execute, make_folder, prepare

__all__ = [
    "Finished",
    "Inputs",
    "Outcome",
    "Prepared",
    "Project",
    "RunOptions",
    "execute",
    "find_run",
    "make_folder",
    "open_project",
    "outcome_of",
    "prepare",
    "prepare_resume",
]
