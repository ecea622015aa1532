"""``new``: a loop of one's own from a few answers, given as options or asked for at a terminal.

Writes one file that was not there, or nothing.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import definitions, editor_line, output, usage
from little_loops.cli.commands.install import NAME
from little_loops.config import Config
from little_loops.errors import LoadError, UserError

if TYPE_CHECKING:
    from little_loops.cli.drafts import Draft
    from little_loops.fsm.diagnostics import Diagnostic

PARADIGMS = ("goal", "convergence", "invariants", "imperative", "fsm")
ABOUT: Mapping[str, str] = {
    "goal": "a check, and a repair until it passes",
    "convergence": "a number, and what brings it to its target",
    "invariants": "several laws, each with its check and its repair",
    "imperative": "steps in a row, again until a check passes",
    "fsm": "check and repair written out as states, to go on from",
}


@dataclass(frozen=True, slots=True)
class Need:
    """Something a paradigm cannot do without: its option, and how a person is asked for it.

    Attributes:
        flag: as it is typed, with its values.
        question: to a person.
        many: asked again until the answer is empty.
    """

    flag: str
    question: str
    many: bool = False


NEEDS: Mapping[str, Need] = {
    "check": Need("--check COMMAND", "Command that checks; exit code 0 means all is well"),
    "fix": Need("--fix TEXT", "What is done when the check says no"),
    "toward": Need("--toward NUMBER", "Number to reach"),
    "steps": Need("--step COMMAND", "Step, a command (empty: that was the last)", many=True),
    "constraints": Need("--constraint NAME CHECK FIX", "Name of a law (empty: that was the last)", many=True),
}
BY_PARADIGM: Mapping[str, tuple[str, ...]] = {
    "goal": ("check", "fix"),
    "convergence": ("check", "toward", "fix"),
    "invariants": ("constraints",),
    "imperative": ("steps", "check"),
    "fsm": ("check", "fix"),
}
QUESTIONS: Mapping[tuple[str, str], str] = {
    ("convergence", "check"): "Command that prints the number",
    ("convergence", "fix"): "Command that brings it nearer",
}


@usage.command(
    "new",
    help="Write a new loop to .loops/NAME.yaml: commented, valid, ready to be changed.\n\n"
    "At a terminal it asks for what is not given. A file that is there is never overwritten.",
    examples=[
        ("new tidy", "asks"),
        ("new tidy --paradigm goal --check 'ruff check .' --fix 'ruff check --fix .'", "asks nothing"),
        ("new green --paradigm goal --check pytest --fix 'Repair the code.' --agent", "an agent repairs"),
        ("new laws --paradigm invariants --constraint fmt 'make fmt-check' 'make fmt'", "several laws"),
    ],
)
@click.argument("name")
@click.option("--paradigm", type=click.Choice(PARADIGMS), help="What kind of loop.")
@click.option("--description", metavar="TEXT", help="One sentence about it.")
@click.option("--check", metavar="COMMAND", help="What decides (convergence: what prints the number).")
@click.option("--fix", metavar="TEXT", help="What is done about it: a command, or a prompt with --agent.")
@click.option("--agent", is_flag=True, help="The repair is a prompt for an agent.")
@click.option("--step", "steps", multiple=True, metavar="COMMAND", help="imperative: a step; repeatable.")
@click.option(
    "--constraint",
    "constraints",
    multiple=True,
    nargs=3,
    metavar="NAME CHECK FIX",
    help="invariants: a law; repeatable.",
)
@click.option("--toward", type=float, metavar="NUMBER", help="convergence: the number to reach.")
@click.option("--tolerance", type=click.FloatRange(min=0), metavar="NUMBER", help="convergence: how near.")
@click.option("--scope", multiple=True, metavar="PATH", help="What a run locks; repeatable. Default: .")
@click.option(
    "--max-steps", "cap", type=click.IntRange(min=1), metavar="N", help="States a run may enter. Default: 30"
)
def command(name: str, **given: Any) -> int:
    config = definitions.project()
    target = _target(name, config)
    answers = {
        key: value for key, value in given.items() if not (value is None or value is False or value == ())
    }
    _complete(answers)
    draft = _draft(name, answers)
    text = _checked(draft, target, config)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise _taken(target) from None
    editor_line.write_schema(target.parent)
    _say_what_next(draft, target)
    return 0


def _target(name: str, config: Config) -> Path:
    if not NAME.fullmatch(name):
        raise UserError(
            f"'{name}' cannot be a name: letters, digits, dots, - and _ only", "choose another name"
        )
    for file in (config.loops_path / f"{name}.yaml", config.loops_path / f"{name}.fsm.yaml"):
        if file.exists() or file.is_symlink():
            raise _taken(file)
    return config.loops_path / f"{name}.yaml"


def _taken(file: Path) -> UserError:
    return UserError(
        f"{definitions.nearby(file)} is there already, and is kept as it is",
        "choose another name, or remove the file",
        exit_code=1,
    )


# --- what is missing ---------------------------------------------------------------------------------------


def _complete(answers: dict[str, Any]) -> None:
    """Asks for what is missing.

    Raises:
        UserError: something is missing and nobody can be asked, or an option does not belong here.
    """
    asking = output.can_ask()
    asked = False
    if "paradigm" not in answers:
        if not asking:
            raise UserError(
                f"nobody can be asked here, so these options are needed: --paradigm {'|'.join(PARADIGMS)}",
                "`ll-loop new --help` shows what goes with each",
            )
        answers["paradigm"], asked = _ask_paradigm(), True
    paradigm = answers["paradigm"]
    _refuse_strangers(paradigm, answers)
    missing = [key for key in BY_PARADIGM[paradigm] if key not in answers]
    if missing and not asking:
        flags = ", ".join(NEEDS[key].flag for key in missing)
        raise UserError(
            f"nobody can be asked here, so these options are needed for {paradigm}: {flags}",
            "`ll-loop new --help` shows what they mean",
        )
    for key in missing:
        answers[key] = _ask_for(key, paradigm)
    if (asked or missing) and "description" not in answers:
        answers["description"] = _ask("What it does, in one sentence", _description(paradigm, answers))


def _refuse_strangers(paradigm: str, answers: Mapping[str, Any]) -> None:
    allowed = {*BY_PARADIGM[paradigm], *({"tolerance"} if paradigm == "convergence" else ())}
    for key in ("check", "fix", "steps", "constraints", "toward", "tolerance"):
        if key in answers and key not in allowed:
            flag = NEEDS[key].flag.split()[0] if key in NEEDS else f"--{key}"
            takes = ", ".join(NEEDS[need].flag.split()[0] for need in BY_PARADIGM[paradigm])
            raise UserError(f"{flag} does not go with {paradigm}", f"{paradigm} takes {takes}")
    if answers.get("agent") and paradigm in ("convergence", "imperative"):
        raise UserError(
            f"--agent does not go with {paradigm}: its steps are commands",
            "use --paradigm fsm, and change the states",
        )


def _ask_paradigm() -> str:
    output.remark("What kind of loop?")
    for number, word in enumerate(PARADIGMS, 1):
        output.remark(f"  {number} {word.ljust(12)} {ABOUT[word]}")
    while True:
        answer = _ask("1 to 5, or the word", "1")
        if answer in PARADIGMS:
            return answer
        if answer.isdigit() and 1 <= int(answer) <= len(PARADIGMS):
            return PARADIGMS[int(answer) - 1]


def _ask_for(key: str, paradigm: str) -> Any:
    question = QUESTIONS.get((paradigm, key), NEEDS[key].question)
    if key == "toward":
        return _ask_number(question)
    if not NEEDS[key].many:
        return _ask(question)
    found: list[Any] = []
    while answer := _ask(question, "" if found else None):
        if key == "steps":
            found.append(answer)
        else:
            found.append((answer, _ask("  its check, a command"), _ask("  its repair")))
    return tuple(found)


def _ask_number(question: str) -> float:
    while True:
        try:
            number = float(_ask(question))
        except ValueError:
            continue
        if math.isfinite(number):
            return number


def _ask(question: str, default: str | None = None) -> str:
    """One line from the person at the terminal; without a default it is asked again until there is one."""
    while True:
        shown = f" [{default}]" if default else ""
        output.remark(f"{question}{shown}:")
        line = sys.stdin.readline()
        if not line:
            raise UserError("the input ended before everything was answered; nothing was written")
        answer = line.strip() or default
        if answer is not None:
            return answer


# --- the draft ---------------------------------------------------------------------------------------------


def _description(paradigm: str, answers: Mapping[str, Any]) -> str:
    match paradigm:
        case "convergence":
            return f"Bring a number to {answers['toward']:g}"
        case "invariants":
            return f"Keep what has to hold: {', '.join(name for name, *_ in answers['constraints'])}"
        case "imperative":
            return "Repeat the steps until the check passes"
        case _:
            return "Repair until the check passes"


def _draft(name: str, answers: Mapping[str, Any]) -> Draft:
    from little_loops.cli.drafts import DEFAULT_STEPS, Constraint, Draft

    _refuse_unusable(answers)
    paradigm = answers["paradigm"]
    return Draft(
        name=name,
        paradigm=paradigm,
        description=answers.get("description") or _description(paradigm, answers),
        check=answers.get("check", ""),
        fix=answers.get("fix", ""),
        agent=bool(answers.get("agent")),
        steps=tuple(answers.get("steps", ())),
        constraints=tuple(Constraint(*each) for each in answers.get("constraints", ())),
        toward=answers.get("toward", 0.0),
        tolerance=answers.get("tolerance", 0.0),
        scope=tuple(answers.get("scope") or (".",)),
        cap=answers.get("cap", DEFAULT_STEPS),
    )


def _refuse_unusable(answers: Mapping[str, Any]) -> None:
    for key, value in answers.items():
        for text in _texts(value):
            flag = NEEDS[key].flag.split()[0] if key in NEEDS else f"--{key}"
            if not text.strip():
                raise UserError(f"{flag} is empty", "say what it is")
            if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
                raise UserError(f"{flag} is not UTF-8 text", "check the encoding of the terminal")
    for key in ("toward", "tolerance"):
        if not math.isfinite(answers.get(key, 0)):
            raise UserError(f"--{key} has to be a number", f"such as --{key} 0")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for item in value for text in _texts(item)] if isinstance(value, tuple) else []


def _checked(draft: Draft, target: Path, config: Config) -> str:
    """The text of the file; what is doubtful about the answers is said.

    Raises:
        LoadError: the answers make no loop that can run.
    """
    from little_loops.cli.drafts import text_of
    from little_loops.fsm.diagnostics import in_file_order, render_all
    from little_loops.fsm.load import load_text

    text = editor_line.with_line(text_of(draft))
    shown = str(definitions.nearby(target))
    result = load_text(text, shown, folder=target.parent, loops_dir=definitions.loops_folder(config))
    found: list[Diagnostic] = in_file_order(result.diagnostics)
    if result.loop is None or result.refusals:
        raise LoadError(
            f"these answers make no loop that can run; nothing was written\n{render_all(result.refusals)}"
        )
    for finding in found:
        output.warning(f"{finding.message}\n{finding.help or ''}".rstrip())
    return text


def _say_what_next(draft: Draft, target: Path) -> None:
    from little_loops.fsm.library import BUILT_IN_DIR

    output.say(f"Wrote {definitions.nearby(target)} ({draft.paradigm}: {ABOUT[draft.paradigm]})")
    if (BUILT_IN_DIR / target.name).is_file():
        output.warning(f"it hides the built-in loop {draft.name} in this project")
    rows = [
        (f"ll-loop validate {draft.name}", "is anything wrong with it?"),
        (f"ll-loop simulate {draft.name}", "walk through it; nothing is executed"),
        (f"ll-loop run {draft.name}", "an agent is asked (ll-loop doctor)" if draft.agent else "run it"),
    ]
    output.say("Next:")
    output.table([(f"  {line}", about) for line, about in rows])
