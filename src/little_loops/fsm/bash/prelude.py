"""Which values travel in the environment, which by file, and the bash text that reads those files.

Law: pure planning. Nothing is written here, and the text read by bash names files, never values.
"""

from __future__ import annotations

from collections.abc import Mapping

SINGLE_LIMIT = 32 * 1024
TOTAL_LIMIT = 96 * 1024


def by_file(values: Mapping[str, str]) -> tuple[str, ...]:
    """The variables whose values are too large for the environment, largest first.

    A value above 32 KiB of UTF-8 goes by file; then the largest of the others until at most 96 KiB are left.
    """
    sizes = {name: len(value.encode("utf-8", "replace")) for name, value in values.items()}
    total = sum(sizes.values())
    found: list[str] = []
    for name in sorted(sizes, key=lambda each: (-sizes[each], each)):
        if sizes[name] <= SINGLE_LIMIT and total <= TOTAL_LIMIT:
            break
        found.append(name)
        total -= sizes[name]
    return tuple(found)


def prelude(variables_by_file: Mapping[str, str]) -> str:
    """Bash text to put right before an action: it reads each variable from its file (name -> path).

    The variable is a shell variable, not an environment one, and holds every byte of the file, which must
    hold no NUL. `NAME_FILE` is exported with the path, for programs that the action starts. The text has no
    line break, so that bash still counts the action's own lines, leaves `$?` at 0, and is empty when there is
    nothing to read.
    """
    return "".join(_read(name, path) for name, path in variables_by_file.items())


def _read(name: str, path: str) -> str:
    quoted = "'" + path.replace("'", "'\\''") + "'"
    return f"LC_ALL=C IFS= read -r -d '' {name} < {quoted} || :; export {name}_FILE={quoted}; "
