"""``ll-loop config``."""

from __future__ import annotations

from screens import FIX, Project


def test_every_setting_with_its_origin(project: Project) -> None:
    project.write(
        ".ll/ll-config.json", '{\n  "loops": {"run_defaults": {"delay": 2}},\n  "cli": {"color": false}\n}\n'
    )
    screen = project.ll("config", LL_HOST_CLI="claude")
    assert screen.code == 0
    rows = {line.split()[0]: line.split()[1:] for line in screen.lines if line.count(".") and "  " in line}
    assert rows["loops.run_defaults.delay"] == [".ll/ll-config.json:2", "2"]
    assert rows["cli.color"] == [".ll/ll-config.json:3", "false"]
    assert rows["orchestration.host_cli"][-1] == "claude"
    assert "environment LL_HOST_CLI" in screen.out
    assert rows["loops.loops_dir"] == ["default", ".loops"]


def test_json(project: Project) -> None:
    said = project.ll("config", "--json").json
    assert said["file"] is None
    assert said["project"] == str(project.root)
    assert said["settings"]["loops.run_defaults.value_limit"] == {"value": 1048576, "origin": "default"}


def test_what_a_loop_says_wins(project: Project) -> None:
    project.write("ll-config.json", '{"loops": {"run_defaults": {"delay": 2, "durability": "strict"}}}')
    project.loop("slow", FIX + "backoff: 0.5\n")
    values = project.ll("config", "--loop", "slow", "--json").json["settings"]
    assert values["loops.run_defaults.delay"] == {"value": 0.5, "origin": "loop"}
    assert values["loops.run_defaults.durability"] == {"value": "strict", "origin": "ll-config.json:1"}


def test_one_section_and_one_that_is_not_there(project: Project) -> None:
    said = project.ll("config", "cli", "--json").json["settings"]
    assert set(said) == {"cli.color", "cli.colors.fsm_active_state", "cli.colors.fsm_edge_labels"}
    screen = project.ll("config", "loops.loop_dir")
    assert screen.code == 2
    assert "did you mean 'loops.loops_dir'?" in screen.err


def test_unknown_settings_are_said_and_harmless(project: Project) -> None:
    project.write(".ll/ll-config.json", '{"loops": {"loop_dir": "x"}, "issues": {"base_dir": "y"}}')
    project.loop(
        "quick", "name: quick\ninitial: a\nstates:\n  a: {action: 'true', on_yes: b}\n  b: {terminal: true}\n"
    )
    screen = project.ll("config")
    assert screen.code == 0
    assert "unknown setting 'loops.loop_dir' (did you mean 'loops.loops_dir'?)" in screen.err
    assert "issues" not in screen.err
    ran = project.ll("run", "quick")
    assert ran.code == 0
    assert ran.err.startswith("warning: .ll/ll-config.json:1: unknown setting 'loops.loop_dir'")


def test_a_wrong_value_stops_every_command_that_needs_it(project: Project) -> None:
    project.write(
        ".ll/ll-config.json", '{\n "loops": {\n  "run_defaults": {"durability": "often", "delay": -1}}}'
    )
    screen = project.ll("list")
    assert screen.code == 2
    assert (
        ".ll/ll-config.json:3: loops.run_defaults.durability: expected one of relaxed, step, strict"
        in screen.err
    )
    assert "delay: expected a number of at least 0, found -1" in screen.err


def test_a_file_that_is_not_json(project: Project) -> None:
    project.write(".ll/ll-config.json", '{\n  "loops": {,}\n}')
    screen = project.ll("config")
    assert screen.code == 2
    assert ".ll/ll-config.json:2:13: not JSON" in screen.err


def test_the_project_is_found_from_below(project: Project) -> None:
    project.write(".ll/ll-config.json", '{"loops": {"loops_dir": "flows"}}')
    below = project.root / "src" / "deep"
    below.mkdir(parents=True)
    project.write("flows/own.yaml", FIX)
    assert "own" in project.ll("list", cwd=below).out
    assert project.ll("validate", "own", cwd=below).code == 0
