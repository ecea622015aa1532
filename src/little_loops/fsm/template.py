"""Templates: a string of a loop file cut once into literal text and `${...}` references.

Law: `parse` is pure, total and cached. It never raises, never looks up a value and never decides how a value
is written; whatever is wrong with a reference becomes a `Malformed` part, and the rest of the text stays
usable. Text that was put in for a reference is never parsed again, because only the author's text is ever
parsed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

NAMESPACES = ("context", "captured", "prev", "result", "state", "loop", "env")
LOOP_NAMES = ("name", "started_at", "elapsed_ms", "elapsed", "continuation")
STATE_NAMES = ("name", "iteration")
PREV_NAMES = ("output", "exit_code", "state", "timeout_kind", "verdict", "details")
RESULT_NAMES = ("verdict", "details")
CAPTURE_NAMES = (
    "output",
    "stderr",
    "exit_code",
    "duration_ms",
    "timeout_kind",
    "truncated",
    "failure_type",
    "verdict",
    "events",
)

_TOKEN = re.compile(r"\$\$\{|\$\{([^}]+)\}")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELL_OPERATOR = re.compile(r":[-=+?]")
_SUFFIX_WORD = re.compile(r":([A-Za-z]+)(=[^:]*)?$")


@dataclass(frozen=True, slots=True)
class Literal:
    """The author's own text. `text` is what it stands for; `start`, `end` are character offsets in the
    source.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A `${namespace.path}` with at most one suffix.

    `path` is everything after the first dot, without the suffix; `keys` is the path cut at its dots (for
    `env` the whole path is one key). `default` is the text of `:default=`, None when there is none.
    `optional` is the suffix `?`, `shell` is `:shell`, `raw` is `:raw`.
    """

    namespace: str
    path: str
    keys: tuple[str, ...]
    default: str | None
    optional: bool
    shell: bool
    raw: bool
    start: int
    end: int

    @property
    def name(self) -> str:
        """`namespace.path`, as the author wrote it."""
        return f"{self.namespace}.{self.path}"

    @property
    def lookup(self) -> str:
        """The name together with what happens when it is missing: enough to look the value up again."""
        if self.default is not None:
            return f"{self.name}:default={self.default}"
        return f"{self.name}?" if self.optional else self.name


@dataclass(frozen=True, slots=True)
class Malformed:
    """Something that looks like a reference and is none. `bare` is the variable name of a plain `${NAME}`.

    A reference without a dot, such as `${NAME}` or `${#items[@]}`, has `dotless` set: bash may understand it.
    """

    text: str
    reason: str
    hint: str | None
    start: int
    end: int
    dotless: bool = False


Part = Literal | Reference | Malformed


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed string. The parts cover `source` without gaps, in order."""

    source: str
    parts: tuple[Part, ...]

    @property
    def is_constant(self) -> bool:
        """True when nothing has to be looked up and nothing is wrong."""
        return all(isinstance(part, Literal) for part in self.parts)

    @property
    def single(self) -> Reference | None:
        """The one reference that is the whole string, else None."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Reference):
            return self.parts[0]
        return None

    @property
    def references(self) -> tuple[Reference, ...]:
        """All well-formed references, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def malformed(self) -> tuple[Malformed, ...]:
        """All malformed references, in order."""
        return tuple(part for part in self.parts if isinstance(part, Malformed))


@lru_cache(maxsize=4096)
def parse(text: str) -> Template:
    """Cut a string into literal text and references. Never raises."""
    return Template(text, tuple(_parts(text)))


def _parts(text: str) -> Iterator[Part]:
    at = 0
    for token in _TOKEN.finditer(text):
        start, end = token.span()
        if start > at:
            yield Literal(text[at:start], at, start)
        inner = token.group(1)
        yield Literal("${", start, end) if inner is None else _reference(inner, start, end)
        at = end
    if at < len(text):
        yield Literal(text[at:], at, len(text))


def _reference(inner: str, start: int, end: int) -> Reference | Malformed:
    text = "${" + inner + "}"
    head, marker, tail = inner.partition(":default=")
    default = tail if marker else None
    namespace, dot, path = head.partition(".")
    wrong = _wrong_name(head, namespace, bool(dot), text) or _wrong_suffix(
        head, path, default is not None, text
    )
    if wrong is not None:
        return Malformed(text, wrong[0], wrong[1], start, end, dotless="." not in inner)
    optional, shell, raw = path.endswith("?"), path.endswith(":shell"), path.endswith(":raw")
    path = path.removesuffix("?").removesuffix(":shell").removesuffix(":raw")
    keys = (path,) if namespace == "env" else tuple(path.split("."))
    return Reference(namespace, path, keys, default, optional, shell, raw, start, end)


def _wrong_name(head: str, namespace: str, dotted: bool, text: str) -> tuple[str, str | None] | None:
    if "${" in head:
        return (
            f"{text} holds another reference",
            f"a bash expansion around a reference is written ${text[: text.index('${', 2)]}${{…}}}}",
        )
    if not dotted:
        return f"{text} is not of the form ${{namespace.path}}", _dotless_hint(head, text)
    if namespace in NAMESPACES:
        return None
    blank = namespace.strip()
    if blank in NAMESPACES:
        return f"{text} has a blank in its name", f"write ${{{head.strip()}}}"
    near = nearest(namespace, NAMESPACES)
    known = "known are " + ", ".join(NAMESPACES)
    hint = (
        f"did you mean ${{{near}{head[len(namespace) :]}}}?" if near else f"{known}; for bash write ${text}"
    )
    return f"{text} names an unknown namespace '{namespace}'", hint


def _dotless_hint(head: str, text: str) -> str:
    if head in NAMESPACES:
        return f"add what to read of it, such as ${{{head}.name}}"
    if _BARE.fullmatch(head):
        return f"for a variable of the shell write ${text}; for a value of the loop ${{context.{head}}}"
    return f"for an expansion of the shell write ${text}"


def _wrong_suffix(head: str, path: str, has_default: bool, text: str) -> tuple[str, str | None] | None:
    shell_operator = _SHELL_OPERATOR.search(path)
    if shell_operator is not None:
        name, word = head[: len(head) - len(path) + shell_operator.start()], path[shell_operator.end() :]
        return (
            f"{text} uses '{shell_operator.group()}', which only bash understands",
            f"write ${{{name}:default={word}}}",
        )
    stem = path.removesuffix("?")
    suffixes = [
        s
        for s in (":shell", ":raw")
        if stem.endswith(s) or f"{s}:" in path or f"{s}?" in path or f"?{s}" in path
    ]
    count = len(suffixes) + has_default + path.endswith("?") + ("?:" in path)
    if count > 1:
        return f"{text} combines suffixes that exclude each other", "keep one of :default=…, ?, :shell, :raw"
    return _misspelt_suffix(head, path, text)


def _misspelt_suffix(head: str, path: str, text: str) -> tuple[str, str | None] | None:
    last = _SUFFIX_WORD.search(path)
    if last is None or last.group(1) in ("shell", "raw"):
        return None
    near = nearest(last.group(1), ("default", "shell", "raw"))
    if near is None:
        return None
    stem = head[: len(head) - len(last.group())]
    return (
        f"{text} ends in an unknown suffix ':{last.group(1)}'",
        f"did you mean ${{{stem}:{near}{last.group(2) or ''}}}?",
    )


def nearest(word: str, known: tuple[str, ...] | list[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None."""
    import difflib

    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else None


def unknown_name(reference: Reference) -> tuple[str, str | None] | None:
    """What is certainly wrong with the name of a reference, whatever the run: (reason, hint), or None."""
    names: tuple[str, ...]
    match reference.namespace:
        case "loop":
            names = LOOP_NAMES
        case "state":
            names = STATE_NAMES
        case "prev":
            names = PREV_NAMES
        case "result":
            names = RESULT_NAMES
        case _:
            return None
    first = reference.keys[0]
    if first in names and (first == "details" or len(reference.keys) == 1):
        return None
    near = nearest(first, names)
    hint = (
        f"did you mean ${{{reference.namespace}.{near}}}?"
        if near and near != first
        else "known are " + ", ".join(names)
    )
    return f"'{reference.namespace}' has no '{reference.path}'", hint
