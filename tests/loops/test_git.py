"""The loops that look at a repository and its files."""

from __future__ import annotations

from pathlib import Path

import pytest
from loop_project import Project

# pre-pr-checks


@pytest.fixture
def branch(project: Project) -> Project:
    project.commit({"old.txt": "old  \n", "shared.txt": "one\n"})
    project.git("switch", "--quiet", "--create", "feature")
    return project


def test_blanks_and_missing_newlines_are_repaired_where_the_branch_changed_something(branch: Project) -> None:
    branch.commit({"new.txt": "one  \ntwo", "a name with 'quotes'.txt": "x\t\n"})
    ended = branch.run("pre-pr-checks")
    assert ended.code == 0, ended
    assert branch.read("new.txt") == "one\ntwo\n"
    assert branch.read("a name with 'quotes'.txt") == "x\n"
    assert branch.read("old.txt") == "old  \n"


def test_a_clean_branch_passes_untouched(branch: Project) -> None:
    branch.commit({"new.txt": "fine\n"})
    ended = branch.run("pre-pr-checks")
    assert ended.code == 0, ended
    assert branch.git("status", "--porcelain") == ""


MARKER = "<" * 7 + " ours\n"
KEY = "-----BEGIN OPENSSH PRIVATE" + " KEY-----\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [(MARKER, "new.txt:1:"), (KEY, "A private key in a file"), ("x" * 3000 + "\n", "new.txt: 2 KiB")],
)
def test_what_must_not_be_merged_is_shown_with_its_place(branch: Project, text: str, said: str) -> None:
    branch.write({"new.txt": text})  # not even added yet
    ended = branch.run("pre-pr-checks", max_kb="2")
    assert ended.code == 1, ended
    assert said in ended.said


def test_a_base_that_moved_on_is_no_problem_until_it_conflicts(branch: Project) -> None:
    branch.commit({"new.txt": "mine\n"})
    branch.git("switch", "--quiet", "main")
    branch.commit({"elsewhere.txt": "theirs\n"})
    branch.git("switch", "--quiet", "feature")
    assert branch.run("pre-pr-checks").code == 0
    branch.git("switch", "--quiet", "main")
    branch.commit({"new.txt": "theirs\n"})
    branch.git("switch", "--quiet", "feature")
    ended = branch.run("pre-pr-checks")
    assert ended.code == 1, ended
    assert "rebase or merge first" in ended.said


def test_a_base_that_does_not_exist_is_named(branch: Project) -> None:
    ended = branch.run("pre-pr-checks", base="origin/nowhere")
    assert ended.code == 1, ended
    assert "No common history with 'origin/nowhere'" in ended.said


# worktree-health


def test_only_worktrees_without_anything_to_lose_are_removed(project: Project) -> None:
    project.commit({"file.txt": "1\n", ".gitignore": ".loops/\n.worktrees/\n"})
    for name in ("merged", "dirty", "ahead", "locked", "gone"):
        project.git("worktree", "add", "--quiet", "-b", name, f".worktrees/{name}")
    trees = project.root / ".worktrees"
    (trees / "dirty" / "new.txt").write_text("work\n")
    (trees / "ahead" / "file.txt").write_text("2\n")
    project.git("commit", "--quiet", "--all", "--message", "ahead", at=trees / "ahead")
    project.git("worktree", "lock", ".worktrees/locked")
    (trees / "gone").rename(project.root / "moved-away")

    ended = project.run("worktree-health", "-n", "8", "--delay", "0.01")

    assert ended.code == 1, ended  # the cap; it would go on for ever
    assert sorted(path.name for path in trees.iterdir()) == ["ahead", "dirty", "locked"]
    assert "gone" not in project.git("worktree", "list")
    assert "merged" in project.git("branch", "--list", "merged")
    path = project.path()
    assert path[:4] == ["tidy", "survey", "remove", "survey"]
    assert path.count("tidy") == 2, "it goes round again"


def test_a_folder_without_git_is_said(tmp_path: Path, project: Project) -> None:
    (project.root / ".git").rename(tmp_path / "elsewhere")
    ended = project.run("worktree-health", "-n", "4", "--delay", "0.01")
    assert ended.code == 1, ended
    assert "not a git repository" in ended.said


# each-file


def test_every_file_of_the_pattern_gets_the_command(project: Project) -> None:
    project.commit({"a.txt": "", "deep/b.txt": "", "c.md": ""})
    project.write({"untracked.txt": ""})
    ended = project.run("each-file", "*.txt", command='echo "$file" >>seen')
    assert ended.code == 0, ended
    assert project.read("seen").split() == ["a.txt", "deep/b.txt", "untracked.txt"]


def test_files_that_fail_are_listed_and_the_others_still_have_their_turn(project: Project) -> None:
    project.commit({"1.json": "{}", "2.json": "{", "3.json": "[]", "4.json": "]"})
    ended = project.run("each-file", "*.json", command='echo "$file" >>seen; python3 -m json.tool "$file"')
    assert ended.code == 1, ended
    assert "2 files failed:" in ended.said
    assert project.read("seen").split() == ["1.json", "2.json", "3.json", "4.json"]
    assert [e["final_state"] for e in project.events() if e["event"] == "loop_complete" and "depth" in e] == [
        "passed", "failed", "passed", "failed",
    ]  # fmt: skip


def test_a_file_can_be_tried_more_than_once(project: Project) -> None:
    project.commit({"a.txt": ""})
    ended = project.run("each-file", "*.txt", command="echo x >>tries; [ $(wc -l <tries) = 3 ]", attempts="3")
    assert ended.code == 0, ended


HOSTILE = [
    "a;touch pwned.txt",
    "$(touch pwned).txt",
    "'; touch pwned; '.txt",
    '" `touch pwned` ".txt',
    "-rf.txt",
]


def test_names_of_files_are_never_commands(project: Project) -> None:
    project.commit({name.removesuffix(".txt") + ".txt": "" for name in HOSTILE})
    ended = project.run("each-file", "*.txt", command='test -f "./$file" && echo "$file" >>seen')
    assert ended.code == 0, ended
    assert sorted(project.read("seen").splitlines()) == sorted(
        n.removesuffix(".txt") + ".txt" for n in HOSTILE
    )
    assert not list(project.root.rglob("pwned"))


def test_a_pattern_without_a_file_is_said(project: Project) -> None:
    ended = project.run("each-file", "*.nothing", command="true")
    assert ended.code == 1, ended
    assert project.path()[-1] == "nothing_matches"


def test_without_a_command_it_does_not_start(project: Project) -> None:
    project.commit({"a.txt": ""})
    ended = project.run("each-file", "*.txt")
    assert ended.code == 2, ended
    assert "command" in ended.said
    assert not list(project.root.glob(".loops/runs/*"))
