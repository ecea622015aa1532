"""Which agents are installed, in which version, and which one a run would ask. Calls none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from little_loops.compose.agents import Agents, found
from little_loops.hosts.table import PROBED, Host
from little_loops.process import Command, Limits, SpawnFailed, collect

VERSION_S = 10.0
"""Seconds a program may take to tell its version."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One host. ``path`` is None when it is not installed; ``problem`` says why it cannot be used."""

    host: Host
    path: str | None = None
    version: str | None = None
    problem: str | None = None

    @property
    def usable(self) -> bool:
        """Whether it is there and answers."""
        return self.path is not None and self.problem is None


@dataclass(frozen=True, slots=True)
class Census:
    """All hosts, and the one that is asked where nothing else is said; ``obstacle`` says why it cannot be."""

    hosts: tuple[Examined, ...]
    default: str | None
    obstacle: tuple[str, str] | None


def census(default: str | None, env: Mapping[str, str]) -> Census:
    """Look for every host.

    Args:
        default: the host that the settings name, or None.
        env: environment in which programs are looked for.
    """
    agents = Agents(None, default, env)
    chosen = agents.chosen(None, None)
    return Census(tuple(_examined(host, env) for host in PROBED), chosen, agents.obstacle(chosen))


def _examined(host: Host, env: Mapping[str, str]) -> Examined:
    path = found(host.program, env)
    if path is None:
        return Examined(host)
    try:
        done = collect(
            Command((path, "--version"), dict(env), stdin=b""), Limits(wall_s=VERSION_S, grace_s=1.0)
        )
    except SpawnFailed as error:
        return Examined(host, path, problem=error.text)
    if done.cause is not None:
        return Examined(host, path, problem=f"it does not tell its version within {VERSION_S:g} s")
    told = done.out.decode("utf-8", "replace").strip().splitlines()
    if done.exit_code != 0 or not told:
        said = done.err.decode("utf-8", "replace").strip().splitlines()
        why = f": {said[-1][:200]}" if said else ""
        return Examined(host, path, problem=f"--version ends with exit code {done.exit_code}{why}")
    return Examined(host, path, told[0][:200])
