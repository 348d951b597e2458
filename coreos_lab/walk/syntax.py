"""Whether a command that is typed line by line has its end. The shell's own parser says so, and runs nothing."""

from __future__ import annotations

import re

from coreos_lab import run

# What bash says of text that ends too early. A line of the text that it repeats stands behind a backquote.
TOO_EARLY = re.compile(
    r"^[^`\n]*: line \d+: (?:(?:syntax error: )?unexpected (?:end of file|EOF|token `EOF' in conditional command)"
    r"|warning: here-document .* delimited by end-of-file)",
    re.MULTILINE,
)


def complete(text: str) -> bool:
    """Whether a shell would run it now, if only to find a mistake in it, instead of asking for another line."""
    if _ends_too_early(text):
        return False
    continued = (len(text) - len(text.rstrip("\\"))) % 2 == 1
    # The parser accepts a last line that ends with a backslash. A quote there has no end, except in a comment.
    return not (continued and _ends_too_early(text[:-1] + '"'))


def _ends_too_early(text: str) -> bool:
    said = run.run(["bash", "-n"], input_text=f"{text}\n", env={"LC_ALL": "C"}, check=False)
    return TOO_EARLY.search(said.stderr) is not None
