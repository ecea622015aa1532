"""Where an interpreter takes its program from: an option, a word, a file, its standard input.

Law: data may be an argument of a program text, never the program text, never the file it is read from, and
never a word that could be an option bringing one.
"""

from __future__ import annotations

from dataclasses import dataclass

from little_loops.fsm.bash.call import Call
from little_loops.fsm.bash.programs import Interpreter
from little_loops.fsm.bash.syntax import Word

_FROM_INPUT = frozenset({"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"})


@dataclass(slots=True)
class _Reading:
    """How far the words of an interpreter have been read."""

    at: int = 1
    program: bool = False
    from_input: bool = False
    options: bool = True
    unsure: bool = False
    due: bool = False
    text: int | None = None
    done: bool = False


def judge_interpreter(call: Call, spec: Interpreter, name: str) -> int | None:
    """Refuse data that an interpreter would run; where it reads options, ask for a value without a dash.

    Returns the number of the word that is its program text, None when none is.
    """
    state = _Reading()
    while state.at < len(call) and not state.done:
        word = call.parts[state.at]
        if state.options and word.static == "--":
            state.options = False
            state.at += 1
        elif state.options and len(word.prefix) > 1 and word.prefix[0] in "-+":
            _option(call, spec, name, state, word)
        elif call.splits(state.at) and state.options:
            state.unsure = True
            state.at += 1
        else:
            _operand(call, spec, name, state, word)
    if state.unsure and state.due:
        call.refuse(call.rest(1), f"the options of {name} are not known", spec.hint)
    if state.from_input or not (state.program or state.unsure or state.due):
        call.refuse(
            call.input(), f"{name} reads its program from standard input, where the value stands", spec.hint
        )
    return state.text


def _option(call: Call, spec: Interpreter, name: str, state: _Reading, word: Word) -> None:
    text, data = word.prefix, call.data(state.at)
    if spec.module is not None and spec.module.fullmatch(text):
        call.refuse(call.data(state.at + 1), f"{name} runs what {text} names", "write its name in the loop")
        state.program, state.at, state.done = True, state.at + 2, not spec.rereads
    elif spec.code.fullmatch(text):
        _code(call, spec, name, state, word)
    elif text in spec.valued or (spec.valued_group is not None and spec.valued_group.fullmatch(text)):
        if text not in spec.safe_valued:
            call.refuse(call.data(state.at + 1), f"{name} {text} changes what is run", "write it in the loop")
        state.at += 2
    else:
        if data is not None and text[:2] not in spec.safe_valued:
            call.refuse(data, f"it is part of an option of {name}", spec.hint)
        state.from_input = state.from_input or (
            spec.input_option is not None and spec.input_option.fullmatch(text) is not None
        )
        state.at += 1


def _code(call: Call, spec: Interpreter, name: str, state: _Reading, word: Word) -> None:
    """An option that brings program text, attached or in the next word."""
    message = f"{name} {word.prefix.split('=')[0][:12]} runs it as program text"
    call.refuse(call.data(state.at), message, spec.hint)
    if spec.code_is_operand:
        state.due = True
        state.at += 2 if spec.valued_group is not None and spec.valued_group.fullmatch(word.prefix) else 1
        return
    call.refuse(call.data(state.at + 1), message, spec.hint)
    state.program = True
    attached = "=" in word.prefix or (len(word.prefix) > 2 and not word.prefix[1:].isalpha())
    state.at += 1 if attached else 2
    state.done = not spec.rereads


def _operand(call: Call, spec: Interpreter, name: str, state: _Reading, word: Word) -> None:
    data = call.data(state.at)
    if call.scattered(state.at) and (not state.program or spec.rereads):
        call.undashed(state.at, "", "")
    if state.due:
        call.refuse(data, f"{name} -c runs it as program text", spec.hint)
        state.program, state.due, state.done, state.text = True, False, True, state.at
    elif not state.program and word.static in spec.verbs:
        state.due = word.static == "eval"
    elif not state.program:
        what = "runs it as program text" if spec.program_first else "would run the file it names"
        call.refuse(
            data, f"{name} {what}", spec.hint if spec.program_first else "write the file name in the loop"
        )
        if state.unsure:
            call.refuse(call.rest(state.at), f"the options of {name} before it are not known", spec.hint)
        state.program = not state.from_input
        state.from_input = state.from_input or (not spec.program_first and word.static in _FROM_INPUT)
        state.done = not spec.rereads or not spec.program_first
    elif state.options:
        hint = f"write -- before it: {name} … -- VALUE"
        call.undashed(state.at, f"{name} could take it for an option", hint)
    state.at += 1
