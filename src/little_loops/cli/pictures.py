"""The graph of what runs, the active state marked: the root, and below it each child loop that is running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from little_loops import events as ev
from little_loops.cli import output
from little_loops.fsm.schema import FSMLoop


@dataclass(frozen=True, slots=True)
class Artist:
    """How graphs come about.

    Attributes:
        draw: a loop with an active state in some columns.
        find: a pinned definition by digest; None when it is not at hand.
    """

    draw: Callable[[FSMLoop, str, int], str]
    find: Callable[[str], FSMLoop | None] = lambda _digest: None


class Pictures:
    """Follows a run and draws where it is."""

    def __init__(self, loop: FSMLoop, artist: Artist) -> None:
        self._artist = artist
        self._stack: list[tuple[FSMLoop | None, str]] = [(loop, loop.initial)]

    def follow(self, event: ev.Event) -> bool:
        """Take an event; True when there is a new picture."""
        match event:
            case ev.LoopStart(depth=depth, definition=str(digest)) if depth:
                self._enter(depth, self._artist.find(digest), event.initial or "")
            case ev.StateEnter(depth=depth, state=state) if depth < len(self._stack):
                self._enter(depth, self._stack[depth][0], state)
                return True
            case ev.LoopComplete(depth=depth) if depth:
                del self._stack[depth:]
        return False

    def _enter(self, depth: int, loop: FSMLoop | None, state: str) -> None:
        del self._stack[depth:]
        self._stack.append((loop, state))

    def text(self) -> str:
        """The picture, each loop under a line with its name; no line end after the last line."""
        wide = output.width()
        parts: list[str] = []
        for depth, (loop, state) in enumerate(self._stack):
            if loop is not None:
                head = f"── sub-loop: {loop.name} ".ljust(wide, "─") if depth else heading(loop.name)
                parts += [head, self._artist.draw(loop, state, wide)]
        return "\n".join(parts)


def heading(name: str) -> str:
    """The line above the root's graph."""
    return f"== loop: {name} ".ljust(output.width(), "=")
