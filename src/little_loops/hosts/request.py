"""What is asked of an agent, and the command line that asks it. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PERMISSIONS = ("read", "workspace", "full")


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a judge's answer: a JSON Schema as text, and the file that holds the same text."""

    schema: str
    path: str


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """One call. With ``form`` it is a judgement: the agent gets no tools and changes nothing.

    ``usd`` is what the call may cost at most, None = not limited.
    """

    prompt: str
    permissions: str = "workspace"
    model: str | None = None
    agent: str | None = None
    tools: tuple[str, ...] | None = None
    usd: float | None = None
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Invocation:
    """How a call is started: arguments, variables to set and to leave out, bytes for standard input.

    ``notes`` say what of the request this host cannot do.
    """

    argv: tuple[str, ...]
    stdin: bytes
    env: Mapping[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def encoded(prompt: str) -> bytes:
    """A prompt as bytes; what is no text is replaced."""
    try:
        return prompt.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return prompt.encode("utf-8", "replace")
