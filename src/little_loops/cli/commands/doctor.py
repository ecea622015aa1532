"""``doctor``: which agents are here, in which version, and what each of them can do. Changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from little_loops.cli import definitions, output, usage

if TYPE_CHECKING:
    from little_loops.compose.installed import Census, Examined


@usage.command(
    "doctor",
    help="Which agents are installed, in which version, and what each can do.\n\n"
    "Every program is asked for its version and for nothing else, so this costs nothing and does not say "
    "whether you are logged in. Exits 0 when an agent can be used, 1 when there is none.",
    examples=[
        ("doctor", "what is here"),
        ("doctor --json", "the same for programs"),
    ],
)
@usage.json_option
def command(as_json: bool) -> int:
    from little_loops.compose.installed import census

    found = census(definitions.project().host, os.environ)
    if as_json:
        output.say_json(_plain(found))
    else:
        for one in found.hosts:
            _show(one)
        _choice(found)
    return 0 if any(one.usable for one in found.hosts) else 1


def _show(one: Examined) -> None:
    name = output.paint(one.host.name, "bold")
    if one.path is None:
        output.say(f"{output.paint('-', 'dim')} {name}  not installed; {one.host.install}\n")
        return
    if one.problem is not None:
        output.say(f"{output.paint('✗', 'red')} {name}  {one.path}: {one.problem}\n")
        return
    output.say(f"{output.paint('✓', 'green')} {name}  {one.version}  {output.paint(one.path, 'dim')}")
    output.table([("  " + ability, how) for ability, how in one.host.can.items()])
    output.say("")


def _choice(found: Census) -> None:
    if found.default is not None and found.obstacle is None:
        output.say(f"Asked where nothing else is said: {found.default}")
    elif found.obstacle is not None:
        reason, hint = found.obstacle
        output.say(f"{reason}\n  {hint}")


def _plain(found: Census) -> dict[str, Any]:
    return {
        "default": found.default,
        "obstacle": None if found.obstacle is None else found.obstacle[0],
        "hosts": [
            {
                "name": one.host.name,
                "program": one.host.program,
                "path": one.path,
                "version": one.version,
                "usable": one.usable,
                "problem": one.problem,
                "install": one.host.install,
                "can": dict(one.host.can),
            }
            for one in found.hosts
        ],
    }
