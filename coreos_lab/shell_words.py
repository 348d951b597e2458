"""Words for a shell: as they are printed, so that what a reader pastes, or evaluates, is what was meant."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

# Signs that neither printf, nor a shell in quotes, nor an interactive shell's history takes for something else.
_AS_THEY_ARE = re.compile(r"[A-Za-z0-9 ./_:=,+@~()-]")


def quoted(text: str) -> str:
    """One word, quoted where that is needed.

    A name of a file may have bytes that are no text, or that would move a terminal's cursor. They are written as octal
    numbers, which printf(1) of every shell turns into bytes again.
    """
    if text.isprintable():
        return shlex.quote(text)
    signs = [chr(byte) if _AS_THEY_ARE.match(chr(byte)) else f"\\{byte:03o}" for byte in os.fsencode(text)]
    return f"\"$(printf -- '{''.join(signs)}')\""


def joined(words: Iterable[str]) -> str:
    """Words as one line."""
    return " ".join(map(quoted, words))
