"""A descriptor that becomes readable when a process has ended, so that one poll can wait for everything.

It must never reap: the exit code stays for whoever started the process.
"""

from __future__ import annotations

import os
import select
import sys
import threading
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class ExitWatch:
    """Readable (or hung up) at ``fd`` once the process has ended; ``keep`` lives as long as the watch."""

    fd: int
    keep: Any = None

    def has_ended(self) -> bool:
        """Whether the process has ended by now."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        return bool(poller.poll(0))

    def close(self) -> None:
        """Give the descriptor back."""
        if self.keep is not None:
            self.keep.close()
        elif self.fd >= 0:
            os.close(self.fd)
        self.fd = -1


def watch_child(pid: int) -> ExitWatch:
    """Watch one of our own children, which must not have been reaped."""
    return watch(pid) or watch_in_thread(pid)


def watch(pid: int) -> ExitWatch | None:
    """Watch any process; None where the system cannot. One that is gone already counts as ended."""
    if sys.platform == "linux":
        try:
            return ExitWatch(os.pidfd_open(pid))
        except ProcessLookupError:
            return _ended()
        except OSError:
            return None
    return _watch_by_kqueue(pid)


def watch_in_thread(pid: int) -> ExitWatch:
    """Watch a child by a thread that waits without reaping; where there is neither pidfd nor kqueue."""
    reader, writer = os.pipe()

    def wait() -> None:
        try:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            pass
        finally:
            os.close(writer)

    threading.Thread(target=wait, name=f"exit-of-{pid}", daemon=True).start()
    return ExitWatch(reader)


def _ended() -> ExitWatch:
    reader, writer = os.pipe()
    os.close(writer)
    return ExitWatch(reader)


def _watch_by_kqueue(pid: int) -> ExitWatch | None:
    if sys.platform == "linux" or not hasattr(select, "kqueue"):
        return None
    queue = select.kqueue()
    event = select.kevent(
        pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD | select.KQ_EV_ONESHOT, select.KQ_NOTE_EXIT
    )
    try:
        queue.control([event], 0)
    except ProcessLookupError:
        queue.close()
        return _ended()
    return ExitWatch(queue.fileno(), keep=queue)
