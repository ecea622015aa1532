"""``show``: what a loop is: its settings, its graph, its states, and the commands to use it. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from little_loops.cli import definitions, findings, output, usage
from little_loops.config import Config
from little_loops.errors import UserError

if TYPE_CHECKING:
    from little_loops.fsm.load import LoadResult
    from little_loops.fsm.schema import FSMLoop


@usage.command(
    "show",
    help="What a loop is: its settings, its graph, a table of its states, and the commands to use it.",
    examples=[
        ("show fix", "for people"),
        ("show fix -v", "with every key of every state"),
        ("show fix --mermaid", "the graph, for a page of documentation"),
        ("show fix --json --resolved", "the definition as data, sub-loops included"),
    ],
)
@click.argument("loop")
@click.option("-v", "--verbose", is_flag=True, help="Whole actions, and every key of every state.")
@click.option("--mermaid", is_flag=True, help="Print the graph as a Mermaid diagram.")
@click.option("--resolved", is_flag=True, help="With --json: put the states of sub-loops in.")
@click.option(
    "--builtin", "built_in", is_flag=True, help="The built-in loop, even where the project hides it."
)
@usage.json_option
def command(loop: str, verbose: bool, mermaid: bool, resolved: bool, built_in: bool, as_json: bool) -> int:
    config = definitions.project()
    path = definitions.found(loop, config, built_in=built_in)
    result = definitions.examined(path, config)
    definition = result.require()
    if as_json:
        output.say_json(_plain(definition, path, config, resolved))
    elif mermaid:
        from little_loops.diagrams.mermaid import draw

        output.say(draw(definition))
    else:
        _Page(definition, path, result, config, verbose).say()
    return 0


def _plain(loop: FSMLoop, path: Path, config: Config, resolved: bool) -> dict[str, Any]:
    out = loop.to_dict()
    if not resolved:
        return out
    for state in out["states"].values():
        name = state.get("loop")
        if isinstance(name, str) and "${" not in name:
            child = _child(name, path, config)
            if child is not None:
                state["_subloop"] = child.to_dict()["states"]
    return out


def _child(name: str, path: Path, config: Config) -> FSMLoop | None:
    from little_loops.fsm.library import resolve_loop_path

    for folder in (path.parent, definitions.loops_folder(config)):
        try:
            return definitions.examined(resolve_loop_path(name, folder), config).require()
        except UserError:  # one that does not load is shown by its name alone
            continue
    return None


class _Page:
    """One loop on the screen, part by part."""

    def __init__(self, loop: FSMLoop, path: Path, result: LoadResult, config: Config, verbose: bool) -> None:
        self.loop, self.path, self.result, self.config, self.verbose = loop, path, result, config, verbose
        self.name = definitions.stem(path)

    def say(self) -> None:
        self._title()
        self._facts()
        self._description()
        self._parameters()
        self._diagram()
        self._table()
        if self.verbose:
            self._states()
        self._commands()
        found = self.result.warnings
        if found:
            output.say(
                f"\n{output.paint('⚠', 'yellow')} {findings.count(found)}: ll-loop validate {self.name}"
            )

    def _title(self) -> None:
        from little_loops.diagrams.edges import transitions

        ways = sum(len(transitions(name, state)) for name, state in self.loop.states.items())
        left = f"── {_line(self.loop.name)} "
        right = f" {len(self.loop.states)} states · {ways} transitions ──"
        rule = "─" * max(2, output.width() - output.cells(left) - output.cells(right))
        output.say(f"{output.paint(left, 'bold')}{output.paint(rule, 'dim')}{right}")

    def _facts(self) -> None:
        from little_loops.fsm.library import BUILT_IN_DIR

        built_in = BUILT_IN_DIR in self.path.absolute().parents
        place = f"built-in: {self.path.name}" if built_in else str(definitions.nearby(self.path))
        facts = [place, *_facts(self.loop)]
        imports = self.result.resolved.get("import")
        if isinstance(imports, list) and imports:
            facts.append(f"imports: {', '.join(map(str, imports))}")
        line = ""
        for fact in map(_line, facts):
            if line and output.cells(line) + output.cells(fact) + 5 > output.width():
                output.say(output.paint(f"  {line}", "dim"))
                line = ""
            line = f"{line} · {fact}" if line else fact
        output.say(output.paint(f"  {line}", "dim"))

    def _description(self) -> None:
        from little_loops.projections.text import clean

        text = clean((self.loop.description or "").strip())
        if text:
            output.say()
            for line in text.splitlines():
                output.say(line)

    def _parameters(self) -> None:
        if not self.loop.parameters:
            return
        self._heading("Parameters")
        rows = []
        for name, spec in self.loop.parameters.items():
            kind = f"{spec.type} ({', '.join(map(str, spec.values))})" if spec.values else spec.type
            need = "required" if spec.required else "" if spec.default is None else f"default {spec.default}"
            rows.append((f"  {_line(name)}", _line(kind), _line(need), _line(spec.description or "")))
        output.table(rows)

    def _diagram(self) -> None:
        from little_loops.diagrams.text import Look, draw

        self._heading("Diagram")
        colour = output.coloured()
        look = Look.of(self.config)
        output.say(draw(self.loop, width=output.width() - 1, color=colour, verbose=self.verbose, look=look))

    def _table(self) -> None:
        self._heading("States")
        rows = [self._row(name) for name in self.loop.states]
        header = ("  State", "Type", "Action", "Transitions")
        others = sum(max(output.cells(row[n]) for row in (*rows, header)) + 2 for n in (0, 1, 3))
        room = max(output.width() - others, 12)
        output.table([(a, b, output.cut(c, min(room, 48)), d) for a, b, c, d in rows], header=header)

    def _row(self, name: str) -> tuple[str, str, str, str]:
        from little_loops.diagrams.edges import kind

        state = self.loop.states[name]
        mark = "→ " if name == self.loop.initial else "  "
        what = kind(state).replace("sub_loop", "loop")
        if what == "end" and self.loop.is_failure(name):
            what = "failure"
        action = "" if state.terminal else _line(state.loop or state.action or "")
        return f"{mark}{_line(name)}", what, action, "  ".join(_ways(name, self.loop))

    def _states(self) -> None:
        from little_loops.cli.yaml_text import block
        from little_loops.projections.text import clean

        for name, state in self.loop.states.items():
            self._heading(_line(name))
            for line in block(state.to_dict()).splitlines():
                output.say(f"  {clean(line)}")

    def _commands(self) -> None:
        self._heading("Commands")
        entries = [(entry.cmd, entry.comment) for entry in self.loop.commands] or [
            (f"ll-loop run {self.name}", "run it"),
            (f"ll-loop test {self.name}", "run one state once"),
            (f"ll-loop stop {self.name}", "stop its runs"),
            (f"ll-loop status {self.name}", "how its run is doing"),
            (f"ll-loop history {self.name}", "its past runs"),
        ]
        output.table(
            [(f"  {_line(line)}", output.paint(f"# {_line(said)}", "dim")) for line, said in entries]
        )

    def _heading(self, text: str) -> None:
        output.say(f"\n{output.paint(text, 'bold')}")


def _ways(name: str, loop: FSMLoop) -> Iterator[str]:
    """``yes/error→done``: the labels of every target."""
    from little_loops.diagrams.edges import transitions

    targets: dict[str, list[str]] = {}
    for label, target in transitions(name, loop.states[name]):
        targets.setdefault(target, []).append(label)
    for target, labels in targets.items():
        yield _line(f"{'/'.join(dict.fromkeys(labels))}→{target}")


def _facts(loop: FSMLoop) -> Iterator[str]:
    """The settings that say how a run is bounded; defaults are left out but for the first two."""
    yield f"max: {loop.step_cap} iter"
    yield f"handoff: {loop.on_handoff}"
    said: list[tuple[str, object]] = [
        ("timeout", f"{loop.timeout}s" if loop.timeout else None),
        ("backoff", f"{loop.backoff:g}s" if loop.backoff else None),
        ("maintain", "yes" if loop.maintain else None),
        ("paradigm", loop.paradigm),
        ("context", ", ".join(loop.context)),
        ("needs", ", ".join(loop.required_inputs)),
        ("scope", ", ".join(loop.scope)),
        ("llm", _pairs(loop.llm.to_dict())),
        ("budget", _pairs(loop.budget.to_dict()) if loop.budget else None),
        ("host", loop.host),
        ("model", loop.model),
        ("permissions", loop.permissions),
        ("config", _pairs(loop.config.to_dict()) if loop.config else None),
    ]
    for word, value in said:
        if value:
            yield f"{word}: {value}"


def _pairs(mapping: Mapping[str, Any], prefix: str = "") -> str:
    parts = []
    for name, value in mapping.items():
        parts.append(
            _pairs(value, f"{prefix}{name}.") if isinstance(value, Mapping) else f"{prefix}{name}={value}"
        )
    return ", ".join(parts)


def _line(text: str) -> str:
    from little_loops.projections.text import one_line

    return one_line(text)
