"""The language of loops: text to a definition or to diagnostics. Names are resolved when first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from little_loops.fsm.compilers import compile_paradigm
    from little_loops.fsm.diagnostics import Diagnostic
    from little_loops.fsm.load import LoadResult, load_and_validate, load_text
    from little_loops.fsm.schema import EvaluateConfig, FSMLoop, RouteConfig, StateConfig
    from little_loops.fsm.validation import ValidationError, ValidationSeverity, validate_fsm

__all__ = [
    "Diagnostic",
    "EvaluateConfig",
    "FSMLoop",
    "LoadResult",
    "RouteConfig",
    "StateConfig",
    "ValidationError",
    "ValidationSeverity",
    "compile_paradigm",
    "load_and_validate",
    "load_text",
    "validate_fsm",
]

_HOMES = {
    "Diagnostic": "diagnostics",
    "EvaluateConfig": "schema",
    "FSMLoop": "schema",
    "LoadResult": "load",
    "RouteConfig": "schema",
    "StateConfig": "schema",
    "ValidationError": "validation",
    "ValidationSeverity": "diagnostics",
    "compile_paradigm": "compilers",
    "load_and_validate": "load",
    "load_text": "load",
    "validate_fsm": "validation",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
