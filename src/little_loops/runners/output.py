"""One action's output: reported line by line, kept as a value, and written whole to files of the run folder.

Every byte goes to ``output/<step>[-<attempt>].out`` and ``.err``; a stream that is empty has no file. A write
that the disk refuses is ``WriteFailed``, never a shorter file.
"""

from __future__ import annotations

import contextlib
import os

from little_loops.errors import WriteFailed
from little_loops.machine.effects import (
    ActionResult,
    Failure,
    OutputRead,
    PartialLine,
    RunAction,
    TimeoutKind,
)
from little_loops.runners.lines import Lines, Value

FOLDER = "output"


def stem(effect: RunAction) -> str:
    """Path of an attempt's files below the run folder, without their ending."""
    attempt = f"-{effect.attempt}" if effect.attempt > 1 else ""
    return f"{FOLDER}/{effect.step:04d}{attempt}"


class Spool:
    """All bytes of one stream in a file that comes into being with the first byte.

    Args:
        folder: the run folder.
        name: path below it.
    """

    def __init__(self, folder: str, name: str) -> None:
        self.name = name
        self._path = os.path.join(folder, name)
        self._descriptor = -1

    @property
    def written(self) -> bool:
        """Whether there is a file."""
        return self._descriptor >= 0

    def write(self, data: bytes) -> None:
        """Append ``data``.

        Raises:
            WriteFailed: the disk refused.
        """
        try:
            if self._descriptor < 0:
                self._descriptor = create(self._path)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise write_failed(self._path, error) from error

    def close(self) -> None:
        """Close the file; it stays."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


class ActionOutput:
    """Takes an action's bytes as they come and knows at the end what the action said.

    Args:
        folder: the run folder.
        effect: the action.
    """

    def __init__(self, folder: str, effect: RunAction) -> None:
        name = stem(effect)
        self._spools = {"out": Spool(folder, f"{name}.out"), "err": Spool(folder, f"{name}.err")}
        self._values = {"out": Value(effect.value_limit), "err": Value(effect.value_limit)}
        self._lines = Lines(f"{name}.out", markers=effect.markers)
        self._files: dict[str, str] = {}

    def read(self, stream: str, data: bytes) -> OutputRead | None:
        """Take bytes of stream ``out`` or ``err``; the lines of standard output that they completed.

        Raises:
            WriteFailed: the disk refused.
        """
        self._spools[stream].write(data)
        self._values[stream].feed(data)
        self._files["output" if stream == "out" else "stderr"] = self._spools[stream].name
        return self._lines.feed(data) if stream == "out" else None

    def partial(self) -> PartialLine | None:
        """The unfinished line, for live observers."""
        text = self._lines.partial()
        return PartialLine(text) if text else None

    def finish(self) -> OutputRead | None:
        """The stream has ended: its last, unfinished line if there is one."""
        return self._lines.finish()

    def result(
        self,
        exit_code: int,
        duration_ms: int,
        timeout_kind: TimeoutKind | None = None,
        failure: Failure | None = None,
    ) -> ActionResult:
        """Everything that is known of the finished action."""
        output, stderr = self._values["out"].text(), self._values["err"].text()
        # Without a replacement character nothing was replaced, so the file is the text.
        exact = {
            key
            for key, text, stream in (("output", output, "out"), ("stderr", stderr, "err"))
            if key in self._files and "\ufffd" not in text and not self._values[stream].truncated
        }
        return ActionResult(
            exit_code,
            output,
            stderr,
            duration_ms,
            truncated=any(value.truncated for value in self._values.values()),
            timeout_kind=timeout_kind,
            marker=self._lines.marker,
            failure=failure,
            output_lines=self._lines.count if self._lines.count > self._lines.recorded else None,
            files=dict(self._files),
            exact=frozenset(exact),
        )

    def close(self) -> None:
        """Close the files."""
        for spool in self._spools.values():
            spool.close()


def create(path: str) -> int:
    """Open a new file of ours for appending; the folder is made when it is missing."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        return os.open(path, flags, 0o600)


def write_failed(path: str, error: OSError) -> WriteFailed:
    """What to tell of a refused write: where, why, and how much room there is."""
    import shutil

    free = ""
    with contextlib.suppress(OSError):
        left = shutil.disk_usage(os.path.dirname(path)).free
        free = f" ({left / 1e6:.1f} MB free)"
    return WriteFailed(
        f"cannot write {path}: {error.strerror or error}{free}",
        "Make room or give write permission; then `ll-loop resume` goes on where this run stopped.",
    )
