"""``simulate``: a walk through a loop with made-up results. Nothing is executed, no agent is asked, ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import definitions, flags, output, running, usage
from little_loops.cli.asking import ask
from little_loops.errors import UserError

if TYPE_CHECKING:
    from little_loops.compose.simulating import Choose

CAP = 20
SCENARIOS = ("all-pass", "all-fail", "all-error", "first-fail", "alternating")


@usage.command(
    "simulate",
    help="Walk through a loop with made-up results, by the rules of a real run. Nothing is executed, no "
    "agent is asked.\n\nA scenario says how every action ends; without one you are asked at every action. "
    "Exits 0 where a run would exit 0, else 1.",
    examples=[
        ("simulate fix", "you say how every action ends"),
        ("simulate fix --scenario first-fail", "the first action fails, the others pass"),
        ("simulate fix --scenario all-fail -n 60", "does it end by itself?"),
        ("simulate each --param path=src --json", "the path taken, for programs"),
    ],
)
@click.argument("loop")
@click.argument("input_text", metavar="[INPUT]", required=False)
@click.option("--scenario", type=click.Choice(SCENARIOS), help="How actions end.")
@click.option(
    "-n",
    "--max-iterations",
    "cap",
    type=click.IntRange(min=1),
    default=CAP,
    show_default=True,
    help="Steps at most.",
)
@click.option(
    "--builtin", "built_in", is_flag=True, help="The built-in loop, even where the project hides it."
)
@flags.values
@usage.json_option
def command(loop: str, scenario: str | None, cap: int, as_json: bool, **given: Any) -> int:
    from little_loops.cli.walk import Walk
    from little_loops.compose.inputs import Inputs
    from little_loops.compose.project import open_project
    from little_loops.compose.simulating import fixed, simulate

    definitions.project()
    project = open_project()
    result = project.load(loop, builtin=given["built_in"])
    definition = result.require()
    if as_json and scenario is None:
        raise UserError("--json needs --scenario", f"one of {', '.join(SCENARIOS)}")
    inputs = Inputs(
        given["input_text"], running.params(given["param"]), running.pairs(given["context"], "--context")
    )
    walk = Walk(cap, scenario, quiet=as_json)
    choose: Choose = fixed(scenario) if scenario else ask
    done = simulate(project, result, inputs, choose, cap, (walk,))
    if as_json:
        output.say_json(walk.as_json(definition.name, done))
    else:
        walk.summary(done)
    return 0 if done.outcome.exit_code == 0 else 1
