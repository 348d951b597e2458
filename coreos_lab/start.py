"""The entry point of `lab`: Ctrl-C prints no traceback, even while Python is still importing."""

from __future__ import annotations

import signal

from coreos_lab import garbage


def main() -> None:
    """Runs the command line. Until cli.py handles signals, SIGINT ends the process at once, as SIGTERM does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    garbage.begin()
    from coreos_lab.cli import main as run

    try:
        run()
    finally:
        garbage.end()
