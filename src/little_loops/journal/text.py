"""One journal record as one line of text, and back.

Compact JSON, UTF-8, one line feed. It knows no file and no meaning of a key; what it writes it can read back
to an equal record. Numbers that are not finite become the strings ``Infinity``, ``-Infinity`` and ``NaN``;
lone surrogates become U+FFFD.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from json import JSONDecodeError, JSONDecoder, JSONEncoder
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from little_loops.events import ActionOutput

LINE_FEED = b"\n"

_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_decode = JSONDecoder(parse_constant=_no_constant).decode


def plain(value: Any) -> Any:
    """``value`` as it reads back from a journal: lists for tuples, text for keys, finite numbers."""
    match value:
        case str():
            return plain_text(value)
        case bool() | int() | None:
            return value
        case float():
            return value if math.isfinite(value) else _named(value)
        case Mapping():
            return {plain_text(_key(key)): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case set() | frozenset():
            return sorted(plain(item) for item in value)
    raise TypeError(f"a {type(value).__name__} cannot stand in a journal")


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(_encode(key))


def _named(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"


def plain_text(text: str) -> str:
    """``text`` with lone surrogates replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def json_bytes(value: Any) -> bytes:
    """Compact JSON of any value, without a line feed."""
    try:
        return _encode(value).encode()
    except (ValueError, TypeError):
        return _encode(plain(value)).encode()


def text_bytes(text: str) -> bytes:
    """UTF-8 of ``text``, lone surrogates replaced."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return plain_text(text).encode()


def line_of(record: Mapping[str, Any]) -> bytes:
    """The line of one record, line feed included."""
    return json_bytes(record) + LINE_FEED


def output_lines(event: ActionOutput) -> bytes:
    """All lines of one read as one piece of text; the common case of a chatty action, so made by hand."""
    if event.cut or event.more:
        raise ValueError("a shortened line, or one that names a file, is a record of its own")
    opening = f'{{"event":"action_output","ts":{encode_basestring(event.ts)},"line":'
    closing = f',"t":{event.t},"depth":{event.depth}}}\n' if event.depth else f',"t":{event.t}}}\n'
    pieces = [
        f'{opening}{encode_basestring(line)},"seq":{number}{closing}'
        for number, line in enumerate(event.lines, event.seq)
    ]
    return text_bytes("".join(pieces))


def record_of(line: bytes) -> dict[str, Any]:
    """The record in one line, with or without its line feed.

    Raises:
        ValueError: not UTF-8, not JSON, or not a map; says what, and the column where that is known.
    """
    try:
        value = _decode(line.decode())
    except UnicodeDecodeError as problem:
        raise ValueError(f"not UTF-8 at byte {problem.start + 1}") from None
    except JSONDecodeError as problem:
        raise ValueError(f"not JSON: {problem.msg} at column {problem.colno}") from None
    except RecursionError:
        raise ValueError("not JSON: nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
