"""The server: open texts, requests about them, findings sent as they are typed. Speaks the protocol on stdio.

Texts come whole with every change, so that no two countings of a line can drift apart. Judging runs in one
thread beside the event loop, after a short pause in typing; an older text is never reported over a newer one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from lsprotocol import types
from pygls import uris
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from little_loops import __version__
from little_loops.lsp.analysis import Analysis, Home, analyse, home_of
from little_loops.lsp.completing import complete
from little_loops.lsp.fixing import fixes
from little_loops.lsp.hovering import hover
from little_loops.lsp.outline import outline
from little_loops.lsp.places import Stretch, moved, named_at, origin_of, origin_of_reference, reference_at
from little_loops.lsp.renaming import Refused, renamable, rename
from little_loops.lsp.reporting import report, source_location
from little_loops.lsp.text import Text, Units

PAUSE = 0.06  # seconds without a change before a text is judged
TRIGGERS = ["{", ".", "_", " ", "$", "?", "["]


@dataclass(slots=True)
class Open:
    """One text that is open in the editor.

    Attributes:
        text: as it is now.
        version: the editor's number of it.
        home: where it lives.
        latest: the last version that was read, which may be older than the text.
        readable: the last version that was YAML.
        pending: the judging that is under way or about to start.
    """

    text: Text
    version: int
    home: Home
    latest: Analysis | None = None
    readable: Analysis | None = None
    pending: asyncio.Task[None] | None = field(default=None)


class LoopServer(LanguageServer):
    """The language server of loop files."""

    def __init__(self) -> None:
        super().__init__("ll-loop", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.open: dict[str, Open] = {}
        self.judges = ThreadPoolExecutor(1, "judge")
        self.asked_to_stop = False

    @property
    def units(self) -> Units:
        """How the editor counts columns."""
        return self.workspace.position_codec.client_num_units

    # --- texts ---------------------------------------------------------------------------------------------

    def take(self, uri: str, source: str, version: int) -> None:
        """Keeps a text that was opened or changed, and has it judged."""
        before = self.open.get(uri)
        text = Text(source, self.units)
        if before is None:
            here = Path(uris.to_fs_path(uri) or Path.cwd() / "untitled.yaml")
            self.open[uri] = Open(text, version, home_of(here))
        else:
            before.text, before.version = text, version
        self.judge_soon(uri, 0 if before is None else PAUSE)
        self.judge_heirs(uri)

    def judge_heirs(self, uri: str) -> None:
        """Judges again every other open text that builds on this one."""
        changed = self.open[uri].home.path.resolve()
        for other, there in self.open.items():
            if other != uri and there.latest is not None and there.latest.builds_on(changed):
                self.judge_soon(other, PAUSE)

    def judge_soon(self, uri: str, pause: float) -> None:
        """Has a text judged after a pause; what was planned for it before is dropped."""
        here = self.open[uri]
        if here.pending is not None:
            here.pending.cancel()
        here.pending = asyncio.get_running_loop().create_task(self._judge(uri, here, pause))
        here.pending.add_done_callback(self._tell_of_bug)

    async def _judge(self, uri: str, here: Open, pause: float) -> None:
        await asyncio.sleep(pause)
        version, text = here.version, here.text
        analysis = await self.read(here, again=True)
        if self.open.get(uri) is here and here.version == version:
            found = await asyncio.get_running_loop().run_in_executor(self.judges, report, analysis, text)
            self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def _others(self, here: Open) -> dict[Path, str]:
        """The other open texts by their files."""
        return {o.home.path.resolve(): o.text.source for o in self.open.values() if o is not here}

    def _tell_of_bug(self, judged: asyncio.Task[None]) -> None:
        """An exception that nobody waits for would never be seen."""
        bug = None if judged.cancelled() else judged.exception()
        if bug is not None:
            said = f"this is a mistake in ll-loop itself: {type(bug).__name__}: {bug}"
            self.window_log_message(types.LogMessageParams(types.MessageType.Error, said))

    async def read(self, here: Open, *, again: bool = False) -> Analysis:
        """The analysis of the text as it is now; ``again`` when other files may have changed."""
        if not again and here.latest is not None and here.latest.source.text == here.text.source:
            return here.latest
        run = asyncio.get_running_loop().run_in_executor
        here.home = replace(here.home, others=self._others(here))
        analysis = await run(self.judges, analyse, here.text.source, here.home)
        here.latest = analysis
        if analysis.data:
            here.readable = analysis
        return analysis

    async def names_for(self, here: Open, offset: int) -> Analysis:
        """What completion takes names from: the last readable text, or this one less the line at hand."""
        if here.readable is not None:
            return here.readable
        analysis = await self.read(here)
        if analysis.data or not analysis.concerns:
            return analysis
        start = here.text.line_start(offset)
        rest = here.text.source[:start] + here.text.source[start + len(here.text.line_at(offset)) :]
        run = asyncio.get_running_loop().run_in_executor
        return await run(self.judges, analyse, rest, here.home)

    def forget(self, uri: str) -> None:
        """Drops a text that was closed, and what was said about it."""
        if uri in self.open:
            self.judge_heirs(uri)
        here = self.open.pop(uri, None)
        if here is not None and here.pending is not None:
            here.pending.cancel()
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def judge_all(self) -> None:
        """Judges every open text again: a file that one of them builds on has changed."""
        for uri, here in self.open.items():
            here.home = home_of(here.home.path)
            self.judge_soon(uri, PAUSE)

    def location(self, stretch: Stretch) -> types.Location:
        """A place as the editor opens it; the open text counts where there is one."""
        return source_location(stretch.source, stretch.start, stretch.end, self.units)


def build() -> LoopServer:
    """The server with all its answers."""
    server = LoopServer()
    _keep_texts(server)
    _keep_in_touch(server)
    _answer_looking(server)
    _answer_writing(server)
    _answer_renaming(server)
    return server


def _keep_texts(server: LoopServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        document = params.text_document
        server.take(document.uri, document.text, document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if uri in server.open and params.content_changes:
            server.take(uri, params.content_changes[-1].text, params.text_document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.forget(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.judge_all()


def _keep_in_touch(server: LoopServer) -> None:
    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
        server.judge_all()

    @server.feature(types.INITIALIZED)
    async def initialized(params: types.InitializedParams) -> None:
        workspace = server.client_capabilities.workspace
        watching = workspace.did_change_watched_files if workspace is not None else None
        if watching is not None and watching.dynamic_registration:
            watchers = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*.yaml")])
            asked = types.Registration("loops", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watchers)
            await server.client_register_capability_async(types.RegistrationParams([asked]))

    @server.feature(types.SHUTDOWN)
    def stopping(*_: Any) -> None:
        server.asked_to_stop = True
        for here in server.open.values():
            if here.pending is not None:
                here.pending.cancel()


class Question(NamedTuple):
    """A place in an open text that the editor asks about, and what is known of that text."""

    text: Text
    offset: int
    analysis: Analysis
    readable: Analysis
    """What names come from: the text as it is, or the last one that was YAML."""


class Positioned(Protocol):
    """The parameters of a request about a place."""

    text_document: types.TextDocumentIdentifier
    position: types.Position


async def _question(server: LoopServer, params: Positioned) -> Question | None:
    here = server.open.get(params.text_document.uri)
    if here is None:
        return None
    text = here.text
    analysis = await server.read(here)
    return Question(text, text.offset(params.position), analysis, _named(here, analysis))


def _answer_looking(server: LoopServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovering(params: types.HoverParams) -> types.Hover | None:
        asked = await _question(server, params)
        if asked is None or not asked.analysis.concerns:
            return None
        return hover(asked.readable, asked.text, asked.offset)

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defining(params: types.DefinitionParams) -> types.Location | None:
        asked = await _question(server, params)
        if asked is None or not asked.analysis.concerns:
            return None
        found = _origin(asked.readable, asked.text.source, asked.offset)
        return server.location(found) if found is not None else None

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlining(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        here = server.open.get(params.text_document.uri)
        if here is None:
            return []
        analysis = _named(here, await server.read(here))
        return outline(analysis, Text(analysis.source.text, server.units)) if analysis.concerns else []


def _answer_writing(server: LoopServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=TRIGGERS))
    async def completing(params: types.CompletionParams) -> types.CompletionList:
        here = server.open.get(params.text_document.uri)
        if here is None:
            return types.CompletionList(False, [])
        text, offset = here.text, here.text.offset(params.position)
        known = await server.names_for(here, offset)
        offers = complete(text, offset, known) if known.concerns else []
        return types.CompletionList(False, offers)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix]),
    )
    async def fixing(params: types.CodeActionParams) -> list[types.CodeAction]:
        uri = params.text_document.uri
        here = server.open.get(uri)
        if here is None:
            return []
        text, shown = here.text, list(params.context.diagnostics)
        analysis = await server.read(here)
        return await asyncio.get_running_loop().run_in_executor(
            server.judges, lambda: list(fixes(analysis, text, params.range, shown, uri))
        )


def _answer_renaming(server: LoopServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def preparing(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        asked = await _question(server, params)
        if asked is None:
            return None
        with _refusals():
            found = renamable(asked.analysis, asked.offset)
        return types.PrepareRenamePlaceholder(asked.text.range(found.start, found.end), found.name)

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def renaming(params: types.RenameParams) -> types.WorkspaceEdit | None:
        asked = await _question(server, params)
        if asked is None:
            return None
        with _refusals():
            edits = rename(asked.analysis, asked.offset, params.new_name)
        changes = [types.TextEdit(asked.text.range(edit.start, edit.end), edit.text) for edit in edits]
        return types.WorkspaceEdit({params.text_document.uri: changes})


@contextmanager
def _refusals() -> Iterator[None]:
    """A refusal as the error that an editor shows."""
    try:
        yield
    except Refused as why:
        raise JsonRpcInvalidParams(str(why)) from why


def _named(here: Open, analysis: Analysis) -> Analysis:
    """What names come from: the text as it is, or the last one that was YAML."""
    return analysis if analysis.data or here.readable is None else here.readable


def _origin(analysis: Analysis, source: str, offset: int) -> Stretch | None:
    reference = reference_at(source, offset)
    if reference is not None:
        found = origin_of_reference(reference[0], analysis)
    else:
        mention = named_at(analysis, source, offset)
        found = origin_of(mention, analysis) if mention is not None else None
    return moved(found, analysis.source, source) if found is not None else None


def serve() -> int:
    """Speaks with one editor on standard input and output until it says exit or goes away.

    Gives 0 when the editor said shutdown first, else 1.
    """
    channel = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print would tear the protocol
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is lost, and a reader of input cannot be woken
    server = build()
    server.start_io(sys.stdin.buffer, channel)
    server.judges.shutdown(wait=False, cancel_futures=True)
    return 0 if server.asked_to_stop else 1
