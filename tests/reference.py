"""A naive executor of loops: plain maps in, a list of events out, one pass from top to bottom.

It is the oracle of the differential tests. It is written from the description of the behaviour alone and must
never import the product, share code with it, or be made fast or clever. Recursion is the call stack, an
exception is the end of a loop, and a local variable is the phase.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tests.differential import texts, verdicts
from tests.differential.texts import Missing
from tests.differential.world import EPOCH, Answer, Opinion, World, marker_in

Definition = Mapping[str, Any]
RESERVED = {"event", "ts", "seq", "t", "depth", "refs", "run_id", "type", "verdict", "usage", "memory"}
RESERVED |= {"progress", "details_"}
FAILURES = ("failed", "error", "aborted")
NOT_VERDICTS = ("maintain", "retry_exhausted", "rate_limit_exhausted", "throttle_hard", "success", "failure")
DEPTH_LIMIT = 8
API_RETRIES = 2
API_PAUSE_S = 30
STORM = 3
LITTLE = 1e-6
ABSTENTIONS = 2
TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@dataclass
class Execution:
    """What a run came to."""

    events: list[dict[str, Any]]
    captured: dict[str, Any]
    final_state: str
    terminated_by: str
    iterations: int


class Finish(Exception):
    """The end of the loop at ``depth``, and of everything it called."""

    def __init__(self, cause: str, depth: int) -> None:
        self.cause, self.depth = cause, depth


class Again(Exception):
    """The state is entered once more, in another segment of the run."""


class Diverted(Exception):
    """A state is left by another way than its verdict."""

    def __init__(self, step: Step) -> None:
        self.step = step


@dataclass
class Step:
    """How a state wants to be left: a target as written, why, and what becomes ``prev``."""

    target: str | None
    via: str
    result: Answer | None = None
    verdict: str | None = None
    details: Mapping[str, Any] | None = None


@dataclass
class Frame:
    """One loop being executed."""

    loop: Definition
    depth: int
    context: dict[str, Any]
    timeout: float | None
    started: int
    parents: list[Frame]
    state: str = ""
    iteration: int = 0
    laps: int = 0
    entered: int = 0
    routed: bool = False
    awake: bool = False
    captured: dict[str, Any] = field(default_factory=dict)
    prev: dict[str, Any] | None = None
    retries: int = 0
    edges: Counter[str] = field(default_factory=Counter)
    throttle: Counter[str] = field(default_factory=Counter)
    short: int = 0
    long: int = 0
    api: int = 0
    waited: int = 0
    storm: int = 0
    attempts: int = 0
    judgements: int = 0
    run_length: int = 0
    last_triple: tuple[str, int, str] | None = None
    triples: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    progress: dict[str, str] = field(default_factory=dict)
    spent: Counter[str] = field(default_factory=Counter)
    words: str = ""

    @property
    def config(self) -> Mapping[str, Any]:
        states: Mapping[str, Mapping[str, Any]] = self.loop["states"]
        return states[self.state]

    @property
    def stack(self) -> list[Frame]:
        return [*self.parents, self]

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(f"{frame.loop['name']}/{frame.state}" for frame in self.stack)


def execute(
    loops: Mapping[str, Definition],
    root: str,
    world: World,
    context: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Execution:
    """Execute ``loops[root]`` in ``world``.

    Args:
        loops: definitions by name, in the shape of a loop file.
        world: answers what the run asks of it.
        context: values laid over the root's own context.
        options: ``max_iterations``, ``max_steps``, ``max_edge_revisits``, ``timeout`` (root only),
            ``backoff``, ``no_llm``, ``on_handoff``; ``resumes``: how often the run is resumed when it ended
            badly or was handed over; and ``short_waits``: the lengths in seconds that random
            waits turned out to have, in order (they are checked against their bounds, then believed).
    """
    return Naive(loops, world, dict(options or {})).execute(root, dict(context or {}))


class Naive:
    """One execution."""

    def __init__(self, loops: Mapping[str, Definition], world: World, options: dict[str, Any]) -> None:
        self.loops, self.world, self.options = loops, world, options
        self.short_waits: Iterator[float] = iter(options.get("short_waits", ()))
        self.events: list[dict[str, Any]] = []
        self.memory: dict[tuple[str, ...], dict[str, Any]] = {}
        self.stop_asked = False
        self.resumes = int(options.get("resumes", 0))
        self.continuation: str | None = None

    def execute(self, root: str, context: dict[str, Any]) -> Execution:
        loop = {**self.loops[root], **{k: v for k, v in self.options.items() if k in CAPS}}
        own = {**loop.get("context", {}), **defaults(loop), **context}
        frame = Frame(loop, 0, own, loop.get("timeout"), self.world.now, [])
        cause, _ = self.run_loop(frame)
        return Execution(self.events, frame.captured, frame.state, cause, frame.iteration)

    def emit(self, frame: Frame, name: str, **payload: Any) -> None:
        record = {"event": name, **payload}
        if frame.depth:
            record["depth"] = frame.depth
        self.events.append(record)

    # --- one loop ------------------------------------------------------------------------------------

    def run_loop(self, frame: Frame) -> tuple[str, str]:
        """From ``loop_start`` to ``loop_complete``: the cause of the end, and the verdict for a caller."""
        self.emit(frame, "loop_start", loop=frame.loop["name"])
        frame.state = frame.loop["initial"]
        try:
            self.passes(frame)
        except Finish as end:
            if end.depth != frame.depth:
                raise
            verdict = self.outcome(frame, end.cause)
            more = {"verdict": verdict} if frame.depth else {}
            self.emit(
                frame,
                "loop_complete",
                final_state=frame.state,
                iterations=frame.iteration,
                terminated_by=end.cause,
                **more,
            )
            return end.cause, verdict

    def outcome(self, frame: Frame, cause: str) -> str:
        if cause == "terminal":
            return "no" if frame.config.get("failure", frame.state in FAILURES) else "yes"
        return "error" if cause == "error" else "no"

    def passes(self, frame: Frame) -> NoReturn:
        while True:
            try:
                self.one_pass(frame)
            except Again:
                self.prepare_again(frame)
            except Finish as end:
                if frame.depth or end.depth or end.cause not in ENTERED_AGAIN or not self.resumes_left():
                    raise
                self.second_segment(frame, end.cause)
                self.prepare_again(frame)

    def one_pass(self, frame: Frame) -> None:
        self.arrive(frame)
        if self.restart(frame) or self.retries_spent(frame):
            return
        self.enter(frame)
        try:
            step = self.perform(frame)
        except Diverted as diversion:
            step = diversion.step
        self.leave(frame, step)

    # --- second segments -------------------------------------------------------------------------------

    def resumes_left(self) -> bool:
        """Whether somebody resumes a run that ended badly or was handed over."""
        self.resumes -= 1
        return self.resumes >= 0 and not self.world.pending

    def handing(self, frame: Frame) -> str:
        return str(self.options.get("on_handoff", frame.stack[0].loop.get("on_handoff", "pause")))

    def second_segment(self, frame: Frame, cause: str) -> None:
        """The end of the first segment and the opening of the next, which enters ``frame``'s state again."""
        root, handed = frame.stack[0], {}
        if cause == "handoff":
            handed = {"from_handoff": True, "continuation_prompt": self.continuation}
        where = {"iterations": root.iteration, "terminated_by": cause}
        self.emit(root, "loop_complete", final_state=root.state, **where)
        where = {"from_state": root.state, "iteration": root.iteration, "enter": frame.state}
        self.emit(root, "loop_resume", loop=root.loop["name"], **where, **handed)
        self.emit(root, "loop_start", loop=root.loop["name"])

    def prepare_again(self, frame: Frame) -> None:
        frame.retries = frame.throttle[frame.state] = 0
        frame.routed = frame.awake = False

    def arrive(self, frame: Frame) -> None:
        """The checks of an arrival, in their order."""
        if self.stop_asked:
            raise Finish("signal", 0)
        if not frame.awake:
            self.heed_stop()
        frame.awake = False
        loop = frame.loop
        terminal = frame.config.get("terminal", False)
        if terminal and not loop.get("maintain"):
            raise Finish("terminal", frame.depth)
        steps = loop.get("max_steps") or loop.get("max_iterations", 50)
        laps = loop.get("max_iterations", math.inf) if loop.get("max_steps") else math.inf
        if frame.iteration >= steps or frame.laps >= laps:
            raise Finish("max_iterations", frame.depth)
        if self.late(frame):
            if frame.routed and not terminal and mode_of(frame.config) == "shell":
                self.flush(frame)
            raise Finish("timeout", frame.depth)

    def heed_stop(self) -> None:
        """A signal that came while nothing ran counts at an arrival, or where something would start."""
        if self.world.pending:
            raise Finish("signal", 0)

    def late(self, frame: Frame) -> bool:
        return bool(frame.timeout) and self.world.now - frame.started > (frame.timeout or 0) * 1000

    def flush(self, frame: Frame) -> None:
        """A pending shell state is run once although the time is up."""
        self.enter(frame, flushed=True)
        with contextlib.suppress(Missing):
            self.act(frame, flushed=True)

    def restart(self, frame: Frame) -> bool:
        if not frame.config.get("terminal"):
            return False
        target = self.resolve(frame, frame.config.get("on_maintain") or frame.loop["initial"])
        frame.iteration += 1
        frame.laps += 1
        self.emit(frame, "route", **{"from": frame.state, "to": target}, reason="maintain", via="maintain")
        self.move(frame, target)
        frame.edges.clear()
        return True

    def retries_spent(self, frame: Frame) -> bool:
        limit = frame.config.get("max_retries")
        if limit is None or frame.retries <= limit:
            return False
        target = self.resolve(frame, frame.config["on_retry_exhausted"])
        self.emit(frame, "retry_exhausted", state=frame.state, retries=frame.retries, next=target)
        routed, frame.retries = frame.routed, 0
        self.move(frame, target)
        frame.routed = routed
        return True

    def move(self, frame: Frame, target: str) -> None:
        """From one state to another: what counts stays in a state, and what a new state begins with."""
        if target == frame.state:
            frame.retries += 1
        else:
            frame.retries = 0
            frame.throttle[frame.state] = 0
        frame.state, frame.routed = target, True

    def enter(self, frame: Frame, *, flushed: bool = False) -> None:
        frame.iteration += 1
        frame.routed, frame.words = False, ""
        frame.entered = self.world.now
        frame.attempts = frame.judgements = 0
        self.clear_waits(frame)
        more = {"flushed": True} if flushed else {}
        self.emit(frame, "state_enter", state=frame.state, iteration=frame.iteration, **more)

    def clear_waits(self, frame: Frame) -> None:
        frame.short = frame.long = frame.api = frame.waited = 0

    def leave(self, frame: Frame, step: Step) -> None:
        """Follow a step, or end where it leads nowhere."""
        if not step.target:
            raise Finish(*(("signal", 0) if self.stop_asked else ("error", frame.depth)))
        target = self.resolve(frame, step.target, step)
        if step.result is not None and step.via != "throttle":
            frame.prev = prev_of(frame.state, step)
        if step.result is not None:
            self.continuation = None
        edge = f"{frame.state}->{target}"
        self.emit(frame, "route", **{"from": frame.state, "to": target}, via=step.via)
        frame.edges[edge] += 1
        limit = frame.loop.get("max_edge_revisits", 100)
        if frame.edges[edge] > limit and not self.world.pending:
            where = {"edge": edge, "from": frame.state, "to": target}
            self.emit(frame, "cycle_detected", **where, count=frame.edges[edge], max=limit)
            raise Finish("cycle_detected", frame.depth)
        self.move(frame, target)
        self.back_off(frame)

    def back_off(self, frame: Frame) -> None:
        seconds = self.options.get("backoff", frame.loop.get("backoff")) or 0
        if seconds > 0 and not self.stop_asked and not self.world.pending and not self.late(frame):
            self.rest(frame, self.world.now + round(seconds * 1000), "")
            frame.awake = True

    def resolve(self, frame: Frame, target: str, step: Step | None = None) -> str:
        """The state a target means."""
        if target == "$current":
            return frame.state
        result = None
        if step and step.via == "verdict" and step.verdict is not None and step.details is not None:
            result = {"verdict": step.verdict, "details": step.details}
        try:
            name = texts.render(target, {**self.scope(frame), "result": result})
        except Missing:
            raise Finish("error", frame.depth) from None
        if name not in frame.loop["states"]:
            raise Finish("error", frame.depth)
        return name

    def exit_named(self, frame: Frame, target: str) -> str:
        """The state a target means; one that means none is named as written, and fails when it is taken."""
        if target == "$current":
            return frame.state
        try:
            return texts.render(target, self.scope(frame))
        except Missing:
            return target

    def scope(self, frame: Frame) -> dict[str, Any]:
        """What a template of the state sees."""
        ms = frame.entered - frame.started
        return {
            "context": frame.context,
            "captured": frame.captured,
            "prev": frame.prev,
            "result": None,
            "state": {"name": frame.state, "iteration": frame.iteration},
            "loop": {
                "name": frame.loop["name"],
                "started_at": self.world.timestamp(frame.started),
                "elapsed_ms": ms,
                "elapsed": texts.elapsed(ms),
                **({} if self.continuation is None else {"continuation": self.continuation}),
            },
            "env": self.world.env,
        }

    # --- one state -----------------------------------------------------------------------------------

    def perform(self, frame: Frame) -> Step:
        """Execute the state that was entered."""
        state = frame.config
        if state.get("loop"):
            return self.sub_loop(frame)
        if state.get("type") == "learning" and state.get("learning"):
            return self.learn(frame)
        result = None
        if state.get("action"):
            result = self.attempt(frame)
            self.check_throttle(frame, result)
        if state.get("next"):
            if result and result.exit_code != 0 and state.get("on_error"):
                return Step(state["on_error"], "exit_code", result)
            if result and result.exit_code < 0:
                raise Finish("error", frame.depth)
            return Step(state["next"], "next", result)
        if result is None and not state.get("evaluate"):
            return Step(target_for(state, "yes"), "verdict", Answer())
        return self.judge(frame, result or Answer())

    def attempt(self, frame: Frame) -> Answer:
        """Run the state's own action; what cannot be run at all takes the error exit."""
        try:
            return self.act(frame)
        except Missing as problem:
            if not frame.config.get("on_error"):
                raise Finish("error", frame.depth) from None
            self.emit(frame, "action_error", state=frame.state, error=str(problem), route="on_error")
            raise Diverted(Step(frame.config["on_error"], "action_error")) from None

    def act(self, frame: Frame, text: str | None = None, *, flushed: bool = False) -> Answer:
        """Run an action until it is not cut off by the provider any more. ``text``: an exploration's."""
        state = frame.config
        mode = "prompt" if text is not None else mode_of(state)
        while True:
            lenient = mode == "shell" and frame.loop.get("lenient_shell_vars", False)
            scope = {**self.scope(frame), "bare": lenient}
            words = texts.render(text or state["action"], scope, keep_env=True)
            if mode == "mcp":
                texts.render_nested(state.get("params", {}), self.scope(frame))
            seconds = self.reserve(frame) if mode == "prompt" else None
            answer = self.run_once(frame, words, mode, seconds)
            transient = answer.failure if mode == "prompt" else None
            if state.get("capture") and not self.tried_again(frame, transient):
                frame.captured[state["capture"]] = captured(answer)
            if not transient:
                self.clear_waits(frame)
                frame.storm = 0
                if text is None and not flushed:
                    frame.throttle[frame.state] += 1
            if flushed:
                raise Finish("timeout", frame.depth)
            self.obey_marker(frame, answer, mode)
            if transient and not self.wait_for_provider(frame, transient, answer):
                self.emit(frame, "api_error_exhausted", state=frame.state, retries=frame.api)
                frame.api, transient = 0, None
            if not transient:
                return answer

    def run_once(self, frame: Frame, words: str, mode: str, seconds: float | None) -> Answer:
        """One attempt, from ``action_start`` to ``action_complete``."""
        prompt = mode == "prompt"
        frame.attempts += 1
        frame.words = words
        more = {"attempt": frame.attempts} if frame.attempts > 1 else {}
        self.emit(frame, "action_start", action=words, is_prompt=prompt, **more)
        answer = self.world.not_run() if self.world.pending else self.world.run(words, seconds)
        if prompt:
            self.spend(frame, answer.usage, answer.duration_ms / 1000)
        for line in answer.lines:
            self.emit(frame, "action_output", line=line)
        if answer.raises is not None:
            raise Missing(answer.raises)
        self.emit(
            frame,
            "action_complete",
            exit_code=answer.exit_code,
            duration_ms=answer.duration_ms,
            output_preview=answer.stdout[-2000:].strip() if answer.stdout else None,
            is_prompt=prompt,
            **({"session_jsonl": None} if prompt else {}),
        )
        if answer.stopped:
            raise Finish("signal", 0)
        return answer

    def tried_again(self, frame: Frame, transient: str | None) -> bool:
        return transient == "rate_limit" or (transient is not None and frame.api < API_RETRIES)

    def reserve(self, frame: Frame) -> float | None:
        """An agent is called only while every loop on the stack has something left; how many seconds."""
        left: list[float] = []
        for caller in frame.stack:
            budget = caller.loop.get("budget", {})
            for kind, limit in budget.items():
                if caller.spent[kind] > limit - LITTLE:
                    raise Finish("budget_exhausted", caller.depth)
            if "seconds" in budget:
                left.append(budget["seconds"] - caller.spent["seconds"])
        return min(left, default=None)

    def spend(self, frame: Frame, usage: Mapping[str, Any], seconds: float) -> None:
        """An agent's call is charged to every loop on the stack."""
        for caller in frame.stack:
            caller.spent["agent_calls"] += 1
            caller.spent["tokens"] += sum(value for key, value in usage.items() if key.endswith("_tokens"))
            caller.spent["usd"] += usage.get("cost_usd", 0)
            caller.spent["seconds"] += usage.get("seconds", seconds)

    def obey_marker(self, frame: Frame, answer: Answer, mode: str) -> None:
        listened = mode == "prompt" or (mode == "shell" and frame.config.get("signals"))
        found = marker_in(answer.stdout) if listened else None
        if not found:
            return
        kind, payload = found
        if kind == "stop":
            self.stop_asked = True
        elif kind == "error":
            raise Finish("error", frame.depth)
        else:
            where = {"state": frame.state, "iteration": frame.iteration}
            self.emit(frame, "handoff_detected", **where, continuation=payload)
            self.continuation = payload
            self.spawn(frame)
            if self.handing(frame) != "terminate" and self.resumes_left():
                self.second_segment(frame, "handoff")
                raise Again
            raise Finish("handoff", 0)

    def spawn(self, frame: Frame) -> None:
        """Where a successor is wanted, it is started; where it cannot be, somebody may resume the run."""
        if self.handing(frame) == "spawn":
            self.heed_stop()
            pid = self.world.script.get("pid", 1)
            if pid is not None:
                self.emit(frame, "handoff_spawned", pid=pid, state=frame.state)

    # --- providers -------------------------------------------------------------------------------------

    def wait_for_provider(self, frame: Frame, kind: str, result: Answer | None) -> bool:
        """Wait before the same call is made again; False when it will not be."""
        if kind == "rate_limit":
            self.wait_out_limit(frame, result)
            return True
        if frame.api >= API_RETRIES:
            return False
        frame.api += 1
        self.emit(frame, "api_error_retry", state=frame.state, attempt=frame.api, backoff=API_PAUSE_S)
        self.rest(frame, self.world.now + API_PAUSE_S * 1000, "api")
        self.end_if_late(frame)
        return True

    def wait_out_limit(self, frame: Frame, result: Answer | None) -> None:
        state = frame.config
        if frame.short < state.get("max_rate_limit_retries", 3):
            frame.short += 1
            wait = self.short_wait(state.get("rate_limit_backoff_base_seconds", 30), frame.short)
            tier, count = "short", frame.short
        else:
            ladder = state.get("rate_limit_long_wait_ladder") or [300, 900, 1800, 3600]
            frame.long += 1
            wait, tier, count = ladder[min(frame.long, len(ladder)) - 1], "long", frame.long
        self.emit(frame, "rate_limit_retry", state=frame.state, tier=tier, attempt=count, wait_seconds=wait)
        start = self.world.now
        self.rest(frame, start + round(wait * 1000), tier)
        frame.waited += self.world.now - start
        self.end_if_late(frame)
        if tier == "long" and frame.waited >= budget_of(state) * 1000:
            self.exhaust(frame, result)

    def short_wait(self, base: int, count: int) -> float:
        """A random length between its bounds: as it turned out elsewhere, else the lower bound."""
        least = base * 2 ** (count - 1)
        wait = next(self.short_waits, least)
        if not least <= wait <= least + base:
            raise AssertionError(f"a wait of {wait} s lies outside {least} to {least + base} s")
        return wait

    def exhaust(self, frame: Frame, result: Answer | None) -> NoReturn:
        state = frame.config
        target = state.get("on_rate_limit_exhausted") or state.get("on_error")
        self.emit(
            frame,
            "rate_limit_exhausted",
            state=frame.state,
            retries=frame.short + frame.long,
            short_retries=frame.short,
            long_retries=frame.long,
            total_wait_seconds=frame.waited / 1000,
            next=self.exit_named(frame, target) if target else None,
        )
        frame.storm += 1
        if frame.storm >= STORM:
            self.emit(frame, "rate_limit_storm", state=frame.state, count=frame.storm)
        raise Diverted(Step(target, "rate_limit_exhausted", result))

    def end_if_late(self, frame: Frame) -> None:
        if self.late(frame):
            raise Finish("timeout", frame.depth)

    def rest(self, frame: Frame, until: int, tier: str) -> None:
        """Let time pass, up to the moment the loop's own time is over."""
        planned = max(until, self.world.now)
        if frame.timeout:
            until = min(until, frame.started + math.floor(frame.timeout * 1000) + 1)
        self.heed_stop()
        rest = self.world.wait(until, beats=bool(tier))
        before = frame.waited / 1000
        for at in rest.beats:
            self.emit(
                frame,
                "rate_limit_waiting",
                state=frame.state,
                elapsed_seconds=at,
                next_attempt_at=EPOCH + planned / 1000,
                total_waited_seconds=before + at,
                tier=tier if tier == "api" else f"{tier}_wait",
                **({"budget_seconds": budget_of(frame.config)} if tier == "long" else {}),
            )
        if rest.stopped:
            raise Finish("signal", 0)

    # --- limits in a state -------------------------------------------------------------------------------

    def check_throttle(self, frame: Frame, result: Answer) -> None:
        block = frame.config.get("throttle")
        if block is None:
            return
        count, hard = frame.throttle[frame.state], block.get("hard_max") or 12
        warn = block.get("warn_max") or 8
        where = {"state": frame.state, "count": count}
        if count == warn:
            normal = block.get("normal_max") or 3
            self.emit(frame, "throttle_warn", **where, normal_max=normal, warn_max=warn, hard_max=hard)
        if frame.config.get("type") == "learning":
            return
        if count == hard:
            target = frame.config.get("on_throttle_hard") or frame.config.get("on_error")
            more = {"next": self.exit_named(frame, target)} if target else {}
            self.emit(frame, "throttle_hard", **where, hard_max=hard, **more)
            if target:
                raise Diverted(Step(target, "throttle", result))
        if count > hard:
            self.emit(frame, "throttle_stop", **where, hard_max=hard)
            raise Finish("error", frame.depth)

    def check_stall(self, frame: Frame, step: Step, exit_code: int) -> Step:
        """The same state, exit code and verdict again and again."""
        block = frame.loop.get("circuit", {}).get("repeated_failure")
        triple = (frame.state, exit_code, str(step.verdict))
        if block and block.get("progress_paths"):
            self.check_progress(frame)
        frame.run_length = frame.run_length + 1 if triple == frame.last_triple else 1
        frame.last_triple = triple
        frame.triples[triple] += 1
        if block is None:
            return step
        total, recurrent = frame.triples[triple], block.get("recurrent_window")
        in_a_row = frame.run_length >= block.get("window", 3)
        recurs = recurrent is not None and total >= recurrent and not in_a_row
        if not in_a_row and not recurs:
            return step
        target = block.get("on_repeated_failure", "abort")
        more = {"recurrent": total} if recurs else {}
        self.emit(
            frame,
            "stall_detected",
            state=frame.state,
            exit_code=exit_code,
            verdict=step.verdict,
            consecutive=frame.run_length,
            action="abort" if target == "abort" else f"route:{target}",
            **more,
        )
        frame.last_triple, frame.run_length = None, 0
        frame.triples.clear()
        if target == "abort":
            raise Finish("stall_detected", frame.depth)
        return Step(target, "stall", step.result)

    def check_progress(self, frame: Frame) -> None:
        """Files that stand for progress: a change since this state last looked starts the count anew."""
        seen = str(self.world.look("progress"))
        if frame.progress.get(frame.state, seen) != seen:
            frame.last_triple, frame.run_length = None, 0
            frame.triples.clear()
        frame.progress[frame.state] = seen

    # --- judging -----------------------------------------------------------------------------------------

    def judge(self, frame: Frame, result: Answer) -> Step:
        state = frame.config
        mode = mode_of(state)
        config = state.get("evaluate")
        kind = config["type"] if config else "default"
        if config is None:
            config = {"type": {"prompt": "llm_structured", "mcp": "mcp_result"}.get(mode, "exit_code")}
        try:
            seen = self.seen(frame, config, result, explicit=kind != "default")
            if config["type"] == "llm_structured" and not verdicts.gated("llm_structured", seen):
                texts.render(config.get("prompt", ""), seen.scope)
                verdict, details = self.ask_judge(frame, result)
            else:
                verdict, details = self.evaluate(frame, config, seen)
        except Missing as problem:
            verdict, details = "error", {"error": str(problem)}
        self.clear_waits(frame)
        memory = self.memory.setdefault(frame.path, {})
        memory["abstained"] = memory.get("abstained", 0) + 1 if abstains(verdict) else 0
        open_, hidden = split(details)
        self.emit(frame, "evaluate", type=kind, verdict=verdict, **open_, **hidden)
        step = Step(None, "verdict", result, verdict, details)
        step = self.check_stall(frame, step, result.exit_code)
        if step.via == "verdict":
            step.target = target_for(state, verdict, memory["abstained"])
        return step

    def seen(
        self, frame: Frame, config: Mapping[str, Any], result: Answer, *, explicit: bool
    ) -> verdicts.Seen:
        """What an evaluator may look at."""
        text, gate = result.stdout, False
        if config.get("source"):
            text = texts.render(config["source"], self.scope(frame))
        if explicit:
            gate = frame.config.get("exit_code_gate", frame.loop.get("exit_code_gate", False))
        memory = self.memory.setdefault(frame.path, {})
        scope = self.scope(frame)
        scope["env"] = {name: value for name, value in scope["env"].items() if not SECRET.search(name)}
        return verdicts.Seen(text, result.exit_code, scope, memory, frame.words, gate=gate)

    def evaluate(self, frame: Frame, config: Mapping[str, Any], seen: verdicts.Seen) -> verdicts.Verdict:
        measured = {"diff_stall": "tree", "score_stall": "history"}.get(config["type"])
        pattern = config["type"] == "output_contains" and METACHARACTER.search(config["pattern"])
        if (measured or pattern) and not verdicts.gated(config["type"], seen):
            self.heed_stop()
        if measured and not verdicts.gated(config["type"], seen):
            found = self.world.measure(measured)
            if found.stopped:
                raise Finish("signal", 0)
            seen.measured = found.value if found.error is None else found.error
            seen.measured_error = found.error is not None
        answer = verdicts.verdict_of(config, seen)
        self.memory[frame.path].update(seen.notes.get("memory", {}))
        return answer

    def ask_judge(self, frame: Frame, result: Answer) -> verdicts.Verdict:
        enabled = frame.loop.get("llm", {}).get("enabled", True)
        if not enabled or self.options.get("no_llm"):
            return "error", {"error": "judging is off"}
        while True:
            self.reserve(frame)
            frame.judgements += 1
            self.emit(frame, "judge_start", state=frame.state, attempt=frame.judgements)
            self.heed_stop()
            opinion: Opinion = self.world.judge()
            self.spend(frame, opinion.usage, 0)
            if opinion.stopped:
                raise Finish("signal", 0)
            if not opinion.failure or not self.wait_for_provider(frame, opinion.failure, result):
                return opinion.verdict, dict(opinion.details)

    # --- sub-loops -----------------------------------------------------------------------------------------

    def sub_loop(self, frame: Frame) -> Step:
        state = frame.config
        try:
            child = self.child_of(frame)
        except Missing:
            return Step(state.get("on_error"), "on_error")
        cause, verdict = self.run_loop(child)
        if state.get("capture"):
            outcome = {
                "final_state": child.state,
                "iterations": child.iteration,
                "terminated_by": cause,
            }
            text = json.dumps(outcome, ensure_ascii=False)
            frame.captured[state["capture"]] = {"output": text, "exit_code": None}
        if child.captured and (state.get("with") or state.get("context_passthrough")):
            frame.captured[frame.state] = child.captured
        target = target_for(state, verdict)
        if target is None and verdict == "error":
            target = target_for(state, "no")
        return Step(target, "sub_loop", verdict=verdict)

    def child_of(self, frame: Frame) -> Frame:
        """The called loop with its context bound."""
        state, scope = frame.config, self.scope(frame)
        name = texts.render(state["loop"], scope)
        given = texts.render_nested(dict(state.get("with", {})), scope)
        if frame.depth + 1 > DEPTH_LIMIT:
            raise Missing(name)
        self.heed_stop()
        if name not in self.loops:
            raise Missing(name)
        loop = self.loops[name]
        context = {**loop.get("context", {}), **defaults(loop), **given}
        if state.get("context_passthrough"):
            context.update(frame.context)
            context.update({key: passed(value) for key, value in frame.captured.items()})
        declared = loop.get("parameters", {})
        if declared and not set(given) <= set(declared):
            raise Missing(str(given))
        for key, spec in declared.items():
            check_parameter(key, spec, context, given)
        timeout = loop.get("timeout")
        if frame.timeout:
            left = frame.timeout - (self.world.now - frame.started) / 1000
            timeout = min(timeout or math.inf, max(1, math.floor(left)))
        return Frame(loop, frame.depth + 1, context, timeout, self.world.now, frame.stack)

    # --- learning ------------------------------------------------------------------------------------------

    def learn(self, frame: Frame) -> Step:
        state, block = frame.config, frame.config["learning"]
        for target in block["targets"]:
            blocked = self.prove(frame, target, block.get("max_retries", 2))
            if blocked:
                self.emit(frame, "learning_blocked", state=frame.state, target=target, reason=blocked)
                return Step(state.get("on_blocked") or state.get("on_no"), "learning_blocked")
        self.emit(frame, "learning_complete", state=frame.state, targets=list(block["targets"]))
        return Step(state.get("on_yes"), "learning_complete")

    def prove(self, frame: Frame, target: str, limit: int) -> str | None:
        where = {"state": frame.state, "target": target}
        attempts = 0
        while True:
            self.heed_stop()
            found = self.world.measure("learning", target)
            if found.stopped:
                raise Finish("signal", 0)
            if found.value not in ("missing", "stale"):
                break
            if attempts >= limit:
                return "retries_exhausted"
            attempts += 1
            self.emit(frame, "learning_target_stale", **where, cause=found.value)
            self.emit(frame, "learning_explore_invoked", **where, attempt=attempts)
            self.explore(frame, target)
        refuted = found.value == "refuted"
        self.emit(frame, f"learning_target_{'refuted' if refuted else 'proven'}", **where)
        return "refuted" if refuted else None

    def explore(self, frame: Frame, target: str) -> None:
        try:
            self.act(frame, f"/ll:explore-api {target}")
        except Missing as problem:
            if not frame.config.get("on_error"):
                raise Finish("error", frame.depth) from None
            self.emit(frame, "action_error", state=frame.state, error=str(problem), route="on_error")
            raise Diverted(Step(frame.config["on_error"], "action_error")) from None


SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD")
METACHARACTER = re.compile(r"[\\.^$*+?{}\[\]|()]")
ENTERED_AGAIN = ("error", "cycle_detected", "stall_detected")
CAPS = ("max_iterations", "max_steps", "max_edge_revisits", "timeout")


def mode_of(state: Mapping[str, Any]) -> str:
    """How the state's action is run; empty when it has none."""
    action, kind = state.get("action"), state.get("action_type")
    if not action or state.get("loop"):
        return ""
    if kind is None:
        return "prompt" if action.startswith("/") else "shell"
    return {"mcp_tool": "mcp", "slash_command": "prompt"}.get(kind, str(kind))


def target_for(state: Mapping[str, Any], verdict: str, abstained: int = 0) -> str | None:
    """Where a verdict leads, by table or by shorthand."""
    table: Mapping[str, str] | None = state.get("route")
    exact = exact_target(state, table, verdict)
    if exact is not None:
        return exact
    if abstained and abstained <= ABSTENTIONS:
        return "$current"
    if abstained:
        return state.get("on_error") if table is None else table.get("_error")
    if table is None:
        return None
    return table.get("_error", table.get("_")) if verdict == "error" else table.get("_")


def exact_target(state: Mapping[str, Any], table: Mapping[str, str] | None, verdict: str) -> str | None:
    if table is None:
        return None if verdict in NOT_VERDICTS else state.get(f"on_{verdict}")
    if verdict.startswith("_"):
        return None
    old = {"yes": "success", "no": "failure"}.get(verdict, verdict)
    return table.get(verdict, table.get(old))


def abstains(verdict: str) -> bool:
    return verdict in ("cannot_judge", "cannot_judge_uncertain")


def budget_of(state: Mapping[str, Any]) -> int:
    return int(state.get("rate_limit_max_wait_seconds", 21600))


def captured(answer: Answer) -> dict[str, Any]:
    return {
        "output": answer.stdout.rstrip("\r\n"),
        "stderr": answer.stderr,
        "exit_code": answer.exit_code,
        "duration_ms": answer.duration_ms,
    }


def passed(value: Any) -> Any:
    """A capture as a called loop's context sees it."""
    return value["output"] if isinstance(value, dict) and "exit_code" in value else value


def prev_of(state: str, step: Step) -> dict[str, Any]:
    result = step.result or Answer()
    prev: dict[str, Any] = {"output": result.stdout, "exit_code": result.exit_code, "state": state}
    prev["timeout_kind"] = result.timeout_kind
    if step.verdict is not None:
        prev.update(verdict=step.verdict, details=step.details)
    return prev


def split(details: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Details that may stand beside the verdict, and those whose names are taken."""
    hidden = {key: value for key, value in details.items() if key in RESERVED}
    shown = {key: value for key, value in details.items() if key not in RESERVED}
    return shown, ({"details_": hidden} if hidden else {})


def defaults(loop: Definition) -> dict[str, Any]:
    specs = loop.get("parameters", {})
    return {key: spec["default"] for key, spec in specs.items() if spec.get("default") is not None}


def check_parameter(
    key: str, spec: Mapping[str, Any], context: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """A declared parameter is there where it must be, and is of its type."""
    if key not in context:
        if spec.get("required"):
            raise Missing(key)
        return
    if key not in given:
        return
    value, kind = given[key], spec["type"]
    if kind == "enum" and value not in spec.get("values", ()):
        raise Missing(key)
    if kind in TYPES and not is_a(value, kind):
        raise Missing(key)


def is_a(value: Any, kind: str) -> bool:
    """Whether a value is of a type, or a text that says one."""
    if kind in ("integer", "number") and isinstance(value, str):
        try:
            return bool(int(value)) or True if kind == "integer" else math.isfinite(float(value))
        except ValueError:
            return False
    if kind == "boolean" and isinstance(value, str):
        return value.lower() in ("true", "false")
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
