"""One root for every error that a user can meet, and the exit code that goes with each."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command. 130 is the shell's own for SIGINT."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNKNOWN = 3
    ENVIRONMENT = 4
    BUG = 70
    INTERRUPTED = 130


class LabError(Exception):
    """The environment or an operation failed.

    `message` is one line that names the thing and the place; `hint` says what to do about it;
    `details` are further lines worth showing (journal lines, the end of a tool's output).
    """

    exit_code: Exit = Exit.ENVIRONMENT

    def __init__(self, message: str, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details


class UsageError(LabError):
    """What was asked for makes no sense: a wrong option, name or file."""

    exit_code = Exit.USAGE


class FailedError(LabError):
    """A check or a verdict failed: the lab worked, the cluster did not."""

    exit_code = Exit.FAILED


class UnknownError(LabError):
    """It could not be found out. Never to be read as a pass."""

    exit_code = Exit.UNKNOWN
