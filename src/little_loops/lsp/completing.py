"""What may be written at the cursor: keys, states, fragments, loops, words, rule codes.

The place comes from the text as it is now, the names from the last text that could be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lsprotocol import types

from little_loops.fsm.fitting import Path as KeyPath
from little_loops.fsm.library import BUILT_IN_DIR, known_names
from little_loops.fsm.mentions import STATE_OWNERS, Names, mentions, named_by, value_at
from little_loops.fsm.scalars import inline
from little_loops.fsm.schema import CURRENT_STATE
from little_loops.fsm.validation.judge import BY_CODE
from little_loops.lsp import words
from little_loops.lsp.analysis import Analysis, Home, loop_file, loop_in
from little_loops.lsp.cursor import Spot, in_comment, spots
from little_loops.lsp.grammar import choices, is_list, is_mapping, keys_of, node_at
from little_loops.lsp.text import Text
from little_loops.lsp.values import open_reference, reference_items

Kind = types.CompletionItemKind
REST_OF_KEY = re.compile(r"[\w-]*[ ]*:")
ALLOWING = re.compile(r"#\s*ll:\s*allow\b[^#]*$")
MOST_FILES = 500


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing that may be written."""

    label: str
    kind: types.CompletionItemKind
    insert: str
    detail: str = ""
    about: str = ""


def complete(text: Text, offset: int, known: Analysis | None) -> list[types.CompletionItem]:
    """The offers at an offset. ``known`` is the last text that could be read, if any could."""
    source = text.source
    reference = open_reference(source, offset)
    if reference is not None:
        return reference_items(reference, text, offset, known)
    if in_comment(source, offset):
        return _items(_allowed(text, offset), text, _word_start(source, offset), offset)
    for spot in spots(source, offset):
        if spot.inside:
            return []
        offers = list(_offers(spot, text, offset, known))
        if offers:
            return _items(offers, text, _start(spot), offset)
    return []


def _start(spot: Spot) -> int:
    """Where the word begins that is completed: in a flow entry the last of its three."""
    if spot.path[:1] == ("flow",):
        return spot.start + max(spot.word.rfind("?"), spot.word.rfind(":")) + 1
    return spot.start


def _items(offers: Any, text: Text, start: int, offset: int) -> list[types.CompletionItem]:
    stretch = text.range(start, offset)
    return [
        types.CompletionItem(
            offer.label,
            kind=offer.kind,
            detail=offer.detail or None,
            documentation=types.MarkupContent(types.MarkupKind.Markdown, offer.about)
            if offer.about
            else None,
            sort_text=f"{number:04d}",
            filter_text=offer.label,
            text_edit=types.TextEdit(stretch, offer.insert),
        )
        for number, offer in enumerate(offers)
    ]


def _markdown(about: str) -> types.MarkupContent | None:
    return types.MarkupContent(types.MarkupKind.Markdown, about) if about else None


def _offers(spot: Spot, text: Text, offset: int, known: Analysis | None) -> Iterator[Offer]:
    if spot.on_key:
        line_rest = text.line_at(offset)[offset - text.line_start(offset) :]
        yield from _keys(spot, known, has_colon=REST_OF_KEY.match(line_rest) is not None)
    else:
        quoted = text.source[spot.start - 1 : spot.start] in ("'", '"')
        for offer in _values(spot, known):
            yield replace(offer, insert=offer.label) if quoted else offer


# --- keys --------------------------------------------------------------------------------------------------


def _keys(spot: Spot, known: Analysis | None, *, has_colon: bool) -> Iterator[Offer]:
    owner = spot.path[:-1]
    node = node_at(owner)
    if node is None or not is_mapping(node):
        return
    data = known.data if known is not None else {}
    held = value_at(data, owner)
    present = spot.before | (set(held) - {spot.word} if isinstance(held, Mapping) else set())
    for name, below in keys_of(owner, data):
        if name not in present:
            end = "" if has_colon else ":" if is_mapping(below) or is_list(below) else ": "
            yield Offer(name, Kind.Property, name + end, below.get("description", ""), words.key(name, below))
    for name, detail in _named_keys(owner, known):
        if name not in present:
            yield Offer(name, Kind.Field, inline(name) + ("" if has_colon else ": "), detail)


def _named_keys(owner: KeyPath, known: Analysis | None) -> Iterator[tuple[str, str]]:
    """Keys that the schema cannot list: verdicts, parameters of a sub-loop, states that are missing."""
    if known is None:
        return
    match owner:
        case (top, str(), "route") if top in STATE_OWNERS:
            yield from ((word, "a verdict") for word in _verdicts(value_at(known.resolved, owner[:-1])))
        case (top, str()) if top in STATE_OWNERS:
            usual = {"yes", "no", "error", "partial", "blocked"}
            words_here = _verdicts(value_at(known.resolved, owner))
            yield from ((f"on_{word}", "a verdict") for word in words_here if word not in usual)
        case (top, str(), "with") if top in STATE_OWNERS:
            yield from _parameters(value_at(known.resolved, (*owner[:-1], "loop")), known.home)
        case ("states" | "state_defs",):
            yield from ((name, "named, and not there yet") for name in _missing(known))


def _verdicts(state: Any) -> tuple[str, ...]:
    if not isinstance(state, Mapping):
        return ()
    evaluate = state.get("evaluate")
    kind = evaluate.get("type") if isinstance(evaluate, Mapping) else None
    default = "llm_structured" if state.get("action_type") == "prompt" else "exit_code"
    return words.VERDICTS.get(str(kind or default), words.VERDICTS["exit_code"])


def _parameters(name: Any, home: Home) -> Iterator[tuple[str, str]]:
    path = loop_file(name, home) if isinstance(name, str) else None
    child = loop_in(path, home) if path is not None else None
    for parameter, spec in child.parameters.items() if child is not None else ():
        yield (
            parameter,
            f"{spec.type}{', required' if spec.required else ''}. {spec.description or ''}".rstrip(),
        )


def _missing(known: Analysis) -> list[str]:
    named = (m.name for m in mentions(known.data) if m.names is Names.STATE and not m.defines)
    return [name for name in dict.fromkeys(named) if name not in known.states]


# --- values ------------------------------------------------------------------------------------------------


def _values(spot: Spot, known: Analysis | None) -> Iterator[Offer]:
    path = spot.path
    if "allow" in path[-2:]:
        yield from _codes()
        return
    names = named_by(path)
    if names is not None:
        yield from _named(names, path, known)
    node = node_at(path)
    for word in choices(node) if node is not None else ():
        yield Offer(
            word, Kind.EnumMember, word, node.get("description", "") if node else "", _about_word(word)
        )


def _about_word(word: str) -> str:
    return f"answers {', '.join(words.VERDICTS[word])}" if word in words.VERDICTS else ""


def _named(names: Names, path: KeyPath, known: Analysis | None) -> Iterator[Offer]:
    if known is None:
        return
    match names:
        case Names.STATE:
            yield from _states(path, known)
        case Names.FRAGMENT:
            for name, body in known.fragments.items():
                yield Offer(name, Kind.Interface, inline(name), "fragment", words.fragment(name, body, None))
        case Names.LOOP | Names.PARENT:
            yield from (Offer(name, Kind.Module, inline(name), "loop") for name in _loops(known.home))
        case Names.LIBRARY:
            yield from (Offer(name, Kind.File, inline(name), "library") for name in _libraries(known.home))


def _states(path: KeyPath, known: Analysis) -> Iterator[Offer]:
    for name in known.states:
        config = known.loop.states.get(name) if known.loop is not None else None
        about = words.state(name, config, known.loop) if config is not None and known.loop is not None else ""
        yield Offer(name, Kind.Reference, inline(name), "state", about)
    if path[0] in STATE_OWNERS:
        yield Offer(CURRENT_STATE, Kind.Keyword, CURRENT_STATE, "this state again")
    elif path[0] == "circuit":
        yield Offer("abort", Kind.Keyword, "abort", "ends the run")


def _loops(home: Home) -> list[str]:
    """Names of loops: those that `list` knows, and those in folders below."""
    found = dict.fromkeys(known_names(home.loops_dir))
    for root in (home.folder, home.loops_dir, BUILT_IN_DIR):
        for path in _yaml_below(root):
            if path.parent != root:
                found[path.relative_to(root).as_posix().removesuffix(".yaml").removesuffix(".fsm")] = None
    return [name for name in found if name != home.path.stem]


def _libraries(home: Home) -> list[str]:
    found: dict[str, None] = {}
    for root in (home.folder, BUILT_IN_DIR):
        for path in _yaml_below(root):
            if path != home.path and _holds_fragments(path):
                found[path.relative_to(root).as_posix()] = None
    return list(found)


def _yaml_below(root: Path) -> list[Path]:
    """The YAML files of a folder and of the folders in it, hidden ones and those of runs left out."""
    try:
        found = [*sorted(root.glob("*.yaml")), *sorted(root.glob("[!.]*/*.yaml"))]
    except OSError:
        return []
    return [path for path in found if path.relative_to(root).parts[0] not in ("runs", "locks")][:MOST_FILES]


def _holds_fragments(path: Path) -> bool:
    try:
        return any(line.startswith("fragments:") for line in path.read_text("utf-8", "replace").splitlines())
    except OSError:
        return False


def _codes() -> Iterator[Offer]:
    for code, rule in BY_CODE.items():
        yield Offer(code, Kind.Constant, code, rule.title, words.rule(rule))


def _allowed(text: Text, offset: int) -> list[Offer]:
    """The codes of rules, in a comment that allows some."""
    return list(_codes()) if ALLOWING.search(text.source[text.line_start(offset) : offset]) else []


def _word_start(source: str, offset: int) -> int:
    while offset > 0 and source[offset - 1].isalnum():
        offset -= 1
    return offset
