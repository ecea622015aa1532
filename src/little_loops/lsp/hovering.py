"""What an editor tells about the thing under the cursor."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types

from little_loops.fsm.mentions import Mention, Names
from little_loops.fsm.template import Reference
from little_loops.fsm.validation.judge import BY_CODE
from little_loops.lsp import words
from little_loops.lsp.analysis import Analysis, findings, loop_file, loop_in, parent_file
from little_loops.lsp.cursor import Scalar, scalar_at
from little_loops.lsp.grammar import choices, node_at
from little_loops.lsp.places import code_at, named_at, origin_of, reference_at
from little_loops.lsp.text import Text


def hover(analysis: Analysis, text: Text, offset: int) -> types.Hover | None:
    """The description of what is under the cursor, and the rules that have something to say there."""
    scalar = scalar_at(text.source, offset)
    about, start, end = _about(analysis, text.source, offset, scalar)
    parts = [about, *_rules_at(analysis, text, offset)]
    if not any(parts):
        return None
    content = types.MarkupContent(types.MarkupKind.Markdown, words.joined(parts))
    return types.Hover(content, text.range(start, end) if about else None)


def _about(
    analysis: Analysis, source: str, offset: int, scalar: Scalar | None
) -> tuple[str | None, int, int]:
    code = code_at(source, offset, scalar)
    if code is not None and code in BY_CODE:
        start = source.rfind(code, 0, offset + len(code))
        return words.rule(BY_CODE[code]), start, start + len(code)
    reference = reference_at(source, offset) if scalar is not None else None
    if reference is not None:
        part, start = reference
        return _reference(part, analysis), start, start + part.end
    mention = named_at(analysis, source, offset)
    about = _mention(mention, analysis) if mention is not None else None
    if mention is not None and about is not None:
        return about, mention.start, mention.end
    if scalar is None or scalar.block:
        return None, 0, 0
    return _key_or_word(scalar), scalar.start, scalar.end


def _key_or_word(scalar: Scalar) -> str | None:
    """The documentation of a key, also where the cursor is on one of its words."""
    node = node_at(scalar.path)
    name = str(scalar.path[-1]) if scalar.path else ""
    if node is None or not (scalar.on_key or scalar.value in choices(node)):
        return None
    about = words.key(name, node)
    if not scalar.on_key and scalar.value in words.VERDICTS:
        about += f"\n\n`{scalar.value}` answers {', '.join(words.VERDICTS[scalar.value])}"
    return about


def _mention(mention: Mention, analysis: Analysis) -> str | None:
    match mention.names:
        case Names.STATE:
            loop = analysis.loop
            if loop is None or mention.name not in loop.states:
                return None
            return words.state(mention.name, loop.states[mention.name], loop)
        case Names.FRAGMENT:
            if mention.name not in analysis.fragments:
                return None
            origin = origin_of(mention, analysis)
            elsewhere = origin is not None and origin.source.path != analysis.source.path
            source = Path(origin.source.path).name if origin is not None and elsewhere else None
            return words.fragment(mention.name, analysis.fragments[mention.name], source)
        case Names.LOOP | Names.PARENT:
            find = loop_file if mention.names is Names.LOOP else parent_file
            path = find(mention.name, analysis.home)
            return words.loop(mention.name, loop_in(path, analysis.home), path) if path is not None else None
        case Names.LIBRARY:
            names = ", ".join(words.code(name) for name in analysis.fragments)
            return f"**{mention.name}** · fragments in sight: {names}" if names else None


def _reference(part: Reference, analysis: Analysis) -> str:
    lines = [f"**${{{part.name}}}** · {words.NAMESPACE_WORDS[part.namespace]}"]
    loop, name = analysis.loop, part.keys[0] if part.keys else ""
    if part.namespace == "context" and loop is not None:
        if name in loop.context:
            lines.append(words.fenced(str(loop.context[name]), ""))
        elif name in loop.parameters:
            lines.append(loop.parameters[name].description or f"a parameter: {loop.parameters[name].type}")
        elif name in words.ALWAYS_IN_CONTEXT:
            lines.append(words.ALWAYS_IN_CONTEXT[name])
    elif part.namespace == "captured" and loop is not None:
        makers = [state for state, config in loop.states.items() if config.capture == name]
        if makers:
            lines.append(f"kept by {', '.join(words.code(maker) for maker in makers)}")
    return "\n\n".join(lines)


def _rules_at(analysis: Analysis, text: Text, offset: int) -> list[str]:
    """The rules behind the findings at the cursor, each once."""
    if analysis.source.text != text.source:
        return []
    codes: dict[str, None] = {}
    for found in findings(analysis):
        if found.span is not None and found.span.source is analysis.source and found.code in BY_CODE:
            start, end = text.span(found.span)
            if start <= offset <= end and text.line_start(start) == text.line_start(offset):
                codes[found.code] = None
    return [words.rule(BY_CODE[code]) for code in codes]
