"""The scripted host: agent actions answered from a prepared file. For demos, tests and trying a loop out.

It calls no agent and starts nothing but git to apply a patch. The file is YAML or JSON: a list of answers, or
a map with the list under ``answers``. An answer is a map; every key is optional:

| key | type | meaning |
|---|---|---|
| ``state`` | string or list | only for an action of these states |
| ``match`` | regular expression | only where it is found in the prompt |
| ``text`` | string | what the agent says, shown line by line |
| ``stderr`` | string | what it says on standard error |
| ``patch`` | unified diff | applied to the project; one that is already applied is fine |
| ``files`` | map path: text or null | files to write, or with null to remove |
| ``tools`` | list of {``tool``, ``summary``} | tool calls to report |
| ``delay`` | seconds | before the first line |
| ``pace`` | seconds | between two lines |
| ``exit_code`` | int | default 0; 1 with ``failure`` |
| ``failure`` | {``kind``, ``status``, ``retry_after``} | a provider's failure |
| ``usage`` | map | tokens and cost of the call |
| ``session_id`` | string | |
| ``repeat`` | bool | the answer is never used up |

The first answer that fits and is not used up is given. What was given is noted in the run folder, so that a
run that is resumed goes on with the next one, and an answer cut short is given again. Where none fits any
more the action fails, and says so.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from little_loops.errors import UserError
from little_loops.machine.effects import (
    Done,
    Effect,
    End,
    Failed,
    Failure,
    Report,
    RunAction,
    Stopped,
    Text,
    TimeoutKind,
    ToolCalled,
)
from little_loops.process import TIMEOUT_EXIT_CODE, Command, Limits, SpawnFailed, Stop, collect, wait
from little_loops.runners.output import ActionOutput, write_failed
from little_loops.runners.substitution import with_values

_NOTES = os.path.join("files", "scripted-host.jsonl")
_STOPPED_EXIT_CODE = -15
_PATCH_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One prepared answer; the keys of the file."""

    state: str | list[str] | None = None
    match: str | None = None
    text: str = ""
    stderr: str = ""
    patch: str | None = None
    files: Mapping[str, str | None] = field(default_factory=dict)
    tools: tuple[Mapping[str, str], ...] = ()
    delay: float = 0.0
    pace: float = 0.0
    exit_code: int | None = None
    failure: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] | None = None
    session_id: str | None = None
    repeat: bool = False

    def fits(self, state: str, prompt: str) -> bool:
        """Whether the answer is meant for this action."""
        states = [self.state] if isinstance(self.state, str) else self.state
        if states is not None and state not in states:
            return False
        return self.match is None or re.search(self.match, prompt) is not None


@dataclass(frozen=True, slots=True)
class Script:
    """Prepared answers and where they came from."""

    path: str
    answers: tuple[Answer, ...]

    @classmethod
    def from_file(cls, path: str) -> Script:
        """Read a file of answers.

        Raises:
            UserError: unreadable, not a list of answers, an unknown key, or an invalid pattern.
        """
        try:
            with open(path, encoding="utf-8") as stream:
                content = stream.read()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read the scripted host's file {path}: {error}") from error
        import yaml

        try:
            document = yaml.safe_load(content)
        except yaml.YAMLError as error:
            raise UserError(f"{path} is not valid YAML: {error}") from error
        listed = document.get("answers") if isinstance(document, dict) else document
        if not isinstance(listed, list):
            raise UserError(
                f"{path}: expected a list of answers", "See the scripted host in the documentation."
            )
        return cls(path, tuple(_answer(path, number, one) for number, one in enumerate(listed, 1)))


class ScriptedHost:
    """Performs ``RunAction`` of mode ``prompt`` with prepared answers.

    Args:
        script: the answers.
        folder: the run folder.
        env: for ``${env.NAME}`` in prompts, and for git.
        cwd: the project that patches change; None = where the engine runs.
    """

    def __init__(self, script: Script, folder: str, env: Mapping[str, str], cwd: str | None = None) -> None:
        self._script = script
        self._folder = folder
        self._env = env
        self._cwd = os.path.abspath(cwd or ".")
        self._used = self._read_notes()

    @classmethod
    def from_file(
        cls, path: str, folder: str, env: Mapping[str, str], cwd: str | None = None
    ) -> ScriptedHost:
        """A host that answers from a file.

        Raises:
            UserError: the file cannot be used.
        """
        return cls(Script.from_file(path), folder, env, cwd)

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Give the next fitting answer; ``Done``, ``Stopped`` or ``Failed``.

        Raises:
            WriteFailed: the disk refused the output.
        """
        if not isinstance(effect, RunAction):
            raise TypeError(f"not an action: {effect!r}")
        prompt = with_values(Text(effect.action, effect.env), self._env)
        number = self._next(effect.state, prompt)
        if number is None:
            yield Failed(
                f"the scripted host has no answer left for state {effect.state} ({self._script.path}, "
                f"{len(self._script.answers)} answers, {len(self._used)} given)"
            )
            return
        output = ActionOutput(self._folder, effect)
        with contextlib.closing(output):
            end = yield from self._give(self._script.answers[number], effect, output, stop)
        if isinstance(end, Done):
            self._note(number)
        yield end

    def _next(self, state: str, prompt: str) -> int | None:
        for number, answer in enumerate(self._script.answers):
            if (answer.repeat or number not in self._used) and answer.fits(state, prompt):
                return number
        return None

    # --- one answer

    def _give(
        self, answer: Answer, effect: RunAction, output: ActionOutput, stop: Stop
    ) -> Generator[Report, None, End]:
        pause = _Pause(effect, stop)
        pause.take(answer.delay)
        for call in answer.tools:
            yield ToolCalled(str(call.get("tool", "")), call.get("summary"))
        lines = answer.text.removesuffix("\n").split("\n") if answer.text else []
        for index, line in enumerate(lines):
            if index:
                pause.take(answer.pace)
            if pause.over:
                break
            ending = "\n" if index < len(lines) - 1 else ""
            read = output.read("out", (line + ending).encode("utf-8", "replace"))
            if read is not None:
                yield read
        last = output.finish()
        if last is not None:
            yield last
        return self._end(answer, output, pause)

    def _end(self, answer: Answer, output: ActionOutput, pause: _Pause) -> End:
        if pause.cause is not None:
            code = TIMEOUT_EXIT_CODE if pause.kind is not None else _STOPPED_EXIT_CODE
            return Stopped(pause.cause, output.result(code, pause.duration_ms, pause.kind))
        if answer.stderr:
            output.read("err", answer.stderr.encode("utf-8", "replace"))
        problem = self._change(answer)
        if problem is not None:
            return Failed(problem)
        failure = None if answer.failure is None else Failure(**answer.failure)
        code = answer.exit_code if answer.exit_code is not None else int(failure is not None)
        result = output.result(code, pause.duration_ms, failure=failure)
        return Done(replace(result, usage=answer.usage, session_id=answer.session_id))

    # --- what the answer does to the project

    def _change(self, answer: Answer) -> str | None:
        """Write the answer's files and apply its patch; what went wrong, or None."""
        for name, content in answer.files.items():
            path = os.path.join(self._cwd, name)
            try:
                _put(path, content)
            except OSError as error:
                return f"the scripted host cannot write {path}: {error.strerror}"
        return self._apply(answer.patch) if answer.patch else None

    def _apply(self, patch: str) -> str | None:
        try:
            done = self._git(patch, "apply", "--whitespace=nowarn")
            if done[0] == 0 or self._git(patch, "apply", "--reverse", "--check")[0] == 0:
                return None
        except SpawnFailed as error:
            return f"the scripted host cannot apply a patch: {error.text}"
        return f"the scripted host's patch does not apply: {done[1]}"

    def _git(self, patch: str, *arguments: str) -> tuple[int, str]:
        # Paths of the patch start at the project, also where that is a folder inside a repository.
        env = {**self._env, "GIT_CEILING_DIRECTORIES": os.path.dirname(self._cwd)}
        command = Command(("git", *arguments, "-"), env, self._cwd, patch.encode("utf-8"))
        done = collect(command, Limits(wall_s=_PATCH_S))
        return done.exit_code, done.err.decode("utf-8", "replace").strip()

    # --- what was given

    def _read_notes(self) -> set[int]:
        try:
            with open(os.path.join(self._folder, _NOTES), encoding="ascii") as stream:
                return {json.loads(line)["answer"] - 1 for line in stream if line.endswith("\n")}
        except FileNotFoundError:
            return set()

    def _note(self, number: int) -> None:
        self._used.add(number)
        path = os.path.join(self._folder, _NOTES)
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            with open(path, "a", encoding="ascii") as stream:
                stream.write(json.dumps({"answer": number + 1}) + "\n")
        except OSError as error:
            raise write_failed(path, error) from error


class _Pause:
    """The time an answer takes, under the action's limits and the stop token."""

    def __init__(self, effect: RunAction, stop: Stop) -> None:
        self._start = time.monotonic()
        self._stop = stop
        self._limits: list[tuple[float, TimeoutKind]] = []
        if effect.timeout_s is not None:
            self._limits.append((effect.timeout_s, "wall"))
        if effect.seconds is not None:
            self._limits.append((effect.seconds, "budget"))
        self._idle_s = effect.idle_s
        self.cause: str | None = None
        """What ended the answer early: a limit, or the name of the stop request."""
        self.kind: TimeoutKind | None = None
        """The limit that ended it."""

    @property
    def over(self) -> bool:
        """Whether the answer was ended early."""
        return self.cause is not None

    @property
    def duration_ms(self) -> int:
        """Real milliseconds so far."""
        return round((time.monotonic() - self._start) * 1000)

    def take(self, seconds: float) -> None:
        """Let time pass, as long as the limits and the stop token allow."""
        passed = time.monotonic() - self._start
        ends: list[tuple[float, TimeoutKind | None]] = [(seconds, None)]
        ends += [(limit - passed, kind) for limit, kind in self._limits]
        if self._idle_s is not None:
            ends.append((self._idle_s, "idle"))
        rest, kind = min(ends, key=lambda end: end[0])
        if wait(self._stop, max(rest, 0.0)):
            self.cause = self._stop.cause
        elif kind is not None:
            self.cause = self.kind = kind


def _put(path: str, content: str | None) -> None:
    if content is None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(content)


def _answer(path: str, number: int, found: object) -> Answer:
    place = f"{path}: answer {number}"
    if not isinstance(found, dict):
        raise UserError(f"{place} is not a map")
    known = {one.name for one in fields(Answer)}
    unknown = sorted(str(key) for key in found if key not in known)
    if unknown:
        raise UserError(f"{place}: unknown key {unknown[0]}", f"Known keys: {', '.join(sorted(known))}.")
    for key, kinds in _KINDS.items():
        if key in found and not isinstance(found[key], kinds):
            raise UserError(f"{place}: {key} has the wrong type")
    try:
        re.compile(found.get("match") or "")
        Failure(**(found.get("failure") or {"kind": "none"}))
    except (re.error, TypeError) as error:
        raise UserError(f"{place}: {error}") from error
    return Answer(**{**found, "tools": tuple(found.get("tools") or ())})


_KINDS: dict[str, tuple[type, ...]] = {
    "state": (str, list),
    "match": (str,),
    "text": (str,),
    "stderr": (str,),
    "patch": (str,),
    "files": (dict,),
    "tools": (list,),
    "delay": (int, float),
    "pace": (int, float),
    "exit_code": (int,),
    "failure": (dict,),
    "usage": (dict,),
}
