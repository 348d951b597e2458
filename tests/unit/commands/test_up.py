"""The order of things in lab up, without machines."""

from __future__ import annotations

from typing import Any

import pytest

from coreos_lab import cluster as doing
from coreos_lab import store
from coreos_lab.commands import up as command
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.plan import Request


class Builds:
    """A provider whose machine image takes as long as another `lab up`; or whose building fails."""

    name = "nspawn"

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.seen: list[int] = []

    def doctor(self) -> list[Any]:
        return []

    def prepare(self, cluster: Cluster) -> str:
        if self.fails:
            raise LabError("no packages")
        if cluster.name == "one":
            command.up(Request("two"), keep=True, dry_run=False, as_json=False)
        self.seen.append(cluster.network.index)
        return "hash"


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> Builds:
    provider = Builds()
    monkeypatch.setattr(command, "choose", lambda _name: provider)
    monkeypatch.setattr(doing, "bring_up", lambda _cluster, _provider: [])
    return provider


def test_two_at_a_time_take_different_networks(builds: Builds) -> None:
    command.up(Request("one"), keep=True, dry_run=False, as_json=False)
    assert len(set(builds.seen)) == len(builds.seen) == 2
    assert {cluster.image for cluster in store.clusters()} == {"hash"}


def test_a_failed_build_is_gone_on_with(builds: Builds) -> None:
    builds.fails = True
    with pytest.raises(LabError, match="no packages"):
        command.up(Request("two"), keep=True, dry_run=False, as_json=False)
    planned = store.require("two")
    assert planned.image == ""
    builds.fails = False
    command.up(Request("two"), keep=True, dry_run=False, as_json=False)
    assert (store.require("two").image, store.require("two").network) == ("hash", planned.network)
