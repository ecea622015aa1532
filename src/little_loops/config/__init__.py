"""Project settings: one frozen model, one search path, every value with its origin."""

from __future__ import annotations

from little_loops.config.model import Config, Setting, Value, defaults, effective, settings, values
from little_loops.config.reading import FILE_NAME, find_file, find_project, load

__all__ = [
    "FILE_NAME",
    "Config",
    "Setting",
    "Value",
    "defaults",
    "effective",
    "find_file",
    "find_project",
    "load",
    "settings",
    "values",
]
