"""Random bash texts, values in random places: what is not refused writes them as they are, running none.

The grammar builds a text together with what bash must write for it, so that a value in the wrong quoting
shows, and not only one that is executed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.interpolation.hostile import COMMAND, PROGRAMS, VALUES
from tests.interpolation.stage import perform_one, rendered, untouched

from little_loops.machine.interpolation import InterpolationError


@dataclass(frozen=True)
class Said:
    """A piece of bash and what it stands for, `§` being the value in both."""

    text: str
    means: str

    def __add__(self, other: Said) -> Said:
        return Said(self.text + other.text, self.means + other.means)


VALUE = Said("§", "§")
PLAIN = st.text("abcXYZ019_.:,/+-", min_size=1, max_size=4).map(lambda text: Said("w" + text, "w" + text))
IN_DOUBLE = st.sampled_from(
    [
        Said(" ", " "),
        Said("'", "'"),
        Said('\\"', '"'),
        Said("\\\\", "\\"),
        Said("\\$-", "$-"),
        Said("#", "#"),
        Said("\n", "\n"),
    ]
)
IN_SINGLE = st.sampled_from(
    [Said(" ", " "), Said('"', '"'), Said("\\", "\\"), Said("$x", "$x"), Said("`", "`"), Said("\n", "\n")]
)


def joined(parts: list[Said]) -> Said:
    return sum(parts[1:], parts[0])


def double(word: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    inside = st.one_of(st.just(VALUE), PLAIN, IN_DOUBLE, substituted(word), defaulted(st.just(VALUE)))
    return (
        st.lists(inside, min_size=1, max_size=4)
        .map(joined)
        .map(lambda said: Said(f'"{said.text}"', said.means))
    )


def single() -> st.SearchStrategy[Said]:
    inside = st.one_of(st.just(VALUE), PLAIN, IN_SINGLE)
    return (
        st.lists(inside, min_size=1, max_size=4)
        .map(joined)
        .map(lambda said: Said(f"'{said.text}'", said.means))
    )


def substituted(word: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    return st.one_of(
        word.map(lambda said: Said(f"$(printf %s. {said.text})", said.means + ".")),
        word.map(lambda said: Said(f"$(f() {{ printf %s. {said.text}; }}; f)", said.means + ".")),
        word.map(lambda said: Said(f'$(x={said.text}; printf %s. "$x")', said.means + ".")),
        word.map(lambda said: Said(f"$(cat <<< {said.text}; printf .)", said.means + "\n.")),
        st.sampled_from(["EOF", "'EOF'", '"EOF"', "\\EOF"]).map(
            lambda end: Said(
                f"$(cat <<{end}\na §'\n\"b \\\\ §\nEOF\nprintf .)",
                "a §'\n\"b \\\\ §\n." if end != "EOF" else "a §'\n\"b \\ §\n.",
            )
        ),
    )


def defaulted(word: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    return word.map(lambda said: Said(f"$${{unset:-{said.text}}}", said.means))


def quoted(word: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    return substituted(word).map(lambda said: Said(f'"{said.text}"', said.means))


WORD = st.recursive(
    st.one_of(st.just(VALUE), PLAIN, single()),
    lambda word: st.one_of(
        double(word),
        quoted(word),
        defaulted(word),
        st.lists(word, min_size=2, max_size=3).map(joined),
    ),
    max_leaves=6,
)

Shape = Callable[[Said], Said]
SHAPES: tuple[Shape, ...] = (
    lambda w: Said(f"got {w.text}", f"{w.means}\0"),
    lambda w: Said(f"got a {w.text} # § '", f"a\0{w.means}\0"),
    lambda w: Said(f"if [ -n x{w.text} ]; then got {w.text}; fi", f"{w.means}\0"),
    lambda w: Said(f'for i in {w.text} b; do got "$i"; done', f"{w.means}\0b\0"),
    lambda w: Said(f'f() {{ got "$1"; }}\nf {w.text}', f"{w.means}\0"),
    lambda w: Said(f"case {w.text} in {w.text}) got {w.text};; *) got no;; esac", f"{w.means}\0"),
    lambda w: Said(f"[[ {w.text} == {w.text} ]] && got {w.text}", f"{w.means}\0"),
    lambda w: Said(f"( got {w.text} ) | cat", f"{w.means}\0"),
    lambda w: Said(f'x={w.text}\ngot "$x" "$${{#x}}" >/dev/null\ngot "$x"', f"{w.means}\0"),
    lambda w: Said(f'x=(a {w.text}); got "$${{x[1]}}"', f"{w.means}\0"),
    lambda w: Said(f'export A={w.text}; {{ got "$A"; }} 2>&1', f"{w.means}\0"),
    lambda w: Said(f"cat <<< {w.text}", f"{w.means}\n"),
    lambda w: Said(f"cat <<'END' && got {w.text}\n$(no) § \\\nEND", f"$(no) § \\\n{w.means}\0"),
    lambda w: Said(f"cat < <(printf %s. {w.text})", f"{w.means}."),
    lambda w: Said(f'set -- {w.text} c; got "$1" "$2"', f"{w.means}\0c\0"),
    lambda w: Said(
        f"printf '%s\\0' {w.text} | while IFS= read -r -d '' l; do got \"$l\"; done", f"{w.means}\0"
    ),
    lambda w: Said(f"command printf '%s.' \\\n  {w.text}", f"{w.means}."),
    lambda w: Said(f"bash -c 'printf %s. \"$1\"' _ {w.text}", f"{w.means}."),
)
DANGEROUS = (
    "eval {}",
    "bash -c {}",
    "x={}; (( x ))",
    "a[{}]=1",
    "{}",
    'x={}; eval "$x"',
    "bash <<< {}",
    "let {}",
    "[[ {} -eq 1 ]]",
    "read {} <<< 1",
    "test -v {}",
    "printf {}",
    "trap {} EXIT",
    "x={}; got $${{x[x]}}",
    "declare {}",
    "x={}; $x",
    "source {}",
)
STATEMENT = st.one_of(
    st.tuples(st.sampled_from(SHAPES), WORD).map(lambda pair: pair[0](pair[1])),
    st.lists(st.tuples(st.sampled_from(SHAPES), WORD), min_size=2, max_size=2).map(
        lambda pairs: pairs[0][0](pairs[0][1]) + Said("\n", "") + pairs[1][0](pairs[1][1])
    ),
)
FRAGMENTS = st.sampled_from(
    [
        "'",
        '"',
        "`",
        "$(",
        ")",
        "\\",
        "\n",
        " ",
        ";",
        "&",
        "|",
        "EOF\n",
        "END\n",
        COMMAND,
        "${x",
        "}",
        "a[",
        "]",
        "*",
        "~",
        "#",
        "\t",
    ]
)
HOSTILE = st.one_of(
    st.sampled_from([value for value in VALUES if len(value) < 2_000] + list(PROGRAMS)),
    st.lists(FRAGMENTS, max_size=8).map("".join),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30),
)
RUN = settings(max_examples=120, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def performed(text: str, value: str) -> bytes | None:
    """What a text writes for a value, None when it is refused; nothing may have been executed."""
    try:
        action = rendered(text, value)
    except InterpolationError:
        return None
    with tempfile.TemporaryDirectory() as folder:
        written = perform_one(action, value, Path(folder)) if action.values else b""
        assert untouched(Path(folder)), (text, action.text, value)
    return written


@RUN
@given(STATEMENT, HOSTILE)
def test_a_random_text_writes_its_values_as_they_are(said: Said, value: str) -> None:
    written = performed(said.text, value)
    if written is not None and "§" in said.text:
        assert written == said.means.replace("§", value).encode(), (
            said.text,
            rendered(said.text, value).text,
        )


@RUN
@given(st.sampled_from(DANGEROUS), WORD, HOSTILE)
def test_a_random_text_that_evaluates_its_words_executes_nothing(shape: str, word: Said, value: str) -> None:
    performed(shape.format(word.text), value)


def test_most_random_texts_are_accepted() -> None:
    """Keeps the two tests above from passing because everything is refused."""
    accepted: list[bool] = []

    @settings(RUN, max_examples=60)
    @given(STATEMENT)
    def collect(said: Said) -> None:
        accepted.append(performed(said.text, "it's $(x)") is not None)

    collect()
    assert sum(accepted) > len(accepted) * 0.6
