"""Time and environment as facts. The run clock goes on from the last recorded moment and never goes back."""

from __future__ import annotations

import os
import time

from little_loops.machine.effects import Facts


class SystemClock:
    """The real clocks.

    Args:
        start_ms: run clock of the last record, milliseconds; time between segments does not count.
    """

    def __init__(self, start_ms: int = 0) -> None:
        self._start_ms = start_ms
        self._opened = time.monotonic()
        self._env = dict(os.environ)

    def now_ms(self) -> int:
        """The run clock."""
        return self._start_ms + int((time.monotonic() - self._opened) * 1000)

    def facts(self) -> Facts:
        """The moment."""
        return Facts(time.time(), self.now_ms(), self._env)
