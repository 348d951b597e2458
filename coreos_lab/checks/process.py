"""The program of the process that runs checks: pytest, with an eye on how long it takes to start."""

from __future__ import annotations

import sys

from coreos_lab import garbage


def main() -> int:
    """Runs pytest with the process's arguments; returns its exit code. The plugin says when the checks begin."""
    garbage.begin()
    import pytest

    try:
        return int(pytest.console_main())
    finally:
        garbage.end()


if __name__ == "__main__":
    sys.exit(main())
