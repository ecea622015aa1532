"""What happened in a run, a line per record. Pure; the caller says how a moment is written and what to hide.

A record of an unknown kind is shown as its keys and values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from little_loops.projections.text import GOOD, Record, clean, count, flat, one_line, value_text

NAME_WIDTH = 16
REASON = 300
PREVIEW_LINES = 5
_ENVELOPE = frozenset({"event", "ts", "seq", "t", "depth", "refs", "run_id", "engine", "v", "needs"})

Tone = Literal["", "good", "bad", "mild", "head"]
"""How a line may be coloured: success, failure, background, heading."""


@dataclass(frozen=True, slots=True)
class Line:
    """One record for the screen.

    Attributes:
        moment: time of day, as the caller writes it.
        event: kind of record.
        detail: what it says, in one line.
        depth: frames below; two blanks of indentation each.
        tone: how it may be coloured.
        more: further lines (verbose).
    """

    moment: str
    event: str
    detail: str
    depth: int = 0
    tone: Tone = ""
    more: tuple[str, ...] = ()

    def text(self) -> str:
        """The line without colour."""
        lead = "  " * self.depth
        return f"{self.moment}  {lead}{self.event:<{NAME_WIDTH}}  {self.detail}".rstrip()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which records are wanted; every part that is given must hold.

    Attributes:
        event: kind of record.
        state: name that is the record's ``state``, ``from`` or ``to``.
        since: earliest wall time, UTC.
        output: whether printed lines and processes are wanted (always when ``event`` asks for them).
    """

    event: str | None = None
    state: str | None = None
    since: datetime | None = None
    output: bool = True

    def takes(self, record: Record) -> bool:
        """Whether the record passes."""
        if self.event is not None:
            if record.get("event") != self.event:
                return False
        elif not self.output and record.get("event") in ("action_output", "action_spawned"):
            return False
        if self.state is not None and self.state not in (
            record.get("state"), record.get("from"), record.get("to")
        ):  # fmt: skip
            return False
        return self.since is None or _moment(record) >= self.since


def _moment(record: Record) -> datetime:
    return datetime.fromisoformat(record["ts"])


_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?", re.I)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def seconds_of(text: str) -> float | None:
    """Seconds of ``45s``, ``30m``, ``1h``, ``2d``, ``1h30m``; a bare number is seconds; None = not a time."""
    text = text.strip()
    end, total = 0, 0.0
    for match in _SPAN.finditer(text):
        if text[end : match.start()].strip():
            return None
        total += float(match[1]) * _SECONDS[(match[2] or "s").lower()]
        end = match.end()
    return total if end == len(text) and end else None


def lines(records: Iterable[Record], at: Callable[[str], str], *, verbose: bool = False) -> Iterator[Line]:
    """A line per record.

    Args:
        records: oldest first.
        at: writes a record's ``ts`` as a time of day.
        verbose: with previews of outputs and, for judged verdicts, model, prompt and answer.
    """
    for record in records:
        yield line(record, at, verbose=verbose)


def line(record: Record, at: Callable[[str], str], *, verbose: bool = False) -> Line:
    """The line of one record."""
    event = str(record.get("event", "?"))
    show = _SHOWN.get(event, _other)
    try:
        detail, tone = show(record)
    except (TypeError, ValueError, AttributeError, KeyError):
        detail, tone = _other(record)
    more = tuple(flat(text) for text in _more(record)) if verbose else ()
    depth = record.get("depth")
    return Line(
        at(record.get("ts", "")), flat(event), flat(detail), depth if type(depth) is int else 0, tone, more
    )


Shown = tuple[str, Tone]


def _loop_start(r: Record) -> Shown:
    return str(r.get("loop", "")), "head"


def _loop_resume(r: Record) -> Shown:
    state = r.get("enter") or r.get("from_state", "")
    counts = f"(iter {r.get('iteration', '?')}), segment {r.get('segment', '?')}"
    return f"{r.get('loop', '')} at {state} {counts}", "head"


def _loop_complete(r: Record) -> Shown:
    cause = r.get("terminated_by", "?")
    good = cause == "terminal" and not r.get("failure_terminal")
    text = f"{r.get('final_state', '?')}, {count(r.get('iterations', 0), 'iteration')} [{cause}]"
    if r.get("error"):
        text += f"  {one_line(str(r['error']), REASON)}"
    return text, "good" if good else "bad"


def _state_enter(r: Record) -> Shown:
    return f"{r.get('state', '?')} (iter {r.get('iteration', '?')})", "head"


def _action_start(r: Record) -> Shown:
    kind = "prompt" if r.get("is_prompt") else "shell"
    attempt = f" (attempt {r['attempt']})" if r.get("attempt", 1) > 1 else ""
    return f"{one_line(str(r.get('action', '')), 200)} [{kind}]{attempt}", ""


def _action_output(r: Record) -> Shown:
    return clean(str(r.get("line", ""))), "mild"


def _action_complete(r: Record) -> Shown:
    code = r.get("exit_code")
    parts = ["✓" if code == 0 else f"✗ exit={code}", f"{r.get('duration_ms', 0)}ms"]
    if r.get("timeout_kind"):
        parts.append(f"timed out ({r['timeout_kind']})")
    if r.get("stopped"):
        parts.append(f"stopped by {r['stopped']}")
    if r.get("failure"):
        parts.append(f"failure: {r['failure'].get('kind')}")
    if r.get("truncated"):
        parts.append("output shortened")
    if r.get("session_jsonl"):
        parts.append(f"session: {r['session_jsonl']}")
    return "  ".join(parts), "good" if code == 0 else "bad"


def _evaluate(r: Record) -> Shown:
    verdict = str(r.get("verdict", "?"))
    good = verdict in GOOD
    text = f"{'✓' if good else '✗'} {verdict}"
    if isinstance(r.get("confidence"), int | float):
        text += f"  confidence={r['confidence']:.2f}"
    reason = r.get("error") or r.get("reason")
    if reason:
        text += f"  {one_line(str(reason), REASON)}"
    return text, "good" if good else "bad"


def _route(r: Record) -> Shown:
    text = f"{r.get('from', '?')} → {r.get('to', '?')}"
    if r.get("reason"):
        text += f"  ({r['reason']})"
    if r.get("error"):
        text += f"  {one_line(str(r['error']), REASON)}"
    return text, ""


def _action_error(r: Record) -> Shown:
    return f"{r.get('state', '?')}: {one_line(str(r.get('error', '')), REASON)}", "bad"


def _other(r: Record) -> Shown:
    rest = {key: value for key, value in r.items() if key not in _ENVELOPE and value is not None}
    return "  ".join(f"{key}={value_text(value)}" for key, value in rest.items()), "mild"


_SHOWN: Mapping[str, Callable[[Record], Shown]] = {
    "loop_start": _loop_start,
    "loop_resume": _loop_resume,
    "loop_complete": _loop_complete,
    "state_enter": _state_enter,
    "action_start": _action_start,
    "action_output": _action_output,
    "action_complete": _action_complete,
    "action_error": _action_error,
    "evaluate": _evaluate,
    "route": _route,
}


def _more(r: Record) -> Iterator[str]:
    match r.get("event"):
        case "action_start":
            yield from _block(str(r.get("action", "")), 40)[1:]
        case "action_complete":
            preview = r.get("output") or r.get("output_preview") or ""
            yield from _tail(str(preview))
            yield from (f"stderr: {text}" for text in _tail(str(r.get("stderr") or "")))
        case "evaluate":
            for key in ("type", "llm_model", "model", "llm_latency_ms", "latency_ms"):
                if r.get(key) is not None:
                    yield f"{key}: {r[key]}"
            for key in ("llm_prompt", "prompt", "llm_raw_output", "response", "raw_preview"):
                if r.get(key):
                    yield from (f"{key}: {text}" for text in _block(str(r[key]), PREVIEW_LINES))
    refs = r.get("refs")
    for key, ref in refs.items() if isinstance(refs, Mapping) else ():
        yield f"{key}: {_file(ref)}"


def _file(ref: Any) -> str:
    return f"{ref.get('file')} ({ref.get('bytes')} bytes)" if isinstance(ref, Mapping) else str(ref)


def _block(text: str, most: int) -> list[str]:
    every = clean(text).splitlines()
    if len(every) > most:
        return [*every[:most], f"… {len(every) - most} more lines"]
    return every


def _tail(text: str) -> list[str]:
    every = [item for item in clean(text).splitlines() if item.strip()]
    return every[-PREVIEW_LINES:]
