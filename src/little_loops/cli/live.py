"""The live view on a terminal: finished lines scroll up, the state that runs stays at the bottom and moves.

Draws from its own thread, never from the engine's. Whatever goes wrong with the terminal ends
the view, not the run.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.text import Text

from little_loops import events as ev
from little_loops.cli import output
from little_loops.cli.narrator import Narrator, Said
from little_loops.fsm.schema import FSMLoop
from little_loops.projections.ending import Caps
from little_loops.projections.text import clean, count, elapsed, one_line

if TYPE_CHECKING:
    from little_loops.cli.progress import Looks, Screen

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAMES_ASCII = "|/-\\"
EVERY = 0.1
TAIL = 5
"""Lines of output that are shown while an action runs, and that stay when it has ended."""


class Gone(OSError):
    """The terminal went away."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise Gone("nobody reads")


class Live:
    """The view of one run.

    Args:
        loop: the root's definition.
        looks: how to show it.
        screen: where it goes.
        limits: the root's limits.
        stopping: name of the signal that asked for a stop, or None.
    """

    def __init__(
        self,
        loop: FSMLoop,
        looks: Looks,
        screen: Screen,
        limits: Caps,
        stopping: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.stopping = stopping
        self.looks = looks
        self.screen = screen
        self.limits = limits
        self.narrator = Narrator(limits.steps, output.width(), verbose=looks.verbose)
        self.console = _Console(highlight=False, no_color=not output.coloured(), soft_wrap=True)
        self.lock = threading.Lock()
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.printed = 0
        self.partial = ""
        self.state = ""
        self.doing = ""
        self.step = 0
        self.since = time.monotonic()
        self.clock = (0, time.monotonic())
        self.pictures = looks.pictures(loop)
        self.picture = ""
        self.spent: dict[str, float] = {}
        self.shaken = threading.Event()
        self.over = threading.Event()
        self.alternate = looks.clear and looks.diagrams
        self.live = RichLive(
            get_renderable=self._drawn,
            console=self.console,
            auto_refresh=False,
            transient=True,
            screen=self.alternate,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self.thread = threading.Thread(target=self._draw, name="live view", daemon=True)
        self._guarded(self.live.start)
        self.thread.start()

    # --- what the engine says -----------------------------------------------------------------------

    def heard(self, event: ev.Event) -> None:
        """One event, after it was written."""
        if isinstance(event, ev.ActionOutput):
            return
        with self.lock:
            self._draw_graph(event)
            lines = list(self._take(event))
        self._print(lines)
        self.shaken.set()

    def _take(self, event: ev.Event) -> Iterator[Said]:
        self.clock = (event.t, time.monotonic())
        self.narrator.width = output.width()
        match event:
            case ev.LoopResume():
                self.state, self.step = event.from_state, event.iteration
            case ev.StateEnter():
                self._enter(event)
            case ev.ActionStart():
                self._start(event)
            case ev.ActionComplete():
                yield from self._kept(event)
                self.doing = ""
            case ev.RateLimitRetry() | ev.ApiErrorRetry():
                self._wait(event)
            case ev.JudgeStart():
                self._begin("asking the judge")
        yield from self.narrator.tell(event)

    def _begin(self, doing: str) -> None:
        self.doing = doing
        self.since = time.monotonic()
        self.tail.clear()
        self.printed = 0
        self.partial = ""

    def _enter(self, event: ev.StateEnter) -> None:
        self.state = event.state
        self._begin("")
        if event.depth == 0:
            self.step = event.iteration
            if self.looks.clear and not self.alternate:
                self._guarded(self.console.clear)

    def _start(self, event: ev.ActionStart) -> None:
        self._begin(("✦ " if event.is_prompt else "") + one_line(event.action))

    def _wait(self, event: ev.RateLimitRetry | ev.ApiErrorRetry) -> None:
        seconds = event.wait_seconds if isinstance(event, ev.RateLimitRetry) else event.backoff
        self._begin(f"waiting {elapsed(seconds * 1000)} for the provider")

    def _kept(self, event: ev.ActionComplete) -> Iterator[Said]:
        usage = event.usage or {}
        if usage.get("cost_usd"):
            self.spent["usd"] = self.spent.get("usd", 0.0) + usage["cost_usd"]
        if not self.looks.verbose:
            kept = tuple(self.tail)[-TAIL:]
            if self.printed > len(kept):
                yield from self.narrator.output(
                    (f"... ({count(self.printed - len(kept), 'more line')} above)",)
                )
            yield from self.narrator.output(kept)

    def _draw_graph(self, event: ev.Event) -> None:
        if self.pictures is None or not self.pictures.follow(event):
            return
        self.picture = self.pictures.text()
        if not self.alternate:
            self._guarded(lambda: self.console.print(Text.from_ansi(self.picture)))

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        """Lines of the running action, as they come."""
        with self.lock:
            said_something = [line for line in lines if line and not line.isspace()]
            self.printed += len(said_something)
            self.tail.extend(said_something[-TAIL:])
            self.partial = partial or ""
            said = list(self.narrator.output(lines)) if self.looks.verbose else []
        self._print(said)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self.over.set()
        self.shaken.set()
        self.thread.join(timeout=2)
        self._guarded(self.live.stop)
        self._print(list(self.narrator.pending()))

    # --- drawing ------------------------------------------------------------------------------------

    def _print(self, lines: Iterable[Said]) -> None:
        from little_loops.cli.progress import paint

        text = "\n".join(paint(line) for line in lines)
        if text and not self.alternate:
            self._guarded(lambda: self.console.print(Text.from_ansi(text)))

    def _guarded(self, act: Any) -> None:
        if self.screen.gone:
            return
        try:
            act()
        except (OSError, ValueError):
            self.over.set()
            self.screen.lost()

    def _draw(self) -> None:
        while not self.over.is_set() and not self.screen.gone:
            self._guarded(self.live.refresh)
            self.shaken.wait(EVERY)
            self.shaken.clear()
            self.over.wait(EVERY / 2)

    def _drawn(self) -> Group:
        with self.lock:
            return Group(*self._rows())

    def _rows(self) -> Iterator[Text]:
        wide = output.width()
        if self.alternate and self.picture:
            yield Text.from_ansi(self.picture)
        if not self.state:
            return
        frames = FRAMES if (self.console.encoding or "").startswith("utf") else FRAMES_ASCII
        spin = frames[int(time.monotonic() * 10) % len(frames)]
        of = f"/{self.limits.steps}" if self.limits.steps else ""
        here = elapsed((time.monotonic() - self.since) * 1000)
        head = f"{spin} [{self.step}{of}] {self.state}  {here}"
        if self.doing:
            head += f"  -> {clean(self.doing)}"
        yield _line(head, wide, "bold cyan")
        for line in self._last():
            yield _line(f"  │ {line}", wide, "dim")
        yield _line(f"  {self._left()}", wide, "dim")

    def _last(self) -> list[str]:
        shown = [clean(line) for line in list(self.tail)[-TAIL:]]
        if self.partial:
            shown = [*shown, clean(self.partial)][-TAIL:]
        return shown

    def _left(self) -> str:
        """What remains before a limit ends the run."""
        at, since = self.clock
        ran = at + (time.monotonic() - since) * 1000
        parts = [f"{elapsed(ran)} so far"]
        if self.limits.steps:
            parts.append(f"{max(0, self.limits.steps - self.step)} steps left")
        if self.limits.timeout:
            parts.append(f"{elapsed(max(0.0, self.limits.timeout * 1000 - ran))} left")
        if self.spent:
            parts.append(f"${self.spent['usd']:.4f} used")
        signal = self.stopping()
        last = f"stopping ({signal}); Ctrl-C ends it at once" if signal else "Ctrl-C stops it"
        return " · ".join([*parts, last])


def _line(text: str, wide: int, style: str) -> Text:
    return Text(
        output.cut(text.replace("\t", "    ").replace("\n", " "), wide - 1), style=style, no_wrap=True
    )
