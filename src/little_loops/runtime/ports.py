"""Every port of the engine, at most three methods each. Adapters know their port from here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from little_loops.events import Event
from little_loops.machine.effects import Effect, End, Facts, Report


class Stop(Protocol):
    """The one stop token of a run: what a signal or ``stop`` asks for, watched by every effect."""

    @property
    def cause(self) -> str | None:
        """Signal name that asked for the stop, or None."""

    @property
    def hard(self) -> bool:
        """A second request: no grace any more."""

    def fileno(self) -> int:
        """A descriptor that is readable once a stop was requested."""


@runtime_checkable
class Runner(Protocol):
    """Performs effects of the kinds it is registered for."""

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Yield reports, then exactly one end."""


class Journal(Protocol):
    """Append-only record of one run, held by its one writer."""

    @property
    def seq(self) -> int:
        """Number of the last record that is written."""

    def append(self, event: Event) -> None:
        """Buffer one event; nothing is written yet."""

    def write(self, *, sync: bool) -> None:
        """Write the buffer in one go; with ``sync`` make it (and files it names) as durable as was asked for.

        Raises:
            WriteFailed: the disk refused; the journal is cut back to its last whole line.
        """


class Observer(Protocol):
    """Hears what was written, and sees output as it comes."""

    def heard(self, event: Event) -> None:
        """One event, after the write that holds it has returned."""

    def output(self, lines: tuple[str, ...], partial: str | None) -> None:
        """Lines of the running action, recorded or not; ``partial`` is an unfinished line."""


class Clock(Protocol):
    """Where time and environment come from."""

    def facts(self) -> Facts:
        """The moment: wall clock, run clock, environment."""
