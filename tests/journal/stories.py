"""Runs written for the journal's own tests: plain stories as events, and folders that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from little_loops import events as ev
from little_loops.journal.append import Writer
from little_loops.journal.folder import RunFolder, RunStore
from little_loops.machine.fold import evolve
from little_loops.machine.snapshot import FRESH, Snapshot

TS = "2026-11-20T10:15:00.000000+00:00"
WALL = 1_795_169_700.0
ENGINE = {"pid": 4700, "started": "880412", "boot": "5d1c90ab", "host": "forge", "version": "0.1.0"}
PROCESS = {"pid": 4711, "pgid": 4711, "started": "880431", "boot": "5d1c90ab"}


class Story:
    """Numbers events as they are told. ``told`` is what was told so far."""

    def __init__(self, run_id: str = "20261120-101500-fix-7k2m") -> None:
        self.run_id = run_id
        self.told: list[ev.Event] = []

    def tell(self, kind: type[ev.Event], **fields: Any) -> ev.Event:
        last = self.told[-1] if self.told else None
        seq = last.seq + last.records if last else 1
        event = kind(ts=TS, seq=seq, t=seq * 10, **fields)
        self.told.append(event)
        return event

    def start(self, loop: str = "fix", **more: Any) -> Story:
        self.tell(
            ev.LoopStart, loop=loop, run_id=self.run_id, v=1, definition="9f2c6b1e07d4a853", initial="check",
            context=more.pop("context", {}), engine=ENGINE, **more,
        )  # fmt: skip
        return self

    def step(self, output: str = "1 failed\n", lines: Sequence[str] = ("1 failed",), **more: Any) -> Story:
        """One whole step of the state check, which routes to itself."""
        entered = sum(isinstance(event, ev.StateEnter) for event in self.told)
        self.tell(ev.StateEnter, state="check", iteration=entered + 1)
        self.tell(ev.ActionStart, action=more.pop("action", "pytest -q"), is_prompt=False)
        self.tell(ev.ActionSpawned, **PROCESS)
        if lines:
            self.tell(ev.ActionOutput, lines=tuple(lines))
        self.tell(
            ev.ActionComplete, exit_code=1, duration_ms=5, output_preview=output[-80:], is_prompt=False,
            output=output, capture="tests", **more,
        )  # fmt: skip
        self.tell(ev.Evaluate, type="default", verdict="no", details={"exit_code": 1})
        self.tell(ev.Route, from_="check", to="check", via="verdict", verdict="no")
        return self

    def end(self, cause: str = "terminal", **more: Any) -> Story:
        entered = sum(isinstance(event, ev.StateEnter) for event in self.told)
        self.tell(
            ev.LoopComplete, final_state="check", iterations=entered, terminated_by=cause, **more
        )  # fmt: skip
        return self

    def snapshot(self) -> Snapshot:
        """What the engine has in memory after these events."""
        snapshot = FRESH
        for event in self.told:
            snapshot = evolve(snapshot, event)
        return snapshot


def new_folder(place: Path, loop: str = "fix") -> RunFolder:
    return RunStore(place).new(loop, WALL)


def write(folder: RunFolder, story: Story) -> RunFolder:
    """Write a whole story the way an engine does: one write an effect."""
    with Writer(folder, durability="relaxed") as writer:
        for event in story.told:
            writer.append(event)
            if isinstance(event, ev.ActionStart | ev.ActionComplete):
                writer.write(sync=True)
        writer.write(sync=True)
    return folder


def written(place: Path, steps: int = 2) -> tuple[RunFolder, Story]:
    """A folder with a run of ``steps`` steps that has not ended."""
    folder = new_folder(place)
    story = Story(folder.run_id).start()
    for _ in range(steps):
        story.step()
    return write(folder, story), story


def prefixes(events: Sequence[ev.Event]) -> Iterator[list[ev.Event]]:
    for count in range(len(events) + 1):
        yield list(events[:count])
