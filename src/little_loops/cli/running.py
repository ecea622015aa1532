"""From a prepared run to its last line: signals, the view, the end block, the exit code.

Nothing that happens to the screen or to an observer changes the run; only a signal does, by the stop token.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from little_loops import events as ev
from little_loops.cli import definitions, output, runs
from little_loops.cli.progress import Follow, Looks, Memory, Screen, View, paint, view
from little_loops.errors import JournalError, UserError, WriteFailed
from little_loops.projections.text import clean

if TYPE_CHECKING:
    from types import FrameType

    from little_loops.compose import Finished, Prepared
    from little_loops.fsm.schema import FSMLoop
    from little_loops.journal.folder import RunFolder
    from little_loops.journal.lock import Held
    from little_loops.process import StopToken

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Showing:
    """What of a run is shown.

    Attributes:
        quiet: nothing while it runs.
        follow: every event as one line.
        as_json: JSON instead of text; with ``follow`` a line per event, else the result at the end.
        ready: descriptor that is told once the run has begun or waits, or None.
    """

    looks: Looks
    quiet: bool = False
    follow: bool = False
    as_json: bool = False
    ready: int | None = None


class Stage:
    """The observers of one run. The view opens with the first event, so that a refusal has a clean screen."""

    def __init__(self, loop: FSMLoop, run_id: str, showing: Showing, stop: StopToken) -> None:
        self.loop = loop
        self.run_id = run_id
        self.showing = showing
        self.stop = stop
        self.memory = Memory(loop)
        self.views: list[View] | None = None

    def heard(self, event: ev.Event) -> None:
        """One event, after it was written."""
        self.memory.heard(event)
        if self.views is None:
            self.views = list(self._open())
            self.ready()
        for one in self.views:
            one.heard(event)

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        """Lines of the running action."""
        for one in self.views or ():
            one.output(lines, partial)

    def _open(self) -> Iterator[View]:
        showing = self.showing
        if showing.follow:
            verbose = showing.looks.verbose
            yield Follow(runs.clock, self.run_id, as_json=showing.as_json, verbose=verbose)
        if not (showing.quiet or showing.as_json):
            plain = showing.follow
            yield view(
                self.loop, showing.looks, self.memory.run.overrides, lambda: self.stop.cause, plain=plain
            )

    def ready(self) -> None:
        """Tell whoever started us in the background that the run is on its way."""
        if self.showing.ready is not None:
            with contextlib.suppress(OSError):
                os.write(self.showing.ready, b"!")

    def waiting(self, holders: tuple[Held, ...]) -> None:
        """The run waits in the queue."""
        names = ", ".join(f"{one.loop} ({one.run_id})" for one in holders)
        how = "; Ctrl-C ends the wait" if output.on_terminal(sys.stderr) else ""
        output.remark(f"{self.loop.name} waits for {names}{how}")
        self.ready()

    def close(self) -> None:
        """Leave the screen in order."""
        for one in self.views or ():
            one.close()


def perform(prepared: Prepared, showing: Showing) -> int:
    """Run, or go on with, a prepared run; the exit code.

    Raises:
        UserError: it could not begin, or the disk refused a write.
    """
    from little_loops.compose import execute, make_folder
    from little_loops.process import StopToken

    for note in (*prepared.project.config.notes, *prepared.notes):
        output.warning(note)
    _warn(prepared)
    prepared = replace(prepared, folder=make_folder(prepared))
    folder = prepared.folder
    assert folder is not None
    stop = StopToken()
    stage = Stage(prepared.loop, folder.run_id, _with_children(showing, folder), stop)
    if prepared.resume is not None:
        from little_loops.journal.fold import records

        stage.memory.recall(records(folder))
    with signals(stop):
        try:
            done = execute(prepared, stop, (stage,), waiting=stage.waiting)
        except WriteFailed as problem:
            hint = problem.hint or f"when that is repaired: ll-loop resume {folder.run_id}"
            raise WriteFailed(problem.message, hint) from problem
        finally:
            stage.close()
    _tell(done, stage, showing)
    return done.outcome.exit_code


def _with_children(showing: Showing, folder: RunFolder) -> Showing:
    """The same, with graphs of child loops from what the run is pinned to."""
    looks = showing.looks
    if looks.artist is None:
        return showing

    def find(digest: str) -> FSMLoop | None:
        from little_loops.journal.pins import pinned

        try:
            return pinned(folder, digest).loop
        except JournalError:
            return None

    return replace(showing, looks=replace(looks, artist=replace(looks.artist, find=find)))


def _warn(prepared: Prepared) -> None:
    word = prepared.options.overrides.get("permissions") or prepared.loop.permissions
    states = [name for name, state in prepared.loop.states.items() if state.permissions == "full"]
    if (word or prepared.project.config.permissions) == "full":
        output.warning("permissions: full - agents of this run may touch anything")
    elif states and not prepared.options.overrides.get("permissions"):
        output.warning(f"permissions: full - agents of {', '.join(states)} may touch anything")
    found = len(prepared.warnings)
    if found:
        many = "1 warning" if found == 1 else f"{found} warnings"
        output.remark(output.paint(f"{many}; ll-loop validate shows what", "dim", stream=sys.stderr))


@contextlib.contextmanager
def signals(stop: StopToken) -> Iterator[None]:
    """The first SIGINT or SIGTERM asks for a stop, the second for haste; a terminal that went, nothing."""

    def request(number: int, frame: FrameType | None) -> None:
        first = stop.cause is None
        stop.request(signal.Signals(number).name)
        text = "stopping; once more ends it at once" if first else "ending it now"
        with contextlib.suppress(OSError):
            os.write(2, f"\r\033[K{text}\n".encode() if sys.stderr.isatty() else f"{text}\n".encode())

    def carry_on(number: int, frame: FrameType | None) -> None:
        return

    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = dict.fromkeys(_SIGNALS, request)
    handlers[signal.SIGHUP] = carry_on
    before: dict[signal.Signals, Any] = {number: signal.signal(number, do) for number, do in handlers.items()}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _tell(done: Finished, stage: Stage, showing: Showing) -> None:
    if showing.as_json:
        if not showing.follow:
            Screen().text(output.json_text(_result(done, stage.memory)) + "\n")
        return
    good = done.outcome.exit_code == 0
    if showing.quiet and good:
        return
    lines = [paint(line) for line in stage.memory.end(definitions.nearby(done.folder.path))]
    screen = Screen()
    if showing.quiet:
        for line in lines:
            output.remark(line)
    else:
        screen.text("\n".join(lines) + "\n")


def _result(done: Finished, memory: Memory) -> dict[str, Any]:
    run = memory.run
    end = memory.ending()
    return {
        "run_id": done.folder.run_id,
        "loop": run.loop,
        "status": done.outcome.status,
        "terminated_by": run.cause,
        "final_state": run.state,
        "iterations": run.iteration,
        "duration_ms": run.accumulated_ms,
        "exit_code": done.outcome.exit_code,
        "resumable": done.outcome.resumable,
        "error": run.error,
        "why": end.headline,
        "next_command": end.command,
        "path": run.way,
        "run_dir": str(done.folder.path),
    }


def pairs(texts: tuple[str, ...], flag: str) -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping, split at the first ``=``, blanks around both sides dropped.

    Raises:
        UserError: one has no ``=`` or no key.
    """
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise UserError(f"{flag} {clean(text)}: expected KEY=VALUE")
        found[key.strip()] = value.strip()
    return found


def params(texts: tuple[str, ...]) -> dict[str, str]:
    """``NAME=VALUE`` texts; ``@FILE`` and ``-`` (standard input) stand for a content, ``@@`` for one ``@``.

    One line end at the end of a content is dropped.

    Raises:
        UserError: no ``=``, or a content that cannot be read as UTF-8.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UserError(f"--param {clean(text)}: expected NAME=VALUE, NAME=@FILE or NAME=-")
        found[name.strip()] = content(value, f"--param {name.strip()}")
    return found


def content(value: str, flag: str) -> str:
    """What a value stands for."""
    if value.startswith("@@"):
        return value[1:]
    if value != "-" and not value.startswith("@"):
        return value
    try:
        if value == "-":
            text = sys.stdin.buffer.read().decode("utf-8")
        else:
            from pathlib import Path

            text = Path(value[1:]).read_bytes().decode("utf-8")
    except UnicodeDecodeError as problem:
        raise UserError(f"{flag}={value}: not UTF-8 text (byte {problem.start})") from None
    except OSError as problem:
        raise UserError(f"{flag}={value}: cannot be read: {problem.strerror}") from None
    return text.removesuffix("\n").removesuffix("\r")


def budget(texts: tuple[str, ...]) -> dict[str, float] | None:
    """``KIND=AMOUNT`` texts; kinds are usd, tokens, agent_calls, seconds, unknown_price.

    Raises:
        UserError: another kind, or no number.
    """
    kinds = ("usd", "tokens", "agent_calls", "seconds", "unknown_price")
    found: dict[str, float] = {}
    for kind, text in pairs(texts, "--budget").items():
        try:
            amount = float(text)
        except ValueError:
            amount = -1
        if kind not in kinds or not 0 <= amount < float("inf"):
            raise UserError(f"--budget {kind}={text}: expected KIND=AMOUNT", f"kinds: {', '.join(kinds)}")
        found[kind] = int(amount) if kind in ("tokens", "agent_calls") else amount
    return found or None
