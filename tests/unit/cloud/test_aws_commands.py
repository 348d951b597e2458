"""lab up, scale, heal and destroy with the provider aws, through the cloud's own API. No machine is behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from coreos_lab.chaos import effect, faults, injecting
from coreos_lab.cloud import lifecycle as cloud_lifecycle
from coreos_lab.cluster import cloud_config, mirror, running_units
from coreos_lab.commands import heal, scale, up
from coreos_lab.commands.destroy import destroy
from coreos_lab.model import Cluster, FaultKind, Node, NodeState
from coreos_lab.observed import membership, ready
from coreos_lab.plan import Request
from coreos_lab.providers.aws import provider as aws
from coreos_lab.providers.aws import rules
from coreos_lab.records import clouds, fault_journal, store
from tests.unit.cloud.conftest import Client, Served
from tests.unit.cloud.test_scaling import until

pytest.importorskip("boto3", reason="the extra `cloud` is not installed")
pytestmark = pytest.mark.usefixtures("machines")
NAME = "all"


@pytest.fixture
def waited(served: Served, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[list[str]]]:
    """The addresses that were waited for. What needs machines, or builds something, is left out."""
    seen: list[list[str]] = []

    def waits(_cluster: Cluster, nodes: list[Node], *_args: object, **_options: object) -> None:
        seen.append([node.address for node in nodes])

    def nothing(*_args: object, **_options: object) -> None: ...

    def load(name: str) -> Any:
        return served.cloud if name == served.cloud.name else None

    monkeypatch.setattr(clouds, "load", load)
    monkeypatch.setattr(cloud_lifecycle, "bring_up", nothing)
    monkeypatch.setattr(aws, "findings", list)
    monkeypatch.setattr(aws.AwsProvider, "prepare", lambda *_args: "image")
    monkeypatch.setattr(cloud_config, "validate", nothing)
    monkeypatch.setattr(cloud_config, "_takes_flags", lambda _cluster: True)
    for name in ("make_tools", "offer_tools", "run_mirror", "stop_mirror"):
        monkeypatch.setattr(mirror, name, nothing)
    monkeypatch.setattr(membership, "listed", nothing)
    monkeypatch.setattr(membership, "voters", lambda cluster, _running: cluster.members)
    monkeypatch.setattr(ready, "wait_for_nodes", waits)
    monkeypatch.setattr(ready, "port_open", lambda *_args: True)
    monkeypatch.setattr(running_units, "wanted", nothing)
    monkeypatch.setattr(running_units, "wait_for", lambda *_args: {})
    yield seen
    destroy(NAME, every=False, yes=False, as_json=False)


def node_up(**options: Any) -> None:
    up.up(Request(NAME, provider="aws", **options), keep=True, dry_run=False, as_json=False)


def test_a_life(
    waited: list[list[str]],
    served: Served,
    ec2: Client,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node_up(cloud=served.cloud.name, nodes=2)
    cluster = store.require(NAME)
    assert cluster.stack is not None
    assert cluster.stack.discovery.startswith("https://discovery.etcd.io/"), "the cloud has made a token"
    assert waited == [[node.address for node in cluster.nodes]]
    assert len(running(ec2)) == len(cluster.nodes)
    assert "Cluster all: 2 nodes up in " in capsys.readouterr().out
    data = ec2.describe_instance_attribute(InstanceId=cluster.nodes[0].instance, Attribute="userData")
    assert data["UserData"]["Value"], "the machines boot from the cloud-config"
    booted = store.ClusterFolder(NAME).user_data(cluster.nodes[0]).read_text()
    assert f"discovery: {cluster.stack.discovery}" in booted

    node_up()
    assert "Cluster all runs already: 2 nodes." in capsys.readouterr().out
    assert store.require(NAME) == cluster

    scale.scale(NAME, 3, as_json=False)
    bigger = store.require(NAME)
    assert bigger.nodes[:2] == cluster.nodes
    assert bigger.nodes[2].private.startswith("10.0.")
    assert "core-03 joined" in capsys.readouterr().out

    provider: Any = aws.AwsProvider()
    monkeypatch.setattr(effect, "wait_until_seen", lambda *_args: None)
    injecting.inject(provider, bigger, faults.plan(bigger.nodes[1:2], FaultKind.KILL, {}))
    until(lambda: provider.state(bigger, bigger.nodes[1]) is NodeState.ABSENT, "it is not gone")
    heal.heal(NAME, as_json=False)
    now = store.require(NAME)
    told = capsys.readouterr().out
    old, new = bigger.nodes[1].instance, now.nodes[1].instance
    assert f"Healed: core-02 (kill)\n  core-02 was replaced: {new} is in place of {old}\n" in told
    assert fault_journal.open_faults(now) == []
    inventory = json.loads(store.ClusterFolder(NAME).inventory.read_text())
    assert [node["address"] for node in inventory["nodes"]] == [node.address for node in now.nodes]
    assert waited[-1] == [now.nodes[1].address]

    destroy(NAME, every=False, yes=False, as_json=False)
    assert "Destroyed: all; nothing is left over." in capsys.readouterr().out
    assert not store.ClusterFolder(NAME).path.exists()
    assert served.client("cloudformation").describe_stacks()["Stacks"] == []


def running(ec2: Client) -> list[dict[str, Any]]:
    wanted = [{"Name": "tag:Name", "Values": ["core-*"]}, {"Name": "instance-state-name", "Values": ["running"]}]
    return [each for one in ec2.describe_instances(Filters=wanted)["Reservations"] for each in one["Instances"]]


def test_an_up_after_one_that_was_killed_takes_what_there_is(
    waited: list[list[str]], served: Served, ec2: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when the machines had just been started: the plan knows none of their addresses."""
    with monkeypatch.context() as killed:

        def dies(*_args: object) -> None:
            if running(ec2):  # the last that `start` does
                raise KeyboardInterrupt

        killed.setattr(rules, "admit", dies)
        with pytest.raises(KeyboardInterrupt):
            node_up(cloud=served.cloud.name, nodes=2)
    assert [node.address for node in store.require(NAME).nodes] == ["", ""]
    before = {each["InstanceId"] for each in running(ec2)}
    assert len(before) == 2
    node_up()
    now = store.require(NAME)
    assert [node.name for node in now.nodes] == ["core-01", "core-02"]
    assert all(node.address for node in now.nodes)
    assert {node.instance for node in now.nodes} == before
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [f"lab-{NAME}"]}])[
        "SecurityGroups"
    ]
    admitted = {block["CidrIp"] for rule in group["IpPermissions"] for block in rule["IpRanges"]}
    assert {f"{node.address}/32" for node in now.nodes} < admitted
    assert waited == [[node.address for node in now.nodes]]
