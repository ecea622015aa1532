"""What a person sees of a run while it runs. An observer: nothing that befalls the screen may touch the run.

A pipe that is closed or a terminal that goes away makes it silent, and no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from little_loops import events as ev
from little_loops.cli import output
from little_loops.cli.endblock import end_lines
from little_loops.cli.narrator import Narrator, Said
from little_loops.cli.pictures import Artist, Pictures
from little_loops.errors import UserError
from little_loops.fsm.schema import FSMLoop
from little_loops.projections import timeline
from little_loops.projections.ending import Caps, Ending, caps, ending
from little_loops.projections.summary import Summary, add
from little_loops.projections.text import clean


class View(Protocol):
    """An observer (``runtime.ports.Observer``) that also closes."""

    def heard(self, event: ev.Event) -> None:
        """One event, after it was written."""

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        """Lines of the running action."""

    def close(self) -> None:
        """The run is over; leave the screen as a screen should be left."""


@dataclass(frozen=True, slots=True)
class Looks:
    """How a run is shown.

    Attributes:
        verbose: whole prompts, every line of output.
        diagrams: draw the graph at every state.
        clear: clear the terminal at every state of the root.
        artist: how graphs come about, or None.
    """

    verbose: bool = False
    diagrams: bool = False
    clear: bool = False
    artist: Artist | None = None

    def pictures(self, loop: FSMLoop) -> Pictures | None:
        """What draws the graph, where it is wanted."""
        return Pictures(loop, self.artist) if self.diagrams and self.artist is not None else None


class Screen:
    """Standard output that may vanish. ``gone`` is True once it did."""

    def __init__(self) -> None:
        self.gone = False

    def lines(self, said: Iterable[Said]) -> None:
        """Print styled lines in one go."""
        self.text("".join(paint(line) + "\n" for line in said))

    def text(self, text: str) -> None:
        """Print a text as it is."""
        if self.gone or not text:
            return
        try:
            output.say(text, end="")
            output.flush()
        except (OSError, ValueError, UserError):
            self.lost()

    def lost(self) -> None:
        """Nobody sees it any more."""
        self.gone = True
        output.abandon()


def paint(said: Said) -> str:
    """A line with the colours that standard output takes."""
    return "".join(output.paint(piece.text, *piece.styles) for piece in said)


class Memory:
    """Keeps what the end of a run is told from, also when nothing is shown meanwhile."""

    def __init__(self, loop: FSMLoop | None) -> None:
        self.loop = loop
        self.run = Summary()

    def recall(self, records: Iterable[dict[str, Any]]) -> None:
        """What was written before this segment, so that the end tells of the whole run."""
        for record in records:
            add(self.run, record)

    def heard(self, event: ev.Event) -> None:
        if not isinstance(event, ev.ActionOutput):
            for record in ev.to_wire(event):
                add(self.run, record)

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        return

    def close(self) -> None:
        return

    def limits(self) -> Caps:
        """The limits in force."""
        return limits_of(self.loop, self.run.overrides)

    def ending(self) -> Ending:
        """How the run ended."""
        return ending(self.run, self.limits())

    def end(self, folder: Path | None) -> Iterable[Said]:
        """The lines of the end."""
        return end_lines(self.run, self.ending(), folder)


class Plain:
    """Lines, one after the other: for pipes, logs and dumb terminals."""

    def __init__(self, loop: FSMLoop, looks: Looks, screen: Screen, cap: int | None) -> None:
        cut_at = output.width() if output.on_terminal() else None
        self.narrator = Narrator(cap, cut_at, verbose=looks.verbose)
        self.pictures = looks.pictures(loop)
        self.clear = looks.clear and output.capable()
        self.screen = screen

    def heard(self, event: ev.Event) -> None:
        if isinstance(event, ev.ActionOutput) or self.screen.gone:
            return
        if self.clear and isinstance(event, ev.StateEnter) and not event.depth:
            self.screen.text("\033[2J\033[H")
        if self.pictures is not None and self.pictures.follow(event):
            self.screen.text(self.pictures.text() + "\n")
        self.screen.lines(self.narrator.tell(event))

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        if self.screen.gone:
            return
        lead = self.narrator.lead
        texts = [lead + clean(line) for line in lines if line and not line.isspace()]
        if texts:
            text = "\n".join(texts)
            self.screen.text(output.paint(text, "dim") + "\n")

    def close(self) -> None:
        self.screen.lines(self.narrator.pending())


def limits_of(loop: FSMLoop | None, overrides: Mapping[str, Any]) -> Caps:
    """The limits of a run."""
    return caps(loop.to_dict() if loop else None, overrides)


class Follow:
    """Every event as a line of ``history``, or as a line of JSON, while it happens."""

    def __init__(self, at: Callable[[str], str], run_id: str, *, as_json: bool, verbose: bool) -> None:
        self.at = at
        self.run_id = run_id
        self.as_json = as_json
        self.verbose = verbose
        self.screen = Screen()

    def heard(self, event: ev.Event) -> None:
        if self.screen.gone:
            return
        for record in ev.to_wire(event):
            try:
                self._show(record)
            except (OSError, ValueError, UserError):
                self.screen.lost()
                return

    def _show(self, record: dict[str, Any]) -> None:
        if self.as_json:
            output.say_json_line({**record, "run_id": self.run_id})
            return
        shown = timeline.line(record, self.at, verbose=self.verbose)
        output.say(shown.text())
        output.flush()

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        return

    def close(self) -> None:
        return


def start_lines(loop: FSMLoop, limits: Caps) -> str:
    """The first lines of a run."""
    return f"Running loop: {loop.name}\nMax iterations: {limits.steps}\n\n"


def view(
    loop: FSMLoop,
    looks: Looks,
    overrides: Mapping[str, Any],
    stopping: Callable[[], str | None] = lambda: None,
    *,
    plain: bool = False,
) -> View:
    """The view that suits standard output: live on a terminal, lines elsewhere.

    Args:
        loop: the root's definition.
        looks: how it is shown.
        overrides: options of the run, for its limits.
        stopping: name of the signal that asked for a stop, or None.
        plain: lines on a terminal too.
    """
    screen = Screen()
    limits = limits_of(loop, overrides)
    screen.text(start_lines(loop, limits))
    if output.capable() and not plain:
        from little_loops.cli.live import Live

        return Live(loop, looks, screen, limits, stopping)
    return Plain(loop, looks, screen, limits.steps)
