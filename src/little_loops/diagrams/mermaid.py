"""The graph of a loop as a Mermaid state diagram, as forges and documentation sites draw it."""

from __future__ import annotations

from little_loops.diagrams.canvas import printable
from little_loops.diagrams.edges import drawing
from little_loops.fsm.schema import FSMLoop


def draw(loop: FSMLoop) -> str:
    """The diagram's source, without a line end after the last line."""
    plan = drawing(loop)
    ids = {name: f"s{number}" for number, name in enumerate(plan.order)}
    out = ["stateDiagram-v2", "    direction TB"]
    out += [f'    state "{_quoted(name)}" as {ids[name]}' for name in plan.order]
    if loop.initial in ids:
        out.append(f"    [*] --> {ids[loop.initial]}")
    for edge in plan.edges:
        out.append(f"    {ids[edge.source]} --> {ids[edge.target]}: {_quoted(edge.label)}")
    for name in plan.order:
        for note in plan.notes.get(name, ()):
            if note.startswith("↺ "):
                out.append(f"    {ids[name]} --> {ids[name]}: {_quoted(note[2:])}")
            else:
                out.append(f"    note right of {ids[name]}: {_quoted(note)}")
        if loop.states[name].terminal:
            out.append(f"    {ids[name]} --> [*]")
    failures = [ids[name] for name in plan.order if loop.is_failure(name)]
    if failures:
        out += [
            "    classDef failure stroke:#c0392b,stroke-width:2px",
            f"    class {','.join(failures)} failure",
        ]
    return "\n".join(out)


def _quoted(text: str) -> str:
    """What the notation would read as its own is written as a character entity."""
    out = ""
    for char in printable(" ".join(text.split())):
        out += f"#{ord(char)};" if char in '"#;:{}<>%&`' else char
    return out
