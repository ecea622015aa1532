"""What an agent says of itself, whichever host it is, and the account kept of one call. Pure.

Messages come in any order and number: several sessions, several ends, none at all. The last end counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from little_loops.hosts.failures import AUTH, from_text
from little_loops.machine.effects import Failure

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")


@dataclass(frozen=True, slots=True)
class Session:
    """The call belongs to a session of the host. Either may be unknown."""

    session_id: str | None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """Text of the agent, without its last line end."""

    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """The agent used a tool. ``summary`` is one line of what for."""

    tool: str
    summary: str | None = None


@dataclass(frozen=True, slots=True)
class Denied:
    """The host refused a tool call. ``call`` is its id where there is one."""

    tool: str
    rule: str | None = None
    request: str | None = None
    call: str | None = None


@dataclass(frozen=True, slots=True)
class Retried:
    """The host met a provider's failure and tries again by itself. ``failure`` is what it met."""

    attempt: int
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Complained:
    """Text of an error the host reports; it is no answer of the agent."""

    text: str
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Noise:
    """A line that is no message of this host; kept as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The host's own account of the call.

    ``text`` is the final answer, ``structured`` the answer in the asked form. ``usage`` has the keys of
    ``TOKENS`` and ``cost_usd``, each only where known; with ``adds`` it is what came since the last end,
    otherwise it replaces earlier ones. ``reason`` is the host's own word for why it ended.
    """

    ok: bool
    error: str | None = None
    failure: Failure | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    adds: bool = False
    text: str | None = None
    structured: Any = None
    reason: str | None = None


Message = Session | Said | Called | Denied | Retried | Complained | Noise | Ended


class Account:
    """What is known of one call, message by message."""

    def __init__(self) -> None:
        self.session_id: str | None = None
        self.model: str | None = None
        self.said: str | None = None
        """The last text of the agent."""
        self.end: Ended | None = None
        """The last end."""
        self.refusal: Failure | None = None
        """Why no retry can help: the provider does not let this user in."""
        self._usage: dict[str, Any] = {}
        self._complaint: Complained | None = None
        self._denied: set[str] = set()

    def take(self, message: Message) -> bool:
        """Note a message; False when it only repeats what was heard already."""
        match message:
            case Session(session_id, model):
                self.session_id = session_id or self.session_id
                self.model = model or self.model
            case Said(text):
                self.said = text
            case Retried(attempt, failure) if failure is not None and failure.kind == AUTH and attempt > 1:
                # The first one may be a login that has just expired, which the host renews by itself.
                self.refusal = failure
            case Complained():
                self._complaint = message
            case Denied(call=str(call)):
                fresh = call not in self._denied
                self._denied.add(call)
                return fresh
            case Ended():
                self._ended(message)
            case _:
                pass
        return True

    def _ended(self, end: Ended) -> None:
        self.end = end
        for key, amount in end.usage.items():
            before = self._usage.get(key) if end.adds else None
            self._usage[key] = amount if before is None else before + amount

    def usage(self, seconds: float) -> dict[str, Any]:
        """What the call used, as far as the host told, and how long it took."""
        known = {"model": self.model} if self.model else {}
        return {**self._usage, **known, "seconds": round(seconds, 3)}

    def failed(self, exit_code: int) -> bool:
        """Whether the call failed: the process, the end it told, or no end at all."""
        return exit_code != 0 or self.end is None or not self.end.ok

    def failure(self, stderr: str) -> Failure | None:
        """What the failed call failed of: the host's own word first, else its error texts."""
        if self.refusal is not None:
            return self.refusal
        end, complaint = self.end, self._complaint
        if end is not None and end.failure is not None:
            return end.failure
        if complaint is not None and complaint.failure is not None:
            return complaint.failure
        texts: Iterable[str | None] = (
            end.error if end else None,
            complaint.text if complaint else None,
            stderr,
        )
        return from_text("\n".join(text for text in texts if text))

    def complaint(self) -> str | None:
        """The error to show."""
        if self.end is not None and self.end.error:
            return self.end.error
        return self._complaint.text if self._complaint is not None else None
