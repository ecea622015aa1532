"""A short command run to its end with its output in memory: for looking things up. Bounded."""

from __future__ import annotations

from dataclasses import dataclass

from little_loops.process.spawn import Command
from little_loops.process.stop import Stop
from little_loops.process.stream import Cause, Chunk, Finished, Limits, run

OUTPUT_LIMIT = 64 << 20


@dataclass(frozen=True, slots=True)
class Collected:
    """What a command printed. ``cause`` says what ended it early, None = nothing did."""

    exit_code: int
    out: bytes
    err: bytes
    cause: Cause | None = None
    overflowed: bool = False


def collect(
    command: Command, limits: Limits, stop: Stop | None = None, output_limit: int = OUTPUT_LIMIT
) -> Collected:
    """Run ``command`` and keep at most ``output_limit`` bytes of each stream; what is beyond is dropped.

    Raises:
        SpawnFailed: it could not be started.
    """
    kept = {"out": bytearray(), "err": bytearray()}
    overflowed = False
    for event in run(command, limits, stop):
        match event:
            case Chunk(stream, data):
                room = output_limit - len(kept[stream])
                overflowed = overflowed or len(data) > room
                kept[stream] += data[: max(room, 0)]
            case Finished(exit_code, _, cause, _):
                return Collected(exit_code, bytes(kept["out"]), bytes(kept["err"]), cause, overflowed)
            case _:
                pass
    raise AssertionError("a command ends with Finished")
