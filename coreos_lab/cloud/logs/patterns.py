"""Filter patterns for events without structure: terms, texts in quotes, exclusions, alternatives.

Source: "Filter pattern syntax for metric filters, subscription filters, filter log events, and Live Tail" in the user
guide of CloudWatch Logs. Patterns for JSON, for fields between spaces and regular expressions are refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from coreos_lab.cloud.logs.actions import invalid

LENGTH_MAX = 1024
PART = re.compile(r'\s*([-?]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')
OTHERS = {"{": "patterns for JSON", "[": "patterns for fields", "%": "regular expressions"}


@dataclass(frozen=True)
class Pattern:
    """What an event must have: all of `needed`, one of `either` if there are any, and none of `excluded`."""

    needed: tuple[str, ...] = ()
    either: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def matches(self, message: str) -> bool:
        """Whether an event's message matches. Case matters."""
        return (
            all(each in message for each in self.needed)
            and (not self.either or any(each in message for each in self.either))
            and not any(each in message for each in self.excluded)
        )


def parse(text: str) -> Pattern:
    """Reads a pattern; an empty one matches everything. RefusedError for one that cannot be read."""
    if len(text) > LENGTH_MAX:
        raise invalid(f"filterPattern: has {len(text)} characters; {LENGTH_MAX} is the most")
    if kind := OTHERS.get(text.strip()[:1]):
        raise invalid(f"filterPattern {text}: {kind} are not part of this cloud (see docs/cloud.md)")
    found: dict[str, list[str]] = {"": [], "?": [], "-": []}
    place = 0
    while place < len(text.rstrip()):
        part = PART.match(text, place)
        if part is None:
            raise invalid(f"Invalid filter pattern: {text}")
        sign, quoted, plain = part.groups()
        if plain and not re.fullmatch(r"\w+", plain):
            raise invalid(f'Invalid filter pattern: {plain}: a term with other than letters and digits needs "quotes"')
        found[sign].append(plain or re.sub(r"\\(.)", r"\1", quoted or ""))
        place = part.end()
    if found["?"] and (found[""] or found["-"]):
        raise invalid(f"filterPattern {text}: AWS ignores ?terms beside other terms, so use them alone")
    return Pattern(tuple(found[""]), tuple(found["?"]), tuple(found["-"]))
