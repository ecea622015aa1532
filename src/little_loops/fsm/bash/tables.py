"""The tables of `commands`: which programs and builtins do more with a word than read it.

Law: data only. A name stands in one table; a name in none gets literal words and may do with them what it
likes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ARGUMENT = "pass it to a program as an argument of its own"
_STDIN = "send it on standard input: printf '%s' VALUE | …"

# name -> (what it does with its words, the safe way)
PARSES_AGAIN = {
    "eval": ("eval parses its words as bash again", "run the command itself, without eval"),
    "source": ("source runs what it is given", "write the name of the file in the loop"),
    ".": ("'.' runs what it is given", "write the name of the file in the loop"),
    "trap": (
        "trap parses its words as bash again",
        "assign it to a variable and use the variable in the trap's function",
    ),
    "alias": ("alias parses its words as bash again", "write a function"),
    "bind": ("bind parses its words again", _ARGUMENT),
    "complete": ("complete runs what it is given", _ARGUMENT),
    "compgen": ("compgen expands its words again", _ARGUMENT),
    "compopt": ("compopt takes names of commands", _ARGUMENT),
    "fc": ("fc runs commands again", _ARGUMENT),
    "coproc": ("coproc runs what it is given", "write the name of the program in the loop"),
    "enable": ("enable loads code", "write the name of the builtin in the loop"),
    "hash": ("hash decides what a command name runs", "write the name of the program in the loop"),
    "jobs": ("jobs -x runs what it is given", "use jobs without the value"),
    "ssh": ("ssh hands its words to a shell on the other host", _STDIN.replace("…", "ssh HOST 'cat > file'")),
    "rsh": ("rsh hands its words to a shell on the other host", _STDIN),
    "mosh": ("mosh hands its words to a shell on the other host", _STDIN),
    "watch": ("watch hands its words to a shell", "write a loop with sleep"),
    "script": ("script hands its words to a shell", _ARGUMENT),
    "su": ("su hands its words to a shell", "use sudo with the program and the value as words"),
    "tmux": ("tmux hands its words to a shell", _STDIN),
    "screen": ("screen runs or types what it is given", _STDIN),
    "parallel": ("parallel hands its words to a shell", "use a loop: while read -r line; do …; done"),
    "expect": ("expect runs what it is given", _STDIN),
    "at": ("at runs what it is given", _ARGUMENT),
    "batch": ("batch runs what it is given", _ARGUMENT),
    "crontab": ("crontab installs commands", _ARGUMENT),
    "make": (
        "make expands its words and variables again",
        "export it: VALUE=… make goal, with $$VALUE in the recipe",
    ),
    "gmake": (
        "make expands its words and variables again",
        "export it: VALUE=… make goal, with $$VALUE in the recipe",
    ),
    "vim": ("vim runs commands it is given", _STDIN),
    "nvim": ("nvim runs commands it is given", _STDIN),
    "vi": ("vi runs commands it is given", _STDIN),
    "ex": ("ex runs commands it is given", _STDIN),
    "ed": ("ed runs commands it is given", _STDIN),
    "emacs": ("emacs evaluates its words", _STDIN),
    "gdb": ("gdb runs commands it is given", _STDIN),
    "m4": ("m4 runs syscmd in what it is given", _STDIN),
    "sqlite3": ("sqlite3 parses its words, .shell among them", "bind it as a parameter, from a program"),
    "psql": ("psql parses its words, \\! among them", "bind it as a parameter, from a program"),
    "mysql": ("mysql parses its words, system among them", "bind it as a parameter, from a program"),
    "unset": ("unset takes names of variables and evaluates their index", "write the name in the loop"),
    "getopts": ("getopts takes the name of a variable", "write the name in the loop"),
    "mapfile": ("mapfile takes the name of an array", "give the value with <<<"),
    "readarray": ("readarray takes the name of an array", "give the value with <<<"),
}
# Of these, what stands on standard input is run, whatever their words are.
READS_COMMANDS = frozenset(
    [
        "at",
        "batch",
        "crontab",
        "expect",
        "parallel",
        "vim",
        "nvim",
        "vi",
        "ex",
        "ed",
        "emacs",
        "gdb",
        "m4",
        "sqlite3",
        "psql",
        "mysql",
        "su",
        "tmux",
    ]
)

DECLARES = frozenset({"export", "declare", "typeset", "local", "readonly"})
# Words are only read. Everything not known is searched for an interpreter among its words; these are not.
INERT = frozenset(
    [
        "echo",
        "cat",
        "grep",
        "egrep",
        "fgrep",
        "rg",
        "tee",
        "head",
        "tail",
        "wc",
        "sort",
        "uniq",
        "tr",
        "cut",
        "gh",
        "cd",
        "ls",
        "true",
        ":",
        "mkdir",
        "cp",
        "mv",
        "rm",
        "touch",
        "basename",
        "dirname",
        "jq",
        "diff",
        "cmp",
        "stat",
        "file",
        "date",
        "sleep",
        "exit",
        "return",
        "break",
        "continue",
        "shift",
        "kill",
        "expr",
        "seq",
        "pytest",
        "ruff",
    ]
)
# Programs whose words hold another command somewhere.
RUNNERS = frozenset(
    [
        "docker",
        "podman",
        "nerdctl",
        "kubectl",
        "oc",
        "lxc",
        "nsenter",
        "vagrant",
        "uv",
        "uvx",
        "poetry",
        "pipenv",
        "pipx",
        "hatch",
        "pdm",
        "rye",
        "npx",
        "pnpm",
        "npm",
        "yarn",
        "bunx",
        "conda",
        "mamba",
        "direnv",
        "nix",
        "nix-shell",
        "mise",
        "asdf",
        "pyenv",
        "rbenv",
        "bundle",
        "cargo",
        "wsl",
        "firejail",
        "bwrap",
        "rlwrap",
    ]
)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A program that runs another.

    `valued`: options followed by a word of their own; `leading`: words before the other program; `assigns`:
    takes NAME=value words; `parsed`: options whose word is parsed again.
    """

    valued: frozenset[str] = frozenset()
    leading: int = 0
    assigns: bool = False
    parsed: frozenset[str] = frozenset()


def _wraps(valued: str = "", leading: int = 0, assigns: bool = False, parsed: str = "") -> Wrapper:
    return Wrapper(frozenset(valued.split()), leading, assigns, frozenset(parsed.split()))


WRAPPERS = {
    "env": _wraps("-u -C --unset --chdir", assigns=True, parsed="-S --split-string"),
    "sudo": _wraps("-u -g -h -p -C -r -t -T -U -D -R", assigns=True),
    "doas": _wraps("-u -C"),
    "nohup": _wraps(),
    "timeout": _wraps("-s -k --signal --kill-after", leading=1),
    "gtimeout": _wraps("-s -k --signal --kill-after", leading=1),
    "exec": _wraps("-a"),
    "command": _wraps(),
    "builtin": _wraps(),
    "nice": _wraps("-n --adjustment"),
    "ionice": _wraps("-c -n -p --class --classdata"),
    "setsid": _wraps(),
    "stdbuf": _wraps("-i -o -e --input --output --error"),
    "time": _wraps("-o -f --output --format"),
    "flock": _wraps("-w -E --timeout --conflict-exit-code", leading=1, parsed="-c --command"),
    "chroot": _wraps(leading=1),
    "taskset": _wraps(leading=1),
    "strace": _wraps("-o -e -p -s -u -E"),
    "ltrace": _wraps("-o -e -p -s -u"),
    "unshare": _wraps(),
    "systemd-run": _wraps("-p -u --property --unit"),
    "caffeinate": _wraps("-t -w"),
    "unbuffer": _wraps(),
    "chronic": _wraps(),
    "busybox": _wraps(),
    "toybox": _wraps(),
}
XARGS = _wraps(
    "-I -n -P -L -d -s -E -a -R -S --max-args --max-procs --max-lines --max-chars --delimiter --arg-file"
)


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that runs program text.

    `code`: an option that brings program text (at its end or in the next word); `valued`: other options
    followed by a word; `safe_valued`: those whose word may be data; `module`: an option whose word names what
    is run; `program_first`: the first plain word is program text and not a file; `rereads`: options are still
    read behind the program text; `input_option`: an option that says the program comes on standard input.
    """

    code: re.Pattern[str]
    valued: frozenset[str] = frozenset()
    safe_valued: frozenset[str] = frozenset()
    module: re.Pattern[str] | None = None
    program_first: bool = False
    rereads: bool = True
    input_option: re.Pattern[str] | None = None
    hint: str = "give it as an argument of its own, behind the program text"


_SHELL = Interpreter(
    re.compile(r"[-+](?!-)[A-Za-z]*c[A-Za-z]*|--command(?:=.*)?"),
    valued=frozenset(["-o", "+o", "-O", "+O", "--rcfile", "--init-file"]),
    rereads=False,
    input_option=re.compile(r"-(?!-)[A-Za-z]*s[A-Za-z]*"),
    hint="give it as an argument: bash -c '… \"$1\" …' _ VALUE",
)
_PYTHON = Interpreter(
    re.compile(r"-(?!-)[A-Za-z]*?c.*"),
    valued=frozenset(["-W", "-X", "-Q", "--check-hash-based-pycs"]),
    module=re.compile(r"-(?!-)[A-Za-z]*m"),
    rereads=False,
    hint="give it as an argument and read sys.argv: python3 -c '…' VALUE",
)
_PERLISH = Interpreter(
    re.compile(r"-(?![-MmIxVvCD])[A-Za-z0-9]*?[eEr].*", re.DOTALL),
    valued=frozenset(["-I", "-C"]),
    hint="give it as an argument behind --, and read ARGV",
)
_LONG = Interpreter(
    re.compile(
        r"-(?!-)[A-Za-z]*[eEpcrBRF]+|--(?:eval|print|execute|expr|require|import|run|command|source)(?:=.*)?",
        re.DOTALL,
    ),
    hint="give it as an argument behind the program text and --",
)
_AWK = Interpreter(
    re.compile(r"(?:-e|--source)(?:.*)", re.DOTALL),
    valued=frozenset(
        [
            "-v",
            "-F",
            "--assign",
            "--field-separator",
            "-f",
            "--file",
            "-i",
            "-l",
            "-E",
            "--include",
            "--load",
            "--exec",
        ]
    ),
    safe_valued=frozenset(["-v", "-F", "--assign", "--field-separator"]),
    module=re.compile(r"-f|--file|-E|--exec"),
    program_first=True,
    rereads=False,
    hint="give it as ENVIRON: VALUE=… awk '… ENVIRON[\"VALUE\"] …'",
)
_SED = Interpreter(
    re.compile(r"-(?!-)[nErsuz]*e.*|--expression(?:=.*)?", re.DOTALL),
    valued=frozenset(["-l", "--line-length"]),
    module=re.compile(r"-f|--file"),
    program_first=True,
    hint="sed runs commands it finds in its script; use awk with ENVIRON, or python3 with sys.argv",
)

INTERPRETERS = {
    **dict.fromkeys(
        ["sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "fish", "rbash", "csh", "tcsh"], _SHELL
    ),
    **dict.fromkeys(["python", "python2", "python3", "pypy", "pypy3", "ipython"], _PYTHON),
    **dict.fromkeys(["perl", "ruby", "raku"], _PERLISH),
    **dict.fromkeys(
        [
            "node",
            "nodejs",
            "deno",
            "bun",
            "tsx",
            "ts-node",
            "php",
            "lua",
            "luajit",
            "Rscript",
            "julia",
            "groovy",
            "scala",
            "elixir",
            "erl",
            "osascript",
            "pwsh",
            "tclsh",
            "clojure",
            "guile",
            "racket",
            "ocaml",
            "sbcl",
            "ghc",
            "irb",
            "jshell",
            "bb",
            "swift",
            "kotlin",
            "wish",
        ],
        _LONG,
    ),
    **dict.fromkeys(["awk", "gawk", "mawk", "nawk"], _AWK),
    **dict.fromkeys(["sed", "gsed"], _SED),
}
_VERSION = re.compile(r"[\d.]+$")


def interpreter(name: str) -> Interpreter | None:
    """The interpreter of that program name, its version number left aside."""
    return INTERPRETERS.get(name) or INTERPRETERS.get(_VERSION.sub("", name))


# Words after these options, or beginning so, are run by the program.
RUN_OPTIONS = {
    "git": re.compile(
        r"-c|-x|--exec|--upload-pack|--receive-pack|--open-files-in-pager|--extcmd|--config-env|-O"
    ),
    "tar": re.compile(
        r"-I|-F|--use-compress-program|--to-command|--checkpoint-action|--rsh-command|--info-script"
    ),
    "gtar": re.compile(
        r"-I|-F|--use-compress-program|--to-command|--checkpoint-action|--rsh-command|--info-script"
    ),
    "rsync": re.compile(r"-e|--rsh|--rsync-path"),
    "scp": re.compile(r"-S|-o"),
    "sftp": re.compile(r"-S|-o|-D"),
    "sort": re.compile(r"--compress-program"),
    "zip": re.compile(r"-TT|--unzip-command"),
    "man": re.compile(r"-P|--pager|-H|--html"),
    "less": re.compile(r"\+.*"),
    "curl": re.compile(r"-K|--config"),
    "wget": re.compile(r"-e|--execute|--use-askpass"),
}
