"""What a user can get wrong, as exceptions. Anything that is not a ``UserError`` is a bug of ours.

Nothing here prints or decides an exit code beyond naming its default.
"""

from __future__ import annotations


class UserError(Exception):
    """A mistake or obstacle that the user can remove.

    Args:
        message: what is wrong and where, one or more lines, no trailing newline.
        hint: the next step, or None.
        exit_code: process exit code of the command (1 = the answer is no, 2 = usage or unreadable).
    """

    exit_code: int = 2

    def __init__(self, message: str, hint: str | None = None, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if exit_code is not None:
            self.exit_code = exit_code

    def __str__(self) -> str:
        return self.message


class LoadError(UserError, ValueError):
    """A loop file that cannot be turned into a definition."""


class LoopNotFound(LoadError, FileNotFoundError):
    """No loop file of that name or path."""

    def __str__(self) -> str:
        return self.message


class JournalError(UserError):
    """A journal, or a file it names, that cannot be trusted or read."""


class ScopeHeld(UserError):
    """Another run holds an overlapping scope, or the wait for it ran out."""

    exit_code = 3


class WriteFailed(UserError):
    """The disk refused a journal or output write; the run keeps its valid prefix."""

    exit_code = 1
