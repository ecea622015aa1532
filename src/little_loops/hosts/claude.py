"""Claude Code: ``claude -p --output-format stream-json``. Pure.

Permissions: ``read`` is plan mode, ``workspace`` lets it edit files of the project (other commands need a
rule in its own settings), ``full`` skips every question. The prompt goes by standard input, never as an
argument.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from little_loops.hosts.failures import AUTH, from_status
from little_loops.hosts.messages import (
    Called,
    Complained,
    Denied,
    Ended,
    Message,
    Noise,
    Retried,
    Said,
    Session,
)
from little_loops.hosts.reading import amount, items, mapping, parsed, summary, text, whole
from little_loops.hosts.request import AgentRequest, Invocation, encoded
from little_loops.machine.effects import Failure

PROGRAM = "claude"

_PERMISSIONS = {
    "read": ("--permission-mode", "plan"),
    "workspace": ("--permission-mode", "acceptEdits"),
    "full": ("--dangerously-skip-permissions",),
}
_ENV = {"CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR": "1", "LL_NON_INTERACTIVE": "1"}
_NESTED = ("CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT")
_WORDS = {
    "authentication_failed": AUTH,
    "oauth_org_not_allowed": AUTH,
    "billing_error": "billing",
    "rate_limit": "rate_limit",
    "overloaded": "server",
    "server_error": "server",
}
_REASONS = {
    "budget_exhausted": "budget",
    "max_turns": "max_turns",
    "prompt_too_long": "context",
}
_USAGE = (
    ("input_tokens", "input_tokens", "inputTokens"),
    ("output_tokens", "output_tokens", "outputTokens"),
    ("cache_read_tokens", "cache_read_input_tokens", "cacheReadInputTokens"),
    ("cache_creation_tokens", "cache_creation_input_tokens", "cacheCreationInputTokens"),
)


def invocation(request: AgentRequest) -> Invocation:
    """The command line of one call."""
    argv = [PROGRAM, "-p", "--output-format", "stream-json", "--verbose"]
    if request.model:
        argv += ["--model", request.model]
    if request.usd is not None:
        argv += ["--max-budget-usd", f"{request.usd:.6f}".rstrip("0").rstrip(".")]
    if request.form is not None:
        argv += ["--json-schema", request.form.schema, "--tools", "", "--strict-mcp-config"]
        argv += ["--disable-slash-commands", "--no-session-persistence"]
    else:
        argv += _PERMISSIONS[request.permissions]
        if request.agent:
            argv += ["--agent", request.agent]
        if request.tools is not None:
            argv += ["--tools", ",".join(request.tools)]
    return Invocation(tuple(argv), encoded(request.prompt), _ENV, _NESTED)


def read(line: str) -> Iterator[Message]:
    """The messages of one line; none for what is not known."""
    record = parsed(line)
    if record is None:
        yield Noise(line)
        return
    match record.get("type"):
        case "system":
            yield from _system(record)
        case "assistant":
            yield from _assistant(record)
        case "result":
            yield from _result(record)
        case _:
            pass


def session_file(session_id: str, cwd: str, env: Mapping[str, str]) -> str | None:
    """Where the host writes down a session of a folder, or None without a home."""
    home = env.get("HOME")
    root = env.get("CLAUDE_CONFIG_DIR") or (f"{home}/.claude" if home else None)
    if root is None:
        return None
    return f"{root}/projects/{re.sub(r'[^A-Za-z0-9]', '-', cwd)}/{session_id}.jsonl"


# --- messages ------------------------------------------------------------------------------------------


def _system(record: Mapping[str, Any]) -> Iterator[Message]:
    match record.get("subtype"):
        case "init":
            yield Session(text(record.get("session_id")), text(record.get("model")))
        case "api_retry":
            yield Retried(whole(record.get("attempt")) or 0, _met(record, "error_status"))
        case "permission_denied":
            yield Denied(
                text(record.get("tool_name")) or "?",
                text(record.get("decision_reason_type")),
                summary(record.get("message")),
                text(record.get("tool_use_id")),
            )
        case _:
            pass


def _met(record: Mapping[str, Any], status_key: str) -> Failure | None:
    """The failure that a record names by status, else by word."""
    status = whole(record.get(status_key))
    by_status = None if status is None else from_status(status)
    if by_status is not None:
        return by_status
    if text(record.get("api_error")) == "connection_failed":
        return Failure("network")
    kind = _WORDS.get(str(record.get("error")))
    return None if kind is None else Failure(kind, status=status)


def _assistant(record: Mapping[str, Any]) -> Iterator[Message]:
    blocks = [mapping(block) for block in items(mapping(record.get("message")).get("content"))]
    texts = [found for block in blocks if block.get("type") == "text" and (found := text(block.get("text")))]
    said = "\n\n".join(texts)
    if said and (record.get("is_api_error_message") or text(record.get("error"))):
        yield Complained(said, _met(record, "api_error_status"))
    elif said and not record.get("parent_tool_use_id"):
        yield Said(said.removesuffix("\n"))
    for block in blocks:
        # The tool by which an answer in a given form is handed in is none of the agent's.
        if block.get("type") == "tool_use" and block.get("name") != "StructuredOutput":
            yield Called(text(block.get("name")) or "?", summary(block.get("input")))


def _result(record: Mapping[str, Any]) -> Iterator[Message]:
    for denial in map(mapping, items(record.get("permission_denials"))):
        yield Denied(
            text(denial.get("tool_name")) or "?",
            None,
            summary(denial.get("tool_input")),
            text(denial.get("tool_use_id")),
        )
    yield Session(text(record.get("session_id")))
    subtype = text(record.get("subtype")) or ""
    ok = not record.get("is_error") and not subtype.startswith("error")
    usage, adds = _usage(record)
    final = record.get("result")
    reason = text(record.get("terminal_reason"))
    if not ok and (subtype.startswith("error") or reason is None):
        reason = subtype or reason
    yield Ended(
        ok,
        None if ok else _error(record),
        None if ok else _failure(record),
        usage,
        adds,
        final if isinstance(final, str) else None if final is None else json.dumps(final),
        record.get("structured_output", final if isinstance(final, dict) else None),
        reason,
    )


def _error(record: Mapping[str, Any]) -> str:
    told = [found for one in items(record.get("errors")) if (found := text(one))]
    return text(record.get("error")) or "\n".join(told) or text(record.get("result")) or "the agent failed"


def _failure(record: Mapping[str, Any]) -> Failure | None:
    by_reason = _REASONS.get(str(record.get("terminal_reason")))
    if by_reason is not None:
        return Failure(by_reason, status=whole(record.get("api_error_status")))
    if record.get("stop_reason") == "refusal":
        return Failure("refusal")
    return _met(record, "api_error_status")


def _usage(record: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """Tokens and cost, and whether they are those since the last result: totals go on across resumes."""
    if "model_usage_since_last_result" in record:
        models = [mapping(one) for one in mapping(record["model_usage_since_last_result"]).values()]
        parts = [_tokens(one, 2, "costUSD") for one in models] or [_nothing()]
        keys = [key for key in _nothing() if any(key in part for part in parts)]
        return {key: sum(part.get(key, 0) for part in parts) for key in keys}, True
    return _tokens({**mapping(record.get("usage")), "cost": record.get("total_cost_usd")}, 1, "cost"), False


def _nothing() -> dict[str, Any]:
    return {**{names[0]: 0 for names in _USAGE}, "cost_usd": 0.0}


def _tokens(counts: Mapping[str, Any], spelling: int, cost_key: str) -> dict[str, Any]:
    used: dict[str, Any] = {
        names[0]: n for names in _USAGE if (n := whole(counts.get(names[spelling]))) is not None
    }
    cost = amount(counts.get(cost_key))
    # Tokens that cost nothing are tokens whose price is not known.
    if cost is not None and (cost > 0 or not any(used.values())):
        used["cost_usd"] = cost
    return used
