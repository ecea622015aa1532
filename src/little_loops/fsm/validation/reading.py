"""What can be wrong before there is a loop to judge: the text, its files, the shape of its values.

These findings come from the steps of loading; here they have their codes explained, like every other rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from little_loops.fsm.diagnostics import ValidationSeverity
from little_loops.fsm.validation.rule import ERROR, WARNING, Hit, Rule, Subject


def _found_while_loading(subject: Subject) -> Iterator[Hit]:
    return iter(())


def _reading(code: str, title: str, help: str, severity: ValidationSeverity = ERROR) -> Rule:
    return Rule(code, title, help, severity, _found_while_loading, lint=True)


RULES: tuple[Rule, ...] = (
    _reading(
        "LL101",
        "The file is YAML.",
        "The caret stands where the parser gave up; the cause is there or above.",
    ),
    _reading(
        "LL102", "A key is written once.", "Remove one of the two; a second one would silently win or lose."
    ),
    _reading(
        "LL103",
        "A file stays within limits.",
        "At most 60 levels deep, 100000 values once aliases are followed, 2000000 characters.",
    ),
    _reading("LL104", "A key is a plain word.", "Lists, mappings and aliases cannot be keys."),
    _reading(
        "LL105",
        "A value has no tag of its own.",
        "Only the tags of plain data (`!!str`, `!!int` …) are read.",
    ),
    _reading(
        "LL111",
        "A file that is named exists.",
        "`from` is looked up beside the file and among the built-in loops, `import` likewise.",
    ),
    _reading(
        "LL112", "`from` names one loop.", "It is a name or a path, and the file there is a mapping of keys."
    ),
    _reading(
        "LL113", "Inheritance has an end.", "A loop cannot be laid over itself, directly or by way of others."
    ),
    _reading("LL114", "A flow is a list of states.", "An entry is `NAME`, or `NAME?AFTER_YES:AFTER_NO`."),
    _reading(
        "LL115",
        "A body belongs to a state of the flow.",
        "What `state_defs` says about a name that is not in `flow` has no effect.",
        WARNING,
    ),
    _reading("LL116", "`import` lists files.", "Each entry is the path of a YAML file with `fragments:`."),
    _reading(
        "LL117", "A fragment that is used exists.", "It stands under `fragments` or in an imported file."
    ),
    _reading("LL118", "A fragment is a mapping.", "It holds keys of a state, and a description if you like."),
    _reading(
        "LL119",
        "A loop file is a mapping.",
        "It starts with keys such as `name:`, not with a list or a text.",
    ),
    _reading(
        "LL120",
        "A short form is complete.",
        "The message names what goal, convergence or the like still need.",
    ),
    _reading(
        "LL121", "A required key is there.", "A loop needs name, initial and states; an evaluator needs type."
    ),
    _reading("LL122", "A value has the shape of its key.", "The page of keys says what each one takes."),
    _reading(
        "LL123",
        "A value is written as what it is.",
        "It could be read as what was meant; write it that way, so that every reader agrees.",
        WARNING,
    ),
    _reading(
        "LL124",
        "A boolean is true or false.",
        "`yes`, `no`, `on` and `off` are read as booleans here, but are plain words everywhere else.",
        WARNING,
    ),
    _reading(
        "LL125",
        "A key is known.",
        "An unknown key has no effect; it is often a known one, misspelt.",
        WARNING,
    ),
    _reading(
        "LL126",
        "`allow` names rules.",
        "Each entry is the code of a rule, such as `LL332`, in the key and in a comment `# ll: allow LL332`.",
        WARNING,
    ),
    _reading(
        "LL127",
        "States are written as `flow` or as `states`.",
        "With both in one file the flow replaces the states.",
        WARNING,
    ),
)
