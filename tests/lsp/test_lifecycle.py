"""Beginning and end of the server, and what it does when its editor does something odd."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from editor import LL_LOOP, Editor

from little_loops.fsm.schema import EVALUATOR_TYPES
from little_loops.lsp.words import NAMESPACE_WORDS, VERDICTS


def message(**content: object) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **content}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def talk(said: bytes, folder: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [LL_LOOP, "lsp"], cwd=folder, input=said, capture_output=True, timeout=60, check=False
    )


INITIALIZE = message(
    id=1, method="initialize", params={"capabilities": {}, "processId": None, "rootUri": None}
)


def test_it_says_who_it_is_and_what_it_can(project: Path) -> None:
    with Editor(project) as editor:
        greeting = editor.greeting
        assert greeting.server_info is not None
        assert greeting.server_info.name == "ll-loop"
        can = greeting.capabilities
        assert can.hover_provider and can.definition_provider and can.document_symbol_provider
        assert can.completion_provider is not None
        assert can.completion_provider.trigger_characters is not None
        assert {"{", "."} <= set(can.completion_provider.trigger_characters)
        assert can.rename_provider


def test_shutdown_and_exit_is_a_good_end(project: Path) -> None:
    with Editor(project) as editor:
        editor.open(".loops/a.yaml", "name: a\n")
        assert editor.leave() == 0


def test_exit_without_shutdown_is_not(project: Path) -> None:
    with Editor(project) as editor:
        assert editor.leave(politely=False) == 1


def test_an_editor_that_goes_away(tmp_path: Path) -> None:
    done = talk(INITIALIZE, tmp_path)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b'"capabilities"' in done.stdout


def test_signals_end_it_at_once(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(
            [LL_LOOP, "lsp"], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as server:
            assert server.stdin is not None and server.stdout is not None
            server.stdin.write(INITIALIZE)
            server.stdin.flush()
            assert server.stdout.readline().startswith(b"Content-Length")
            server.send_signal(number)
            assert server.wait(20) == -number


def test_standard_output_holds_the_protocol_and_nothing_else(tmp_path: Path) -> None:
    done = talk(INITIALIZE + message(id=2, method="shutdown") + message(method="exit"), tmp_path)
    assert done.returncode == 0
    rest, answers = done.stdout, []
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        length = int(head.partition(b"Content-Length: ")[2].splitlines()[0])
        answers.append(json.loads(rest[:length]))
        rest = rest[length:]
    assert [answer.get("id") for answer in answers] == [1, 2]
    assert done.stderr == b""


def test_a_message_that_is_no_json_does_not_end_it(tmp_path: Path) -> None:
    junk = b"Content-Length: 9\r\n\r\nnot json!"
    done = talk(INITIALIZE + junk + message(id=2, method="shutdown") + message(method="exit"), tmp_path)
    assert done.returncode == 0
    assert b'"id":2' in done.stdout.replace(b" ", b"")


def test_questions_about_texts_that_are_not_open(project: Path) -> None:
    with Editor(project) as editor:
        name = ".loops/unknown.yaml"
        editor.texts[name] = "name: x\n"
        assert editor.hover(name, "name") == ("", "")
        assert editor.offers(name, "name") == {}
        assert editor.definition(name, "name") is None
        assert editor.symbols(name) == []


def test_a_text_without_a_file(project: Path) -> None:
    with Editor(project) as editor:
        name = "untitled:Untitled-1"
        editor.open(name, "name: x\ninitial: a\nstates:\n  a: {action: make, on_yes: b}\n")
        assert "shell" in editor.hover(name, "a\nstates")[0]


def test_settings_that_cannot_be_read_do_not_matter(project: Path) -> None:
    (project / ".ll").mkdir()
    (project / ".ll" / "ll-config.json").write_text("{ torn")
    with Editor(project) as editor:
        found = editor.open(".loops/c.yaml", "name: c\ninitial: a\nstates:\n  a: {loop: child, on_yes: b}\n")
        assert "LL301" in [one.code for one in found]


def test_without_its_libraries_it_says_what_to_install(tmp_path: Path) -> None:
    for missing in ("pygls", "lsprotocol"):
        start = (
            f"import sys; sys.modules[{missing!r}] = None; "
            "from little_loops.cli.main import main; sys.exit(main(['lsp']))"
        )
        done = subprocess.run(
            [sys.executable, "-c", start], cwd=tmp_path, input="", capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert f"the language server needs {missing}, which is not installed" in done.stderr
        assert "pip install 'little-loops-fsm[lsp]'" in done.stderr


def test_every_evaluator_has_its_verdicts_and_every_namespace_its_words() -> None:
    from little_loops.fsm.template import NAMESPACES

    assert sorted(VERDICTS) == sorted(EVALUATOR_TYPES)
    assert sorted(NAMESPACE_WORDS) == sorted(NAMESPACES)
