"""The program ``ll-loop``: names of the commands, and the one place where errors become messages and codes.

Imports no command before it is asked for, and nothing heavy ever. Lets no traceback reach the screen.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from little_loops import __version__
from little_loops.cli import output
from little_loops.errors import LoopNotFound, UserError

PROGRAM = "ll-loop"
BUG_EXIT = 70
_NEAR = "little_loops.near"


@dataclass(frozen=True, slots=True)
class Verb:
    """One command: its module below ``cli.commands`` (as ``command``), its line in the help, short names."""

    module: str
    about: str
    aliases: tuple[str, ...] = ()


SECTIONS: dict[str, dict[str, Verb]] = {
    "Run": {
        "run": Verb("run", "Run a loop.", ("r",)),
        "resume": Verb("resume", "Go on with a run that was stopped, killed or handed over.", ("res",)),
        "stop": Verb("stop", "Stop runs."),
    },
    "Look": {
        "status": Verb("status", "How a run is doing.", ("st",)),
        "history": Verb("history", "Past runs, and what happened in one.", ("h",)),
        "explain": Verb("explain", "Why each transition of a run was taken."),
        "list": Verb("list", "Loops that can be run, or runs.", ("l",)),
        "show": Verb("show", "A loop: states, routes, diagram.", ("s",)),
        "next-loop": Verb("next_loop", "What to run next, judged by past runs."),
    },
    "Judge before running": {
        "validate": Verb("validate", "Load a loop and check it.", ("val",)),
        "simulate": Verb("simulate", "Walk through a loop; nothing is executed.", ("sim",)),
        "test": Verb("test", "Run one state once.", ("t",)),
    },
    "Keep": {
        "new": Verb("new", "Write a new loop from a few answers."),
        "install": Verb("install", "Copy a built-in loop into the project to change it."),
        "fragments": Verb("fragments", "What a fragment library offers."),
        "compile": Verb("compile", "Write out the states that a short form stands for."),
        "schema": Verb("schema", "JSON Schema of loop files and settings, for editors."),
        "lsp": Verb("lsp", "The language server, for editors."),
        "doctor": Verb("doctor", "Which agents are installed, and what each can do."),
        "config": Verb("config", "Every setting, its value and where it comes from."),
        "prune": Verb("prune", "Delete folders of old runs."),
    },
}

VERBS: dict[str, Verb] = {name: verb for section in SECTIONS.values() for name, verb in section.items()}
ALIASES: dict[str, str] = {alias: name for name, verb in VERBS.items() for alias in verb.aliases}


class Program(click.Group):
    """The group of commands; a first word that is no command names a loop to run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = ALIASES.get(cmd_name, cmd_name)
        verb = VERBS.get(name)
        if verb is None:
            return None
        found = import_module(f"little_loops.cli.commands.{verb.module}").command
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        found = self.get_command(ctx, args[0])
        if found is not None:
            return ALIASES.get(args[0], args[0]), found, args[1:]
        import difflib

        near = difflib.get_close_matches(args[0], VERBS, n=1, cutoff=0.75)
        ctx.meta[_NEAR] = near[0] if near else None
        return "run", self.get_command(ctx, "run"), args

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        wide = max(len(_named(name, verb)) for name, verb in VERBS.items())
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                rows = [(_named(name, verb).ljust(wide), verb.about) for name, verb in verbs.items()]
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Examples"):
            formatter.write_dl(
                [
                    ("ll-loop fix-until-green", "run a loop; 'run' may be left out"),
                    ("ll-loop run fix --param target=core", "give a loop its parameter"),
                    ("ll-loop explain fix", "why the last run of fix went as it did"),
                    ("ll-loop run --help", "all options of one command"),
                    (
                        'eval "$(_LL_LOOP_COMPLETE=bash_source ll-loop)"',
                        "complete words with Tab (zsh, fish too)",
                    ),
                ],
                col_max=48,
            )


def _named(name: str, verb: Verb) -> str:
    return ", ".join((name, *verb.aliases))


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        output.say(f"{PROGRAM} {__version__}")
        ctx.exit()


program = Program(
    name=PROGRAM,
    help="Run coding agents and checks in loops that can be resumed, explained and judged before they run.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    subcommand_metavar="COMMAND [ARGUMENT]...",
    params=[
        click.Option(
            ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
            help="Print the version.",
        )
    ],
)  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code. Nothing is raised."""
    output.furnish()
    args = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _guarded(args)
        output.flush()
    except BrokenPipeError:
        output.abandon()
        return 0
    except UserError as problem:
        output.failure(problem.message)
        output.abandon()
        return problem.exit_code
    return code


def _guarded(args: list[str]) -> int:
    met: dict[str, Any] = {}
    try:
        return _dispatch(args, met)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except UserError as mistake:
        output.failure(mistake.message, _next_step(mistake, met))
        return mistake.exit_code
    except click.ClickException as mistake:
        return _usage(mistake)
    except (KeyboardInterrupt, EOFError, click.Abort):
        output.remark("interrupted")
        return 130
    except BrokenPipeError:
        raise
    except OSError as problem:
        return _obstacle(problem, args)
    except Exception as bug:
        return _bug(bug, args)


def _dispatch(args: list[str], met: dict[str, Any]) -> int:
    problem = unfit(sys.platform, sys.path)
    if problem is not None:
        raise problem
    if _here() == "(gone)":
        raise UserError("the folder you are in no longer exists", "change to one that does")
    if "_LL_LOOP_COMPLETE" in os.environ:
        return _complete(os.environ["_LL_LOOP_COMPLETE"])
    if not args:
        output.say(program.get_help(click.Context(program, info_name=PROGRAM, **program.context_settings)))
        return 1
    with program.make_context(PROGRAM, args) as ctx:
        met.update({"meta": ctx.meta})
        answer = program.invoke(ctx)
    return answer if isinstance(answer, int) else 0


def unfit(platform: str, path: Iterable[str]) -> UserError | None:
    """Why this program cannot work in this environment, or None.

    Args:
        platform: as ``sys.platform`` has it.
        path: folders from which packages are imported.
    """
    if platform not in ("linux", "darwin"):
        return UserError(
            f"{PROGRAM} runs on Linux and macOS; this is {platform}.",
            "use it inside a Linux container or WSL",
        )
    for folder in path:
        if folder and (found := _other_distribution(folder)):
            return UserError(
                f"the distribution little-loops is installed in this environment too: {found}\n"
                "both bring a package little_loops; only one of them can work",
                "pip uninstall little-loops, then reinstall little-loops-fsm; or keep the two in "
                "separate environments",
            )
    return None


def _other_distribution(folder: str) -> str | None:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("little_loops-") and entry.name.endswith(
                    (".dist-info", ".egg-info")
                ):
                    return entry.path
    except OSError:
        return None
    return None


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete

    return shell_complete(program, {}, PROGRAM, "_LL_LOOP_COMPLETE", instruction)


def _next_step(mistake: UserError, met: dict[str, Any]) -> str | None:
    near = met.get("meta", {}).get(_NEAR)
    if near and isinstance(mistake, LoopNotFound):
        return f"if you meant the command: {PROGRAM} {near}"
    return mistake.hint


def _usage(mistake: click.ClickException) -> int:
    ctx = getattr(mistake, "ctx", None)
    path = ctx.command_path if ctx is not None else PROGRAM
    output.failure(mistake.format_message(), f"{path} --help")
    return mistake.exit_code


_OBSTACLES = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE,
    errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENOENT, errno.ENOMEM,
}  # fmt: skip


def _obstacle(problem: OSError, args: list[str]) -> int:
    """What the system refused is the user's to remove when it names a file; anything else is a bug."""
    if problem.errno not in _OBSTACLES or problem.filename is None:
        return _bug(problem, args)
    output.failure(f"{problem.filename}: {problem.strerror}", _REMEDIES.get(problem.errno or 0))
    return 1 if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else 2


_REMEDIES = {
    errno.ENOSPC: "make room on that disk, then give the command again",
    errno.EDQUOT: "make room in your quota, then give the command again",
    errno.EROFS: "the file system is read-only; work in a folder you can write to",
    errno.EACCES: "check who owns the file and who may read and write it",
}


def _bug(bug: BaseException, args: list[str]) -> int:
    where = _report(bug, args)
    said = f"{type(bug).__name__}: {bug}".splitlines()[0][:200]
    output.failure(
        f"this is a mistake in {PROGRAM} itself: {said}",
        f"a report was written to {where}" if where else "no report could be written",
    )
    return BUG_EXIT


def _report(bug: BaseException, args: list[str]) -> str | None:
    import platform
    import tempfile
    import traceback

    lines = [
        f"{PROGRAM} {__version__}",
        f"python {sys.version.split()[0]} on {platform.platform()}",
        f"folder {_here()}",
        f"arguments {[_masked(word) for word in args]!r}",
        "",
        *traceback.format_exception(bug),
    ]
    try:
        fd, name = tempfile.mkstemp(prefix=f"{PROGRAM}-bug-", suffix=".txt")
        with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as report:
            report.write("\n".join(lines))
    except OSError:
        return None
    return name


def _masked(word: str) -> str:
    """A word of the command line without the value of something that sounds like a secret."""
    name, equals, _ = word.partition("=")
    loud = name.upper()
    if equals and any(part in loud for part in ("KEY", "TOKEN", "SECRET", "PASSWORD")):
        return f"{name}=***"
    return word


def _here() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib would cost a tenth of --help
    except OSError:
        return "(gone)"


if __name__ == "__main__":
    sys.exit(main())
