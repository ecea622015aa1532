"""How each host is started: the prompt never among the arguments, permissions and limits as flags."""

from __future__ import annotations

from typing import Any

import pytest

from little_loops.hosts.failures import from_status, from_text
from little_loops.hosts.request import AgentRequest, Form
from little_loops.hosts.table import HOSTS

SCHEMA = '{"type":"object"}'


def _argv(host: str, **given: Any) -> str:
    return " ".join(HOSTS[host].invocation(AgentRequest("the prompt", **given)).argv)


@pytest.mark.parametrize("host", ["claude", "claude-code", "codex"])
@pytest.mark.parametrize("form", [None, Form(SCHEMA, "/run/form.json")])
def test_a_prompt_goes_by_standard_input(host: str, form: Form | None) -> None:
    prompt = "--version; -p ${HOME}\n" + "x" * 200_000 + "\udce9"
    made = HOSTS[host].invocation(AgentRequest(prompt, form=form))
    assert made.stdin == prompt.encode("utf-8", "surrogateescape")
    assert not any("${HOME}" in word for word in made.argv)


@pytest.mark.parametrize(
    ("host", "permissions", "flags"),
    [
        ("claude", "read", "--permission-mode plan"),
        ("claude", "workspace", "--permission-mode acceptEdits"),
        ("claude", "full", "--dangerously-skip-permissions"),
        ("codex", "read", "--sandbox read-only"),
        ("codex", "workspace", "--sandbox workspace-write"),
        ("codex", "full", "--sandbox danger-full-access"),
    ],
)
def test_permissions_are_the_hosts_own_flags(host: str, permissions: str, flags: str) -> None:
    argv = _argv(host, permissions=permissions)
    assert flags in argv
    assert ("skip-permissions" in argv) == (host == "claude" and permissions == "full")


def test_codex_never_asks() -> None:
    assert 'approval_policy="never"' in _argv("codex")


@pytest.mark.parametrize("host", ["claude", "codex"])
def test_a_judge_may_do_nothing_whatever_the_permissions(host: str) -> None:
    argv = _argv(host, permissions="full", form=Form(SCHEMA, "/run/form.json"))
    assert "danger" not in argv
    assert ("--tools  " in argv) if host == "claude" else ("--sandbox read-only" in argv)
    assert (SCHEMA if host == "claude" else "/run/form.json") in argv


def test_what_is_reserved_is_a_cap_of_the_host() -> None:
    assert "--max-budget-usd 0.25 " in _argv("claude", usd=0.25) + " "
    assert "--max-budget-usd 10 " in _argv("claude", usd=10.0) + " "
    assert "budget" not in _argv("claude")


def test_model_agent_and_tools_are_passed_on_or_said_to_be_left_out() -> None:
    given: dict[str, Any] = {"model": "opus", "agent": "reviewer", "tools": ("Read", "Grep")}
    argv = _argv("claude", **given)
    assert "--model opus" in argv
    assert "--agent reviewer" in argv
    assert "--tools Read,Grep" in argv
    left_out = HOSTS["codex"].invocation(AgentRequest("p", **given))
    assert [note.split()[0] for note in left_out.notes] == ["codex"] * 3
    assert "reviewer" not in " ".join(left_out.argv)
    assert "--model gpt-5" in _argv("codex", model="gpt-5")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Error: 429 Too Many Requests", "rate_limit"),
        ("You have hit your usage limit.", "rate_limit"),
        ("connect ECONNREFUSED 127.0.0.1:443", "network"),
        ("stream disconnected before completion", "network"),
        ("status: 503 Service Unavailable", "server"),
        ("Invalid API key · Please run /login", "auth"),
        ("unexpected status 403 Forbidden", "auth"),
        ("prompt is too long: 210000 tokens", "context"),
        ("listening on port 14290", None),
        ("4291 tests passed, unlimited rates", None),
        ("see line 503 of api.py", None),
        ("", None),
    ],
)
def test_error_texts_are_matched_by_whole_words(text: str, kind: str | None) -> None:
    found = from_text(text)
    assert (found.kind if found else None) == kind
    assert found is None or found.source == "text"


def test_a_status_says_more_than_any_text() -> None:
    kinds = {}
    for status in (200, 400, 401, 403, 404, 429, 500, 529, 599):
        failure = from_status(status)
        kinds[status] = failure.kind if failure else None
    assert kinds == {
        200: None, 400: None, 401: "auth", 403: "auth", 404: None, 429: "rate_limit", 500: "server",
        529: "server", 599: "server",
    }  # fmt: skip


def test_the_file_of_a_session_is_where_the_host_puts_it() -> None:
    place = HOSTS["claude"].session_file
    assert (
        place("s1", "/home/u/my.app_x", {"HOME": "/home/u"})
        == "/home/u/.claude/projects/-home-u-my-app-x/s1.jsonl"
    )
    assert place("s1", "/p", {"HOME": "/h", "CLAUDE_CONFIG_DIR": "/c"}) == "/c/projects/-p/s1.jsonl"
    assert place("s1", "/p", {}) is None
    assert HOSTS["codex"].session_file("s1", "/p", {"HOME": "/h"}) is None
