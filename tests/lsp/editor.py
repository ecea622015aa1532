"""An editor as the server knows it: a real client library, the real program, standard input and output."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from lsprotocol import types
from pygls.lsp.client import LanguageClient

LL_LOOP = str(Path(sys.executable).parent / "ll-loop")
T = TypeVar("T")
WAIT = 20.0


class Editor:
    """One editor with one server. ``with Editor(folder) as editor``."""

    def __init__(self, root: Path, *, encodings: list[str] | None = None) -> None:
        self.root = root
        self.encodings = encodings
        self.loop = asyncio.new_event_loop()
        self.client = LanguageClient("tests", "1")
        self.texts: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.published: dict[str, list[types.PublishDiagnosticsParams]] = {}
        self.news = asyncio.Event()
        self.code: int | None = None
        self.errors: list[str] = []
        self.registered: list[types.Registration] = []

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def heard(params: types.PublishDiagnosticsParams) -> None:
            self.published.setdefault(params.uri, []).append(params)
            self.news.set()

        @self.client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def registered(params: types.RegistrationParams) -> None:
            self.registered.extend(params.registrations)
            self.news.set()

        @self.client.feature(types.WINDOW_LOG_MESSAGE)
        def logged(params: types.LogMessageParams) -> None:
            self.errors.append(params.message)

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def told(params: types.ShowMessageParams) -> None:
            self.errors.append(params.message)

    def __enter__(self) -> Editor:
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            self.leave()
        assert self.errors == []
        self.loop.close()

    async def _start(self) -> None:
        env = {**os.environ, "HOME": str(self.root.parent)}
        await self.client.start_io(LL_LOOP, "lsp", "--stdio", cwd=str(self.root), env=env)
        encodings = [types.PositionEncodingKind(word) for word in self.encodings or []]
        general = types.GeneralClientCapabilities(position_encodings=encodings or None)
        watching = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
        workspace = types.WorkspaceClientCapabilities(did_change_watched_files=watching)
        capabilities = types.ClientCapabilities(workspace=workspace, general=general)
        self.greeting = await self.client.initialize_async(
            types.InitializeParams(
                capabilities=capabilities, root_uri=self.root.as_uri(), process_id=os.getpid()
            )
        )
        self.client.initialized(types.InitializedParams())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, WAIT))

    def leave(self, *, politely: bool = True) -> int:
        """Says goodbye and gives the exit code of the server."""

        async def bye() -> int:
            if politely:
                await self.client.shutdown_async(None)
            self.client.exit(None)
            server = self.client._server
            assert server is not None
            code = await server.wait()
            self.client._stop_event.set()
            return code

        self.code = self.run(bye())
        return self.code

    # --- texts ---------------------------------------------------------------------------------------------

    def uri(self, name: str) -> str:
        return name if ":" in name else (self.root / name).as_uri()

    def open(self, name: str, text: str) -> list[types.Diagnostic]:
        """Opens a text under a name (no file is written) and waits for what is said about it."""
        uri = self.uri(name)
        self.texts[name], self.versions[name] = text, 1
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "yaml", 1, text))
        )
        return self.findings(name)

    def change(self, name: str, text: str) -> None:
        """Another text under the name; what is said about it comes later."""
        self.texts[name] = text
        self.versions[name] += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.versions[name], self.uri(name)),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def edit(self, name: str, text: str) -> list[types.Diagnostic]:
        """Another text, and what is said about it."""
        self.change(name, text)
        return self.findings(name)

    def save(self, name: str) -> None:
        self.client.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(self.uri(name)))
        )

    def changed_on_disk(self, name: str) -> None:
        kind = types.FileChangeType.Changed
        self.client.workspace_did_change_watched_files(
            types.DidChangeWatchedFilesParams([types.FileEvent(self.uri(name), kind)])
        )

    def close(self, name: str) -> None:
        self.client.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(self.uri(name)))
        )

    def findings(self, name: str, *, more_than: int = 0) -> list[types.Diagnostic]:
        """What is said about the newest version of a text, once it is said (again: ``more_than`` reports)."""
        uri = self.uri(name)

        async def wait() -> list[types.Diagnostic]:
            while True:
                reports = [r for r in self.published.get(uri, []) if r.version == self.versions[name]]
                if len(reports) > more_than:
                    return list(reports[-1].diagnostics)
                self.news.clear()
                await self.news.wait()

        return self.run(wait())

    # --- questions -----------------------------------------------------------------------------------------

    def at(self, name: str, needle: str, *, after: bool = False, nth: int = 0) -> dict[str, Any]:
        """The n-th place where a text stands in an open text, as the editor counts; ``after`` it if asked."""
        text = self.texts[name]
        offset = -1
        for _ in range(nth + 1):
            offset = text.index(needle, offset + 1)
        offset += len(needle) if after else 0
        line = text.count("\n", 0, offset)
        column = len(text[text.rfind("\n", 0, offset) + 1 : offset].encode("utf-16-le")) // 2
        return {
            "text_document": types.TextDocumentIdentifier(self.uri(name)),
            "position": types.Position(line, column),
        }

    def hover(self, name: str, needle: str, **where: Any) -> tuple[str, str]:
        """What is told there, and the text it is about."""
        told = self.run(
            self.client.text_document_hover_async(types.HoverParams(**self.at(name, needle, **where)))
        )
        if told is None:
            return "", ""
        assert isinstance(told.contents, types.MarkupContent)
        return told.contents.value, self.cut(name, told.range) if told.range else ""

    def offers(self, name: str, needle: str, **where: Any) -> dict[str, types.CompletionItem]:
        """What is offered behind a text."""
        given = self.run(
            self.client.text_document_completion_async(
                types.CompletionParams(**self.at(name, needle, after=True, **where))
            )
        )
        assert isinstance(given, types.CompletionList)
        labels = [item.label for item in given.items]
        assert len(labels) == len(set(labels)), labels
        return {item.label: item for item in given.items}

    def written(self, name: str, item: types.CompletionItem) -> str:
        """The text with an offer taken."""
        assert isinstance(item.text_edit, types.TextEdit)
        return self.edited(name, [item.text_edit])

    def definition(self, name: str, needle: str, **where: Any) -> tuple[str, str] | None:
        """The file a name leads to, below the project, and the text there."""
        found = self.run(
            self.client.text_document_definition_async(
                types.DefinitionParams(**self.at(name, needle, **where))
            )
        )
        if found is None:
            return None
        assert isinstance(found, types.Location)
        path = Path(unquote(found.uri.removeprefix("file://")))
        text = self.texts.get(path.relative_to(self.root).as_posix()) if self.root in path.parents else None
        lines = (text if text is not None else path.read_text()).split("\n")
        shown = path.relative_to(self.root).as_posix() if self.root in path.parents else path.name
        start, end = found.range.start, found.range.end
        assert start.line == end.line
        return f"{shown}:{start.line + 1}", lines[start.line][start.character : end.character]

    def rename(self, name: str, needle: str, new: str, **where: Any) -> str:
        """The text after a rename."""
        edit = self.run(
            self.client.text_document_rename_async(
                types.RenameParams(**self.at(name, needle, **where), new_name=new)
            )
        )
        assert edit is not None and edit.changes is not None
        assert list(edit.changes) == [self.uri(name)]
        return self.edited(name, list(edit.changes[self.uri(name)]))

    def fixes(self, name: str, needle: str, **where: Any) -> dict[str, str]:
        """What can be done about the findings in a line: title to text after it."""
        place = self.at(name, needle, **where)
        shown = [one for one in self.findings(name) if one.range.start.line == place["position"].line]
        asked = types.CodeActionParams(
            place["text_document"],
            types.Range(place["position"], place["position"]),
            types.CodeActionContext(shown),
        )
        out: dict[str, str] = {}
        for action in self.run(self.client.text_document_code_action_async(asked)) or []:
            assert isinstance(action, types.CodeAction)
            assert action.edit is not None and action.edit.changes is not None
            assert action.diagnostics and action.kind == types.CodeActionKind.QuickFix
            assert action.title not in out
            out[action.title] = self.edited(name, list(action.edit.changes[self.uri(name)]))
        return out

    def symbols(self, name: str) -> list[types.DocumentSymbol]:
        found = self.run(
            self.client.text_document_document_symbol_async(
                types.DocumentSymbolParams(types.TextDocumentIdentifier(self.uri(name)))
            )
        )
        return [symbol for symbol in found or [] if isinstance(symbol, types.DocumentSymbol)]

    # --- ranges --------------------------------------------------------------------------------------------

    def offset(self, name: str, position: types.Position) -> int:
        lines = self.texts[name].split("\n")
        before = lines[position.line].encode("utf-16-le")[: position.character * 2]
        return sum(len(line) + 1 for line in lines[: position.line]) + len(before.decode("utf-16-le"))

    def cut(self, name: str, found: types.Range) -> str:
        """The text in a range."""
        return self.texts[name][self.offset(name, found.start) : self.offset(name, found.end)]

    def edited(self, name: str, edits: list[types.TextEdit]) -> str:
        text = self.texts[name]
        for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
            start, end = self.offset(name, edit.range.start), self.offset(name, edit.range.end)
            text = text[:start] + edit.new_text + text[end:]
        return text
