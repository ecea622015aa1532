"""Shell actions: one bash per action, its output line by line, its whole tree ended at a deadline or a stop.

Data reaches bash only as the content of variables, never as part of the text; the text is the author's own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

from little_loops.fsm.bash import prelude
from little_loops.machine.effects import (
    ActionResult,
    Done,
    Effect,
    End,
    Failed,
    Process,
    Report,
    RunAction,
    Spawned,
    Stopped,
)
from little_loops.process import (
    Chunk,
    Command,
    Finished,
    Limits,
    Quiet,
    SpawnFailed,
    Started,
    Stop,
    run,
)
from little_loops.runners.output import ActionOutput, create, stem, write_failed
from little_loops.runners.substitution import as_variables, with_values

QUIET_S = 0.05
"""Seconds of silence after which an unfinished line is shown."""

_VALUE_LIMIT = 32 * 1024
_VALUES_LIMIT = 96 * 1024
_TEXT_LIMIT = 96 * 1024


class ShellRunner:
    """Performs ``RunAction`` of mode ``shell``.

    Args:
        folder: the run folder; outputs go to its ``output``.
        env: the environment that actions inherit.
        cwd: where actions run; None = where the engine runs.
        grace_s: seconds from TERM to KILL.
    """

    def __init__(
        self, folder: str, env: Mapping[str, str], cwd: str | None = None, grace_s: float = 5.0
    ) -> None:
        self._folder = folder
        self._env = env
        self._inherited = {os.fsencode(name): os.fsencode(value) for name, value in env.items()}
        self._cwd = cwd
        self._grace_s = grace_s

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Run the action; reports, then ``Done``, ``Stopped`` or ``Failed``.

        Raises:
            WriteFailed: the disk refused the output; the action has been ended.
        """
        if not isinstance(effect, RunAction) or effect.mode != "shell":
            raise TypeError(f"not a shell action: {effect!r}")
        script = _Script(os.path.join(self._folder, stem(effect)))
        try:
            limits = Limits(effect.timeout_s, effect.idle_s, effect.seconds, self._grace_s)
            yield from self._run(effect, self._command(effect, script), limits, stop)
        except _Unspeakable as error:
            yield Failed(f"this action cannot be run: {error}")
        finally:
            script.remove()

    def _run(self, effect: RunAction, command: Command, limits: Limits, stop: Stop) -> Iterator[Report | End]:
        output = ActionOutput(self._folder, effect)
        execution = run(command, limits, stop, QUIET_S)
        # Closed in this order on every way out: the process first, then the files that it fills.
        with contextlib.closing(output), contextlib.closing(execution):
            try:
                for event in execution:
                    match event:
                        case Chunk(stream, data):
                            lines = output.read(stream, data)
                            if lines is not None:
                                yield lines
                        case Started(identity):
                            yield Spawned(
                                Process(identity.pid, identity.pgid, identity.started, identity.boot)
                            )
                        case Quiet():
                            partial = output.partial()
                            if partial is not None:
                                yield partial
                        case Finished():
                            last = output.finish()
                            if last is not None:
                                yield last
                            yield end_of(event, output)
            except SpawnFailed as error:
                yield Failed(error.text)

    # --- what bash is given

    def _command(self, effect: RunAction, script: _Script) -> Command:
        text = _action_text(effect)
        values = {
            name: _encoded(with_values(value, self._env), name) for name, value in effect.values.items()
        }
        small = _names_of_small(values)
        large = {name: value for name, value in values.items() if name not in small}
        env = dict(self._inherited)
        env.update((name.encode("ascii"), values[name]) for name in small)
        env[b"LL_RUN_ID"] = os.fsencode(effect.run_id)
        env[b"LL_STEP"] = b"%d" % effect.step
        env[b"LL_ATTEMPT"] = b"%d" % effect.attempt
        if len(text) > _TEXT_LIMIT:
            text = b". " + _quoted(script.write("sh", text))
        if large:
            files = {name: os.fsdecode(script.write(name, value)) for name, value in large.items()}
            text = os.fsencode(prelude(files)) + text
        return Command((b"bash", b"-c", text), env, self._cwd)


class _Unspeakable(Exception):
    """A text or value that bash cannot be given."""


class _Script:
    """Files that bash reads while the action runs, where an argument or the environment is too small."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._files: list[str] = []

    def write(self, ending: str, content: bytes) -> bytes:
        """Write a file beside the outputs; its path.

        Raises:
            WriteFailed: the disk refused.
        """
        path = os.path.abspath(f"{self._path}.{ending}")
        self._files.append(path)
        try:
            with open(create(path), "wb") as stream:
                stream.write(content)
        except OSError as error:
            raise write_failed(path, error) from error
        return os.fsencode(path)

    def remove(self) -> None:
        """Take the files away."""
        for path in self._files:
            with contextlib.suppress(OSError):
                os.unlink(path)


def end_of(event: Finished, output: ActionOutput) -> End:
    """The outcome that a finished process stands for."""
    kind = event.cause if event.cause != "stop" else None
    result: ActionResult = output.result(event.exit_code, event.duration_ms, kind)
    if event.cause is None:
        return Done(result)
    return Stopped(event.stop_cause or event.cause, result)


def _names_of_small(values: Mapping[str, bytes]) -> frozenset[str]:
    """Names of the values that fit into the environment, the smallest first."""
    fitting: set[str] = set()
    room = _VALUES_LIMIT
    for name in sorted(values, key=lambda name: len(values[name])):
        room -= len(values[name])
        if len(values[name]) > _VALUE_LIMIT or room < 0:
            break
        fitting.add(name)
    return frozenset(fitting)


def _action_text(effect: RunAction) -> bytes:
    try:
        return _encoded(as_variables(effect.action, effect.env), "the action")
    except ValueError as error:
        raise _Unspeakable(str(error)) from error


def _encoded(text: str, name: str) -> bytes:
    if "\0" in text:
        raise _Unspeakable(f"{name} holds a NUL byte, which bash cannot keep")
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _quoted(value: bytes) -> bytes:
    return b"'" + value.replace(b"'", b"'\\''") + b"'"
