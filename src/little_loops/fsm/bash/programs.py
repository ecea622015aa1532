"""The interpreters: where each takes its program text from.

Law: data only. What is not here is a program like any other, and gets literal words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from little_loops.fsm.bash.wordset import word_set


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that runs program text.

    `code`: an option that brings program text (at its end or in the next word); `valued`: other options
    followed by a word; `safe_valued`: those whose word may be data; `module`: an option whose word names what
    is run; `program_first`: the first plain word is program text and not a file; `rereads`: options are still
    read behind the program text; `input_option`: an option that says the program comes on standard input;
    `code_is_operand`: the option only says that the first plain word is program text; `valued_group`: grouped
    letters of which one takes a word; `verbs`: plain words that say what the next ones are.
    """

    code: re.Pattern[str]
    valued: frozenset[str] = frozenset()
    safe_valued: frozenset[str] = frozenset()
    module: re.Pattern[str] | None = None
    program_first: bool = False
    rereads: bool = True
    input_option: re.Pattern[str] | None = None
    code_is_operand: bool = False
    valued_group: re.Pattern[str] | None = None
    verbs: frozenset[str] = frozenset()
    hint: str = "give it as an argument of its own, behind the program text"


_SHELL = Interpreter(
    re.compile(r"[-+](?!-)[A-Za-z]*c[A-Za-z]*|--command(?:=.*)?"),
    valued=word_set("-o +o -O +O --rcfile --init-file"),
    rereads=False,
    code_is_operand=True,
    valued_group=re.compile(r"[-+](?!-)[A-Za-z]*[oO][A-Za-z]*"),
    input_option=re.compile(r"-(?!-)[A-Za-z]*s[A-Za-z]*"),
    hint="give it as an argument: bash -c '… \"$1\" …' _ VALUE",
)
_PYTHON = Interpreter(
    re.compile(r"-(?!-)[A-Za-z]*?c.*"),
    valued=word_set("-W -X -Q --check-hash-based-pycs"),
    module=re.compile(r"-(?!-)[A-Za-z]*m"),
    rereads=False,
    hint="give it as an argument and read sys.argv: python3 -c '…' VALUE",
)
_PERLISH = Interpreter(
    re.compile(r"-(?![-MmIxVvCD])[A-Za-z0-9]*?[eEr].*", re.DOTALL),
    valued=word_set("-I -C"),
    hint="give it as an argument behind --, and read ARGV",
)
_LONG = Interpreter(
    re.compile(
        r"-(?!-)[A-Za-z]*[eEpcrBRF]+|--(?:eval|print|execute|expr|require|import|run|command|source)(?:=.*)?",
        re.DOTALL,
    ),
    verbs=word_set("eval run exec"),
    hint="give it as an argument behind the program text and --",
)
_AWK = Interpreter(
    re.compile(r"(?:-e|--source)(?:.*)", re.DOTALL),
    valued=word_set("-v -F --assign --field-separator -f --file -i -l -E --include --load --exec"),
    safe_valued=word_set("-v -F --assign --field-separator"),
    module=re.compile(r"-f|--file|-E|--exec"),
    program_first=True,
    rereads=False,
    hint="give it as ENVIRON: VALUE=… awk '… ENVIRON[\"VALUE\"] …'",
)
_SED = Interpreter(
    re.compile(r"-(?!-)[nErsuz]*e.*|--expression(?:=.*)?", re.DOTALL),
    valued=word_set("-l --line-length"),
    module=re.compile(r"-f|--file"),
    program_first=True,
    hint="sed runs commands it finds in its script; use awk with ENVIRON, or python3 with sys.argv",
)

INTERPRETERS = {
    **dict.fromkeys(word_set("sh bash dash zsh ksh mksh ash fish rbash csh tcsh"), _SHELL),
    **dict.fromkeys(word_set("python python2 python3 pypy pypy3 ipython"), _PYTHON),
    **dict.fromkeys(word_set("perl ruby raku"), _PERLISH),
    **dict.fromkeys(
        word_set("""node nodejs deno bun tsx ts-node php lua luajit Rscript julia groovy scala elixir
    erl osascript pwsh tclsh clojure guile racket ocaml sbcl ghc irb jshell bb swift kotlin wish"""),
        _LONG,
    ),
    **dict.fromkeys(word_set("awk gawk mawk nawk"), _AWK),
    **dict.fromkeys(word_set("sed gsed"), _SED),
}
_VERSION = re.compile(r"[\d.]+$")


def interpreter(name: str) -> Interpreter | None:
    """The interpreter of that program name, its version number left aside."""
    return INTERPRETERS.get(name) or INTERPRETERS.get(_VERSION.sub("", name))
