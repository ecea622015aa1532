"""One call of an agent's command line: started, fed its prompt, read line by line, its whole tree ended.

Knows processes and files, and leaves what a line means to the host. Every byte of the stream is kept in a
file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from little_loops.hosts.messages import Account, Message
from little_loops.hosts.request import Invocation
from little_loops.hosts.table import Host
from little_loops.machine.effects import Judge, RunAction
from little_loops.process import Chunk, Command, Finished, Identity, Limits, Started, Stop, run
from little_loops.runners.output import Spool
from little_loops.runners.records import Records


@dataclass(frozen=True, slots=True)
class Place:
    """Where agents run.

    Attributes:
        folder: the run folder; streams go to its ``output``.
        env: the environment that agents inherit, and that prompts may quote.
        cwd: the project; None = where the engine runs.
        grace_s: seconds from TERM to KILL.
        price: USD to count for a call on a host that never tells what one cost; None = not known.
    """

    folder: str
    env: Mapping[str, str]
    cwd: str | None = None
    grace_s: float = 5.0
    price: float | None = None

    def usage(self, host: Host, account: Account, seconds: float) -> dict[str, Any]:
        """What a call used; the price that was said stands in for one that the host never tells."""
        used = account.usage(seconds)
        if self.price is not None and not host.tells_cost:
            used["cost_usd"] = self.price
        return used

    def command(self, invocation: Invocation, effect: RunAction | Judge) -> Command:
        """What to start, marked as belonging to this run, step and attempt."""
        env = {name: value for name, value in self.env.items() if name not in invocation.without}
        marks = {
            "LL_RUN_ID": effect.run_id,
            "LL_STEP": str(effect.step),
            "LL_ATTEMPT": str(effect.attempt),
        }
        return Command(invocation.argv, {**env, **invocation.env, **marks}, self.cwd, invocation.stdin)


Part = Identity | bytes | Message | Finished
"""What comes of a call: who it is, bytes of standard error, messages, and at last how the process ended."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is about to be made. ``stream`` names the file of its raw stream below the run folder."""

    host: Host
    command: Command
    limits: Limits
    stream: str

    def parts(self, place: Place, stop: Stop) -> Generator[Part, None, None]:
        """Make the call. Closing this early ends the whole process tree before it returns.

        Raises:
            SpawnFailed: it could not be started.
            WriteFailed: the disk refused the stream; the process has been ended.
        """
        spool, records = Spool(place.folder, self.stream), Records()
        execution = run(self.command, self.limits, stop)
        with contextlib.closing(spool), contextlib.closing(execution):
            for event in execution:
                match event:
                    case Chunk("out", data):
                        spool.write(data)
                        for line in records.feed(data):
                            yield from self.host.read(line)
                    case Chunk(_, data):
                        yield data
                    case Started(identity):
                        yield identity
                    case Finished():
                        for line in records.finish():
                            yield from self.host.read(line)
                        if records.left_out:
                            yield b"[stream] lines left out because of their length: %d\n" % records.left_out
                        yield event
                    case _:
                        pass


def session_log(host: Host, session_id: str | None, place: Place) -> str | None:
    """The host's own record of a session, where it lies in its known place; never guessed."""
    if session_id is None:
        return None
    path = host.session_file(session_id, os.path.realpath(place.cwd or "."), place.env)
    return path if path is not None and os.path.isfile(path) else None
