"""``run``: run a loop, in the foreground or detached, or say what would be run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import background, definitions, flags, output, running, usage
from little_loops.errors import UserError

if TYPE_CHECKING:
    from little_loops.compose import Inputs, Prepared, Project

PROGRAM = ".ll/program.md"


@usage.command(
    "run",
    help="Run a loop, given by name or by the path of its file. The word 'run' may be left out.\n\n"
    "INPUT becomes the loop's input (context.input, or what input_key names); a JSON object sets the keys it "
    "shares with the loop's context; '-' reads it from standard input.\n\n"
    "Exit code: 0 reached its goal, 1 did not, 2 could not be started, 3 its scope is held by another run, "
    "75 handed over, 130 or 143 stopped by a signal. Ctrl-C stops it in order; 'll-loop resume' goes on.",
    examples=[
        ("run fix", "until it ends, with live progress"),
        ("fix-until-green -n 10", "at most ten steps"),
        ("run each-file --param glob='*.py'", "a value for a declared parameter; always data"),
        ("run review 'the login page' --host scripted:answers.yaml", "an input, and who plays the agent"),
        ("run fix --background", "detached; prints how to watch and stop it"),
        ("run fix --dry-run", "what would be run; starts nothing"),
        ("run fix --quiet --json", "only the result, for programs"),
    ],
)
@click.argument("loop", shell_complete=usage.complete_loops)
@click.argument("input", required=False)
@flags.limits
@flags.values
@flags.agents
@flags.shown
@click.option("--program-md", metavar="PATH", help=f"Steering file ({PROGRAM} if it is there).")
@click.option("--builtin", is_flag=True, help="The built-in loop, even if the project has one of that name.")
@click.option("-q", "--queue", is_flag=True, help="Wait for runs that hold an overlapping scope.")
@click.option("--queue-timeout", type=usage.SECONDS, metavar="TIME", help="Longest wait; implies --queue.")
@click.option("-b", "--background", "detached", is_flag=True, help="Detach; output goes to the run's log.")
@click.option("--dry-run", is_flag=True, help="Print what would be run; start nothing.")
@flags.hidden
def command(loop: str, **given: Any) -> int:
    from little_loops.compose import open_project, prepare

    flags.checked(given)
    project = open_project()
    output.configure(colour=project.config.color)
    options = flags.options(given)
    inputs = _inputs(project, given)
    prepared = prepare(project, loop, inputs, options, builtin=given["builtin"])
    if given["dry_run"]:
        return _plan(prepared, given["as_json"])
    if given["detached"]:
        return _detach(prepared, loop, given)
    flags.environment(given)
    return running.perform(prepared, flags.showing(given, project.config))


def _inputs(project: Project, given: dict[str, Any]) -> Inputs:
    from little_loops.compose import Inputs

    handed = background.taken(given["given"])
    if handed is not None:
        return Inputs(handed["text"], handed["params"], handed["context"], handed["program"])
    text = given["input"]
    if text == "-":
        text = running.content("-", "INPUT")
    return Inputs(
        text,
        running.params(given["param"]),
        running.pairs(given["context"], "--context"),
        _program(project.root, given["program_md"]),
    )


def _program(root: Path, given: str | None) -> str | None:
    path = Path(given) if given else root / PROGRAM
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        if given is None:
            return None
        why = problem.strerror if isinstance(problem, OSError) else "not UTF-8 text"
        raise UserError(f"--program-md {given}: cannot be read: {why}") from None


def _detach(prepared: Prepared, loop: str, given: dict[str, Any]) -> int:
    from little_loops.compose import make_folder

    folder = make_folder(prepared)
    words = ["run", *flags.forwarded(given), "--instance-id", folder.run_id]
    if given["builtin"]:
        words.append("--builtin")
    if given["queue"]:
        words.append("--queue")
    if given["queue_timeout"] is not None:
        words += ["--queue-timeout", str(given["queue_timeout"])]
    inputs = prepared.inputs
    handed = {
        "text": inputs.text,
        "params": dict(inputs.params),
        "context": dict(inputs.context),
        "program": inputs.program,
    }
    return background.start(folder, [*words, "--", loop], handed, as_json=given["as_json"])


# --- dry run ----------------------------------------------------------------------------------------------


def _plan(prepared: Prepared, as_json: bool) -> int:
    from little_loops.compose.inputs import context_of
    from little_loops.projections.ending import caps
    from little_loops.projections.text import one_line, value_text

    loop = prepared.loop
    bound = context_of(loop, prepared.inputs, {})
    limits = caps(loop.to_dict(), dict(prepared.options.overrides))
    if as_json:
        output.say_json(
            {
                "loop": loop.name,
                "path": str(prepared.result.path) if prepared.result else None,
                "initial": loop.initial,
                "states": list(loop.states),
                "context": dict(bound.context),
                "origin": dict(bound.origin),
                "limits": {
                    "steps": limits.steps,
                    "laps": limits.laps,
                    "edge": limits.edge,
                    "timeout": limits.timeout,
                },
                "scope": list(loop.scope),
            }
        )
        return 0
    output.say(f"{output.paint(loop.name, 'bold')}: nothing is started (dry run)")
    if prepared.result is not None and prepared.result.path is not None:
        output.say(f"File:    {definitions.nearby(prepared.result.path)}")
    time = f", {limits.timeout:g} s" if limits.timeout else ""
    output.say(f"Limits:  {limits.steps} steps{time}, {limits.edge} times each transition")
    output.say(f"Scope:   {', '.join(loop.scope) or 'the whole project'}")
    for key, value in bound.context.items():
        output.say(f"Context: {key} = {value_text(value, 100)}  ({bound.origin.get(key, 'loop')})")
    output.say()
    rows = []
    for name, state in loop.states.items():
        what = (
            "end"
            if state.terminal
            else f"loop {state.loop}"
            if state.loop
            else one_line(state.action or "-", 60)
        )
        ways = ", ".join(f"{label} → {target}" for label, target in state.targets().items())
        rows.append((("→ " if name == loop.initial else "  ") + name, what, ways))
    output.table(rows, header=("  state", "action", "routes"))
    return 0
