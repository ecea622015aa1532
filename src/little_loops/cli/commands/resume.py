"""``resume``: go on with a run, exactly where it stopped, or from the state that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import background, flags, output, running, usage
from little_loops.errors import UserError

if TYPE_CHECKING:
    from little_loops.compose import Prepared, Project
    from little_loops.journal.folder import RunFolder


@usage.command(
    "resume",
    help="Go on with a run that was stopped, killed, handed over, or ended by a limit or an error.\n\n"
    "RUN is a run id or the name of a loop (its newest run that can be resumed). What is done is not done "
    "again; the action that was cut off is run again, unless its state says otherwise. A limit that ended "
    "the run has to be raised by its flag.",
    examples=[
        ("resume fix", "the newest resumable run of fix"),
        ("resume 7k2m", "one run"),
        ("resume 7k2m -n 100", "after all steps were used: allow 100"),
        ("resume 7k2m --interrupted fail", "take the action that was cut off as failed"),
        ("resume 7k2m --background", "detached"),
    ],
)
@click.argument("run", shell_complete=usage.complete_runs)
@flags.limits
@flags.values
@flags.agents
@flags.shown
@click.option(
    "--interrupted", type=click.Choice(("retry", "fail")), help="What to do with the action that was cut off."
)
@click.option("--take-over", is_flag=True, help="The run was on another machine and is dead there.")
@click.option("-q", "--queue", is_flag=True, help="Wait for runs that hold an overlapping scope.")
@click.option("--queue-timeout", type=usage.SECONDS, metavar="TIME", help="Longest wait; implies --queue.")
@click.option("-b", "--background", "detached", is_flag=True, help="Detach; output goes to the run's log.")
@flags.hidden
def command(run: str, **given: Any) -> int:
    from little_loops.compose import find_run, open_project

    flags.checked(given)
    project = open_project()
    output.configure(colour=project.config.color)
    folder = find_run(project, given["instance_id"] or run)
    handed = background.taken(given["given"])
    values = handed or {
        "params": running.params(given["param"]),
        "context": running.pairs(given["context"], "--context"),
    }
    given["instance_id"] = folder.run_id
    prepared = _prepared(project, folder, given, values)
    if given["detached"]:
        words = ["resume", *flags.forwarded(given), *_answers(given)]
        return background.start(folder, [*words, "--", folder.run_id], values, as_json=given["as_json"])
    flags.environment(given)
    return running.perform(prepared, flags.showing(given, project.config))


def _prepared(project: Project, folder: RunFolder, given: dict[str, Any], values: dict[str, Any]) -> Prepared:
    """Prepare, asking a person on a terminal where the loop wants that."""
    from little_loops.compose import prepare_resume

    def attempt(answer: str | None) -> Prepared:
        return prepare_resume(
            project,
            folder,
            flags.options(given),
            params=values["params"],
            context=values["context"],
            answer=answer,
            take_over=given["take_over"],
        )

    try:
        return attempt(given["interrupted"])
    except UserError as problem:
        if problem.exit_code != 75 or given["interrupted"] or not output.can_ask():
            raise
        output.remark(problem.message)
        return attempt(output.ask("run it again, or take it as failed?", ("retry", "fail")))


def _answers(given: dict[str, Any]) -> list[str]:
    words: list[str] = []
    if given["interrupted"]:
        words += ["--interrupted", given["interrupted"]]
    if given["take_over"]:
        words.append("--take-over")
    if given["queue"]:
        words.append("--queue")
    if given["queue_timeout"] is not None:
        words += ["--queue-timeout", str(given["queue_timeout"])]
    return words
