"""Real machines: needs root and Linux. Every test goes through the command, as a user would."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import Result, lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here boots machines."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if os.geteuid() != 0:
                item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.fixture(scope="session", autouse=True)
def _nothing_stays() -> Iterator[None]:
    lab("destroy")
    yield
    lab("destroy")


@pytest.fixture
def cluster() -> Callable[..., Result]:
    """Converges to the tests' three-node cluster, whatever the test before left."""
    lab("heal", code=None)
    lab("up", "--nodes", "3", "--disks", "1", "--disk-size", "64M")
    return lab


@pytest.fixture
def ch3(cluster: Callable[..., Result]) -> Callable[..., Result]:
    """The same with ch3 on it."""
    for other in lab("status", "--json").json["labs"]:
        if other != "ch3":
            lab("undeploy", other)
    lab("deploy", "ch3")
    return cluster
