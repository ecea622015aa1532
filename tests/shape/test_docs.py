"""What the documentation shows is true: its loops load, its commands and flags exist, its links lead on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from little_loops.cli.main import ALIASES, PROGRAM, VERBS, program

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, kind: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text("utf-8")) if found == kind]


LOOPS = [
    pytest.param(text, id=f"{named(page)}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks(page, "yaml"), 1)
    if all(re.search(rf"^{key}:", text, re.MULTILINE) for key in ("name", "initial", "states"))
]


@pytest.mark.parametrize("text", LOOPS)
def test_a_loop_in_the_documentation_loads(text: str, tmp_path: Path) -> None:
    (tmp_path / "shown.yaml").write_text(text, "utf-8")
    argv = [str(Path(sys.executable).with_name(PROGRAM)), "validate", "shown.yaml"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def commands_shown(page: Path) -> list[str]:
    """The command lines for this program in the shell blocks and in the running text of a page."""
    text = page.read_text("utf-8")
    spans = re.findall(rf"`({PROGRAM} [^`]+)`", text)
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith(PROGRAM)]
    return [re.sub(r"\s+#.*", "", line) for line in (*spans, *lines)]


def test_commands_and_flags_in_the_documentation_exist() -> None:
    top = click.Context(program, info_name=PROGRAM)
    unknown = []
    for page in PAGES:
        for line in commands_shown(page):
            words = re.sub(r"'[^']*'|\"[^\"]*\"", "TEXT", line).split()[1:]
            verb = ALIASES.get(words[0], words[0]) if words else ""
            if verb.startswith("-") or verb.isupper():
                continue
            command = program.get_command(top, verb if verb in VERBS else "run")
            assert command is not None
            known = {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}
            flags = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][\w-]*(=.*)?", word)}
            unknown += [f"{named(page)}: {line}: {flag}" for flag in sorted(flags - known - {"-h", "--help"})]
    assert unknown == []


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{named(page)}: {target}"
        for page in PAGES
        for target, _ in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text("utf-8")
    assert [path.name for path in sorted(folder.glob("[0-9]*.md")) if path.name not in listed] == []
