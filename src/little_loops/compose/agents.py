"""Which agent a state's calls go to, and whether it can be used here. Starts nothing.

Chosen is what comes first: the flag (or what the run was started with), the state, the loop, the settings and
``LL_HOST_CLI``, then what is installed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SCRIPTED = "scripted:"
"""Prefix of the host whose answers stand in a file."""

_SCRIPTED_HINT = "use --host scripted:FILE (prepared answers)"


@dataclass(frozen=True, slots=True)
class Agents:
    """The choice for one run.

    Attributes:
        flag: what the command line said, or the run was started with; None = nothing.
        default: what the run's own loop or the settings say; None = nothing.
        env: environment in which programs are looked for.
        usd: the run has a budget in USD.
        price: USD to count for a call whose host does not tell what it cost; None = not said.
    """

    flag: str | None
    default: str | None
    env: Mapping[str, str]
    usd: bool = False
    price: float | None = None

    def chosen(self, state: str | None, loop: str | None) -> str | None:
        """The host of a state, by what the state and its loop say; None = there is none."""
        return self.flag or state or loop or self.default or self.installed()

    def installed(self) -> str | None:
        """The first host that is installed."""
        from little_loops.hosts.table import PROBED

        return next((host.name for host in PROBED if found(host.program, self.env)), None)

    def overruns(self, name: str) -> bool:
        """Whether a call on a host can cost more than was reserved for it."""
        from little_loops.hosts.table import HOSTS

        return name in HOSTS and not HOSTS[name].caps_cost

    def unpriced(self, name: str) -> bool:
        """Whether nobody can say what a call on a host costs."""
        from little_loops.hosts.table import HOSTS

        return self.price is None and name in HOSTS and not HOSTS[name].tells_cost

    def obstacle(self, name: str | None, *, judging: bool = False) -> tuple[str, str] | None:
        """Why a host cannot be asked, and what helps; None when it can."""
        if name is not None and name.startswith(SCRIPTED):
            return ("the scripted host cannot judge", "use another --host") if judging else None
        from little_loops.hosts.table import HOSTS, PROBED

        if name is None:
            how = " or ".join(f"{host.name} ({host.install})" for host in PROBED)
            return "no agent is installed", f"install {how}, or {_SCRIPTED_HINT}"
        host = HOSTS.get(name)
        if host is None:
            known = ", ".join(HOSTS)
            return f"there is no host {name!r}", f"known are {known} and scripted:FILE"
        if found(host.program, self.env) is None:
            return (
                f"the host {name} is not installed (no {host.program} in PATH)",
                f"install it with {host.install}, or {_SCRIPTED_HINT}",
            )
        return None


def found(program: str, env: Mapping[str, str]) -> str | None:
    """The path of a program, looked for as a shell would; None when it is not there."""
    for folder in env.get("PATH", os.defpath).split(os.pathsep):
        path = Path(folder or ".") / program
        if os.access(path, os.X_OK) and path.is_file():
            return str(path)
    return None
