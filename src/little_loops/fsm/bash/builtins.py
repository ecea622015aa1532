"""Builtins that take a word for a name, a number, an operator or an option.

Law: one function per builtin; the table at the end says which.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from little_loops.fsm.bash.call import Call
from little_loops.fsm.bash.flow import assigned_name
from little_loops.fsm.bash.sites import RUN_VARIABLES, judge_test
from little_loops.fsm.bash.syntax import Script, Word, text_of, words

_ASSIGNS = re.compile(r"([A-Za-z_]\w*)\+?=")
_NAME_HINT = "write the name in the loop and assign the value: name=…"
_READ_VALUES = frozenset(["-d", "-i", "-n", "-N", "-p", "-t", "-u"])


def _test(call: Call, name: str) -> None:
    judge_test(call.flow, call.findings, call.parts[1:], evaluates=False)


def _let(call: Call, name: str) -> None:
    for word in call.parts[1:]:
        for node in word.nodes:
            for taint in call.flow.carriers(node, calculated=True):
                call.findings.number(taint, "let")


def _wait(call: Call, name: str) -> None:
    for at in range(1, len(call)):
        call.findings.number(call.data(at), "wait takes process numbers")


def _read(call: Call, name: str) -> None:
    for at in range(1, len(call)):
        if call.parts[at - 1].static not in _READ_VALUES:
            call.refuse(
                call.data(at) or call.named(at),
                "read takes names of variables and evaluates their index",
                "give the value with <<<",
            )


def _printf(call: Call, name: str) -> None:
    at = 1
    if len(call) > 1 and call.parts[1].prefix.startswith("-v"):
        written = 2 if call.parts[1].static == "-v" and len(call) > 2 else 1
        message = "printf -v takes the name of a variable and evaluates its index"
        call.refuse(call.data(written) or call.named(written), message, _NAME_HINT)
        at = written + 1
    if at < len(call) and call.parts[at - 1].static != "--":
        call.undashed(
            at, "printf could take it for its option -v", "write printf '%s' VALUE: it is the format now"
        )


def _set(call: Call, name: str) -> None:
    runs = (text_of(node).strip('"') for node in call.flow.script.of_type("command_name"))
    if any(each in ("$@", "$*", "${@}", "${*}") for each in runs):
        call.refuse(call.rest(1), 'the text runs "$@", which set fills', "write the command itself")


def _declare(call: Call, name: str) -> None:
    arrays = _arrays(call.flow.script)
    flags = [w.prefix for w in call.parts[1:] if w.prefix[:1] in ("-", "+")]
    grouped = any(set("aA") & set(flag) for flag in flags)
    for at, word in enumerate(call.parts[1:], 1):
        data = call.data(at) or call.named(at)
        assigned = _ASSIGNS.match(word.prefix)
        if data is None:
            continue
        if assigned is None:
            call.refuse(data, f"{name} takes names of variables and evaluates their index", _NAME_HINT)
        elif any("n" in flag and name != "export" for flag in flags):
            call.refuse(data, f"{name} -n makes it the name of another variable", _NAME_HINT)
        elif assigned.group(1) in RUN_VARIABLES:
            call.refuse(data, f"{assigned.group(1)} is run or parsed again", "write its value in the loop")
        elif (grouped or assigned.group(1) in arrays or _split(call, at)) and not _literal_array(word):
            call.refuse(
                data, f"{name} parses the value of an array again", f"assign it without {name}: name=(…)"
            )


def _split(call: Call, at: int) -> bool:
    """True for an assignment that bash does not see as one, so that it splits the value into words."""
    return call.scattered(at) and call.parts[at].nodes[0].type != "variable_assignment"


def _literal_array(word: Word) -> bool:
    value = word.nodes[0].child_by_field_name("value") if len(word.nodes) == 1 else None
    return value is not None and value.type == "array"


def _arrays(script: Script) -> frozenset[str]:
    """Variables that are, or may be, arrays somewhere in the text."""
    found = {
        "DIRSTACK",
        "PIPESTATUS",
        "FUNCNAME",
        "GROUPS",
        "BASH_ARGV",
        "BASH_ALIASES",
        "BASH_CMDS",
        "MAPFILE",
    }
    for node in script.of_type("variable_assignment"):
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if (value is not None and value.type == "array") or (name is not None and name.type == "subscript"):
            found.add(assigned_name(node))
    for node in script.of_type("command", "declaration_command"):
        parts = words(script, node)
        flags = "".join(w.prefix for w in parts[1:] if w.prefix.startswith("-"))
        if parts and (parts[0].static in ("mapfile", "readarray") or "a" in flags or "A" in flags):
            found |= {w.prefix.partition("=")[0] for w in parts[1:]}
    return frozenset(found)


BUILTINS: dict[str, Callable[[Call, str], None]] = {
    "test": _test,
    "[": _test,
    "let": _let,
    "wait": _wait,
    "read": _read,
    "printf": _printf,
    "set": _set,
    **dict.fromkeys(("export", "declare", "typeset", "local", "readonly"), _declare),
}
