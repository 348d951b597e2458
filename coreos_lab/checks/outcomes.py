"""What an exception in a check means: a failure, or that the check could not be carried out."""

from __future__ import annotations

import ast
import re

import pytest

from coreos_lab.errors import LabError
from coreos_lab.model import Outcome

SSH_FAILED = 255  # exit code of ssh itself, when it could not run the command
# The assertion of testinfra's check_output(): one line with the command, its exit code and its whole output.
COMMAND_FAILED = re.compile(
    r"Unexpected exit code (?P<code>\d+) for CommandResult\(.*?command=(?P<command>b['\"].*), "
    r"_stdout=(?P<stdout>b['\"].*), _stderr=(?P<stderr>b['\"].*)\)",
    re.DOTALL,
)


def judge(error: BaseException, where: str) -> tuple[Outcome, str]:
    """The outcome of a check that raised an exception, and the reason in one line.

    Only an assertion is a failure: any other exception means that it could not be checked.
    """
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return Outcome.FAIL, _line(_assertion(str(error), where))
    if isinstance(error, LabError):
        return Outcome.UNKNOWN, _line(f"{error.message}\n{error.details}")
    if isinstance(error, RuntimeError) and getattr(error.args[0] if error.args else None, "rc", None) == SSH_FAILED:
        lines = str(error.args[0].stderr).strip().splitlines()
        return Outcome.UNKNOWN, f"ssh: {lines[-1].removeprefix('ssh: ') if lines else 'the connection failed'}"
    if isinstance(error, pytest.skip.Exception):
        return Outcome.UNKNOWN, f"not checked: {error.msg}"
    return Outcome.UNKNOWN, _line(f"{type(error).__name__}: {error} ({where})")


def _assertion(text: str, where: str) -> str:
    """An assertion's message, without what pytest adds to it."""
    if failed := COMMAND_FAILED.fullmatch(text):
        command, stdout, stderr = (ast.literal_eval(failed[name]).decode() for name in ("command", "stdout", "stderr"))
        return f"{command}: exit code {failed['code']}\n{stderr or stdout}"
    words, _, introspection = text.partition("\nassert ")
    if words.startswith("assert "):
        return f"{words.splitlines()[0]} ({where})"
    return words or f"assert {introspection}"


def _line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())
