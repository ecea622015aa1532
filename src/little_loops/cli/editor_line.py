"""What tells an editor where the schema of loop files is: one line at the top of a loop, one file beside it.

The schema stands beside the loops and is named relative to them, so nothing is fetched from a network. A
file of that name that is not a schema of ours is left as it is.
"""

from __future__ import annotations

from pathlib import Path

SCHEMA = ".loop-schema.json"
MODELINE = "yaml-language-server:"


def with_line(text: str) -> str:
    """The text of a loop with the line in front, unless its first line is such a line already."""
    return text if MODELINE in text.partition("\n")[0] else f"# {MODELINE} $schema={SCHEMA}\n{text}"


def write_schema(folder: Path) -> None:
    """The schema in the folder of the loops, always that of this version."""
    from little_loops.cli.commands.schema import loop_schema
    from little_loops.fsm.loop_schema import SCHEMA_ID

    file = folder / SCHEMA
    if not file.exists() or SCHEMA_ID in file.read_text("utf-8", "replace"):
        file.write_text(loop_schema(), "utf-8")
