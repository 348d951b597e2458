"""Text of machines, made fit to be shown: nothing in it acts on a page, a terminal or the order of letters."""

from __future__ import annotations

import re

# Controls (but for tab and newline), what reorders or hides text, surrogates (which no encoding has), noncharacters.
ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
)
PICTURES = 0x2400  # Unicode has a picture for each control of ASCII
DELETE = 0x7F


def clean(text: str) -> str:
    """The text with a visible sign for each character that is not one."""
    return ACTIVE.sub(_sign, text)


def cut(text: str, characters: int) -> str:
    """The text, cleaned; of a long one its beginning, with how much more there was."""
    more = len(text) - characters
    return clean(text) if more <= 0 else f"{clean(text[:characters])} … ({more} more characters)"


def _sign(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number < ord(" "):
        return chr(PICTURES + number)
    return "␡" if number == DELETE else f"<U+{number:04X}>"
