"""Characters that must not get where a text goes, and what is written instead."""

from __future__ import annotations

import re

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # a terminal acts on them; not tabs and ends of lines
# What XML cannot have, not even escaped (https://www.w3.org/TR/xml/#charsets). Listed: to compile the complement takes
# ten times as long, in every call of the command.
NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def spelt_out(text: str, strange: re.Pattern[str]) -> str:
    r"""A text whose strange characters are written as Python writes them, such as \x1b."""
    return strange.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
