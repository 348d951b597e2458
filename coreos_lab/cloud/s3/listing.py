"""One page of a list of keys: with a prefix, and with what is behind a delimiter as one entry.

What a page costs does not depend on how many objects are before it, after it or behind a common prefix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from coreos_lab.cloud.s3.index import Stored

MOST = 1000  # entries of a page: AWS's limit
LAST, SURROGATES = 0x10FFFF, range(0xD800, 0xE000)  # code points: the greatest, and those that no text has
Read = Callable[[str, str, int], list[Stored]]  # Index.objects_from, of one bucket


@dataclass
class Page:
    """Objects and common prefixes. `last` is where the next page begins, "" where there is none."""

    objects: list[Stored] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""

    @property
    def length(self) -> int:
        return len(self.objects) + len(self.prefixes)


def page(read: Read, prefix: str, delimiter: str, after: str, most: int) -> Page:
    """The first entries behind `after`: a key, or a common prefix, behind which all that begins with it is left out."""
    found, last, end = Page(), "", behind(prefix)
    first = _next(after, prefix, delimiter) if after else prefix
    while first is not None and (objects := read(max(prefix, first), end, 1 if delimiter else most + 1)):
        for each in objects:
            if found.length == most:
                found.last = last
                return found
            last = _common(each.key, prefix, delimiter)
            if last:
                found.prefixes.append(last)
            else:
                found.objects.append(each)
                last = each.key
        first = _next(last, prefix, delimiter)
    return found


def _common(key: str, prefix: str, delimiter: str) -> str:
    """The common prefix that a key is listed as, "" where it is listed itself."""
    head, sign, _tail = key.removeprefix(prefix).partition(delimiter) if delimiter else (key, "", "")
    return prefix + head + sign if sign else ""


def _next(entry: str, prefix: str, delimiter: str) -> str | None:
    """The first key that can be the next entry behind this one, None where there is none."""
    common = _common(entry, prefix, delimiter) if entry.startswith(prefix) else ""
    return (behind(common) or None) if common else f"{entry}\0"


def behind(prefix: str) -> str:
    """The first text that is behind all those that begin with a prefix, "" where there is none."""
    kept = prefix.rstrip(chr(LAST))
    if not kept:
        return ""
    code = ord(kept[-1]) + 1
    return kept[:-1] + chr(SURROGATES.stop if code in SURROGATES else code)
