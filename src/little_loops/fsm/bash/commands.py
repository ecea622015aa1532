"""What a command does with its words: run them, parse them again, take them for names, or just read them.

Law: a value may stand wherever bash hands it on as a literal word. It may not stand where bash, or a program
that the tables know to be an interpreter, would run it. Where that hangs on something unknown, it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from little_loops.fsm.bash.builtins import BUILTINS
from little_loops.fsm.bash.call import Call
from little_loops.fsm.bash.findings import Findings
from little_loops.fsm.bash.flow import Flow, assigned_name
from little_loops.fsm.bash.interpreters import judge_interpreter
from little_loops.fsm.bash.sites import RUN_VARIABLES
from little_loops.fsm.bash.syntax import Word, ancestors, text_of, words
from little_loops.fsm.bash.tables import (
    INERT,
    PARSES_AGAIN,
    READS_COMMANDS,
    RUN_OPTIONS,
    RUNNERS,
    WRAPPERS,
    XARGS,
    Wrapper,
    interpreter,
)

_ASSIGNS = re.compile(r"([A-Za-z_]\w*)\+?=")
_ALL_ARGUMENTS = re.compile(r'"?\$(?:[@*]|\{[@*](?::\d+)?\})"?')
_ARGUMENT_HINT = "write the name of the program in the loop and pass the value as an argument"


def judge_commands(flow: Flow, findings: Findings) -> None:
    """Find every value that a command would run, parse again or take for a name."""
    for node in flow.script.of_type("command", "declaration_command", "unset_command"):
        parts = words(flow.script, node)
        if parts:
            judge(Call(flow, findings, node, parts))


def judge(call: Call) -> None:
    """One command, by its name."""
    head = call.data(0)
    if head is not None and not _all_arguments(call.parts[0]):
        call.refuse(head, "it stands where the name of a command is expected", _ARGUMENT_HINT)
        return
    static = call.parts[0].static
    name = static.rsplit("/", 1)[-1] if static is not None else None
    rule = _rule(call, name)
    if rule is not None and name is not None:
        rule(call, name)
    elif name is None:
        _judge_variable(call)
    elif name not in INERT:
        _search(call, whole=name in RUNNERS)


def _rule(call: Call, name: str | None) -> Callable[[Call, str], None] | None:
    if name is None:
        return None
    if name in call.flow.functions:
        return _judge_function
    if name in PARSES_AGAIN:
        return _parsed_again
    if name in WRAPPERS:
        return _judge_wrapper
    if interpreter(name) is not None:
        return _interpreted
    if name in RUN_OPTIONS:
        return _run_options
    return _PROGRAMS.get(name) or BUILTINS.get(name)


def _parsed_again(call: Call, name: str) -> None:
    call.refuse(call.rest(1), *PARSES_AGAIN[name])
    remote = name == "ssh" and (
        len(call) < 3 or any(interpreter(w.prefix.split(" ")[0]) for w in call.parts[2:])
    )
    reads = name in READS_COMMANDS or (
        name in ("source", ".") and "/dev/" in "".join(w.prefix for w in call.parts[1:2])
    )
    if remote or reads:
        call.refuse(call.input(), f"{name} runs what stands on its standard input", PARSES_AGAIN[name][1])


def _interpreted(call: Call, name: str) -> None:
    spec = interpreter(name)
    if spec is not None:
        judge_interpreter(call, spec, name)


# -- programs that run others --


def _judge_wrapper(call: Call, name: str) -> None:
    spec = WRAPPERS[name]
    if name == "command" and any(w.prefix in ("-v", "-V") for w in call.parts[1:2]):
        return
    first = _inner_command(call, spec, name)
    if first < len(call):
        judge(call.inner(first))


def _inner_command(call: Call, spec: Wrapper, name: str) -> int:
    """The number of the word that names the program to be run; refuses what would be parsed on the way."""
    at, leading, options = 1, spec.leading, True
    while at < len(call):
        word = call.parts[at]
        assigned = _ASSIGNS.match(word.prefix) if spec.assigns else None
        if options and word.static == "--":
            options = False
        elif options and len(word.prefix) > 1 and word.prefix.startswith("-"):
            if any(word.prefix.startswith(option) for option in spec.parsed):
                call.refuse(call.rest(at), f"{name} {word.prefix} parses its words again", _ARGUMENT_HINT)
            at += word.static in spec.valued
        elif assigned is not None:
            if assigned.group(1) in RUN_VARIABLES:
                call.refuse(
                    call.data(at), f"{assigned.group(1)} is run or parsed again", "write it in the loop"
                )
        elif leading:
            leading -= 1
        else:
            if call.splits(at):
                call.refuse(call.rest(at), f"what {name} runs is not known", _ARGUMENT_HINT)
            return at
        at += 1
    return at


def _xargs(call: Call, name: str) -> None:
    call.refuse(
        call.rest(1), "xargs makes a command of its words", "use a loop: while read -r line; do …; done"
    )
    given = call.input()
    first = _inner_command(call, XARGS, name)
    if given is None or first >= len(call):
        return
    mark = _replaced_word(call)
    made: list[Word] = []
    for word in call.parts[first:]:
        if mark and mark in word.prefix:
            made.append(Word(word.nodes, word.prefix.split(mark)[0], False, given.origins))
        else:
            made.append(word)
    if mark is None:
        made.append(Word((), "", False, given.origins))
    judge(replace(call, parts=tuple(made)))


def _replaced_word(call: Call) -> str | None:
    """The mark that xargs replaces by what it reads, None when it appends."""
    for word, after in zip(call.parts, (*call.parts[1:], None), strict=True):
        if word.static == "-I" and after is not None:
            return after.prefix
        if word.prefix.startswith("-I"):
            return word.prefix[2:]
        if word.prefix.startswith(("-i", "--replace")):
            return word.prefix.removeprefix("--replace").removeprefix("-i").removeprefix("=") or "{}"
    return None


def _find(call: Call, name: str) -> None:
    at = 1
    while at < len(call):
        before = call.parts[at - 1]
        if before.static in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((n for n in range(at, len(call)) if call.parts[n].static in (";", "+")), len(call))
            judge(replace(call, parts=call.parts[at:end]))
            at = end
        elif not call.parts[at].prefix and not before.prefix.startswith("-"):
            call.findings.undashed(call.data(at), "find could take it for -exec", "write ./ before it")
        at += 1


def _run_options(call: Call, name: str) -> None:
    option = RUN_OPTIONS[name]
    for at, word in enumerate(call.parts[1:], 1):
        before = call.parts[at - 1]
        hit = (at > 1 and before.static and option.fullmatch(before.static)) or option.match(word.prefix)
        if hit and not (before.static == "-c" and _harmless_setting(word)):
            call.refuse(call.data(at), f"{name} runs what this option names", "write it in the loop")
        elif (
            not word.prefix and name in ("tar", "gtar", "rsync", "scp") and not before.prefix.startswith("-")
        ):
            call.findings.undashed(call.data(at), f"{name} could take it for an option", "write -- before it")
    if name == "git":
        _git(call)


def _harmless_setting(word: Word) -> bool:
    return word.prefix.startswith(("user.", "author.", "committer.", "advice.", "init.", "color."))


def _git(call: Call) -> None:
    verb = next((w.static for w in call.parts[1:] if w.static and not w.static.startswith("-")), None)
    if verb in ("bisect", "submodule", "filter-branch", "difftool", "mergetool", "config", "alias"):
        if verb != "config" or not any(_harmless_setting(w) for w in call.parts):
            call.refuse(call.rest(2), f"git {verb} runs what it is given", "write it in the loop")
    elif verb in ("clone", "fetch", "pull", "ls-remote", "remote", "grep", "archive"):
        for at, word in enumerate(call.parts):
            if not word.prefix and not call.parts[at - 1].prefix.startswith("-"):
                call.findings.undashed(call.data(at), "git could take it for an option", "write -- before it")


_PROGRAMS: dict[str, Callable[[Call, str], None]] = {"xargs": _xargs, "find": _find}


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


def _judge_variable(call: Call) -> None:
    """A command named by a variable: every constant the text assigns to it is tried."""
    named = text_of(call.parts[0].nodes[0]).strip("\"$'{}") if call.parts[0].nodes else ""
    for node in call.flow.script.of_type("variable_assignment"):
        value = node.child_by_field_name("value")
        if value is not None and assigned_name(node) == named:
            made = tuple(Word((), token, True) for token in text_of(value).strip("\"'").split())
            judge(replace(call, parts=(*made, *call.parts[1:]))) if made else None
    _search(call, whole=False)


def _all_arguments(word: Word) -> bool:
    return len(word.nodes) == 1 and _ALL_ARGUMENTS.fullmatch(text_of(word.nodes[0])) is not None


def _judge_function(call: Call, name: str) -> None:
    """A function of the text. Where some function runs "$@", its words are a command, after each shift as
    well.
    """
    script = call.flow.script
    heads = [node for node in script.of_type("command") if (w := words(script, node)) and _runs_arguments(w)]
    if not heads or call.rest(1) is None:
        return
    shifts = [node for node in script.of_type("command_name") if text_of(node) == "shift"]
    looped = any(
        p.type in ("while_statement", "for_statement") for node in shifts for p, _ in ancestors(node)
    )
    last = (
        len(call)
        if looped or any(len(words(script, n.parent)) > 1 for n in shifts if n.parent)
        else 2 + len(shifts)
    )
    for first in range(1, min(last, len(call))):
        judge(call.inner(first))


def _runs_arguments(parts: tuple[Word, ...]) -> bool:
    return any(_all_arguments(word) for word in parts)
