from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from editor import Editor

LIBRARY = """\
fragments:
  gate:
    description: Goes by the exit code.
    action: make check
    evaluate: {type: exit_code}
  wrong:
    timeot: 5
"""
BASE = """\
name: base
description: to build on
scope: [.]
max_steps: 9
initial: begin
context: {who: you}
states:
  begin: {action: make, on_yes: done, on_no: nowhere}
  done: {terminal: true}
"""
CHILD = """\
name: child
description: One file, looked at.
scope: [.]
parameters:
  file: {type: path, required: true, description: the file}
  tries: {type: integer, default: 2}
initial: look
states:
  look: {action: cat "$FILE", capture: seen, on_yes: good, on_no: bad, on_error: bad}
  good: {terminal: true}
  bad: {terminal: true, failure: true}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project") / "wörk # 100%"
    (root / ".git").mkdir(parents=True)
    for name, text in {"lib/own": LIBRARY, "base": BASE, "child": CHILD}.items():
        path = root / ".loops" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture(scope="module")
def editor(project: Path) -> Iterator[Editor]:
    with Editor(project) as opened:
        yield opened
