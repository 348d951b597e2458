"""The errors that a user can meet, all below LabError, each with its exit code."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command. From 128 on they are the shell's own: 128 and the number of a signal."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    ENVIRONMENT = 4
    BUG = 70
    INTERRUPTED = 130
    UNHEARD = 141  # SIGPIPE: the reader of our stdout has ended


class LabError(Exception):
    """The environment or an operation failed.

    `message` is one line that names the thing and the place; `hint` is the remedy;
    `details` are further lines worth showing (journal lines, the end of a tool's output).
    """

    exit_code: Exit = Exit.ENVIRONMENT

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(LabError):
    """The user's input is wrong: an option, a name or a file."""

    exit_code = Exit.USAGE


class FailedError(LabError):
    """A check or a verdict failed: the lab worked, the cluster did not."""

    exit_code = Exit.FAILED


class UnknownError(LabError):
    """The result could not be found out, which is never a pass."""

    exit_code = Exit.UNKNOWN
