"""The table of hosts by name. A new host is a new file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from little_loops.hosts import claude, codex
from little_loops.hosts.messages import Message
from little_loops.hosts.request import AgentRequest, Invocation


@dataclass(frozen=True, slots=True)
class Host:
    """One agent command line.

    ``install`` is the command that installs it, ``login`` how a user logs in. ``can`` says of each ability
    whether and how the host has it; an ability that it has not begins with ``no``.
    """

    name: str
    program: str
    install: str
    login: str
    can: Mapping[str, str]
    invocation: Callable[[AgentRequest], Invocation]
    read: Callable[[str], Iterator[Message]]
    session_file: Callable[[str, str, Mapping[str, str]], str | None]

    @property
    def caps_cost(self) -> bool:
        """Whether the host itself ends a call that costs too much."""
        return not self.can["budget in USD"].startswith("no")

    @property
    def tells_cost(self) -> bool:
        """Whether the host says what a call cost."""
        return not self.can["cost"].startswith("no")


CLAUDE = Host(
    "claude",
    claude.PROGRAM,
    "npm install -g @anthropic-ai/claude-code",
    "run `claude` once and log in, or set ANTHROPIC_API_KEY",
    {
        "prompts": "yes, by standard input",
        "judging": "yes, with a schema and without tools",
        "permissions": "read: plan mode; workspace: edits, and commands its settings allow; full: everything",
        "agent:": "yes",
        "tools:": "yes",
        "tokens": "yes",
        "cost": "yes, as the host reports it",
        "budget in USD": "yes, the host ends the call (--max-budget-usd)",
        "session": "yes, with its file",
    },
    claude.invocation,
    claude.read,
    claude.session_file,
)

CODEX = Host(
    "codex",
    codex.PROGRAM,
    "npm install -g @openai/codex",
    "run `codex login`",
    {
        "prompts": "yes, by standard input",
        "judging": "yes, with a schema; its tools are read-only, not off",
        "permissions": "sandbox; read: read-only; workspace: writes in the project; full: no sandbox",
        "agent:": "no, it is left out with a note",
        "tools:": "no, it is left out with a note",
        "tokens": "yes",
        "cost": "no; a budget in USD needs unknown_price, a figure per call",
        "budget in USD": "no, a call is not ended by it",
        "session": "yes, without its file",
    },
    codex.invocation,
    codex.read,
    codex.session_file,
)

HOSTS: dict[str, Host] = {"claude": CLAUDE, "claude-code": CLAUDE, "codex": CODEX}
"""Hosts by every name they go by."""

PROBED: tuple[Host, ...] = (CLAUDE, CODEX)
"""Each host once, in the order in which an installed one is chosen."""
