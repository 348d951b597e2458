"""Real machines: needs root and Linux. Every test goes through the command, as a user would."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import Result, end_all, lab


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


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    yield
    end_all()


@pytest.fixture
def cluster() -> Callable[..., Result]:
    """Converges to the tests' three-node cluster, whatever the test before left."""
    lab("heal", code=None)
    lab("up", "--nodes", "3", "--disks", "1", "--disk-size", "64M")
    return lab


def deploy_alone(chapter: str) -> None:
    """Deploys a chapter onto the cluster that the test before left: what else is there goes, for its ports' sake."""
    for other in lab("status", "--json").json["labs"]:
        if other != chapter:
            lab("undeploy", other)
    lab("deploy", chapter)


@pytest.fixture
def ch2(cluster: Callable[..., Result]) -> Callable[..., Result]:
    """The same with ch2 on it."""
    deploy_alone("ch2")
    return cluster


@pytest.fixture
def ch3(cluster: Callable[..., Result]) -> Callable[..., Result]:
    """The same with ch3 on it."""
    deploy_alone("ch3")
    return cluster
