"""The names the language knows, derived from its dataclasses."""

from __future__ import annotations

from little_loops.fsm.codec import reserved
from little_loops.fsm.schema import FSMLoop

KNOWN_TOP_LEVEL_KEYS: frozenset[str] = reserved(FSMLoop) | frozenset(FSMLoop.PARSE_TIME_KEYS)
