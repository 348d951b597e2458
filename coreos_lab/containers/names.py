"""What container images are called: names as people write them, repositories and tags as a registry has them."""

from __future__ import annotations

import re

from coreos_lab.errors import UsageError

_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"(?P<repository>{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?")


def parse(name: str) -> tuple[str, str] | None:
    """Repository and tag of a plain name, as Docker asks a mirror for them: `nginx` is library/nginx, latest.

    None for what names a registry's host or a digest, or is no name at all: no mirror is asked for those.
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
    """The same. Raises UsageError where it would be None."""
    parsed = parse(name)
    if parsed is None:
        raise UsageError(f"{name}: not a name for a container image", "use lower case, like 'nginx' or 'user/name:tag'")
    return parsed


def same(one: str, other: str) -> bool:
    """Whether two names mean one container image: `nginx` and `nginx:latest` do."""
    return one == other or (parse(one) is not None and parse(one) == parse(other))
