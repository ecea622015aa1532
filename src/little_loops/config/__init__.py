"""Project settings: one frozen model, one search path, every value with its origin."""

from __future__ import annotations

from little_loops.config.model import Config, Setting, Value, defaults, effective, settings, values
from little_loops.config.reading import find_file, find_project, load

__all__ = [
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
