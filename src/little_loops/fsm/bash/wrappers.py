"""Programs that run other programs: which of their words are the command they run.

Law: each function yields the commands to be judged, and refuses itself only what would be parsed on the way.
Where it is not certain where the inner command begins, every possible beginning is yielded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from little_loops.fsm.bash.call import Call
from little_loops.fsm.bash.sites import RUN_VARIABLES
from little_loops.fsm.bash.syntax import Word
from little_loops.fsm.bash.tables import LONE_OPTIONS, RUN_OPTIONS, WRAPPERS, XARGS, Wrapper
from little_loops.fsm.bash.wordset import word_set

_ASSIGNS = re.compile(r"([A-Za-z_]\w*)\+?=")
_GROUP = re.compile(r"-[A-Za-z0-9]{2,}")
_HINT = "write the name of the program in the loop and pass the value as an argument"


def wrapped(call: Call, name: str) -> Iterator[Call]:
    """The command that a wrapper such as env, sudo or timeout runs."""
    if name == "command" and any(w.prefix in ("-v", "-V") for w in call.parts[1:2]):
        return
    for first in _beginnings(call, WRAPPERS[name], name):
        yield call.inner(first)


def _beginnings(call: Call, spec: Wrapper, name: str) -> tuple[int, ...]:
    """The numbers of the words that may name the program to be run."""
    at, leading, options, unsure = 1, spec.leading, True, False
    while at < len(call):
        word = call.parts[at]
        if call.scattered(at):
            call.refuse(call.data(at), f"without quotes it may change what {name} runs", 'write "$name"')
        if options and word.static == "--":
            options = False
        elif options and len(word.prefix) > 1 and word.prefix.startswith("-"):
            at += _option(call, spec, name, at)
            unsure = unsure or _may_take_word(word)
        elif spec.assigns and (assigned := _ASSIGNS.match(word.prefix)):
            if assigned.group(1) in RUN_VARIABLES:
                call.refuse(
                    call.data(at), f"{assigned.group(1)} is run or parsed again", "write it in the loop"
                )
        elif leading:
            leading -= 1
        else:
            if call.splits(at):
                call.refuse(call.rest(at), f"what {name} runs is not known", _HINT)
            return (at, at + 1) if unsure and at + 1 < len(call) else (at,)
        at += 1
    return ()


def _option(call: Call, spec: Wrapper, name: str, at: int) -> int:
    """1 when the option is followed by a word of its own."""
    word = call.parts[at]
    if any(word.prefix.startswith(option) for option in spec.parsed):
        call.refuse(call.rest(at), f"{name} {word.prefix} parses its words again", _HINT)
    grouped = _GROUP.fullmatch(word.static or "") is not None and "-" + word.prefix[-1] in spec.valued
    return 1 if word.static in spec.valued or grouped else 0


def _may_take_word(word: Word) -> bool:
    return word.prefix.startswith("--") and "=" not in word.prefix and word.static not in LONE_OPTIONS


def _xargs(call: Call, name: str) -> Iterator[Call]:
    call.refuse(
        call.rest(1), "xargs makes a command of its words", "use a loop: while read -r line; do …; done"
    )
    given = call.input()
    if given is None:
        return
    for first in _beginnings(call, XARGS, name):
        mark = _replaced_word(call)
        made: list[Word] = []
        for word in call.parts[first:]:
            marked = mark is not None and mark in word.prefix
            kept = word.prefix.split(mark)[0] if mark is not None and marked else word.prefix
            made.append(replace(word, prefix=kept, complete=False, given=given.origins) if marked else word)
        if mark is None:
            made.append(Word((), "", False, given.origins))
        yield replace(call, parts=tuple(made))


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


def _find(call: Call, name: str) -> Iterator[Call]:
    at = 1
    while at < len(call):
        before = call.parts[at - 1]
        if before.static in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((n for n in range(at, len(call)) if call.parts[n].static in (";", "+")), len(call))
            yield replace(call, parts=call.parts[at:end])
            at = end
        elif not before.prefix.startswith("-") or call.scattered(at):
            call.undashed(at, "find could take it for -exec", "write ./ before it")
        at += 1


_RUNS = frozenset(["uv", "poetry", "pipenv", "hatch", "pdm", "rye", "bundle", "mise"])
_RUNS_BEHIND_DASHES = word_set(
    """
    kubectl oc nsenter lxc mise direnv docker podman firejail bwrap
    """
)


def runner_commands(call: Call, name: str) -> Iterator[Call]:
    """`uv run`, `kubectl exec … --` and their like: the command behind the verb."""
    for at in range(2, len(call)):
        verb = call.parts[at - 1].static
        if (verb in ("run", "exec") and name in _RUNS) or (verb == "--" and name in _RUNS_BEHIND_DASHES):
            yield call.inner(at)
        elif verb == "-c":
            call.refuse(call.data(at), f"{name} -c runs it", _HINT)


def _run_options(call: Call, name: str) -> Iterator[Call]:
    option = RUN_OPTIONS[name]
    for at, word in enumerate(call.parts[1:], 1):
        before = call.parts[at - 1]
        hit = (at > 1 and before.static and option.fullmatch(before.static)) or option.match(word.prefix)
        if hit and not (before.static == "-c" and _harmless_setting(word)):
            call.refuse(call.data(at), f"{name} runs what this option names", "write it in the loop")
        elif name in ("tar", "gtar", "rsync", "scp") and not before.prefix.startswith("-"):
            call.undashed(at, f"{name} could take it for an option", "write -- before it")
    if name == "git":
        yield from _git(call)


def _harmless_setting(word: Word) -> bool:
    return word.prefix.startswith(("user.", "author.", "committer.", "advice.", "init.", "color."))


def _git(call: Call) -> Iterator[Call]:
    verb = next((w.static for w in call.parts[1:] if w.static and not w.static.startswith("-")), None)
    if verb in ("submodule", "filter-branch", "difftool", "mergetool", "config"):
        if verb != "config" or not any(_harmless_setting(w) for w in call.parts):
            call.refuse(call.rest(2), f"git {verb} runs what it is given", "write it in the loop")
    elif verb == "bisect" and len(call) > 3:
        yield call.inner(3)
    elif verb in ("clone", "fetch", "pull", "ls-remote", "remote", "grep", "archive"):
        for at in range(1, len(call)):
            if not call.parts[at - 1].prefix.startswith("-"):
                call.undashed(at, "git could take it for an option", "write -- before it")


PROGRAMS: dict[str, Callable[[Call, str], Iterator[Call]]] = {
    **dict.fromkeys(WRAPPERS, wrapped),
    **dict.fromkeys(RUN_OPTIONS, _run_options),
    "xargs": _xargs,
    "find": _find,
}
