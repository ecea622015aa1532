"""What a command does with its words: run them, parse them again, take them for names, or just read them.

Law: a value may stand wherever bash hands it on as a literal word. It may not stand where bash, or a program
that the tables know to be an interpreter, would run it. Where that hangs on something unknown, it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from little_loops.fsm.bash.builtins import BUILTINS
from little_loops.fsm.bash.call import Call
from little_loops.fsm.bash.findings import Findings
from little_loops.fsm.bash.flow import Flow, assigned_name, trace
from little_loops.fsm.bash.interpreters import judge_interpreter
from little_loops.fsm.bash.programs import Interpreter, interpreter
from little_loops.fsm.bash.reading import documents
from little_loops.fsm.bash.sites import judge_sites
from little_loops.fsm.bash.syntax import Word, ancestors, constant, read, text_of, words
from little_loops.fsm.bash.tables import (
    INERT,
    PARSES_AGAIN,
    READS_COMMANDS,
    RUNNERS,
    SAFE_VALUES,
)
from little_loops.fsm.bash.wrappers import PROGRAMS, runner_commands

_ALL_ARGUMENTS = re.compile(r'"?\$(?:[@*]|\{[@*](?::\d+)?\})"?')
_VARIABLE = re.compile(r'"?\$\{?(\w+)\}?"?')
_PROGRAM_OPTION = re.compile(r"-[A-Za-z]*[ceEr]|--(?:eval|command|execute|print|expression)")
_HINT = "write the name of the program in the loop and pass the value as an argument"
_DEPTH = 6


def judge_commands(flow: Flow, findings: Findings) -> None:
    """Find every value that a command would run, parse again or take for a name."""
    for node in flow.script.of_type("command", "declaration_command", "unset_command"):
        parts = words(flow.script, node)
        if parts:
            judge(Call(flow, findings, node, parts))


def judge(call: Call, depth: int = 0) -> None:
    """One command, by its name; then the commands it runs."""
    head = call.data(0)
    if head is not None and not _all_arguments(call.parts[0]):
        call.refuse(head, "it stands where the name of a command is expected", _HINT)
    elif depth < _DEPTH:
        for inner in _judged(call):
            if len(inner):
                judge(inner, depth + 1)


def _judged(call: Call) -> Iterator[Call]:
    static = call.parts[0].static
    name = static.rsplit("/", 1)[-1] if static is not None else ""
    spec = interpreter(name)
    if static is None:
        yield from _named_by_variable(call)
    elif name in call.flow.functions:
        yield from _function(call)
    elif name in PARSES_AGAIN:
        _parsed_again(call, name)
    elif spec is not None:
        _interpreted(call, spec, name)
    elif name in PROGRAMS:
        yield from PROGRAMS[name](call, name)
    elif name in BUILTINS:
        BUILTINS[name](call, name)
    elif name not in INERT:
        yield from runner_commands(call, name) if name in RUNNERS else ()
        _search(call, whole=name in RUNNERS)


def _interpreted(call: Call, spec: Interpreter, name: str) -> None:
    at = judge_interpreter(call, spec, name)
    if at is not None and (program := call.parts[at].static):
        _nested(call, program, at + 1)
    elif at is None and spec.code_is_operand:
        for text in documents(call.node):
            _nested(call, text, len(call))


def _parsed_again(call: Call, name: str) -> None:
    for at in range(1, len(call)):
        if call.parts[at - 1].static not in SAFE_VALUES.get(name, ()):
            call.refuse(call.data(at), *PARSES_AGAIN[name])
    given = [w.prefix for w in call.parts[1:]]
    remote = name == "ssh" and (len(call) < 3 or any(interpreter(each.split(" ")[0]) for each in given[1:]))
    file = name in ("source", ".") and any("/dev/" in each for each in given)
    makefile = name in ("make", "gmake") and any(each in ("-f-", "-") for each in given)
    if remote or file or makefile or name in READS_COMMANDS:
        call.refuse(call.input(), f"{name} runs what stands on its standard input", PARSES_AGAIN[name][1])
    if name == "coproc" and any(interpreter(each) for each in given):
        call.refuse(
            call.flow.everything(), "it may be written to the program that coproc starts", "use a pipe"
        )
    if name in ("eval", "trap") and all(w.complete for w in call.parts):
        _nested(call, " ".join(given), len(call))
    for at in range(1, len(call)):
        call.refuse(
            call.named(at), f"{name} evaluates the index of the variable it names", "use a fixed index"
        )


def _nested(call: Call, text: str, first: int) -> None:
    """A constant text that is run as bash: what the variables hold by then is looked for in it as well.

    The words from `first` on are its arguments, counted from 0.
    """
    held = {name: taint for name, taint in call.flow.held.items() if first == len(call) or not name.isdigit()}
    for number in range(first, len(call)):
        taint = call.data(number)
        if taint is not None:
            held[str(number - first)] = taint
    script = read(text.encode("utf-8", "surrogatepass"), ())
    if held and script.doubt is None:
        flow = trace(script, held)
        judge_sites(flow, call.findings)
        judge_commands(flow, call.findings)


# -- commands that are not known by name --


def _search(call: Call, whole: bool) -> None:
    """Look for an interpreter among the words of a program nobody knows."""
    for at in range(1, len(call)):
        static = call.parts[at].static
        spec = interpreter(static.rsplit("/", 1)[-1]) if static else None
        if spec is None or static is None:
            continue
        if whole or any(w.static and spec.code.fullmatch(w.static) for w in call.parts[at + 1 :]):
            judge_interpreter(call.inner(at), spec, static)
            return


def _named_by_variable(call: Call) -> Iterator[Call]:
    """A command whose name is in a variable: what the text puts there is tried, and the worst is assumed."""
    for at in range(2, len(call)):
        option = call.parts[at - 1].static
        if option is not None and _PROGRAM_OPTION.fullmatch(option):
            call.refuse(
                call.data(at), f"the program is not known, and {option} may bring it a program text", _HINT
            )
    if all(w.prefix.startswith("-") for w in call.parts[1:]):
        call.refuse(call.input(), "the program is not known and may run what it reads", _HINT)
    _search(call, whole=False)
    held = _VARIABLE.fullmatch(text_of(call.parts[0].nodes[0])) if len(call.parts[0].nodes) == 1 else None
    for constants in _constants(call.flow, held.group(1), 0) if held is not None else ():
        yield replace(call, parts=(*constants, *call.parts[1:]))


def _constants(flow: Flow, name: str, depth: int) -> Iterator[tuple[Word, ...]]:
    """The constant texts that a variable may hold, each cut into words."""
    values = [
        value
        for node in flow.script.of_type("variable_assignment")
        if assigned_name(node) == name and (value := node.child_by_field_name("value")) is not None
    ]
    if name.isdigit():
        calls = (words(flow.script, node) for node in flow.script.of_type("command"))
        called = [parts for parts in calls if parts and parts[0].static in flow.functions]
        values += [parts[n].nodes[0] for parts in called for n in range(1, len(parts)) if parts[n].nodes]
    for value in values:
        text, complete = constant(value)
        other = _VARIABLE.fullmatch(text_of(value))
        if complete and text:
            yield tuple(Word((), token, True) for token in text.split())
        elif other is not None and depth < _DEPTH:
            yield from _constants(flow, other.group(1), depth + 1)


def _all_arguments(word: Word) -> bool:
    return len(word.nodes) == 1 and _ALL_ARGUMENTS.fullmatch(text_of(word.nodes[0])) is not None


def _function(call: Call) -> Iterator[Call]:
    """A function of the text. Where some function runs "$@", its words are a command, shifted or not."""
    script = call.flow.script
    heads = [
        word for node in script.of_type("command") for word in words(script, node) if _all_arguments(word)
    ]
    if not heads or call.rest(1) is None:
        return
    shifts = [node for node in script.of_type("command_name") if text_of(node) == "shift"]
    looped = any(
        p.type in ("while_statement", "for_statement") for node in shifts for p, _ in ancestors(node)
    )
    counted = any(node.parent is not None and len(words(script, node.parent)) > 1 for node in shifts)
    sliced = any(":" in text_of(node) for word in heads for node in word.nodes)
    last = len(call) if looped or counted or sliced else min(2 + len(shifts), len(call))
    for first in range(1, last):
        yield call.inner(first)
