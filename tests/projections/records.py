"""Journals written by hand, as flat records."""

from __future__ import annotations

from typing import Any

TS = "2026-11-20T10:15:{:02}.000000+00:00"


class Tale:
    """Numbers and dates records as they are added."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []

    def add(self, event: str, t: int | None = None, **keys: Any) -> Tale:
        """One more record; ``t`` defaults to 100 ms after the last."""
        last = self.records[-1]["t"] if self.records else -100
        moment = last + 100 if t is None else t
        seq = len(self.records) + 1
        named = {key.removesuffix("_"): value for key, value in keys.items()}
        self.records.append(
            {"event": event, "ts": TS.format(moment // 1000 % 60), **named, "seq": seq, "t": moment}
        )
        return self

    def start(self, loop: str = "fix", initial: str = "check", **keys: Any) -> Tale:
        """The opening record."""
        return self.add(
            "loop_start", loop=loop, run_id="20261120-101500-fix-7k2m", v=1, definition="d1", initial=initial,
            context={}, engine={"pid": 4700}, **keys,
        )  # fmt: skip

    def step(
        self, state: str, iteration: int, code: int, to: str, *, judged: bool = True, **keys: Any
    ) -> Tale:
        """Enter, act, judge, route."""
        self.add("state_enter", state=state, iteration=iteration, **keys)
        self.add("action_start", action=f"do {state}", is_prompt=False, **keys)
        self.add(
            "action_complete", exit_code=code, duration_ms=90, output_preview="out", is_prompt=False,
            output="out\n", **keys,
        )  # fmt: skip
        verdict = {0: "yes", 1: "no"}.get(code, "error")
        if judged:
            self.add("evaluate", type="default", verdict=verdict, exit_code=code, **keys)
            return self.add("route", from_=state, to=to, via="verdict", verdict=verdict, **keys)
        return self.add("route", from_=state, to=to, via="next", **keys)

    def end(self, cause: str, state: str, iterations: int, **keys: Any) -> Tale:
        """The last record."""
        return self.add(
            "loop_complete", final_state=state, iterations=iterations, terminated_by=cause, **keys
        )  # fmt: skip
