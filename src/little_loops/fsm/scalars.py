"""A text as YAML that reads back as the same text, in our dialect and in that of older readers. Pure."""

from __future__ import annotations

import json
import re

from little_loops.fsm.yaml import resolve

OLD_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "=", "<<"])
NOT_PLAIN = re.compile(r"^[\s\-?:,\[\]{}#&*!|>'\"%@`=]|: |:$| #|\s$|^\.\.\.$")
UNPRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
FLOW_SIGNS = frozenset(",[]{}")


def scalar(text: str, indent: int = 0) -> str:
    """A text as a YAML scalar that reads back as the same text, whoever reads it.

    Args:
        text: any text.
        indent: column of the key or dash before it; further lines stand to the right of that.
    """
    if "\n" in text and _fits_block(text):
        lines = text.removesuffix("\n").split("\n")
        body = "\n".join(f"{' ' * (indent + 2)}{line}".rstrip(" ") for line in lines)
        return f"{'|' if text.endswith(chr(10)) else '|-'}\n{body}"
    if "\n" in text or UNPRINTED.search(text) or not text.isprintable():
        return _double_quoted(text)
    if not text or NOT_PLAIN.search(text) or text.lower() in OLD_WORDS or not _is_text(text):
        return _quoted(text)
    return text


def inline(text: str) -> str:
    """A text as a scalar of one line, fit for flow style too, such as ``[a, b]``."""
    if "\n" in text or FLOW_SIGNS & set(text):
        return _double_quoted(text) if UNPRINTED.search(text) or not text.isprintable() else _quoted(text)
    return scalar(text)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_text(text: str) -> bool:
    """Whether no reader takes the plain word for a number, a date or the like."""
    return isinstance(resolve(text, lambda _: None), str) and not re.match(r"[-+.]?[0-9]", text)


def _fits_block(text: str) -> bool:
    lines = text.removesuffix("\n").split("\n")
    if not lines[0] or lines[0][0] in " \t" or not lines[-1] or UNPRINTED.search(text):
        return False
    return all(line == line.rstrip() and line.replace("\t", " ").isprintable() for line in lines)


def _double_quoted(text: str) -> str:
    return UNPRINTED.sub(lambda found: f"\\u{ord(found.group()):04x}", json.dumps(text, ensure_ascii=False))
