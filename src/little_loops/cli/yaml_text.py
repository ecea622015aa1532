"""Plain data as YAML that reads back as the same data in the dialect of loop files. Knows no loop."""

from __future__ import annotations

from typing import Any

import yaml

from little_loops.fsm.yaml import resolve

WIDEST = 100


class _Writer(yaml.SafeDumper):
    """Blocks for texts of several lines, quotes where a plain word would be read as something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text and not any(line != line.rstrip() for line in text.splitlines()):
        style = "|"
    elif not isinstance(resolve(text, lambda _: None), str):
        style = "'"
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Writer.add_representer(str, _text)
_Writer.add_multi_representer(dict, lambda writer, value: writer.represent_dict(value.items()))
_Writer.add_multi_representer(list, lambda writer, value: writer.represent_list(value))
_Writer.add_multi_representer(int, lambda writer, value: writer.represent_int(int(value)))


def block(value: Any) -> str:
    """The value in block style, keys in their order, ending with a line feed."""
    text: str = yaml.dump(
        value, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=WIDEST, default_flow_style=False
    )
    return text
