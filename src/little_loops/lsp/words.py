"""What hover and completion say: short descriptions as Markdown. Texts only; nothing is decided here."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from little_loops.fsm.graph import edges_of
from little_loops.fsm.library import BUILT_IN_DIR
from little_loops.fsm.schema import FSMLoop, StateConfig
from little_loops.fsm.validation.rule import Rule
from little_loops.lsp.grammar import Node, choices, is_list, opened, shape

LONGEST = 600
NAMESPACE_WORDS: Mapping[str, str] = {
    "context": "a variable of the loop, its input or a parameter",
    "captured": "the result of a state with `capture:`",
    "prev": "the step before this one",
    "result": "the verdict, while this state is being routed",
    "state": "this state",
    "loop": "this run of the loop",
    "env": "a variable of the environment",
}
ALWAYS_IN_CONTEXT: Mapping[str, str] = {"run_dir": "A folder for the files of this run."}
SUFFIXES: Mapping[str, str] = {
    ":default=": "This text stands in for a value that does not exist.",
    "?": "Empty where the value does not exist.",
    ":shell": "Quoted as one word of bash.",
    ":raw": "Pasted as it is, also where that lets data become code.",
}
VERDICTS: Mapping[str, tuple[str, ...]] = {
    "exit_code": ("yes", "no", "error"),
    "output_numeric": ("yes", "no", "error"),
    "output_json": ("yes", "no", "error"),
    "output_contains": ("yes", "no", "error"),
    "convergence": ("target", "progress", "stall", "error"),
    "diff_stall": ("yes", "no", "error"),
    "llm_structured": ("yes", "no", "partial", "blocked", "error"),
    "mcp_result": ("success", "tool_error", "not_found", "timeout"),
    "harbor_scorer": ("yes", "no", "error"),
    "classify": ("error",),
    "score_stall": ("yes", "no"),
    "action_stall": ("yes", "no"),
    "comparator": ("yes", "no", "error"),
}
"""Words an evaluator may answer with, to be offered; a judge and a classification may have others."""


def key(name: str, node: Node) -> str:
    """A key of the language: what it is for, its values, its default, an example."""
    lines = [
        f"**{name}** · {shape(node)}",
        "",
        node.get("description") or opened(node).get("description", ""),
    ]
    facts = []
    words = choices(node)
    if words and words != ["true", "false"]:
        facts.append(f"one of {', '.join(f'`{word}`' for word in words)}")
    if "minimum" in node:
        facts.append(f"at least {node['minimum']:g}")
    if node.get("default") not in (None, ""):
        facts.append(f"default `{json.dumps(node['default'], ensure_ascii=False)}`")
    if is_list(node) and "$ref" in node.get("items", {}):
        facts.append("each a mapping")
    if facts:
        lines += ["", "; ".join(facts)]
    for example in node.get("examples", ()):
        lines += ["", fenced(f"{name}: {_plain(example)}", "yaml")]
    return "\n".join(lines)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def state(name: str, config: StateConfig, loop: FSMLoop) -> str:
    """A state: what it does, how that is judged, where it leads, where it is entered from."""
    lines = [f"**{name}** · {_kind(name, config, loop)}"]
    if config.action is not None:
        lines += ["", fenced(config.action, "bash" if (config.action_type or "shell") == "shell" else "")]
    if config.evaluate is not None:
        lines += ["", f"judged by `{config.evaluate.type}`"]
    if config.capture:
        lines += ["", f"kept as {code('${captured.' + config.capture + '.output}')}"]
    ways = [f"{edge.label} → {code(edge.target)}" for edge in edges_of(name, config) if not edge.shadowed]
    if ways:
        lines += ["", " · ".join(ways)]
    lines += ["", f"entered from {_entered_from(name, loop)}"]
    return "\n".join(lines)


def _kind(name: str, config: StateConfig, loop: FSMLoop) -> str:
    if config.terminal:
        return "the loop ends here, failed" if loop.is_failure(name) else "the loop ends here"
    if config.loop is not None:
        return f"runs the loop {code(config.loop)}"
    if config.action is None:
        return "decides without an action"
    return config.action_type or ("slash_command" if config.action.startswith("/") else "shell")


def _entered_from(name: str, loop: FSMLoop) -> str:
    sources = [
        other
        for other, config in loop.states.items()
        if any(edge.target == name for edge in edges_of(other, config))
    ]
    first = ["the start"] if loop.initial == name else []
    return ", ".join([*first, *(code(source) for source in sources)]) or "nowhere"


def fragment(name: str, body: Any, source: str | None) -> str:
    """A fragment: what it is for and what it brings."""
    held = dict(body) if isinstance(body, Mapping) else {}
    about = held.pop("description", None)
    lines = [f"**{name}** · fragment" + (f" of {code(source)}" if source else "")]
    if about:
        lines += ["", str(about)]
    if held:
        lines += ["", fenced(json.dumps(held, indent=2, ensure_ascii=False, default=str), "json")]
    return "\n".join(lines)


def loop(name: str, found: FSMLoop | None, path: Any) -> str:
    """A loop by name: what it does, what it takes, how it ends."""
    where = "built in" if path.parent == BUILT_IN_DIR else code(str(path))
    lines = [f"**{name}** · loop, {where}"]
    if found is None:
        return "\n".join([*lines, "", "It does not load."])
    if found.description:
        lines += ["", found.description.strip()]
    for parameter, spec in found.parameters.items():
        need = "required" if spec.required else f"default `{json.dumps(spec.default, default=str)}`"
        lines += ["", f"- {code(parameter)}: {spec.type}, {need}. {spec.description or ''}".rstrip()]
    ends = [
        f"{code(end)}{' (failure)' if found.is_failure(end) else ''}"
        for end, config in found.states.items()
        if config.terminal
    ]
    return "\n".join([*lines, "", f"ends at {', '.join(ends)}"])


def rule(found: Rule) -> str:
    """A rule: the law, and how to keep it."""
    return f"**{found.code}** · {found.severity.value}\n\n{found.title}\n\n{found.help}"


def code(text: str) -> str:
    """A text as inline code, whatever is in it."""
    one = " ".join(text.split())
    ticks = "`" * (_longest_run(one) + 1)
    return f"{ticks} {one} {ticks}" if len(ticks) > 1 else f"`{one}`"


def fenced(text: str, language: str) -> str:
    """A text as a block of code, whatever is in it; a long one is cut."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST]}\n…"
    fence = "`" * max(3, _longest_run(short) + 1)
    return "\n".join([f"{fence}{language}", short.rstrip("\n"), fence])


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest


def joined(parts: Iterable[str | None]) -> str:
    """Several descriptions, one under the other."""
    return "\n\n---\n\n".join(part for part in parts if part)
