"""Writes the pages of docs/ that can be derived from the code; with --check it only says which drifted.

Derived: keys of the language (field metadata), events (record fields), rules (the rule table), commands
(their help), hosts (their table), built-in loops (their files). Nothing here knows a key, an event or a
command by name.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
NOTE = "<!-- Written by tools/gen_docs.py from the code. Do not edit: change the code and run it again. -->"


def main() -> int:
    drifted = []
    for name, write in PAGES.items():
        wanted = f"{NOTE}\n\n{write().rstrip()}\n"
        path = DOCS / name
        found = path.read_text("utf-8") if path.exists() else ""
        if found == wanted:
            continue
        if "--check" in sys.argv[1:]:
            drifted.append(name)
            print("\n".join(difflib.unified_diff(found.splitlines(), wanted.splitlines(), name, "code", n=1)))
        else:
            path.write_text(wanted, "utf-8")
            print(f"written: docs/{name}")
    if drifted:
        print(f"drifted: {', '.join(drifted)}; run: python tools/gen_docs.py")
    return 1 if drifted else 0


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def code(value: object) -> str:
    return f"`{value}`" if value not in (None, "") else ""


# keys of the language


def keys_page() -> str:
    from little_loops.fsm import schema

    blocks: list[tuple[str, type[Any]]] = [
        ("A loop", schema.FSMLoop),
        ("A state", schema.StateConfig),
        ("`evaluate`", schema.EvaluateConfig),
        ("`parameters`, each", schema.ParameterSpec),
        ("`throttle`", schema.ThrottleConfig),
        ("`circuit`", schema.CircuitConfig),
        ("`circuit.repeated_failure`", schema.RepeatedFailure),
        ("`budget`", schema.BudgetConfig),
        ("`llm`", schema.LLMConfig),
        ("`learning`", schema.LearningConfig),
        ("`config`", schema.LoopConfigOverrides),
        ("`commands`, each", schema.CommandEntry),
        ("`targets`, each", schema.TargetFileSpec),
        ("`targets.states`, each", schema.TargetStateSpec),
    ]
    parts = [
        "# Keys of a loop file",
        "How they work together is told in [the loop language](loop-language.md); this is the list.",
    ]
    for title, cls in blocks:
        parts += [f"## {title}", table(("key", "value", "default", "meaning", "example"), key_rows(cls))]
    return "\n\n".join(parts)


def key_rows(cls: type[Any]) -> Iterator[tuple[str, ...]]:
    from little_loops.fsm.codec import entries

    for entry in entries(cls):
        key = entry.key
        default = "required" if key.required else shown_default(entry.default())
        spelled = ".".join(entry.steps)
        alias = f" (also `{'.'.join(entry.alias)}`)" if entry.alias else ""
        yield code(spelled) + alias, kind_of(key), default, key.help, shown_example(key.example)


def kind_of(key: Any) -> str:
    if key.choices:
        return ", ".join(code(choice) for choice in key.choices)
    words = {
        "one": "mapping",
        "many": "list of mappings",
        "named": "mapping of names",
        "texts": "list of texts",
    }
    word: str = key.kind.name.lower()
    return words.get(word, word.replace("_", " ")) + (f", at least {key.minimum:g}" if key.minimum else "")


def shown_default(value: object) -> str:
    if value is None or value in ("", [], {}, ()) or not isinstance(value, bool | int | float | str):
        return ""
    return code(str(value).lower() if isinstance(value, bool) else value)


def shown_example(value: object) -> str:
    import json

    if value is None:
        return ""
    return code(value if isinstance(value, str) else json.dumps(value))


# events


def events_page() -> str:
    from little_loops import events
    from little_loops.events.record import Event, plan

    classes = sorted(
        {
            cls
            for cls in vars(events).values()
            if isinstance(cls, type) and issubclass(cls, Event) and cls.NAME
        },
        key=lambda cls: (cls.EXTENSION, cls.NAME),
    )
    parts = [
        "# Events",
        "A run writes these into its journal, one JSON object a line. *Published* keys are in the JSON "
        "Schemas that `ll-generate-schemas` writes; the others are additional keys, in the schemas with "
        "`--extensions`. Every record has `event`, `ts`, `seq` and `t` too, and `depth` inside a sub-loop.",
    ]
    for cls in classes:
        rows = [
            (
                code(slot.key),
                slot.kind + (" or null" if slot.nullable else ""),
                "published" if slot.on == "wire" else "additional",
                "" if slot.optional else "always",
                slot.doc,
            )
            for slot in plan(cls)
        ]
        kind = " (additional event)" if cls.EXTENSION else ""
        parts += [f"## `{cls.NAME}`{kind}", " ".join((cls.__doc__ or "").split())]
        if rows:
            parts.append(table(("key", "type", "", "", "meaning"), rows))
    return "\n\n".join(parts)


# rules


def rules_page() -> str:
    from little_loops.fsm.validation.judge import EXPLAINED

    parts = [
        "# Rules",
        "What `ll-loop validate` looks for. An error keeps a loop from running; a warning is an error under "
        "`--strict`. A warning that *stops* would certainly fail at run time, or would run data as code: "
        "`run` refuses such a loop too. `allow: [CODE]` in a loop or a state silences a warning there.",
    ]
    for rule in sorted(EXPLAINED, key=lambda rule: rule.code):
        severity = rule.severity.value + (", stops" if rule.blocks else "")
        parts += [f"## {rule.code} ({severity})", rule.title, rule.help]
    return "\n\n".join(parts)


# commands


def commands_page() -> str:
    import click

    from little_loops.cli.main import PROGRAM, VERBS, program

    def help_of(command: click.Command, name: str, parent: click.Context | None) -> str:
        context = click.Context(command, info_name=name, parent=parent, **program.context_settings)
        context.terminal_width = 90
        return f"```\n{command.get_help(context).rstrip()}\n```"

    top = click.Context(program, info_name=PROGRAM, **program.context_settings)
    parts = ["# Commands", help_of(program, PROGRAM, None)]
    for name in VERBS:
        command = program.get_command(top, name)
        assert command is not None
        parts += [f"## {PROGRAM} {name}", help_of(command, name, top)]
    return "\n\n".join(parts)


# settings


def settings_page() -> str:
    import json

    from little_loops import config

    def allowed(setting: config.Setting) -> str:
        parts = [", ".join(code(choice) for choice in setting.choices)]
        parts += [f"from {setting.low:g}" if setting.low is not None else ""]
        parts += [f"to {setting.high:g}" if setting.high is not None else ""]
        return " ".join(part for part in parts if part)

    def shown(value: object) -> str:
        return "" if value in (None, (), {}) else code(json.dumps(value, ensure_ascii=False))

    values = config.defaults()
    rows = [
        (
            code(setting.key),
            shown(values[name]),
            setting.doc + " *Not acted on yet.*" * setting.idle,
            allowed(setting),
            code(setting.env),
            code(setting.loop),
        )
        for name, setting in config.settings()
    ]
    return "\n\n".join(
        [
            "# Settings",
            "`.ll/ll-config.json`, or `ll-config.json` at the top of the project. What decides a value, in "
            "this order: a flag of the command, the key of the loop file, the environment variable, the "
            "file, the default. `ll-loop config` shows each value that is in force and where it comes from.",
            table(("key", "default", "meaning", "allowed", "environment", "in a loop file"), rows),
        ]
    )


# agents


def hosts_page() -> str:
    from little_loops.hosts.table import PROBED

    head = ("", *(host.name for host in PROBED))
    rows = [(ability, *(host.can[ability] for host in PROBED)) for ability in PROBED[0].can]
    rows += [
        ("install", *(code(host.install) for host in PROBED)),
        ("log in", *(host.login for host in PROBED)),
    ]
    return "\n\n".join(
        [
            "# What each agent can do",
            "How they are used is told in [agents](agents.md); `ll-loop doctor` says which are installed.",
            table(head, rows),
        ]
    )


PAGES: dict[str, Callable[[], str]] = {
    "rules.md": rules_page,
    "commands.md": commands_page,
    "keys.md": keys_page,
    "events.md": events_page,
    "settings.md": settings_page,
    "hosts.md": hosts_page,
}

if __name__ == "__main__":
    sys.exit(main())
