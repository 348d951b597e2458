"""What is printed when a call does not succeed, and the exit code that goes with it."""

from __future__ import annotations

import errno
import os
import sys

import typer

from coreos_lab import hints, interrupts
from coreos_lab.errors import Exit, LabError
from coreos_lab.report.clean import clean

# What the host can deny any command: space, permission, descriptors, a file system that can be written and read, a path
# of that length, with so many links, or with a file where a folder is meant.
ENVIRONMENT_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EISDIR,
    errno.ENOTDIR,
}


def report(error: Exception) -> int:
    """Prints one clear line for what a user can mend, and a log file's path for a bug. Returns the exit code."""
    if _by_interrupt(error):
        return interrupted()
    if os.environ.get("LAB_DEBUG"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        verb = context.command_path.split()[1:] if context else []
        print(f"lab: {_printable(error.format_message())}\n     see '{hints.lab(*verb, '--help')}'", file=sys.stderr)
        return Exit.USAGE
    if isinstance(error, LabError):
        print(f"lab: {_printable(error.message)}", file=sys.stderr)
        for line in error.details.splitlines():
            print(f"     | {clean(line)}", file=sys.stderr)
        if error.hint:
            print(f"     {_printable(error.hint)}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, OSError) and error.errno in ENVIRONMENT_ERRORS:
        where = f"{error.filename}: " if error.filename else ""
        print(f"lab: {_printable(where)}{error.strerror}", file=sys.stderr)
        return Exit.ENVIRONMENT
    return _bug(error)


def interrupted() -> int:
    """Tells the other threads to stop, and prints how to go on. Returns the exit code."""
    interrupts.come.set()
    if hints.current().has_cluster:
        begun = (
            "what was begun is on record: the same command goes on with it,\n"
            f"     '{hints.lab('heal')}' undoes faults, '{hints.lab('destroy')}' removes the cluster"
        )
        if broken := _broken():
            begun = f"still broken: {broken}; '{hints.lab('heal')}' undoes that"
    else:  # --name has not been read, or there is none: a command to paste would be for another cluster
        begun = "no cluster was changed"
    print(f"lab: interrupted; {begun}", file=sys.stderr)
    return interrupts.exit_code()


def _broken() -> str:
    """The faults of the call's cluster that are not healed, in words; "" for none, and where the record is not read."""
    from coreos_lab.records import fault_journal, store

    try:
        cluster = store.load(hints.current().name)
        faults = fault_journal.open_faults(cluster) if cluster else []
    except (LabError, OSError):
        return ""
    return ", ".join(f"{fault.node} ({fault.kind.value})" for fault in faults)


def _by_interrupt(error: Exception) -> bool:
    """Whether Ctrl-C caused it: while a thread is being started, Python then reports a lock that is not held."""
    return isinstance(error, RuntimeError) and isinstance(error.__context__, KeyboardInterrupt)


def _printable(text: str) -> str:
    """One line of printable characters: user input may contain line breaks, or move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _bug(error: Exception) -> int:
    import tempfile
    import traceback

    from coreos_lab import version

    with tempfile.NamedTemporaryFile("w", prefix="lab-bug-", suffix=".log", delete=False) as out:
        print(f"lab {version.current()}, Python {sys.version}\n{os.uname()}\n{sys.argv}", file=out)
        traceback.print_exception(error, file=out)
    print(
        f"lab: a bug of ours: {type(error).__name__}: {error}\n     please report it with {out.name}",
        file=sys.stderr,
    )
    return Exit.BUG
