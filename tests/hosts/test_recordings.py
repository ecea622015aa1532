"""What is read in streams that real agents wrote: text, tools, sessions, usage, and how a call failed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hosts.recorded import FOLDER, VERSIONS, account, lines, messages, recorded

from little_loops.hosts.messages import Called, Denied, Ended, Noise, Said
from little_loops.hosts.table import HOSTS
from little_loops.machine.effects import Failure

RECORDINGS = sorted(
    (path.parent.parent.name, path.stem) for path in FOLDER.glob("*/*/*.jsonl")
)  # fmt: skip


def _said(host: str, name: str) -> list[str]:
    return [one.text for one in messages(host, *lines(host, name)) if isinstance(one, Said)]


def _tools(host: str, name: str) -> list[tuple[str, str | None]]:
    return [(one.tool, one.summary) for one in messages(host, *lines(host, name)) if isinstance(one, Called)]


@pytest.mark.parametrize(("host", "name"), RECORDINGS)
def test_a_recording_holds_nothing_but_messages(host: str, name: str) -> None:
    told = messages(host, *lines(host, name))
    assert told
    assert not any(isinstance(one, Noise) for one in told)
    assert recorded(host, name).session_id


def test_what_the_agent_says_and_does_is_told_in_order() -> None:
    assert _said("claude", "tools")[-1] == "All done. <verdict>PASS</verdict>"
    assert [tool for tool, _ in _tools("claude", "tools")] == ["Bash", "Write"]
    assert _said("codex", "tools") == ["Looking.", "All done PASS"]
    assert _tools("codex", "tools")[0] == ("shell", "/bin/bash -lc 'echo real-codex-shell; ls'")


@pytest.mark.parametrize("name", ["denied", "plan_mode"])
def test_a_refused_tool_is_told_once(name: str) -> None:
    found = account("claude")
    told = messages("claude", *lines("claude", name))
    denied = [one for one in told if isinstance(one, Denied)]
    assert [found.take(one) for one in denied] == [True, False]
    assert denied[0].rule in ("mode", "safetyCheck")


def test_tokens_and_cost_are_those_of_the_call() -> None:
    tokens = {
        "input_tokens": 1000,
        "output_tokens": 50,
        "cache_read_tokens": 3000,
        "cache_creation_tokens": 200,
    }
    assert recorded("claude", "text").usage(0.43) == {
        **tokens, "cost_usd": 0.0066, "model": "claude-opus-5-5", "seconds": 0.43,
    }  # fmt: skip
    assert recorded("codex", "text").usage(1) == {
        "input_tokens": 800, "output_tokens": 50, "cache_read_tokens": 200, "cache_creation_tokens": 0,
        "seconds": 1,
    }  # fmt: skip


def test_a_resumed_session_is_charged_for_the_new_turn_only() -> None:
    assert recorded("claude", "resumed").usage(1)["cost_usd"] == pytest.approx(0.0054)
    assert json.loads(lines("claude", "resumed")[-1])["total_cost_usd"] == pytest.approx(0.0108)


def test_of_several_results_the_last_counts_and_their_usage_adds_up() -> None:
    found = recorded("claude", "two_results")
    assert found.end is not None
    assert found.end.text == "a2"
    assert found.usage(1)["cost_usd"] == pytest.approx(0.0108)


@pytest.mark.parametrize(
    ("host", "name", "failure"),
    [
        ("claude", "overloaded", Failure("server", status=529)),
        ("claude", "connection_refused", Failure("network")),
        ("claude", "not_logged_in", Failure("auth")),
        ("claude", "refused_key", Failure("auth", status=401)),
        ("claude", "prompt_too_long", Failure("context", status=400)),
        ("claude", "budget", Failure("budget")),
        ("claude", "max_turns", Failure("max_turns")),
        ("claude", "refusal", Failure("refusal")),
        ("claude", "unknown_session", None),
        ("codex", "rate_limited", Failure("rate_limit", status=429)),
        ("codex", "refused_key", Failure("auth", status=401)),
        ("codex", "server_error", Failure("server")),
        ("codex", "context_limit", Failure("context")),
    ],
)
def test_a_failed_call_says_what_of(host: str, name: str, failure: Failure | None) -> None:
    found = recorded(host, name)
    assert found.failed(0)
    assert found.failure("") == failure


def test_an_error_text_of_the_provider_is_not_what_the_agent_said() -> None:
    assert _said("claude", "overloaded") == []
    assert "529 Overloaded" in (recorded("claude", "overloaded").complaint() or "")


def test_a_key_that_is_refused_twice_is_known_long_before_the_host_gives_up() -> None:
    first_retries = lines("claude", "refused_key")[:3]
    assert account("claude", *first_retries[:2]).refusal is None
    assert account("claude", *first_retries).refusal == Failure("auth", status=401)


def test_an_answer_in_a_given_form_is_read_as_such() -> None:
    found = recorded("claude", "schema")
    assert found.end is not None
    assert found.end.structured == {"verdict": "yes", "confidence": 0.9}
    assert _tools("claude", "schema") == []


def test_text_of_a_subagent_is_not_the_answer_and_its_tools_count() -> None:
    blocks = [
        {"type": "text", "text": "inner"},
        {"type": "tool_use", "name": "Grep", "input": {"pattern": "x"}},
    ]
    line = json.dumps({"type": "assistant", "parent_tool_use_id": "t1", "message": {"content": blocks}})
    assert messages("claude", line) == [Called("Grep", "x")]


@pytest.mark.parametrize("host", VERSIONS)
@pytest.mark.parametrize(
    "line", ["plain words", "5", "null", '"text"', '[{"type":"result"}]', "{broken", "[" * 99999]
)
def test_a_line_that_is_no_message_is_text(host: str, line: str) -> None:
    assert messages(host, line) == [Noise(line)]


@pytest.mark.parametrize("host", VERSIONS)
@pytest.mark.parametrize(
    "record",
    [
        {},
        {"type": "news"},
        {"type": 5},
        {"type": ["result"]},
        {"type": "system", "subtype": {"a": 1}},
        {"type": "assistant"},
        {"type": "assistant", "message": "text"},
        {"type": "assistant", "message": {"content": [None, 5, {"type": "text", "text": 7}]}},
        {"type": "item.completed", "item": [1]},
        {"type": "item.completed", "item": {"type": "new_kind", "text": "x"}},
    ],
)
def test_an_unknown_message_says_nothing(host: str, record: object) -> None:
    assert messages(host, json.dumps(record)) == []


def test_a_tool_without_a_name_is_a_tool() -> None:
    block = {"type": "tool_use", "name": None, "input": [1]}
    line = json.dumps({"type": "assistant", "message": {"content": [block]}})
    assert messages("claude", line) == [Called("?", None)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_no_value_in_any_place_of_a_recorded_message_breaks_the_reading(data: st.DataObject) -> None:
    host, name = data.draw(st.sampled_from(RECORDINGS))
    record = json.loads(data.draw(st.sampled_from(lines(host, name))))
    place = record
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        inner = place[key]
        if not isinstance(inner, dict) or not inner or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(JSON)
    found = account(host, json.dumps(record))
    found.usage(1)
    found.failure("")
    assert all(
        not isinstance(one, Ended) or isinstance(one.ok, bool) for one in messages(host, json.dumps(record))
    )


def test_every_host_says_of_the_same_abilities_what_it_can() -> None:
    assert len({tuple(host.can) for host in HOSTS.values()}) == 1
