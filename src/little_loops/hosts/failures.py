"""Kinds of failures of providers: by status where a host tells one, by its error texts where not. Pure.

Only error texts are ever looked at, never what an agent said.
"""

from __future__ import annotations

import re

from little_loops.machine.effects import Failure

AUTH = "auth"
"""The provider does not know the user; no retry helps."""

_KINDS = (
    (
        "rate_limit",
        r"\b429\b|\brate[ _-]?limit(?:ed|s)?\b|\btoo many requests\b|\b(?:usage|api) limit\b"
        r"|\bquota exceeded\b|\bresource[ _]?exhausted\b|\bout of extra usage\b",
    ),
    (
        AUTH,
        r"\bnot logged in\b|\bplease run /login\b|\binvalid[ _]api[ _]key\b|\bunauthorized\b"
        r"|\bauthentication_(?:error|failed)\b|\b(?:expired|invalid) (?:oauth )?token\b"
        r"|\b(?:status|error|http)\W{0,2}(?:code\W{0,2})?40[13]\b",
    ),
    (
        "context",
        r"\bcontext (?:length exceeded|window)\b|\bmaximum context\b|\bprompt is too long\b",
    ),
    (
        "network",
        r"\b(?:econnrefused|econnreset|enotfound|etimedout|eai_again)\b|\bdns resolution\b|\bnetwork error\b"
        r"|\bconnection (?:refused|reset|timed out|timeout|error|failed)\b|\bstream disconnected\b",
    ),
    (
        "server",
        r"\b529\b|\boverloaded(?:_error)?\b|\binternal server error\b|\bservice unavailable\b"
        r"|\bbad gateway\b|\bgateway timeout\b|\bthe server had an error\b"
        r"|\b(?:status|error|http)\W{0,2}(?:code\W{0,2})?50[0-4]\b",
    ),
)
_PATTERNS = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _KINDS)
_LOOKED_AT = 20_000


def from_status(status: int) -> Failure | None:
    """The failure an HTTP status stands for; None when it says nothing of the kind."""
    if status == 429:
        return Failure("rate_limit", status=status)
    if status >= 500:
        return Failure("server", status=status)
    if status in (401, 403):
        return Failure(AUTH, status=status)
    return None


def from_text(text: str) -> Failure | None:
    """The failure that an error text tells of, by whole words; None when it tells of none."""
    tail = text[-_LOOKED_AT:]
    for kind, pattern in _PATTERNS:
        if pattern.search(tail):
            return Failure(kind, source="text")
    return None
