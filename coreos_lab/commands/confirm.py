"""A question to whoever sits at the terminal, before something that they may not have meant."""

from __future__ import annotations

import sys


def confirmed(question: str) -> bool:
    """Whether the answer is yes. Without a terminal there is nobody to ask, and the end of the input is no answer."""
    if not sys.stdin.isatty():
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
