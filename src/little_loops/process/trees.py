"""Ending what was started: a whole tree, also what changed its group, lost its parent or outlived the engine.

Four ways lead to a member: its group or session, its parents, the environment marks, and, where orphans come
to us, being our child without having been started by us. It must never touch ourselves or our ancestors.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from typing import Literal

from little_loops.process.exits import ExitWatch, watch
from little_loops.process.spawn import children
from little_loops.process.table import Identity, Row, alive, ancestors, boot, carries, environment, row, rows

Fate = Literal["none", "gone", "killed", "rebooted"]

_KILL_ROUNDS = 20
KILL_WAIT_S = 0.5
"""Seconds that the system is given to carry out a KILL before another look."""
_RUN_MARK = b"LL_RUN_ID="


class Tree:
    """What one action started, as far as it can be found; remembers every member it has ever seen.

    Args:
        roots: identities that belong to the tree with their whole group and session.
        marks: ``NAME=value`` entries that a member's environment holds, all of them; empty = not looked at.
        adopted_since: start time from which strange children of ours belong to the tree; None = none do.
    """

    def __init__(
        self, roots: Iterable[Identity], marks: frozenset[bytes], adopted_since: str | None = None
    ) -> None:
        self._marks = marks
        self._adopted_since = adopted_since
        self._seen: dict[int, str] = {}
        self._orphans: set[int] = set()
        self._spared = ancestors()
        self._sessions = {root.pgid for root in roots}
        self._spared_groups = {line.pgid for pid in self._spared if (line := row(pid)) is not None}
        self._groups = self._sessions - self._spared_groups

    def members(self) -> list[Row]:
        """Living members now."""
        table = [line for line in rows() if line.pid not in self._spared]
        ours = {line.pid for line in table if self._belongs(line)}
        grew = True
        while grew:
            more = {line.pid for line in table if line.ppid in ours} - ours
            ours |= more
            grew = bool(more)
        found = [line for line in table if line.pid in ours and not line.zombie]
        # A member that was somebody else's child comes to us when its parent ends; one that was ours from the
        # first look may belong to code of ours that will ask for its exit code.
        self._orphans.update(line.pid for line in found if line.ppid != os.getpid() or self._is_adopted(line))
        self._seen.update((line.pid, line.started) for line in found)
        return found

    def signal(self, number: signal.Signals) -> list[Row]:
        """Send a signal to every living member and name them."""
        found = self.members()
        self._groups |= {line.pgid for line in found} - self._spared_groups
        # Whole groups at once, also those in which nobody was found just now: a member that forks and ends
        # while the table is read is in neither line of it. One that shares a group with us goes alone.
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        for line in found:
            if line.pgid not in self._groups:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(line.pid, number)
        return found

    def kill(self) -> Iterator[list[Row]]:
        """KILL until two looks in a row find nobody; yields who is to be waited for in between."""
        empty = 0
        for _ in range(_KILL_ROUNDS):
            left = self.signal(signal.SIGKILL)
            if left:
                yield left
            empty = 0 if left else empty + 1
            if empty == 2:
                return

    def reap_adopted(self) -> None:
        """Reap members that became our children when their parents ended."""
        for pid in self._orphans:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)

    def _belongs(self, line: Row) -> bool:
        if line.pgid in self._groups or line.session in self._sessions:
            return True
        if self._seen.get(line.pid) == line.started:
            return True
        if self._marks and carries(line.pid, self._marks):
            return True
        return self._is_adopted(line)

    def _is_adopted(self, line: Row) -> bool:
        if self._adopted_since is None or line.ppid != os.getpid() or line.pid in children:
            return False
        if line.session == os.getsid(0) or _ticks(line.started) < _ticks(self._adopted_since):
            return False
        # A marked one belongs to another step, which had every right to leave it running.
        return not any(entry.startswith(_RUN_MARK) for entry in environment(line.pid))


def fence(run_id: str, identities: Iterable[Identity], grace_s: float = 5.0) -> Fate:
    """Make sure that nothing of a run's earlier segment lives any more.

    Args:
        run_id: the run, found again by the environment mark ``LL_RUN_ID``.
        identities: what the journal says was running.
        grace_s: seconds between TERM and KILL.

    Returns:
        ``rebooted`` when all of it was before this boot, ``killed`` when something had to be ended, ``gone``
        when it had ended by itself, ``none`` when nothing was known or found.
    """
    known = list(identities)
    if known and all(one.boot != boot() for one in known):
        return "rebooted"
    tree = Tree([one for one in known if alive(one)], frozenset({_mark_of(run_id)}))
    if end(tree, grace_s):
        return "killed"
    return "gone" if known else "none"


def sweep(run_id: str, grace_s: float = 1.0) -> bool:
    """End every process that carries the mark of a run, but us and our ancestors; True if any did."""
    return end(Tree((), frozenset({_mark_of(run_id)})), grace_s)


def end(tree: Tree, grace_s: float) -> bool:
    """TERM, grace, KILL for a whole tree; True when there was something to end. Returns when it is gone."""
    found = tree.signal(signal.SIGTERM)
    if not found:
        return False
    _await_gone(found, grace_s)
    for left in tree.kill():
        _await_gone(left, KILL_WAIT_S)
    tree.reap_adopted()
    return True


def reap_strangers() -> None:
    """Reap orphans that came to us and have ended; never a child that somebody here will ask for."""
    for line in rows():
        strange = line.ppid == os.getpid() and line.pid not in children and line.session != os.getsid(0)
        if strange and line.zombie:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(line.pid, os.WNOHANG)


def watches(lines: Iterable[Row]) -> list[ExitWatch]:
    """A watch for each living process of ``lines`` for which the system offers one."""
    found = (watch(line.pid) for line in lines)
    return [one for one in found if one is not None]


def _await_gone(lines: list[Row], seconds: float) -> None:
    poller = select.poll()
    waiting = {one.fd: one for one in watches(lines)}
    blind = len(waiting) < len(lines)  # where the system offers no watch the whole time is given
    for fd in waiting:
        poller.register(fd, select.POLLIN)
    until = time.monotonic() + seconds
    while (waiting or blind) and (rest := until - time.monotonic()) > 0:
        for fd, _ in poller.poll(rest * 1000):
            poller.unregister(fd)
            waiting.pop(fd).close()
    for one in waiting.values():
        one.close()


def _mark_of(run_id: str) -> bytes:
    return _RUN_MARK + os.fsencode(run_id)


def _ticks(started: str) -> float:
    try:
        return float(started)
    except ValueError:
        return 0.0
