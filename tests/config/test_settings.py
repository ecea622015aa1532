"""Where settings come from and what is said of wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from little_loops import config
from little_loops.errors import UserError


def put(root: Path, content: Any, name: str = ".ll/ll-config.json") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), "utf-8")
    return path


def read(root: Path, **env: str) -> config.Config:
    return config.load(root, env)


def test_without_a_file_everything_is_a_default(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert found.file is None
    assert found.loops_path == tmp_path / ".loops"
    assert found.queue_wait_timeout_seconds == 86400
    assert found.rate_limit_long_wait_ladder == (300, 900, 1800, 3600)
    assert {value.origin for value in config.values(found)} == {"default"}


def test_the_first_file_wins_whole(tmp_path: Path) -> None:
    put(tmp_path, {"cli": {"color": False}}, "ll-config.json")
    assert read(tmp_path).color is False
    put(tmp_path, {"loops": {"loops_dir": "flows"}})
    found = read(tmp_path)
    assert (found.color, found.loops_dir) == (True, "flows")
    put(tmp_path, {"loops": {"loops_dir": "codex"}}, ".codex/ll-config.json")
    assert read(tmp_path).loops_dir == "flows"
    assert read(tmp_path, LL_HOOK_HOST="codex").loops_dir == "codex"
    assert read(tmp_path, LL_STATE_DIR=".codex").loops_dir == "codex"


def test_maps_are_laid_over_their_defaults_and_null_means_absent(tmp_path: Path) -> None:
    put(tmp_path, {"loops": {"glyphs": {"shell": "$"}, "loops_dir": None}})
    found = read(tmp_path)
    assert found.glyphs["shell"] == "$"
    assert found.glyphs["prompt"] == "✦"
    assert found.loops_dir == ".loops"


def test_flag_over_loop_over_environment_over_file_over_default(tmp_path: Path) -> None:
    name, loop = "handoff_threshold", {"config": {"handoff_threshold": 60}}
    put(tmp_path, {"context_monitor": {"auto_handoff_threshold": 70}})
    both = read(tmp_path, LL_HANDOFF_THRESHOLD="65")
    assert config.effective(both, name, flag=50, loop=loop)[1:] == (50, "flag")
    assert config.effective(both, name, loop=loop)[1:] == (60, "loop")
    assert config.effective(both, name)[1:] == (65, "environment LL_HANDOFF_THRESHOLD")
    assert config.effective(read(tmp_path), name)[1:] == (70, ".ll/ll-config.json:3")
    assert config.effective(config.Config(tmp_path), name)[1:] == (80, "default")


def test_origins_name_the_line(tmp_path: Path) -> None:
    put(tmp_path, '{"a\\"}": {"delay": 1},\n\n"loops": {"run_defaults":\n{"delay"\n: 3}}}')
    found = read(tmp_path)
    assert found.delay == 3
    assert found.origins == {"loops.run_defaults.delay": ".ll/ll-config.json:4"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"cli": {"color": "no"}}, 'cli.color: expected true or false, found "no"'),
        ({"loops": {"queue_wait_timeout_seconds": True}}, "expected a number of at least 0, found true"),
        ({"loops": {"queue_wait_timeout_seconds": -1}}, "expected a number of at least 0, found -1"),
        (
            {"loops": {"run_defaults": {"value_limit": 1.5}}},
            "expected a whole number of at least 1024, found 1.5",
        ),
        ({"loops": {"run_defaults": {"permissions": "all"}}}, "expected one of workspace, full, read"),
        (
            {"context_monitor": {"auto_handoff_threshold": 101}},
            "expected a whole number from 1 to 100, found 101",
        ),
        ({"commands": {"rate_limits": {"long_wait_ladder": [1, 0]}}}, "expected a list of whole numbers"),
        ({"commands": {"rate_limits": {"long_wait_ladder": []}}}, "expected a list of whole numbers"),
        ({"extensions": "one"}, 'extensions: expected a list of texts, found "one"'),
        ({"loops": {"glyphs": {"shel": "$"}}}, "expected only the names prompt, slash, shell"),
        ({"loops": {"glyphs": {"shell": 1}}}, "expected an object of texts"),
        ({"loops": {"loops_dir": ""}}, "loops.loops_dir: expected a text"),
        ('{"loops": {"queue_wait_timeout_seconds": NaN}}', "expected a number"),
        ("[1]", "expected an object of settings, found [1]"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_wrong_values_are_told_with_their_place(tmp_path: Path, content: Any, said: str) -> None:
    put(tmp_path, content)
    with pytest.raises(UserError) as caught:
        read(tmp_path)
    assert said in str(caught.value)
    assert str(caught.value).startswith(".ll/ll-config.json")
    assert caught.value.exit_code == 2


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    put(tmp_path, {"cli": {"color": 1}, "loops": {"loops_dir": 2}})
    with pytest.raises(UserError) as caught:
        read(tmp_path)
    assert len(str(caught.value).splitlines()) == 2


def test_a_wrong_environment_variable_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="environment LL_CONTEXT_LIMIT: expected a whole number"):
        read(tmp_path, LL_CONTEXT_LIMIT="much")


def test_text_that_is_not_utf_8(tmp_path: Path) -> None:
    put(tmp_path, {}).write_bytes(b'{"a": "\xff"}')
    with pytest.raises(UserError, match="not UTF-8 text"):
        read(tmp_path)


def test_unknown_keys_are_noted_and_those_of_other_programs_are_not(tmp_path: Path) -> None:
    theirs = {"issues": {"base_dir": "i"}, "project": {}, "automation": {"max_workers": 3}, "$schema": "s"}
    wrong = {"loop": {"a": 1}, "loops": {"loopsdir": "x"}, "commands": {"rate_limits": {"max_wait": 1}}}
    put(tmp_path, {**wrong, **theirs})
    notes = read(tmp_path).notes
    assert [note.partition("unknown setting ")[2].split("'")[1] for note in notes] == [
        "loop", "loops.loopsdir", "commands.rate_limits.max_wait"
    ]  # fmt: skip
    assert "did you mean 'loops.loops_dir'?" in notes[1]


def test_a_setting_without_effect_is_said(tmp_path: Path) -> None:
    put(tmp_path, {"extensions": ["one"], "automation": {"worktree_base": None}})
    assert read(tmp_path).notes == (
        ".ll/ll-config.json:2: 'extensions' is read, but nothing in this version acts on it",
    )


def test_the_nearest_folder_with_a_mark_is_the_project(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert config.find_project(deep) == deep
    (tmp_path / ".loops").mkdir()
    assert config.find_project(deep) == tmp_path
    put(tmp_path / "a", {}, "ll-config.json")
    assert config.find_project(deep) == tmp_path / "a"


def test_a_checkout_without_loops_is_not_part_of_the_project_above(tmp_path: Path) -> None:
    deep = tmp_path / "vendor" / "lib"
    deep.mkdir(parents=True)
    (tmp_path / ".loops").mkdir()
    (tmp_path / "vendor" / ".git").mkdir()
    assert config.find_project(deep) == deep


def test_a_folder_that_anybody_can_write_is_nobodys_project(tmp_path: Path) -> None:
    deep = tmp_path / "shared" / "mine"
    deep.mkdir(parents=True)
    (tmp_path / "shared" / ".loops").mkdir()
    (tmp_path / "shared").chmod(0o777)
    assert config.find_project(deep) == deep
    (tmp_path / "shared").chmod(0o755)
    assert config.find_project(deep) == tmp_path / "shared"


def test_every_setting_says_what_it_is() -> None:
    about = [setting for _, setting in config.settings()]
    assert len({setting.key for setting in about}) == len(about)
    assert all(setting.doc.endswith(".") for setting in about)
