"""The text of a new loop, made from a few answers: commented YAML that loads as it was meant.

Pure: asks nobody and writes nothing. Whatever a text holds, it reads back as that text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from little_loops.fsm.scalars import scalar
from little_loops.fsm.template import Malformed, parse

DEFAULT_STEPS = 30


@dataclass(frozen=True, slots=True)
class Constraint:
    """One law of an invariants loop."""

    name: str
    check: str
    fix: str


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers. Which of them count depends on the paradigm.

    Attributes:
        name: of the file and the loop.
        paradigm: a key of ``WRITERS``.
        description: one sentence.
        check: the command whose exit code decides; for convergence the one that prints the number.
        fix: what is done about it.
        agent: whether ``fix`` is a prompt and not a command.
        steps: commands of an imperative loop.
        constraints: laws of an invariants loop.
        toward: the number to reach.
        tolerance: how near is near enough, at least 0.
        scope: paths a run locks.
        cap: how many states a run may enter, at least 1.
    """

    name: str
    paradigm: str
    description: str
    check: str = ""
    fix: str = ""
    agent: bool = False
    steps: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    toward: float = 0
    tolerance: float = 0
    scope: tuple[str, ...] = (".",)
    cap: int = DEFAULT_STEPS


def text_of(draft: Draft) -> str:
    """The whole file."""
    about, write = WRITERS[draft.paradigm]
    lines = [*(f"# {line}".rstrip() for line in about), ""]
    lines += [f"name: {scalar(draft.name)}", f"description: {scalar(draft.description)}"]
    lines += ["scope: # paths that a run locks; loops on other paths can run beside it"]
    lines += [f"  - {scalar(path, 2)}" for path in draft.scope]
    lines += ["", *write(draft)]
    return "\n".join(lines) + "\n"


# --- the paradigms -----------------------------------------------------------------------------------------

SHORT = (
    "",
    "This is a short form: `ll-loop show` draws the states it stands for, `ll-loop compile` writes them out.",
)


def _goal(draft: Draft) -> Iterator[str]:
    yield "paradigm: goal"
    yield f"goal: {scalar(draft.description)}"
    yield "tools:"
    yield "  # the check: exit code 0 means that the goal is reached, 1 that it is not"
    yield from _tool(draft.check, 2)
    yield from _repair(draft, 2)
    yield ""
    yield from _cap(draft)


def _convergence(draft: Draft) -> Iterator[str]:
    yield "paradigm: convergence"
    yield "# the measurement: its output has to be one number"
    yield f"check: {scalar(draft.check)}"
    yield f"toward: {_number(draft.toward)} # the number to reach"
    yield f"tolerance: {_number(draft.tolerance)} # how near is near enough"
    yield "# what brings the number nearer"
    yield f"using: {scalar(_command(draft.fix))}"
    yield ""
    yield from _cap(draft)


def _invariants(draft: Draft) -> Iterator[str]:
    yield "paradigm: invariants"
    yield "constraints: # checked from the top; after a repair its check is repeated"
    for constraint in draft.constraints:
        yield f"  - name: {scalar(constraint.name, 4)}"
        yield "    # exit code 0 means that it holds, 1 that it does not"
        yield f"    check: {scalar(_command(constraint.check), 4)}"
        if draft.agent:
            yield "    fix: # a prompt for an agent; it sees what the check printed"
            yield "      action_type: prompt"
            yield f"      tool: {scalar(_prompt(constraint.fix, 'prev.output'), 6)}"
        else:
            yield f"    fix: {scalar(_command(constraint.fix), 4)}"
    yield ""
    yield "maintain: false # true: goes on watching once everything holds"
    yield from _cap(draft)


def _imperative(draft: Draft) -> Iterator[str]:
    yield "paradigm: imperative"
    yield "steps: # commands, one after the other, whatever their exit codes"
    for step in draft.steps:
        yield from _tool(step, 2)
    yield "until:"
    yield "  # exit code 0 means that it is done, 1 that the steps are repeated"
    yield f"  check: {scalar(_command(draft.check), 2)}"
    yield ""
    yield from _cap(draft)


def _fsm(draft: Draft) -> Iterator[str]:
    yield f"max_steps: {draft.cap} # how many states a run may enter"
    yield ""
    yield "initial: check"
    yield "states:"
    yield "  check:"
    yield "    action_type: shell"
    yield f"    action: {scalar(_escaped(draft.check), 4)}"
    yield "    capture: report # ${captured.report.output} is what it printed"
    yield "    on_yes: done # exit code 0"
    yield "    on_no: repair # exit code 1"
    yield "    on_error: failed # any other exit code"
    yield ""
    yield "  repair:"
    if draft.agent:
        yield "    action_type: prompt # for an agent"
        yield f"    action: {scalar(_prompt(draft.fix, 'captured.report.output'), 4)}"
    else:
        yield "    action_type: shell"
        yield f"    action: {scalar(_escaped(draft.fix), 4)}"
    yield "    next: check # whatever came out"
    yield "    on_error: failed # it failed"
    yield ""
    yield "  done:"
    yield "    terminal: true"
    yield "  failed:"
    yield "    terminal: true"
    yield "    failure: true # a run that ends here has failed"


WRITERS: Mapping[str, tuple[tuple[str, ...], Callable[[Draft], Iterator[str]]]] = {
    "goal": (("Runs a check; while it fails, repairs and checks again.", *SHORT), _goal),
    "convergence": (
        ("Measures a number and brings it nearer, until it is there or stands still.", *SHORT),
        _convergence,
    ),
    "invariants": (("Checks laws one by one, and repairs what does not hold.", *SHORT), _invariants),
    "imperative": (("Repeats a list of steps until a check passes.", *SHORT), _imperative),
    "fsm": (
        ("Runs a check; while it fails, repairs and checks again.", "", "`ll-loop show` draws the states."),
        _fsm,
    ),
}
"""What the head of the file says, and what writes the rest, by paradigm."""


def _cap(draft: Draft) -> Iterator[str]:
    yield f"max_iterations: {draft.cap} # how many states a run may enter"


def _repair(draft: Draft, indent: int) -> Iterator[str]:
    if not draft.agent:
        yield " " * indent + "# the repair"
        yield from _tool(draft.fix, indent)
        return
    yield " " * indent + "# the repair: a prompt for an agent; it sees what the check printed"
    yield " " * indent + "- action_type: prompt"
    yield " " * indent + f"  tool: {scalar(_prompt(draft.fix, 'prev.output'), indent + 2)}"


def _tool(command: str, indent: int) -> Iterator[str]:
    if command.startswith("/"):  # or it would be taken for a command of an agent
        yield " " * indent + "- action_type: shell"
        yield " " * indent + f"  tool: {scalar(_escaped(command), indent + 2)}"
    else:
        yield " " * indent + f"- {scalar(_escaped(command), indent)}"


def _prompt(text: str, report: str) -> str:
    text = _escaped(text)
    return text if "${" in text.replace("$${", "") else f"{text}\n\nThe check printed:\n\n${{{report}}}\n"


def _command(text: str) -> str:
    """A shell command where its kind cannot be said: a leading slash would make it a command of an agent."""
    text = _escaped(text)
    return f"command {text}" if text.startswith("/") else text


def _escaped(text: str) -> str:
    """The text with every ``${`` that names no value of the loop left to the shell."""
    return "".join(
        f"${text[part.start : part.end]}" if isinstance(part, Malformed) else text[part.start : part.end]
        for part in parse(text).parts
    )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
