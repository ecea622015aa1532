"""What a running loop says, a line at a time: events in, styled lines out. Prints nothing and keeps no time.

The head line of a state waits for the action that follows, so that both stand on one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from little_loops import events as ev
from little_loops.cli.output import cut
from little_loops.projections.text import GOOD, clean, count, elapsed, one_line, took

REASON = 300
PREVIEW = 200
PROMPT_LINES = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text with the styles of ``output.STYLES``."""

    text: str
    styles: tuple[str, ...] = ()


Said = tuple[Piece, ...]
"""One line."""


def plain(said: Said) -> str:
    """A line without styles."""
    return "".join(piece.text for piece in said)


class Narrator:
    """Turns the events of one run into lines.

    Args:
        cap: steps the root may take; None = unknown.
        width: columns for the text of an action; None = do not cut.
        verbose: whole prompts and untruncated texts.
    """

    def __init__(self, cap: int | None, width: int | None, *, verbose: bool = False) -> None:
        self.cap = cap
        self.width = width
        self.verbose = verbose
        self._head: Said | None = None
        self._depth = 0

    def tell(self, event: ev.Event) -> Iterator[Said]:
        """The lines that this event completes."""
        told = _TOLD.get(type(event))
        if told is None:
            return
        if not isinstance(event, ev.ActionStart):
            yield from self.pending()
        self._depth = event.depth
        yield from told(self, event)

    def pending(self) -> Iterator[Said]:
        """The head line that still waits for its action."""
        if self._head is not None:
            head, self._head = self._head, None
            yield head

    def output(self, lines: tuple[str, ...]) -> Iterator[Said]:
        """Lines that the action printed; blank ones are left out."""
        for line in lines:
            text = clean(line)
            if text.strip():
                yield self._inner(Piece(text, ("dim",)))

    @property
    def lead(self) -> str:
        """What stands before a line that an action printed."""
        return "  " * self._depth + "       "

    # --- shapes of lines ----------------------------------------------------------------------------

    def _outer(self, *pieces: Piece) -> Said:
        return (Piece("  " * self._depth), *pieces)

    def _inner(self, *pieces: Piece) -> Said:
        return (Piece(self.lead), *pieces)

    # --- events -------------------------------------------------------------------------------------

    def loop_start(self, e: ev.LoopStart) -> Iterator[Said]:
        if e.depth:
            yield self._outer(Piece("↳ ", ("cyan",)), Piece(f"loop {e.loop}", ("bold",)))

    def loop_resume(self, e: ev.LoopResume) -> Iterator[Said]:
        where = " > ".join(e.path) if e.path else e.enter or e.from_state
        how = "entering" if e.enter else "going on in"
        yield self._outer(Piece(f"Resuming: {how} {where}, step {e.iteration} (segment {e.segment})"))
        if e.continuation_prompt:
            yield self._inner(Piece(clean(e.continuation_prompt[:500]), ("dim",)))

    def state_enter(self, e: ev.StateEnter) -> Iterator[Said]:
        cap = f"/{self.cap}" if self.cap and not e.depth else ""
        late = " time is up, last action" if e.flushed else ""
        self._head = self._outer(
            Piece(f"[{e.iteration}{cap}]", ("dim",)),
            Piece(" "),
            Piece(e.state, ("bold",)),
            Piece(f" ({elapsed(e.t)}){late}", ("dim",)),
        )
        return
        yield

    def action_start(self, e: ev.ActionStart) -> Iterator[Said]:
        head = self._head
        self._head = None
        again = f" (attempt {e.attempt})" if (e.attempt or 1) > 1 else ""
        lead: Said = head or self._inner(Piece("again", ("dim",)))
        if not e.is_prompt:
            yield (*lead, Piece(f"{again} -> "), Piece(self._action(e.action, lead), ("cyan",)))
            return
        lines = clean(e.action).splitlines() or [""]
        yield (
            *lead,
            Piece(f"{again} -> "),
            Piece(f"✦ ({count(len(lines), 'line')})", ("magenta",)),
        )
        shown = lines if self.verbose else lines[:PROMPT_LINES]
        for line in shown:
            yield self._inner(Piece(self._short(line), ("dim",)))
        if len(lines) > len(shown):
            yield self._inner(Piece(f"... ({count(len(lines) - len(shown), 'more line')})", ("dim",)))

    def _action(self, text: str, lead: Said) -> str:
        if self.verbose:
            return clean(text)
        first = one_line(text)
        room = None if self.width is None else max(20, self.width - len(plain(lead)) - 4)
        return first if room is None else cut(first, room, "...")

    def _short(self, text: str) -> str:
        return text if self.verbose or self.width is None else cut(text, self.width - 8, "...")

    def action_complete(self, e: ev.ActionComplete) -> Iterator[Said]:
        parts = [Piece(f"({took(e.duration_ms)})", ("dim",))]
        if e.timeout_kind or e.exit_code == 124:
            kind = {"idle": ": no output for too long", "budget": ": budget"}.get(e.timeout_kind or "", "")
            parts.append(Piece(f" timed out{kind}", ("red",)))
        elif e.exit_code != 0:
            parts.append(Piece(f" exit: {e.exit_code}", ("orange",)))
        if e.stopped:
            parts.append(Piece(f" stopped by {e.stopped}", ("orange",)))
        if e.truncated:
            parts.append(Piece(" output shortened", ("yellow",)))
        yield self._inner(*parts)

    def action_error(self, e: ev.ActionError) -> Iterator[Said]:
        yield self._inner(Piece(f"could not run: {one_line(e.error, REASON)}", ("red",)))

    def action_interrupted(self, e: ev.ActionInterrupted) -> Iterator[Said]:
        what = {"killed": "what was left of it is ended", "gone": "nothing of it is left"}.get(e.orphan, "")
        then = {"retry": "running it again", "fail": "counted as an error"}.get(e.policy, e.policy)
        said = ", ".join(filter(None, (f"{e.state} was cut short", what, then)))
        yield self._inner(Piece(said, ("yellow",)))

    def evaluate(self, e: ev.Evaluate) -> Iterator[Said]:
        good = e.verdict in GOOD
        details: Mapping[str, Any] = e.details or {}
        parts = [Piece(f"{'✓' if good else '✗'} {e.verdict}", ("green",) if good else ("orange",))]
        confidence = details.get("confidence")
        if isinstance(confidence, int | float):
            parts.append(Piece(f" ({confidence:.2f})", ("dim",)))
        reason = details.get("error") or details.get("reason")
        if reason:
            parts.append(Piece(f" {self._limit(str(reason), REASON)}"))
        yield self._inner(*parts)
        preview = details.get("raw_preview")
        if e.verdict == "error" and preview:
            yield self._inner(Piece(self._limit(str(preview), PREVIEW), ("dim",)))

    def _limit(self, text: str, most: int) -> str:
        return clean(text) if self.verbose else one_line(text, most)

    def route(self, e: ev.Route) -> Iterator[Said]:
        why = f" ({e.reason})" if e.reason else ""
        if e.error:
            yield self._inner(Piece(f"✗ {self._limit(e.error, REASON)}", ("orange",)))
        yield self._inner(Piece("-> "), Piece(e.to, ("bold",)), Piece(why, ("dim",)))

    def retry_exhausted(self, e: ev.RetryExhausted) -> Iterator[Said]:
        yield self._inner(
            Piece(f"{e.state} was tried {e.retries} times in a row -> ", ("yellow",)), Piece(e.next)
        )

    def cycle_detected(self, e: ev.CycleDetected) -> Iterator[Said]:
        yield self._inner(Piece(f"{e.edge} was taken {e.count} times, {e.max} are allowed", ("red",)))

    def stall_detected(self, e: ev.StallDetected) -> Iterator[Said]:
        times = f"{e.recurrent} times in all" if e.recurrent else f"{e.consecutive} times in a row"
        yield self._inner(Piece(f"{e.state} gave {e.verdict} {times}: {e.action}", ("yellow",)))

    def rate_limit_retry(self, e: ev.RateLimitRetry) -> Iterator[Said]:
        yield self._inner(
            Piece(
                f"the provider's limit is reached; trying again in {elapsed(e.wait_seconds * 1000)}",
                ("yellow",),
            )
        )

    def api_error_retry(self, e: ev.ApiErrorRetry) -> Iterator[Said]:
        kind = {"network": "the network failed", "server": "the provider failed"}.get(
            e.kind or "", "it failed"
        )
        yield self._inner(Piece(f"{kind}; trying again in {elapsed(e.backoff * 1000)}", ("yellow",)))

    def rate_limit_exhausted(self, e: ev.RateLimitExhausted) -> Iterator[Said]:
        yield self._inner(Piece(f"waited long enough for the provider ({e.retries} retries)", ("red",)))

    def throttled(self, e: ev.ThrottleWarn | ev.ThrottleHard | ev.ThrottleStop) -> Iterator[Said]:
        yield self._inner(Piece(f"{e.count} actions in one stay; the hard mark is {e.hard_max}", ("yellow",)))

    def tool_called(self, e: ev.ToolCalledEvent) -> Iterator[Said]:
        said = f"⚙ {clean(e.tool)}" + (f"  {one_line(e.summary, REASON)}" if e.summary else "")
        yield self._inner(Piece(said, ("magenta",)))

    def permission(self, e: ev.PermissionAnsweredEvent) -> Iterator[Said]:
        said = f"⚙ {clean(e.tool)} was asked for: {clean(e.answer)}"
        yield self._inner(Piece(said, ("yellow",)))

    def handoff(self, e: ev.HandoffDetected) -> Iterator[Said]:
        yield self._inner(Piece("it hands over to a fresh session", ("cyan",)))

    def loop_complete(self, e: ev.LoopComplete) -> Iterator[Said]:
        if e.depth:
            self._depth = e.depth
            good = e.terminated_by == "terminal" and not e.failure_terminal
            said = f"↲ {e.final_state} [{e.terminated_by}]"
            yield self._outer(Piece(said, ("green",) if good else ("orange",)))


_TOLD: Mapping[type[ev.Event], Callable[[Narrator, Any], Iterator[Said]]] = {
    ev.LoopStart: Narrator.loop_start,
    ev.LoopResume: Narrator.loop_resume,
    ev.StateEnter: Narrator.state_enter,
    ev.ActionStart: Narrator.action_start,
    ev.ActionComplete: Narrator.action_complete,
    ev.ActionError: Narrator.action_error,
    ev.ActionInterrupted: Narrator.action_interrupted,
    ev.Evaluate: Narrator.evaluate,
    ev.Route: Narrator.route,
    ev.RetryExhausted: Narrator.retry_exhausted,
    ev.CycleDetected: Narrator.cycle_detected,
    ev.StallDetected: Narrator.stall_detected,
    ev.RateLimitRetry: Narrator.rate_limit_retry,
    ev.ApiErrorRetry: Narrator.api_error_retry,
    ev.RateLimitExhausted: Narrator.rate_limit_exhausted,
    ev.ThrottleWarn: Narrator.throttled,
    ev.ThrottleHard: Narrator.throttled,
    ev.ThrottleStop: Narrator.throttled,
    ev.ToolCalledEvent: Narrator.tool_called,
    ev.PermissionAnsweredEvent: Narrator.permission,
    ev.HandoffDetected: Narrator.handoff,
    ev.LoopComplete: Narrator.loop_complete,
}
