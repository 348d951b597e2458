"""What can be a webhook, which pushes it is told of, and how it is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.containers.webhooks import hooks
from coreos_lab.containers.webhooks.hooks import Hook
from coreos_lab.errors import UsageError


@pytest.mark.parametrize(
    "url",
    [
        *("", "ci.example.org/hook", "ftp://x/y", "http://", "http://a:b@x/", "http://x:0/", "http://x:port/"),
        *("http://x/ y", "http://x/#part", "http://[::1", "http://x/\n", "http://x/" + "y" * 3000, "http://ü/"),
    ],
)
def test_no_url_that_can_be_called(url: str) -> None:
    with pytest.raises(UsageError, match="no URL that can be called"):
        hooks.made(url, "", [])


@pytest.mark.parametrize("url", ["http://x", "https://x.org:8443/a/b?c=d", "http://[::1]:80/"])
def test_a_url(url: str) -> None:
    assert hooks.made(url, "", []).url == url


def test_a_repository_is_named_as_it_is_pulled() -> None:
    assert hooks.made("http://x", "ch6-web", []).repository == "library/ch6-web"
    assert hooks.made("http://x", "me/ch6-web", []).repository == "me/ch6-web"


@pytest.mark.parametrize(
    ("repository", "says"),
    [("ch6-web:production", "has no tag"), ("Ch6", "not a name"), ("registry.lab:5808/x", "not a name")],
)
def test_no_repository(repository: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        hooks.made("http://x", repository, [])


def test_the_same_one_twice_is_refused() -> None:
    first = hooks.made("http://x", "web", [])
    with pytest.raises(UsageError, match="already"):
        hooks.made("http://x", "web", [first])
    assert hooks.made("http://x", "other", [first])


def test_what_a_hook_is_told_of() -> None:
    every, one = Hook("a", "http://x", "", 100.0), Hook("b", "http://x", "library/web", 100.0)
    assert every.concerns("me/any", 100.0)
    assert not every.concerns("me/any", 99.9), "it was pushed before the webhook was added"
    assert one.concerns("library/web", 101.0)
    assert not one.concerns("library/web2", 101.0)


def test_hooks_are_kept_for_their_owner_alone(tmp_path: Path) -> None:
    made = [hooks.made("http://x", "", [])]
    hooks.write(tmp_path / "hooks.json", made)
    assert hooks.read(tmp_path / "hooks.json") == made
    assert (tmp_path / "hooks.json").stat().st_mode & 0o777 == 0o600
    assert hooks.read(tmp_path / "none.json") == []


def test_one_is_found_by_its_id_and_by_its_url() -> None:
    first, second = Hook("aa", "http://x", "a", 0.0), Hook("bb", "http://x", "b", 0.0)
    assert hooks.chosen("aa", [first, second]) == [first]
    assert hooks.chosen("http://x", [first, second]) == [first, second]
    with pytest.raises(UsageError, match=r"cc: no such webhook \(there is: aa http://x, bb http://x\)"):
        hooks.chosen("cc", [first, second])
    with pytest.raises(UsageError, match="there is: none"):
        hooks.chosen("cc", [])
