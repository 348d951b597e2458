"""The host's side of a cluster's network, with `ip` of paper."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from coreos_lab import run
from coreos_lab.commands import planning
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Network
from coreos_lab.providers import routes
from coreos_lab.providers.nspawn import cgroup, guard, names, network
from coreos_lab.records import identity
from coreos_lab.records.store import ClusterFolder

Says = Callable[[str, str], None]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """Sets what a program answers to a call in which a word stands; to all others it answers nothing."""
    answers: dict[str, str] = {}

    def call(argv: list[str], **_options: object) -> run.Completed:
        words = [str(word) for word in argv]
        return run.Completed(tuple(words), 0, next((text for word, text in answers.items() if word in words), ""), "")

    monkeypatch.setattr(run, "run", call)
    return answers.__setitem__


def test_networks_that_something_else_uses_are_taken(says: Says) -> None:
    says("route", json.dumps([{"dst": "172.17.207.0/24", "dev": "virbr1"}, {"dst": "172.17.0.0/16", "dev": "docker0"}]))
    assert 199 in planning._taken("core")
    assert 198 not in planning._taken("core"), "a wider route is no conflict"


def test_routing_rules_that_lead_elsewhere_are_told(says: Says) -> None:
    routes.require_reached("172.17.8.101", "lab0")
    says("get", json.dumps([{"dst": "172.17.8.101", "dev": "lab0"}]))
    routes.require_reached("172.17.8.101", "lab0")
    says("get", json.dumps([{"dst": "172.17.8.101", "dev": "tun0"}]))
    with pytest.raises(
        LabError, match=r"172\.17\.8\.101: this machine's routing rules send it to tun0 instead of lab0"
    ):
        routes.require_reached("172.17.8.101", "lab0")


@pytest.mark.usefixtures("says")
def test_a_cluster_of_that_name_from_another_state_is_left_alone(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "runs_elsewhere", lambda _cluster: True)
    with pytest.raises(LabError, match="core: a cluster of that name runs already, from another state folder"):
        network.create(planned())


def test_nothing_stays_of_a_network_that_cannot_be_reached(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the plan would bind the next `lab up`, which is told to choose another subnet."""
    calls: list[str] = []
    cluster = planned()
    identity.ensure_token(ClusterFolder("core"))

    def call(argv: list[str], **_options: object) -> run.Completed:
        calls.append(" ".join(map(str, argv)))
        answer = []
        if "get" in argv:
            answer = [{"dst": "172.17.8.101", "dev": "tun0"}]
        if "show" in argv and any(each.startswith("ip link add") for each in calls):
            answer = [{"ifname": "lab0", "ifalias": names.alias(cluster)}]
        return run.Completed((), 0, json.dumps(answer), "")

    monkeypatch.setattr(run, "run", call)
    monkeypatch.setattr(cgroup, "runs_elsewhere", lambda _cluster: False)
    monkeypatch.setattr(guard, "put_up", lambda _cluster: calls.append("firewall up"))
    monkeypatch.setattr(guard, "take_down", lambda _cluster: calls.append("firewall down"))
    with pytest.raises(LabError, match="tun0"):
        network.create(cluster)
    assert "ip link delete lab0" in calls
    assert calls.index("firewall up") < calls.index("firewall down")


def test_only_our_own_bridge_is_ours(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    identity.ensure_token(ClusterFolder("core"))
    mac = names.mac(cluster.network.gateway)
    assert network.is_ours(cluster, network.Link(names.alias(cluster), mac))
    assert network.is_ours(cluster, network.Link("", mac)), "its maker was killed before it had a name"
    assert not network.is_ours(cluster, network.Link("", "52:54:00:00:00:01"))
    assert not network.is_ours(cluster, network.Link("coreos-lab:/elsewhere/core", mac))
    assert not network.is_ours(cluster, None)


def test_rules_live_in_a_table_of_our_own(planned: Callable[..., Cluster]) -> None:
    rules = network.nat_rules(planned().network)
    assert "table ip coreos_lab_0 {" in rules
    assert "flush" not in rules
    assert "ip saddr 172.17.8.0/24 ip daddr != 172.17.8.0/24 masquerade" in rules


@pytest.mark.parametrize("index", [0, 5])
def test_rules_can_be_loaded_again(index: int) -> None:
    lines = network.nat_rules(Network("10.9.9.0/24", "10.9.9.1", index)).splitlines()
    assert lines[0] == f"table ip coreos_lab_{index}"
    assert lines[1] == f"delete table ip coreos_lab_{index}"
    assert lines.count(f"table ip coreos_lab_{index} {{") == 1
