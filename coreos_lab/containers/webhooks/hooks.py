"""The webhooks of a registry as they are kept: a file that is read when the service starts."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from coreos_lab import disk
from coreos_lab.containers import names
from coreos_lab.errors import UsageError

URL_MAX = 2048


@dataclass(frozen=True)
class Hook:
    """A URL that is called when a tag is pushed: to `repository` (library/NAME for a plain name), or to any for "".

    `added` is when, in seconds since 1970: what was pushed before does not concern it.
    """

    id: str
    url: str
    repository: str
    added: float

    def concerns(self, repository: str, at: float) -> bool:
        """Whether a push to a repository at a time is to be told to it."""
        return self.repository in ("", repository) and at >= self.added


def read(path: Path) -> list[Hook]:
    """The hooks in a file, oldest first; none where there is no file."""
    return [Hook(**raw) for raw in disk.read_json(path)] if path.exists() else []


def write(path: Path, hooks: list[Hook]) -> None:
    """Keeps hooks, for their owner alone: a URL may be as good as a password."""
    disk.write_atomic(path, json.dumps([asdict(each) for each in hooks], indent=2) + "\n", 0o600)


def made(url: str, repository: str, there: list[Hook]) -> Hook:
    """A new hook. UsageError for a URL or a repository that is none, and for one that is there already."""
    _check_url(url)
    if repository:
        plain, tag = names.split(repository)
        if repository.endswith(f":{tag}"):
            raise UsageError(f"--repository {repository}: a repository has no tag", "the payload says which was pushed")
        repository = plain
    if any((each.url, each.repository) == (url, repository) for each in there):
        raise UsageError(f"{url}: is a webhook of that repository already")
    return Hook(secrets.token_hex(4), url, repository, time.time())


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and parts.username is None and not parts.fragment
    except ValueError:  # a port that is no number
        usable = False
    if not usable or len(url) > URL_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(
            f"{url[:80]}: no URL that can be called", "such as https://ci.example.org/hook, without a password in it"
        )


def chosen(which: str, there: list[Hook]) -> list[Hook]:
    """The hooks with this id or URL. UsageError for none."""
    found = [each for each in there if which in (each.id, each.url)]
    if not found:
        listed = ", ".join(f"{each.id} {each.url}" for each in there) or "none"
        raise UsageError(f"{which}: no such webhook (there is: {listed})")
    return found
