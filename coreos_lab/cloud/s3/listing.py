"""One page of a list of keys: with a prefix, and with what is behind a delimiter as one entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from coreos_lab.cloud.s3.index import Stored

MOST = 1000  # entries of a page: AWS's limit


@dataclass
class Page:
    """Objects and common prefixes. `last` is where the next page begins, "" where there is none."""

    objects: list[Stored] = field(default_factory=list)
    prefixes: list[str] = field(default_factory=list)
    last: str = ""

    @property
    def length(self) -> int:
        return len(self.objects) + len(self.prefixes)


def page(objects: Iterable[Stored], prefix: str, delimiter: str, after: str, most: int) -> Page:
    """The first entries behind `after` (a key, or a common prefix) of objects in the order of their keys."""
    found = Page()
    last = ""
    for each in objects:
        rest = each.key.removeprefix(prefix)
        head, sign, _tail = rest.partition(delimiter) if delimiter else (rest, "", "")
        entry = prefix + head + sign
        if entry == last or (sign and entry <= after):
            continue
        if found.length == most:
            found.last = last
            break
        last = entry
        if sign:
            found.prefixes.append(entry)
        else:
            found.objects.append(each)
    return found
