"""``lsp``: the language server for editors, on standard input and output. An optional part of the package."""

from __future__ import annotations

import sys

import click

from little_loops.cli import output, usage
from little_loops.errors import UserError

EXTRA = "pip install 'little-loops-fsm[lsp]'"


@usage.command(
    "lsp",
    help="Serve an editor: findings as you type, hover, completion, go to definition, rename.\n\n"
    "Started by the editor, which talks to it on standard input and output; docs/editors.md has the setup. "
    f"Needs: {EXTRA}",
    examples=[("lsp", "in the settings of an editor")],
)
@click.option("--stdio", is_flag=True, help="Accepted because editors pass it; there is no other way.")
def command(stdio: bool) -> int:
    try:
        from little_loops.lsp.server import serve
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        raise UserError(f"the language server needs {missing.name}, which is not installed", EXTRA) from None
    if output.on_terminal(sys.stdin):
        output.remark("This is for editors, which talk to it on standard input; Ctrl-C ends it.")
    return serve()
