"""Makes docs/run.svg, the picture in the README, from a real run of ./demo on a terminal of its own.

Only what the program wrote is shown; lines are left out in the middle, and the picture says so.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import sys
import termios
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, ROWS = 96, 50
FIRST, LAST = 24, 17
PIECES = re.compile(r"\x1b\[(?P<code>[0-9;?]*)(?P<name>[A-Za-z])|(?P<ctrl>[\r\n])|(?P<text>[^\x1b\r\n]+)")


def main() -> int:
    said = on_a_terminal([str(ROOT / "demo")])
    lines = screen(said)
    begin = next(i for i, line in enumerate(lines) if "ll-loop run fix-until-green" in line)
    end = next(i for i, line in enumerate(lines) if line.startswith("Path: ") or "Path:" in line)
    run = lines[begin : end + 1]
    shown = [*run[:FIRST], "", "       \x1b[2m[...]\x1b[0m", "", *run[-LAST:]]
    (ROOT / "docs" / "run.svg").write_text(picture(shown), "utf-8")
    return 0


def on_a_terminal(argv: list[str]) -> str:
    """Everything a command writes when it believes to be on a terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
        os.execv(argv[0], argv)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    said = bytearray()
    try:
        while chunk := os.read(terminal, 1 << 16):
            said += chunk
    except OSError:  # the terminal goes away with its last process
        pass
    os.waitpid(child, 0)
    return said.decode("utf-8", "replace")


def screen(said: str) -> list[str]:
    """The lines that are left once the live region was drawn over; colours stay in them."""
    lines, row = [""], 0
    for piece in PIECES.finditer(said):
        match piece["name"], piece["ctrl"]:
            case "K", _:
                lines[row] = ""
            case "A", _:
                row = max(0, row - int(piece["code"] or 1))
            case "m", _:
                lines[row] += piece.group()
            case None, "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            case None, None:
                lines[row] += piece["text"]
    return lines


def picture(lines: list[str]) -> str:
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=False, overflow="ellipsis", no_wrap=True, crop=True)
    drawn = console.export_svg(title="ll-loop run fix-until-green", unique_id="run")
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # a picture fetches nothing


if __name__ == "__main__":
    sys.exit(main())
