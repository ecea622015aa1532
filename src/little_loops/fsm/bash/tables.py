"""The tables of `commands`: which programs and builtins do more with a word than read it.

Law: data only. A name stands in one table; a name in none gets literal words and may do with them what it
likes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from little_loops.fsm.bash.wordset import word_set

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
    "dc": ("dc runs commands it is given", "use bc"),
    "gnuplot": ("gnuplot runs commands it is given", _STDIN),
    "octave": ("octave runs commands it is given", _STDIN),
    "R": ("R runs commands it is given", _STDIN),
    "ghci": ("ghci runs commands it is given", _STDIN),
    "iex": ("iex runs commands it is given", _STDIN),
    "ftp": ("ftp runs commands it is given", _STDIN),
    "lftp": ("lftp runs commands it is given", _STDIN),
    "sftp": ("sftp runs commands it is given", _STDIN),
    "socat": ("socat runs programs its words name", _STDIN),
    "runuser": ("runuser hands its words to a shell", "use sudo with the program and the value as words"),
    "m4": ("m4 runs syscmd in what it is given", _STDIN),
    "sqlite3": ("sqlite3 parses its words, .shell among them", "bind it as a parameter, from a program"),
    "psql": ("psql parses its words, \\! among them", "bind it as a parameter, from a program"),
    "mysql": ("mysql parses its words, system among them", "bind it as a parameter, from a program"),
    "unset": ("unset takes names of variables and evaluates their index", "write the name in the loop"),
    "getopts": ("getopts takes the name of a variable", "write the name in the loop"),
    "mapfile": ("mapfile takes the name of an array", "give the value with <<<"),
    "readarray": ("readarray takes the name of an array", "give the value with <<<"),
}
# Options of these whose word is only read.
SAFE_VALUES = {"make": word_set("-C --directory -j"), "gmake": word_set("-C --directory -j")}
# Of these, what stands on standard input is run, whatever their words are.
READS_COMMANDS = word_set(
    """
    at batch crontab expect parallel vim nvim vi ex ed emacs gdb m4 sqlite3 psql mysql su tmux dc gnuplot
    octave R ghci iex ftp lftp sftp runuser
    """
)

DECLARES = word_set("export declare typeset local readonly")
# Words are only read. Everything not known is searched for an interpreter among its words; these are not.
INERT = word_set(
    """
    echo cat grep egrep fgrep rg tee head tail wc sort uniq tr cut gh cd ls true : mkdir cp mv rm touch
    basename dirname jq diff cmp stat file date sleep exit return break continue shift kill expr seq pytest
    ruff
    """
)
# Programs whose words hold another command somewhere.
RUNNERS = word_set(
    """
    docker podman nerdctl kubectl oc lxc nsenter vagrant uv uvx poetry pipenv pipx hatch pdm rye npx pnpm npm
    yarn bunx conda mamba direnv nix nix-shell mise asdf pyenv rbenv bundle cargo wsl firejail bwrap rlwrap
    """
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
# Long options of these programs that are known to stand alone; of any other, the next word may be its value.
LONE_OPTIONS = word_set(
    """
    --foreground --preserve-status --verbose --ignore-environment --null --preserve-env --non-interactive
    --background --wait --fork --pty --scope --quiet --collect --pipe --exclusive --shared --nonblock
    --portability --append --no-run-if-empty --exit --open-tty --interactive --map-root-user --mount --net
    --pid
    """
)


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
    "sort": re.compile(r"--compress-program"),
    "zip": re.compile(r"-TT|--unzip-command"),
    "man": re.compile(r"-P|--pager|-H|--html"),
    "less": re.compile(r"\+.*"),
    "curl": re.compile(r"-K|--config"),
    "wget": re.compile(r"-e|--execute|--use-askpass"),
}
