"""Patterns and jq programs of an author, run where they can do no harm: a worker process that can be killed.

The worker starts with the first request and is used again; it is killed at the deadline, at a stop, or when
it breaks, and the next request starts another. A program sees no environment, no other input, no module.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from little_loops.machine.effects import Effect, End, Match, Matched, Report, Stopped
from little_loops.process import READ_SIZE, Child, Command, Identity, SpawnFailed, Stop, launch
from little_loops.runners.progress import fingerprint

MEMORY = 512 << 20
"""Address space of the worker, in bytes."""

_WORKER = str(Path(__file__).with_name("match_worker.py"))
_STRINGS = re.compile(r'"(?:[^"\\]|\\[^(])*"')
_FORBIDDEN = re.compile(
    r"\$ENV\b|(?<![.\w$@])(?:env|inputs?|import|include|input_filename|get_search_list|modulemeta)\b(?!\s*:)"
)


class MatchRunner:
    """Performs ``Match``. One worker at a time; not for use by several threads at once.

    Args:
        memory: address space of the worker, in bytes.
        cwd: where relative progress paths start; None = where the engine runs.
    """

    def __init__(self, memory: int = MEMORY, cwd: str | None = None) -> None:
        self._memory = memory
        self._root = cwd or "."
        self._worker: Child | None = None

    def perform(self, effect: Effect, stop: Stop) -> Iterator[Report | End]:
        """Run the program; exactly one ``Matched`` or ``Stopped``."""
        if not isinstance(effect, Match):
            raise TypeError(f"not a match: {effect!r}")
        yield self._answer(effect, stop)

    @property
    def worker(self) -> Identity | None:
        """The worker process, if one was started."""
        return None if self._worker is None else self._worker.identity

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            os.kill(worker.identity.pid, signal.SIGKILL)
            worker.collect()
            worker.close_all()

    def _answer(self, effect: Match, stop: Stop) -> Matched | Stopped:
        progress = fingerprint(effect.progress_paths, effect.exclude_paths, self._root)
        refused = refusal(effect.program) if effect.kind == "jq" else None
        if refused is not None:
            return Matched(error=refused, progress=progress)
        request = {
            "kind": effect.kind,
            "program": effect.program,
            "text": effect.text,
            "deadline_s": effect.deadline_s,
        }
        try:
            reply = self._ask(json.dumps(request).encode("ascii") + b"\n", effect.deadline_s, stop)
        except SpawnFailed as error:
            return Matched(error=error.text, progress=progress)
        if reply is not None:
            return Matched(**reply, progress=progress)
        self.close()
        if stop.cause is not None:
            return Stopped(stop.cause)
        return Matched(
            error=f"the program did not finish within {effect.deadline_s:g} s",
            timeout=True,
            progress=progress,
        )

    def _ask(self, request: bytes, deadline_s: float, stop: Stop) -> dict[str, Any] | None:
        """The worker's reply; None when it did not come in time or a stop came first."""
        until = time.monotonic() + deadline_s
        worker = self._started()
        conversation = _Conversation(worker, request, stop)
        while (rest := until - time.monotonic()) > 0 and stop.cause is None:
            state = conversation.turn(rest)
            if state == "ended":
                self.close()
                return {"error": "the program broke its worker, by too much memory or too deep a nesting"}
            if state == "answered":
                return conversation.reply()
        return None

    def _started(self) -> Child:
        if self._worker is not None and self._worker.ended.has_ended():
            self.close()
        if self._worker is None:
            argv = (sys.executable, "-I", "-S", _WORKER, str(self._memory), json.dumps(sys.path))
            self._worker = launch(Command(argv, env={"LANG": "C.UTF-8"}, stdin=b""))
        return self._worker


class _Conversation:
    """One request written and one line read, whichever way the pipes let it."""

    def __init__(self, worker: Child, request: bytes, stop: Stop) -> None:
        self._worker = worker
        self._rest = memoryview(request)
        self._reply = bytearray()
        self._poller = select.poll()
        self._poller.register(worker.feed, select.POLLOUT)
        self._poller.register(worker.out, select.POLLIN)
        self._poller.register(stop.fileno(), select.POLLIN)

    def turn(self, seconds: float) -> str:
        """Wait once; ``going``, ``answered`` or ``ended``."""
        for fd, _ in self._poller.poll(seconds * 1000):
            if fd == self._worker.feed:
                self._write()
            elif fd == self._worker.out:
                data = os.read(fd, READ_SIZE)
                self._reply += data
                if not data:
                    return "ended"
                if data.endswith(b"\n"):
                    return "answered"
        return "going"

    def reply(self) -> dict[str, Any]:
        """The parsed line."""
        reply: dict[str, Any] = json.loads(self._reply)
        return reply

    def _write(self) -> None:
        try:
            self._rest = self._rest[os.write(self._worker.feed, self._rest[:READ_SIZE]) :]
        except BlockingIOError:
            return
        except OSError:
            self._rest = self._rest[:0]  # it has ended; its output says so next
        if not self._rest:
            self._poller.unregister(self._worker.feed)


def refusal(program: str) -> str | None:
    """Why a jq program may not run: it reads an environment, another input or a module; None when it may."""
    found = _FORBIDDEN.search(_STRINGS.sub('""', program))
    if found is None:
        return None
    return f"jq: {found.group()} is not available; a program sees nothing but the text it is given"
