"""Real machines: needs root and Linux. Every test goes through the command, as a user would."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, ROOT, STATE, Result, end_all, lab


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
    """The tests' three-node cluster, whatever the test before left."""
    make_whole()
    return lab


def make_whole() -> None:
    """Converges to the tests' cluster.

    Most tests leave it as it is wanted: then a look is enough, which costs a tenth.
    """
    if not is_whole():
        lab("heal", code=None)
        lab("scale", "3", code=None)  # `up` takes no node away
        lab("up", "--nodes", "3", "--disks", "1", "--disk-size", "64M")
    for left in (STATE / "clusters" / NAME / "snapshots").glob("[!.]*"):
        lab("snapshot", "delete", left.name)


def is_whole() -> bool:
    """Whether nothing is broken, and three nodes, each with a disk, run, vote in etcd and are listed by fleet."""
    told = lab("status", "--json", code=None)
    state = told.json if told.code == 0 else {"faults": [], "nodes": []}
    well = [
        node["state"] == "running" and node["etcd"] == "member" and node["etcd_healthy"] and node["fleet"]
        for node in state["nodes"]
        if node["disks"] == ["/dev/sdb"]
    ]
    return state["faults"] == [] and well == [True] * 3 == [True] * len(state["nodes"])


def undeploy_others(chapter: str = "") -> list[str]:
    """Takes off what the test before left on the cluster, for its ports' sake; returns the labs that were there."""
    deployed = list(lab("status", "--json").json["labs"])
    for other in deployed:
        if other != chapter:
            lab("undeploy", other)
    return deployed


def deploy_alone(chapter: str) -> None:
    """Deploys a chapter onto the cluster, with nothing beside it; one that is alone there, and works, is left so."""
    if undeploy_others(chapter) != [chapter] or lab("check", chapter, code=None).code != 0:
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


@pytest.fixture
def tied(cluster: Callable[..., Result], tmp_path: Path) -> Iterator[Callable[..., Result]]:
    """The same with ch3, whose proxy is tied to a machine: when that is gone, fleet cannot move it."""
    undeploy_others()
    folder = tmp_path / "ch3-tied"
    shutil.copytree(ROOT / "labs" / "ch3", folder)
    unit = folder / "units" / "helloworld-nginx.service"
    unit.write_text(unit.read_text().partition("[X-Fleet]")[0] + "\n[X-Fleet]\nMachineOf=helloworld@1.service\n")
    cluster("deploy", str(folder))
    yield cluster
    lab("heal", code=None)
    cluster("undeploy", "ch3-tied")
