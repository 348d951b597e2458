"""Names of container images: as users write them, and as a registry's repositories and tags."""

from __future__ import annotations

import re

from coreos_lab.errors import UsageError

_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"(?P<repository>{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?")


def parse(name: str) -> tuple[str, str] | None:
    """Repository and tag of a plain name, as Docker requests them from a mirror: `nginx` is library/nginx, latest.

    None for a name with a registry's host or a digest, which Docker does not request from a mirror, and for no name.
    """
    matched = _NAME.fullmatch(name)
    if matched is None:
        return None
    repository, tag = matched["repository"], matched["tag"] or "latest"
    host, slash, _ = repository.partition("/")
    if not slash:
        return f"library/{repository}", tag
    return None if "." in host or host == "localhost" else (repository, tag)


def split(name: str) -> tuple[str, str]:
    """Like `parse`, but UsageError instead of None."""
    parsed = parse(name)
    if parsed is None:
        raise UsageError(f"{name}: not a name for a container image", "use lower case, like 'nginx' or 'user/name:tag'")
    return parsed


def same(one: str, other: str) -> bool:
    """Whether two names mean one container image: `nginx` and `nginx:latest` do."""
    return one == other or (parse(one) is not None and parse(one) == parse(other))
