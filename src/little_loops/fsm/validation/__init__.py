"""The rules of the language and the public way to apply them. Names are resolved when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from little_loops.fsm.diagnostics import Diagnostic as ValidationError
    from little_loops.fsm.diagnostics import ValidationSeverity
    from little_loops.fsm.load import load_and_validate
    from little_loops.fsm.validation.evaluators import EVALUATOR_REQUIRED_FIELDS, VALID_OPERATORS
    from little_loops.fsm.validation.judge import validate_fsm
    from little_loops.fsm.validation.loops import VALID_PARAMETER_TYPES
    from little_loops.fsm.validation.names import KNOWN_TOP_LEVEL_KEYS

__all__ = [
    "EVALUATOR_REQUIRED_FIELDS",
    "KNOWN_TOP_LEVEL_KEYS",
    "VALID_OPERATORS",
    "VALID_PARAMETER_TYPES",
    "ValidationError",
    "ValidationSeverity",
    "load_and_validate",
    "validate_fsm",
]

_HOMES = {
    "EVALUATOR_REQUIRED_FIELDS": ("little_loops.fsm.validation.evaluators", "EVALUATOR_REQUIRED_FIELDS"),
    "KNOWN_TOP_LEVEL_KEYS": ("little_loops.fsm.validation.names", "KNOWN_TOP_LEVEL_KEYS"),
    "VALID_OPERATORS": ("little_loops.fsm.validation.evaluators", "VALID_OPERATORS"),
    "VALID_PARAMETER_TYPES": ("little_loops.fsm.validation.loops", "VALID_PARAMETER_TYPES"),
    "ValidationError": ("little_loops.fsm.diagnostics", "Diagnostic"),
    "ValidationSeverity": ("little_loops.fsm.diagnostics", "ValidationSeverity"),
    "load_and_validate": ("little_loops.fsm.load", "load_and_validate"),
    "validate_fsm": ("little_loops.fsm.validation.judge", "validate_fsm"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)
