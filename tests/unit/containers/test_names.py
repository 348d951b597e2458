"""Names of container images as users write them and as they are requested from a mirror."""

from __future__ import annotations

import pytest

from coreos_lab.containers import names
from coreos_lab.errors import UsageError


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("nginx", ("library/nginx", "latest")),
        ("nginx:1.22", ("library/nginx", "1.22")),
        ("user/name:tag", ("user/name", "tag")),
        ("library/nginx", ("library/nginx", "latest")),
    ],
)
def test_split(name: str, wanted: tuple[str, str]) -> None:
    assert names.split(name) == wanted


@pytest.mark.parametrize("name", ["Nginx", "a b", "", "host.example/name", "localhost/x", "host:5000/x", "x@sha256:0"])
def test_what_no_mirror_is_asked_for(name: str) -> None:
    assert names.parse(name) is None
    with pytest.raises(UsageError, match="not a name for a container image"):
        names.split(name)


def test_same() -> None:
    assert names.same("nginx", "library/nginx:latest")
    assert not names.same("nginx", "nginx:1")
    assert not names.same("host.example/a", "host.example/b")
