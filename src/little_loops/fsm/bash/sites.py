"""Places outside commands where bash evaluates a value again: arithmetic, indices, names, bracket tests.

Law: every such place is looked at, whether a value stands there itself or comes through a variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from little_loops.fsm.bash.findings import Findings
from little_loops.fsm.bash.flow import KEY_LIST, Flow, assigned_name
from little_loops.fsm.bash.syntax import Script, Word, ancestors, runs, text_of, word_of, words
from little_loops.fsm.bash.taint import Taint, union
from little_loops.fsm.bash.wordset import word_set

if TYPE_CHECKING:
    from tree_sitter import Node

COMPARISONS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
VARIABLE_TESTS = frozenset({"-v", "-R"})
CALCULATED_VARIABLES = frozenset(
    ["RANDOM", "SECONDS", "OPTIND", "HISTCMD", "LINENO", "BASH_COMPAT", "EPOCHSECONDS", "SRANDOM"]
)
RUN_VARIABLES = word_set(
    """
    PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND BASH_ENV ENV SHELLOPTS BASHOPTS BASH_LOADABLES_PATH
    LD_PRELOAD LD_AUDIT DYLD_INSERT_LIBRARIES GIT_SSH GIT_SSH_COMMAND GIT_PROXY_COMMAND GIT_EDITOR
    GIT_SEQUENCE_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF GIT_ASKPASS GIT_CONFIG_PARAMETERS SSH_ASKPASS
    EDITOR VISUAL PAGER MANPAGER BROWSER LESSOPEN LESSCLOSE PYTHONSTARTUP PYTHONINSPECT
    PYTHONBREAKPOINT PERL5OPT PERL5DB RUBYOPT NODE_OPTIONS JAVA_TOOL_OPTIONS MAKEFLAGS MFLAGS
    BASH_ALIASES BASH_CMDS GNUMAKEFLAGS MAKEFILES RUSTC_WRAPPER SUDO_ASKPASS FZF_DEFAULT_COMMAND
    RSYNC_RSH CVS_RSH
    """
)
_EXPRESSIONS = frozenset({"binary_expression", "unary_expression", "parenthesized_expression"})
_NUMBER_HINT = 'compare with [ "$n" -gt 3 ], which never evaluates text'


def judge_sites(flow: Flow, findings: Findings) -> None:
    """Find every value that would be evaluated where it stands."""
    integers = _declared_with(flow.script, "i")
    keyed = _keyed(flow.script)
    for node in flow.script.nodes:
        match node.type:
            case "arithmetic_expansion" | "c_style_for_statement":
                _calculate(flow, findings, node)
            case "compound_statement" if text_of(node).startswith("(("):
                _calculate(flow, findings, node)
            case "subscript":
                _index(flow, findings, node, keyed)
            case "array":
                _literal_indices(flow, findings, node, keyed)
            case "expansion" | "simple_expansion":
                _expansion(flow, findings, node)
            case "variable_assignment":
                _assignment(flow, findings, node, integers)
            case "test_command":
                judge_test(flow, findings, _test_words(node), evaluates=text_of(node).startswith("[["))


def _calculate(flow: Flow, findings: Findings, node: Node) -> None:
    body = node.child_by_field_name("body") if node.type == "c_style_for_statement" else None
    for child in node.children:
        if child != body:
            for taint in flow.carriers(child, calculated=True):
                findings.number(taint, "arithmetic")


# -- indices --


def _declared_with(script: Script, flag: str) -> frozenset[str]:
    found = set()
    for node in script.of_type("declaration_command"):
        parts = words(script, node)
        flags = [w.prefix for w in parts[1:] if w.prefix.startswith("-")]
        if any(flag in each for each in flags):
            found |= {
                w.prefix.partition("=")[0].rstrip("+") for w in parts[1:] if not w.prefix.startswith("-")
            }
    return frozenset(found)


def _keyed(script: Script) -> frozenset[str]:
    """Variables that are associative arrays wherever they are used: their keys are never evaluated."""
    certain: set[str] = set()
    doubtful: set[str] = set()
    for node in script.of_type("declaration_command"):
        parts = words(script, node)
        names = {w.prefix.partition("=")[0].rstrip("+") for w in parts[1:] if not w.prefix.startswith("-")}
        flagged = any("A" in w.prefix for w in parts[1:] if w.prefix.startswith("-"))
        inside = any(
            p.type in ("function_definition", "subshell", "if_statement") for p, _ in ancestors(node)
        )
        (certain if flagged and not inside else doubtful).update(names)
    for node in script.of_type("unset_command"):
        doubtful |= {word.prefix for word in words(script, node)}
    return frozenset(certain - doubtful)


def _index(flow: Flow, findings: Findings, node: Node, keyed: frozenset[str]) -> None:
    name, index = node.child_by_field_name("name"), node.child_by_field_name("index")
    if index is None or (name is not None and text_of(name) in keyed and not _in_arithmetic(node)):
        return
    for child in node.children:
        if child != name:
            for taint in flow.carriers(child, calculated=True):
                findings.number(taint, "the index of an array")


def _in_arithmetic(node: Node) -> bool:
    return any(
        parent.type in ("arithmetic_expansion", "c_style_for_statement") or text_of(parent).startswith("((")
        for parent, _ in ancestors(node)
    )


def _literal_indices(flow: Flow, findings: Findings, node: Node, keyed: frozenset[str]) -> None:
    assignment = node.parent
    if assignment is None or assigned_name(assignment) in keyed:
        return
    for element in node.named_children:
        if not text_of(element).startswith("["):
            continue
        for child in element.children:
            if text_of(child).startswith("]"):
                break
            for taint in flow.carriers(child, calculated=True):
                findings.number(taint, "the index of an array")


# -- expansions and assignments --


def _expansion(flow: Flow, findings: Findings, node: Node) -> None:
    text = text_of(node)
    indirect = text.startswith("${!") and not KEY_LIST.fullmatch(text)
    if indirect or text.endswith("@P}"):
        findings.refuse(
            union(flow.carriers(node)),
            "bash would take it for the name of a variable, or expand it once more",
            "use the value itself: " + '"$name" without ! and @',
        )
    operators = [c for c in node.children if not c.is_named and text_of(c) == ":"]
    if operators:
        for child in node.children:
            if child.start_byte > operators[0].start_byte:
                for taint in flow.carriers(child, calculated=True):
                    findings.number(taint, "an offset")


def _assignment(flow: Flow, findings: Findings, node: Node, integers: frozenset[str]) -> None:
    name, value = assigned_name(node), node.child_by_field_name("value")
    if value is None:
        return
    if name in RUN_VARIABLES:
        taint = union(flow.carriers(value, calculated=True))
        findings.refuse(taint, f"{name} is run or parsed again", "write its value in the loop")
    if name in integers or name in CALCULATED_VARIABLES:
        for taint in flow.carriers(value, calculated=True):
            whole = flow.carried(value) == taint
            findings.number(taint if whole else Taint(taint.origins, False), f"{name} is an integer")


# -- bracket tests --


def _test_words(node: Node) -> tuple[Word, ...]:
    return tuple(map(word_of, runs(_operands(node))))


def _operands(node: Node) -> list[Node]:
    found: list[Node] = []
    for child in node.children:
        found += _operands(child) if child.type in _EXPRESSIONS else [child]
    return found


def judge_test(flow: Flow, findings: Findings, parts: tuple[Word, ...], evaluates: bool) -> None:
    """The operands of `[[ ]]` (which evaluates numbers), `[ ]` and `test` (which do not)."""
    for at, word in enumerate(parts):
        taint = flow.in_word(word)
        before = parts[at - 1] if at else None
        if before is not None and before.static in VARIABLE_TESTS:
            named = union(t for node in word.nodes for t in flow.carriers(node, calculated=True))
            findings.refuse(named, f"{before.static} evaluates the index of a variable", _NUMBER_HINT)
        if taint is None:
            continue
        if not evaluates and flow.scattered(word) and not (taint.exact and _compares(parts, at)):
            findings.refuse(taint, "without quotes it may become operators of the test", 'write "$name"')
        if before is not None and before.static in VARIABLE_TESTS:
            findings.refuse(
                taint, f"{before.static} takes the name of a variable and evaluates it", _NUMBER_HINT
            )
        if before is not None and not evaluates and flow.in_word(before) is not None:
            findings.refuse(
                taint, "the value before it could be an operator", "write an operator between them"
            )
        if _compares(parts, at):
            _compared(flow, findings, word, evaluates)


def _compares(parts: tuple[Word, ...], at: int) -> bool:
    """True when the operand stands beside a comparison of numbers."""
    return any(0 <= near < len(parts) and parts[near].static in COMPARISONS for near in (at - 1, at + 1))


def _compared(flow: Flow, findings: Findings, word: Word, evaluates: bool) -> None:
    for node in word.nodes:
        for taint in flow.carriers(node, calculated=evaluates):
            whole = flow.in_word(word) == taint
            if evaluates:
                findings.number(taint if whole else Taint(taint.origins, False), "a comparison of numbers")
            elif whole and taint.exact:
                findings.number(taint, "a comparison of numbers")
