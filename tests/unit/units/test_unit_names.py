"""How users shorten the names of units."""

from __future__ import annotations

import pytest

from coreos_lab.units import unit_names


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("web", "web.service"),
        ("web@1", "web@1.service"),
        ("app-v1.0.0-a", "app-v1.0.0-a.service"),
        ("app@1.2", "app@1.2.service"),
        ("a.timer", "a.timer"),
        ("app@1.2.service", "app@1.2.service"),
        ("socket", "socket.service"),
        ("srv-data.mount", "srv-data.mount"),
    ],
)
def test_a_name_without_a_type_is_a_service(name: str, full: str) -> None:
    assert unit_names.full(name) == full


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("web@1.service", "web@.service"),
        ("web@%i.timer", "web@.timer"),
        ("web@.service", "web@.service"),
        ("app-v1.0.service", "app-v1.0.service"),
        ("a@b@c.service", "a@.service"),
    ],
)
def test_the_file_of_a_unit(name: str, file: str) -> None:
    assert unit_names.file_of(name) == file
