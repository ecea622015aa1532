"""A provider of models on this machine: the Messages and the Responses protocol, answering turn by turn."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Turn:
    """What is answered to one request.

    ``tools`` are (name, input). ``status`` with ``message`` instead of an answer. ``hang`` seconds before it,
    ``cut`` ends the stream in the middle.
    """

    text: str = ""
    tools: tuple[tuple[str, dict[str, Any]], ...] = ()
    status: int = 200
    message: str = "no"
    hang: float = 0.0
    cut: bool = False


@dataclass
class Provider:
    """What was asked, and what is answered: turn by turn, the last one again and again."""

    url: str = ""
    turns: list[Turn] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def turn(self, body: dict[str, Any]) -> Turn:
        """Note a request; what it is answered."""
        with self.lock:
            self.asked.append(body)
            return self.turns[min(len(self.asked), len(self.turns)) - 1]


@contextmanager
def provider(*turns: Turn) -> Iterator[Provider]:
    """A provider that is there as long as the block."""
    state = Provider(turns=list(turns))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (_Answers,), {"provider": state}))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Answers(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is logged."""

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        self._json(404, {"error": {"message": "nothing here"}})

    def do_POST(self) -> None:
        body = json.loads(self._body() or b"{}")
        if "count_tokens" in self.path:
            return self._json(200, {"input_tokens": 100})
        responses = self.path.split("?")[0].endswith("/responses")
        if not responses and not body.get("tools"):
            # A question on the side, such as one for a title.
            return self._stream(_messages(Turn("ok"), body), False)
        turn = self.provider.turn(body)
        time.sleep(turn.hang)
        if turn.status != 200:
            error = {"type": "error", "message": turn.message}
            return self._json(turn.status, {"type": "error", "error": error})
        return self._stream((_responses if responses else _messages)(turn, body), turn.cut)

    def _body(self) -> bytes:
        length = self.headers.get("content-length")
        if length is not None:
            return self.rfile.read(int(length))
        parts = []
        while size := int(self.rfile.readline().strip() or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _json(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, records: list[dict[str, Any]], cut: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        for record in records[: len(records) // 2] if cut else records:
            self.wfile.write(f"event: {record['type']}\ndata: {json.dumps(record)}\n\n".encode())
            self.wfile.flush()
        self.close_connection = True


def _messages(turn: Turn, body: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer of the Messages protocol, as the events of its stream."""
    usage = {"input_tokens": 100, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 300}
    message = {
        "id": _id("msg"), "type": "message", "role": "assistant", "model": body.get("model"), "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1},
    }  # fmt: skip
    records: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    blocks: list[tuple[dict[str, Any], dict[str, Any]]] = []
    if turn.text:
        blocks.append(({"type": "text", "text": ""}, {"type": "text_delta", "text": turn.text}))
    for name, given in turn.tools:
        start = {"type": "tool_use", "id": _id("toolu"), "name": name, "input": {}}
        blocks.append((start, {"type": "input_json_delta", "partial_json": json.dumps(given)}))
    for index, (start, delta) in enumerate(blocks):
        records += [
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    stop = {"stop_reason": "tool_use" if turn.tools else "end_turn", "stop_sequence": None}
    return [
        *records,
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 50}},
        {"type": "message_stop"},
    ]


def _responses(turn: Turn, body: dict[str, Any]) -> list[dict[str, Any]]:
    """An answer of the Responses protocol, as the events of its stream."""
    known = {"id": _id("resp"), "object": "response", "output": []}
    records: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**known, "status": "in_progress"}}
    ]
    items: list[dict[str, Any]] = []
    if turn.text:
        content = [{"type": "output_text", "text": turn.text, "annotations": []}]
        items.append(
            {
                "type": "message",
                "id": _id("msg"),
                "role": "assistant",
                "status": "completed",
                "content": content,
            }
        )
    for name, given in turn.tools:
        call = _id("call")
        arguments = json.dumps(given)
        items.append(
            {"type": "function_call", "id": _id("fc"), "call_id": call, "name": name, "arguments": arguments}
        )
    for index, item in enumerate(items):
        records.append({"type": "response.output_item.added", "output_index": index, "item": item})
        records.append({"type": "response.output_item.done", "output_index": index, "item": item})
    usage = {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 20}, "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 10}, "total_tokens": 150,
    }  # fmt: skip
    done = {**known, "status": "completed", "usage": usage}
    return [*records, {"type": "response.completed", "response": done}]


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:16]}"
