"""Names and addresses on the host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.model import Cluster, Network, Node
from coreos_lab.providers.nspawn import names, network
from coreos_lab.records import identity
from coreos_lab.records.store import ClusterFolder


@pytest.mark.parametrize("index", [0, 7, 199])
def test_interface_names_fit_and_never_collide(index: int) -> None:
    net = Network("172.17.8.0/24", "172.17.8.1", index)
    ends = {names.cable(net, Node(f"core-{i}", f"172.17.8.{100 + i}", member=True)) for i in range(1, 100)}
    assert len(ends) == 99
    assert all(len(name) <= 15 for name in [*ends, names.bridge(net)])


def test_an_address_makes_its_mac() -> None:
    assert names.mac("172.17.8.101") == "02:00:ac:11:08:65"


def test_addresses_with_their_prefix() -> None:
    assert names.with_prefix(Network("10.9.0.0/16", "10.9.0.1", 3), "10.9.0.101") == "10.9.0.101/16"


def test_an_alias_fits_tells_states_apart_and_stays_when_a_state_is_moved(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: Path
) -> None:
    cluster = planned()
    assert "coreos-lab:core:" not in names.aliases(cluster), "it was never started"
    identity.ensure_token(ClusterFolder("core"))
    here = names.alias(cluster)
    assert network.is_ours(cluster, network.Link(here, ""))
    assert network.is_ours(cluster, network.Link(f"coreos-lab:{state}/clusters/core", "")), "an older lab made it"
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "elsewhere"))
    assert not network.is_ours(cluster, network.Link(here, ""))
    state.rename(tmp_path / "elsewhere")
    assert network.is_ours(cluster, network.Link(here, ""))
    assert len(here) <= 255
