"""Codex: ``codex exec --json``. Pure.

Permissions are sandboxes: ``read`` is read-only, ``workspace`` lets commands write in the project, ``full``
has no sandbox; it never asks. It has no flag for an agent, a list of tools or a budget, and does not tell
what a call costs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from little_loops.hosts.failures import from_status, from_text
from little_loops.hosts.messages import Called, Complained, Ended, Message, Noise, Retried, Said, Session
from little_loops.hosts.reading import mapping, parsed, summary, text, whole
from little_loops.hosts.request import AgentRequest, Invocation, encoded
from little_loops.machine.effects import Failure

PROGRAM = "codex"

_SANDBOX = {"read": "read-only", "workspace": "workspace-write", "full": "danger-full-access"}
_ENV = {"LL_NON_INTERACTIVE": "1"}
_TOOLS = {
    "command_execution": ("shell", "command"),
    "file_change": ("edit", "changes"),
    "mcp_tool_call": ("mcp", "tool"),
    "web_search": ("web_search", "query"),
}
_STATUS = re.compile(r"\bstatus:? (\d{3})\b")
_AGAIN = re.compile(r"Reconnecting\.\.\. (\d{1,6})/")
_BUSY = re.compile(r"\bhigh demand\b")
"""What it says of any status from 500 up."""

_CLAUDE_MODELS = re.compile(r"(?:sonnet|opus|haiku|fable|claude[-\w.]*)(?:\[\w+\])?", re.IGNORECASE)


def invocation(request: AgentRequest) -> Invocation:
    """The command line of one call."""
    judging = request.form is not None
    sandbox = _SANDBOX["read" if judging else request.permissions]
    argv = [PROGRAM, "exec", "--json", "--skip-git-repo-check", "--color", "never"]
    argv += ["--sandbox", sandbox, "-c", 'approval_policy="never"']
    if request.model and not _CLAUDE_MODELS.fullmatch(request.model):
        argv += ["--model", request.model]
    if request.form is not None:
        argv += ["--ephemeral", "--output-schema", request.form.path]
    argv.append("-")
    return Invocation(tuple(argv), encoded(request.prompt), _ENV, notes=tuple(_impossible(request)))


def _impossible(request: AgentRequest) -> Iterator[str]:
    if request.agent:
        yield f"codex has no agents to choose from; agent: {request.agent} is left out"
    if request.tools is not None:
        yield "codex cannot be limited to a list of tools; tools: is left out, permissions: still holds"
    if request.model and _CLAUDE_MODELS.fullmatch(request.model):
        yield f"codex has no model {request.model}; it uses the one of its own settings"


def read(line: str) -> Iterator[Message]:
    """The messages of one line; none for what is not known."""
    record = parsed(line)
    if record is None:
        yield Noise(line)
        return
    match record.get("type"):
        case "thread.started":
            yield Session(text(record.get("thread_id")))
        case "item.started":
            yield from _started(mapping(record.get("item")))
        case "item.completed":
            yield from _completed(mapping(record.get("item")))
        case "turn.completed":
            yield Ended(True, usage=_usage(mapping(record.get("usage"))), reason="completed")
        case "turn.failed":
            message = text(mapping(record.get("error")).get("message")) or "the turn failed"
            yield Ended(False, message, failure_of(message), reason="failed")
        case "error":
            message = text(record.get("message")) or ""
            again = _AGAIN.match(message)
            failure = failure_of(message)
            yield Retried(int(again[1]), failure) if again else Complained(message, failure)
        case _:
            pass


def session_file(session_id: str, cwd: str, env: Mapping[str, str]) -> str | None:
    """The host files sessions by date, so their place is not known."""
    return None


def failure_of(message: str) -> Failure | None:
    """What an error message of the host stands for: it tells of failures in no other field."""
    status = _STATUS.search(message)
    by_status = from_status(int(status[1])) if status else None
    if by_status is not None:
        return by_status
    if _BUSY.search(message):
        return Failure("server")
    found = from_text(message)
    return None if found is None else Failure(found.kind)


def _started(item: Mapping[str, Any]) -> Iterator[Message]:
    # Other items are told once, when they are completed.
    if item.get("type") in ("command_execution", "mcp_tool_call"):
        yield _called(item)


def _completed(item: Mapping[str, Any]) -> Iterator[Message]:
    match item.get("type"):
        case "agent_message":
            said = text(item.get("text"))
            if said:
                yield Said(said.removesuffix("\n"))
        case "file_change" | "web_search":
            yield _called(item)
        case _:
            pass


def _called(item: Mapping[str, Any]) -> Called:
    tool, key = _TOOLS[str(item.get("type"))]
    told = item.get(key)
    if isinstance(told, list):
        told = ", ".join(str(mapping(one).get("path", "")) for one in told)
    return Called(tool, summary(told))


def _usage(counts: Mapping[str, Any]) -> dict[str, Any]:
    whole_input, cached = whole(counts.get("input_tokens")), whole(counts.get("cached_input_tokens"))
    written, output = whole(counts.get("cache_write_input_tokens")), whole(counts.get("output_tokens"))
    fresh = None if whole_input is None else max(whole_input - (cached or 0) - (written or 0), 0)
    pairs = (
        ("input_tokens", fresh),
        ("output_tokens", output),
        ("cache_read_tokens", cached),
        ("cache_creation_tokens", written),
    )
    return {key: count for key, count in pairs if count is not None}
