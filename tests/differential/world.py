"""A scripted world with a virtual clock: what actions, judges, disks and signals answer, as plain data.

The naive executor and the real engine each get their own instance of the same script, so neither can learn
anything from the other. A world never decides what is asked of it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EPOCH = 1_795_000_000
LABEL = re.compile(r"[a-z]\w*__\w+")
MARKER = re.compile(r"^(CONTEXT_HANDOFF|FATAL_ERROR|LOOP_STOP):(.*)$", re.M)
KINDS = {"CONTEXT_HANDOFF": "handoff", "FATAL_ERROR": "error", "LOOP_STOP": "stop"}


@dataclass(frozen=True)
class Answer:
    """How one run of an action goes. ``raises``: it cannot be started at all."""

    exit_code: int = 0
    stdout: str = ""
    stderr: str = ""
    duration_ms: int = 0
    raises: str | None = None
    failure: str | None = None
    timeout_kind: str | None = None
    stopped: str | None = None
    usage: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """Standard output as it is shown."""
        lines = self.stdout.split("\n")
        return [line.rstrip() for line in (lines[:-1] if lines[-1] == "" else lines)]


@dataclass(frozen=True)
class Opinion:
    """What a judge says."""

    verdict: str = "yes"
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    duration_ms: int = 0
    failure: str | None = None
    stopped: str | None = None
    usage: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """What was found on disk."""

    value: Any = None
    error: str | None = None
    stopped: str | None = None


@dataclass(frozen=True)
class Rest:
    """How a wait went: seconds into it at which a sign of life was given, and what ended it early."""

    beats: tuple[float, ...] = ()
    stopped: str | None = None


def marker_in(text: str) -> tuple[str, str] | None:
    """The earliest control line of an output: its kind and what follows it on the line."""
    for found in MARKER.finditer(text):
        kind, payload = KINDS[found.group(1)], found.group(2).strip()
        if payload or kind == "stop":
            return kind, payload
    return None


class World:
    """One play of a script. ``now`` is the run clock in ms."""

    def __init__(self, script: Mapping[str, Any]) -> None:
        self.script = script
        self.now = 0
        self.env: Mapping[str, str] = script.get("env", {})
        self.asked: Counter[str] = Counter()
        self.effects = 0
        self.pending: str | None = None
        """Signal that came while nothing was under way: it counts at the next arrival or effect."""

    @property
    def wall(self) -> float:
        return EPOCH + self.now / 1000

    def timestamp(self, ms: int) -> str:
        """UTC wall time of a moment of the run clock."""
        moment = dt.datetime.fromtimestamp(EPOCH, dt.UTC) + dt.timedelta(milliseconds=ms)
        return moment.isoformat(timespec="microseconds")

    def run(self, text: str, seconds: float | None = None) -> Answer:
        """Run an action; the script's entry is found by the label in its text, else by its first word.

        ``seconds``: what is left of a budget; an action that takes longer is ended there.
        """
        found = LABEL.search(text)
        answer = Answer(**self._next("answers", found.group(0) if found else text.partition(" ")[0]))
        if " echo " in text and "echoes" in self.script:
            words = "".join(f"<{word}>" for word in shlex.split(text)[4:])
            answer = dataclasses.replace(answer, stdout=f"{words}\n{answer.stdout}")
        signal = self._stop()
        if signal:
            part = 0 if self.script["stop"].get("at_once") else 2
            answer = dataclasses.replace(
                answer,
                stdout=answer.stdout[: len(answer.stdout) // 2] if part else "",
                exit_code=-2 if signal == "SIGINT" else -15,
                duration_ms=answer.duration_ms // 2 if part else 0,
                raises=None,
                failure=None,
                timeout_kind=None,
                stopped=signal,
            )
        if seconds is not None and answer.duration_ms > seconds * 1000 + 0.01:
            ended: dict[str, Any] = {
                "exit_code": 124,
                "timeout_kind": "budget",
                "failure": None,
                "stdout": "",
            }
            answer = dataclasses.replace(answer, duration_ms=round(seconds * 1000), **ended)
        self.now += answer.duration_ms
        return answer

    def not_run(self) -> Answer:
        """What is told of an action that a stop kept from starting."""
        return Answer(exit_code=-15, stopped=self.pending)

    def judge(self) -> Opinion:
        """Ask the judge."""
        opinion = Opinion(**self._next("opinions", ""))
        signal = self._stop()
        if signal:
            return dataclasses.replace(opinion, stopped=signal)
        self.now += opinion.duration_ms
        return opinion

    def measure(self, kind: str, name: str = "") -> Measurement:
        """Look at the disk: ``tree``, ``history``, or ``learning`` with the target's name."""
        value = self._next(kind, name)
        signal = self._stop()
        if signal:
            return Measurement(stopped=signal)
        if isinstance(value, dict) and "error" in value:
            return Measurement(error=value["error"])
        return Measurement(value)

    def look(self, kind: str) -> Any:
        """What lies on the disk, told along with something else that is asked for."""
        return self._next(kind, "")

    def wait(self, until: int, *, beats: bool) -> Rest:
        """Let time pass; a sign of life at the start of a wait over 5 s and every 60 s, where wanted."""
        signal, start = self._stop(), self.now
        end = max(start, until)
        if signal:
            end = start + (end - start) // 2
        signs = range(0, max(end - start, 1), 60_000) if beats and until - start > 5000 else ()
        self.now = end
        return Rest(tuple(at / 1000 for at in signs), signal)

    def _next(self, kind: str, name: str) -> Any:
        scripts = self.script.get(kind, {})
        entries = scripts if isinstance(scripts, list) else scripts.get(name, [])
        key = f"{kind}/{name}"
        at = self.asked[key]
        self.asked[key] += 1
        return entries[at % len(entries)] if entries else {}

    def _stop(self) -> str | None:
        self.effects += 1
        stop = self.script.get("stop")
        if not stop or stop["at"] != self.effects:
            return None
        if stop.get("between"):
            self.pending = stop["signal"]
            return None
        return str(stop["signal"])
