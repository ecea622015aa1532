"""The scripted host: prepared answers, given in order, noted, and obeying the same limits as an agent."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.runners.tools import action, lines_of, perform, the_end

from little_loops.errors import UserError
from little_loops.machine.effects import Done, Failed, Failure, Marker, Stopped, ToolCalled
from little_loops.process import StopToken
from little_loops.runners.scripted import ScriptedHost

PATCH = """\
--- a/calc.py
+++ b/calc.py
@@ -1,2 +1,2 @@
 def add(a, b):
-    return a - b
+    return a + b
"""


class Stage:
    """A project, a run folder and a script."""

    def __init__(self, tmp_path: Path) -> None:
        self.project, self.folder, self.file = (
            tmp_path / "project",
            tmp_path / "run",
            tmp_path / "answers.yaml",
        )
        self.project.mkdir()
        self.folder.mkdir()

    def host(self, *answers: dict[str, Any]) -> ScriptedHost:
        self.file.write_text(yaml.safe_dump(list(answers)))
        return ScriptedHost.from_file(str(self.file), str(self.folder), dict(os.environ), str(self.project))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)


def _ask(host: ScriptedHost, prompt: str = "do it", **others: Any) -> str:
    return the_end(host, action(prompt, "prompt", **others), Done).result.output


def test_answers_come_in_order_and_only_where_they_fit(stage: Stage) -> None:
    host = stage.host(
        {"state": "fix", "text": "for fix"},
        {"match": "lint|test", "text": "for a prompt that names tests"},
        {"text": "first of any"},
        {"text": "second of any"},
    )
    assert _ask(host) == "first of any"
    assert _ask(host, "please run the tests") == "for a prompt that names tests"
    assert _ask(host, state="fix") == "for fix"
    assert _ask(host, state="fix") == "second of any"
    error = the_end(host, action("x", "prompt", state="fix"), Failed).error
    assert "no answer left for state fix" in error
    assert "answers.yaml" in error


def test_an_answer_may_be_given_again_and_again(stage: Stage) -> None:
    host = stage.host({"text": "always", "repeat": True})
    assert [_ask(host, step=n) for n in (1, 2, 3)] == ["always"] * 3


def test_a_resumed_run_goes_on_with_the_next_answer(stage: Stage) -> None:
    answers = ({"text": "one"}, {"text": "two"}, {"text": "three"})
    assert _ask(stage.host(*answers)) == "one"
    cut_short = stage.host(*answers)
    stop = StopToken()
    stop.request("SIGINT")
    the_end(cut_short, action("x", "prompt"), Stopped, stop)
    assert _ask(stage.host(*answers)) == "two"
    assert _ask(stage.host(*answers)) == "three"


def test_output_goes_the_way_of_any_action(stage: Stage) -> None:
    host = stage.host(
        {
            "text": "Reading.\nCONTEXT_HANDOFF: go on\n",
            "tools": [{"tool": "Edit", "summary": "calc.py"}],
            "stderr": "w",
        }
    )
    outcomes = perform(host, action("x", "prompt", markers=True))
    assert outcomes[0] == ToolCalled("Edit", "calc.py")
    assert lines_of(outcomes) == ["Reading.", "CONTEXT_HANDOFF: go on"]
    result = outcomes[-1].result
    assert (result.output, result.stderr) == ("Reading.\nCONTEXT_HANDOFF: go on", "w")
    assert result.marker == Marker("handoff", "go on")
    assert (stage.folder / result.files["output"]).read_text() == result.output


def test_failures_usage_and_exit_codes_are_passed_on(stage: Stage) -> None:
    host = stage.host(
        {"failure": {"kind": "rate_limit", "status": 429, "retry_after": 2.5}},
        {"exit_code": 3, "usage": {"input_tokens": 5, "cost_usd": 0.1}, "session_id": "s1"},
    )
    first = the_end(host, action("x", "prompt"), Done).result
    assert (first.exit_code, first.failure) == (1, Failure("rate_limit", "host", 429, 2.5))
    second = the_end(host, action("x", "prompt"), Done).result
    assert (second.exit_code, second.usage, second.session_id) == (
        3,
        {"input_tokens": 5, "cost_usd": 0.1},
        "s1",
    )


@pytest.mark.parametrize("where", ["repository", "plain folder", "folder of a repository"])
def test_a_patch_changes_the_project_and_may_be_there_already(stage: Stage, where: str) -> None:
    if where != "plain folder":
        top = stage.project if where == "repository" else stage.project.parent
        subprocess.run(["git", "init", "-q"], cwd=top, check=True)
    (stage.project / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    host = stage.host({"patch": PATCH, "files": {"new/n.txt": "n", "gone.txt": None}, "repeat": True})
    (stage.project / "gone.txt").write_text("g")
    for _ in range(2):
        _ask(host)
        assert (stage.project / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
        assert (stage.project / "new/n.txt").read_text() == "n"
        assert not (stage.project / "gone.txt").exists()


def test_a_patch_that_does_not_apply_is_a_failure_that_says_why(stage: Stage) -> None:
    (stage.project / "calc.py").write_text("something else\n")
    error = the_end(stage.host({"patch": PATCH}), action("x", "prompt"), Failed).error
    assert "patch" in error
    assert "calc.py" in error


def test_limits_and_stops_end_an_answer(stage: Stage) -> None:
    slow = {"text": "a\nb", "pace": 30, "repeat": True}
    wall = the_end(stage.host(slow), action("x", "prompt", timeout_s=0.2), Stopped)
    assert wall.cause == "wall"
    assert wall.result is not None
    assert (wall.result.exit_code, wall.result.timeout_kind, wall.result.output) == (124, "wall", "a\n")
    assert the_end(stage.host(slow), action("x", "prompt", idle_s=0.1), Stopped).cause == "idle"
    assert the_end(stage.host(slow), action("x", "prompt", seconds=0.1), Stopped).cause == "budget"
    stop = StopToken()
    threading.Timer(0.2, stop.request, ("SIGTERM",)).start()
    assert the_end(stage.host(slow), action("x", "prompt"), Stopped, stop).cause == "SIGTERM"


def test_environment_variables_are_put_into_a_prompt_where_the_effect_says(stage: Stage) -> None:
    host = stage.host({"match": "^hello root-of-all$", "text": "hi"})
    host = ScriptedHost.from_file(
        str(stage.file), str(stage.folder), {"NAME": "root-of-all"}, str(stage.project)
    )
    assert _ask(host, "hello ${env.NAME}", env=((6, "NAME"),)) == "hi"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("answers: 5", "list of answers"),
        ("[1]", "answer 1 is not a map"),
        ("- txet: a", "unknown key txet"),
        ("- text: a\n- delay: soon", "answer 2: delay"),
        ("- match: '['", "answer 1"),
        ("- failure: {kid: x}", "answer 1"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_script_with_a_mistake_is_refused_with_the_place(stage: Stage, content: str, words: str) -> None:
    stage.file.write_text(content)
    with pytest.raises(UserError, match=words):
        ScriptedHost.from_file(str(stage.file), str(stage.folder), {})
    with pytest.raises(UserError, match="cannot read"):
        ScriptedHost.from_file(str(stage.folder / "missing"), str(stage.folder), {})
