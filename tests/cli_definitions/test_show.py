"""``ll-loop show``."""

from __future__ import annotations

from screens import FIX, Project


def test_the_whole_page(project: Project) -> None:
    screen = project.ll("show", "fix")
    assert screen.code == 0
    assert (
        screen.out
        == """\
── fix ───────────────────────────────────────────── 4 states · 4 transitions ──
  .loops/fix.yaml · max: 50 iter · handoff: pause · scope: src

Make the tests pass.
By asking again and again.

Diagram
┌────────────────────────────┐
│                            ▼
│                 ┌────────────── ❯_ ┐
│                 │ → check          │
│                 │ pytest -q        │
│                 └─┬─────┬───┬──────┘
│                   │yes  │no │error
│      ┌────────────┘     │   └──────────────────┐
│      ▼                  ▼                      ▼
│ ┌────────┐    ┌─────────────── /━► ┐    ┌──────────┐
│ │ done ◉ │    │ repair             │    │ broken ◉ │
│ └────────┘    │ /repair the tests  │    └──────────┘
│               └─────────┬──────────┘
│                         │next
└─────────────────────────┘

States
  State   Type     Action             Transitions
→ check   shell    pytest -q          yes→done  no→repair  error→broken
  repair  slash    /repair the tests  next→check
  done    end
  broken  failure

Commands
  ll-loop run fix      # run it
  ll-loop test fix     # run one state once
  ll-loop stop fix     # stop its runs
  ll-loop status fix   # how its run is doing
  ll-loop history fix  # its past runs
"""
    )


def test_settings_that_are_written_are_listed(project: Project) -> None:
    more = "timeout: 90\nbackoff: 1.5\nmaintain: true\ncontext: {a: 1, b: 2}\nparameters:\n"
    more += "  path: {type: string, required: true, description: what to look at}\n"
    more += "  mode: {type: enum, values: [fast, full], default: fast}\n"
    project.loop("fix", FIX + more)
    out = project.ll("show", "fix").out
    for part in ("timeout: 90s", "backoff: 1.5s", "maintain: yes", "context: a, b"):
        assert part in out
    assert "  path  string             required      what to look at" in out
    assert "  mode  enum (fast, full)  default fast" in out


def test_own_commands_replace_the_usual_ones(project: Project) -> None:
    project.loop("fix", FIX + "commands:\n  - {cmd: make fix, comment: the short way}\n")
    out = project.ll("s", "fix").out
    assert "  make fix  # the short way" in out
    assert "ll-loop run fix" not in out


def test_verbose_shows_every_key(project: Project) -> None:
    out = project.ll("show", "fix", "-v").out
    assert "\nrepair\n  action: /repair the tests\n  next: check\n" in out


def test_json_is_the_definition(project: Project) -> None:
    said = project.ll("show", "fix", "--json").json
    assert said["states"]["check"] == {
        "action": "pytest -q", "on_yes": "done", "on_no": "repair", "on_error": "broken"
    }  # fmt: skip
    assert list(said)[:3] == ["name", "initial", "states"]


def test_resolved_json_holds_the_states_of_sub_loops(project: Project) -> None:
    project.loop(
        "outer",
        "name: outer\ninitial: a\nstates:\n  a: {loop: fix, on_yes: b, on_no: b}\n  b: {terminal: true}\n",
    )
    assert "_subloop" not in project.ll("show", "outer", "--json").json["states"]["a"]
    resolved = project.ll("show", "outer", "--json", "--resolved").json
    assert resolved["states"]["a"]["_subloop"]["check"]["on_no"] == "repair"


def test_mermaid(project: Project) -> None:
    lines = project.ll("show", "fix", "--mermaid").lines
    assert lines[0] == "stateDiagram-v2"
    assert "    s0 --> s2: no" in lines


def test_a_name_that_is_nearly_right(project: Project) -> None:
    screen = project.ll("show", "fixx")
    assert screen.code == 2
    assert "no loop named 'fixx'" in screen.err
    assert "did you mean 'fix'?" in screen.err


def test_a_built_in_loop_behind_one_of_the_project(project: Project) -> None:
    project.loop("quality-gate", FIX)
    assert "── fix ─" in project.ll("show", "quality-gate").out
    assert "built-in: quality-gate.yaml" in project.ll("show", "quality-gate", "--builtin").out


def test_a_loop_file_cannot_drive_the_terminal(project: Project) -> None:
    project.loop(
        "evil",
        'name: "a\\e[31m"\ninitial: "s\\e]0;x\\a"\nstates:\n'
        '  "s\\e]0;x\\a": {action: "echo \\e[2J", next: b}\n  b: {terminal: true}\n',
    )
    for words in (
        ("show", "evil"),
        ("show", "evil", "-v"),
        ("show", "evil", "--mermaid"),
        ("validate", "evil"),
        ("list",),
    ):
        screen = project.ll(*words)
        assert "\x1b" not in screen.out + screen.err
        assert "\x07" not in screen.out + screen.err
