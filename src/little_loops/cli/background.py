"""A run in the background: this program again, detached, its output in the run folder's log.

The child gets what the user gave through a private file, never through arguments that others can read. The
parent goes when the run is on its way, and tells what kept it from starting otherwise.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from little_loops.cli import definitions, output
from little_loops.errors import UserError
from little_loops.journal.folder import RunFolder
from little_loops.projections.text import clean

GIVEN = "given.json"
LOG = "log"


def start(folder: RunFolder, arguments: Sequence[str], given: Mapping[str, Any], *, as_json: bool) -> int:
    """Start ``ll-loop`` with these arguments for a run whose folder is there, and say where it is.

    Args:
        arguments: verb and flags; ``--given`` and ``--ready`` are added.
        given: inputs for the child's ``taken``.

    Raises:
        UserError: the run ended before it began; with its own words.
    """
    log, given_file = folder.path / LOG, folder.path / GIVEN
    _private(given_file, json.dumps(dict(given)).encode())
    reader, writer = os.pipe()
    verb, *rest = arguments
    words = [verb, "--given", str(given_file), "--ready", str(writer), *rest]
    with os.fdopen(os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+b") as sink:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "little_loops.cli.main", *words],
            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True, pass_fds=(writer,),
        )  # fmt: skip
        os.close(writer)
        with os.fdopen(reader, "rb") as told:
            begun = told.read(1)
        if not begun:
            code = child.wait()
            sink.seek(0)
            raise _never_began(code, folder, sink.read().decode("utf-8", "replace"))
    _tell(folder, child.pid, log, as_json)
    child.returncode = 0  # it lives on; nobody here will ask for its end
    return 0


def _never_began(code: int, folder: RunFolder, log: str) -> UserError:
    """What it said; a folder in which nothing ever happened is taken away again."""
    if not folder.is_started():
        shutil.rmtree(folder.path, ignore_errors=True)
    lines = [line for line in clean(log).splitlines() if line.strip()]
    text = "\n".join(line.removeprefix("error: ") for line in lines[-20:])
    return UserError(text or "the run ended before it began", exit_code=code if code > 0 else 1)


def _tell(folder: RunFolder, pid: int, log: Path, as_json: bool) -> None:
    if as_json:
        output.say_json({"run_id": folder.run_id, "pid": pid, "log": str(log), "run_dir": str(folder.path)})
        return
    output.say(f"Started {folder.run_id} in the background (PID {pid})")
    output.say(f"Log:    {definitions.nearby(log)}")
    output.say(f"Status: ll-loop status {folder.run_id}")
    output.say(f"Stop:   ll-loop stop {folder.run_id}")


def taken(given: str | None) -> dict[str, Any] | None:
    """What the parent left for us; the file is gone afterwards. None in the foreground."""
    if given is None:
        return None
    path = Path(given)
    found = json.loads(path.read_text("utf-8"))
    path.unlink()
    assert isinstance(found, dict)
    return found


def ready(fd: int | None) -> int | None:
    """The descriptor that says that we are on our way; kept from what the run starts."""
    if fd is not None:
        os.set_inheritable(fd, False)
    return fd


def _private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
