"""What the command line says of clusters of the provider aws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab import hints
from coreos_lab.cloud import lifecycle as cloud_lifecycle
from coreos_lab.cluster import lifecycle
from coreos_lab.commands import on_aws, planning, status, up
from coreos_lab.commands.destroy import destroy
from coreos_lab.errors import UsageError
from coreos_lab.hints import Call
from coreos_lab.model import CloudConfig, Cluster, FaultKind, MachineMetadata, Stack
from coreos_lab.observed import cluster_state
from coreos_lab.plan import Request, plan
from coreos_lab.records import clouds, fault_journal, store
from coreos_lab.remake import made_with, request_again, with_disks

OWN = CloudConfig("", "/m.yml", "#cloud-config\n")


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    return replace(planned(provider="aws"), stack=Stack("mine", "us-west-2", "t2.small", discovery="https://x/y"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"disks": 1}, "--disks: the instances have no extra disks"),
        ({"memory": 2**30}, "--memory: the type of the instances decides: --instance-type"),
        ({"subnet": "10.9.0.0/16"}, "--subnet: the stack's VPC has 10.0.0.0/16"),
        ({"no_userns": True}, "--no-userns: "),
        ({"box": "x"}, "--box x: boxes are Vagrant's"),
        ({"allow_from": "192.0.2.7"}, None),
        ({"allow_from": "192.0.2"}, "--allow-from 192.0.2: "),
        ({"endpoint": "azure"}, "--endpoint azure: must be cloud .one on this machine. or aws"),
        ({"endpoint": "aws"}, "--endpoint aws: who may reach the machines is not said"),
        ({"endpoint": "aws", "cloud": "x", "allow_from": "192.0.2.7"}, "--cloud x: AWS itself is none"),
        ({"metadata": (MachineMetadata("core-01", "a=b"),)}, "--metadata core-01: machines of a group are all alike"),
        ({"cloud_configs": (replace(OWN, node="core-01"),)}, "--cloud-config core-01: machines of a group"),
        ({"cloud_configs": (OWN,)}, None),
    ],
)
def test_options(planned: Callable[..., Cluster], options: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert planned(provider="aws", **options).provider == "aws"
        return
    with pytest.raises(UsageError, match=message):
        planned(provider="aws", **options)


@pytest.mark.parametrize("option", ["cloud", "endpoint", "instance_type", "allow_from"])
def test_options_that_only_aws_has(planned: Callable[..., Cluster], option: str) -> None:
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')} x: only the provider aws has it"):
        planned(**{option: "x"})


def test_a_cluster_is_read_and_made_again_as_it_was(cluster: Cluster) -> None:
    node = replace(cluster.nodes[0], address="198.18.0.100", private="10.0.1.4", instance="i-1")
    store.save(replace(cluster, nodes=(node, *cluster.nodes[1:])))
    assert store.require("core").nodes[0] == node
    assert store.require("core").stack == cluster.stack
    assert made_with(cluster) == ["--provider", "aws", "--cloud", "mine"]
    assert with_disks(cluster, 1) == "use a cluster of the provider nspawn: machines on AWS have no extra disks"
    default = replace(cluster, stack=replace(cluster.stack, cloud="aws")) if cluster.stack else cluster
    assert made_with(default) == ["--provider", "aws"]
    far = replace(cluster, stack=Stack("", "us-west-2", "t3.small", "192.0.2.7/32"))
    words = "--provider aws --endpoint aws --instance-type t3.small --allow-from 192.0.2.7/32"
    assert made_with(far) == words.split()
    with pytest.raises(UsageError, match="--instance-type: cluster core was made with t2.small, not t3.small"):
        plan(Request(instance_type="t3.small"), cluster, set())


def test_a_cluster_of_the_default_cloud_is_made_again_there_though_lab_cloud_says_another(cluster: Cluster) -> None:
    assert cluster.stack is not None
    before = replace(cluster, stack=replace(cluster.stack, cloud="aws"))
    hints.about(Call(cloud="other", cloud_is_set=True))
    assert made_with(before) == ["--provider", "aws", "--cloud", "aws"]
    assert request_again(Request(), before).cloud == "aws"
    assert request_again(Request(endpoint="aws"), before).cloud is None
    far = replace(cluster, stack=Stack("", "us-west-2", "t3.small", "192.0.2.7/32"))
    assert "--cloud" not in made_with(far)


def test_the_cloud_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch, planned: Callable[..., Cluster]) -> None:
    paper = planned(provider="aws")
    assert planning.with_stack(paper, Request()).stack == Stack("aws", "us-west-2", "t2.small")
    monkeypatch.setenv("LAB_CLOUD", "other")
    found = planning.with_stack(paper, Request(instance_type="t2.micro")).stack
    assert found == Stack("other", "us-west-2", "t2.micro")
    there = clouds.make("mine", "eu-west-1", signed=True)
    assert planning.with_stack(paper, Request(cloud=there.name)).stack == Stack("mine", "eu-west-1", "t2.small")
    with pytest.raises(UsageError, match="--name My: not a cloud's name"):
        planning.with_stack(paper, Request(cloud="My"))
    assert planning.with_stack(planned(), Request()).stack is None


def test_a_cloud_is_made_and_a_token_once(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def bring_up(name: str, region: str, _signed: object) -> None:
        done.append(f"up {name} {region}")
        if clouds.load(name) is None:
            clouds.make(name, region, signed=True)

    def new_token(cloud: Any, size: int) -> str:
        done.append(f"token {cloud.name} {size}")
        return "https://discovery.etcd.io/new"

    monkeypatch.setattr(cloud_lifecycle, "bring_up", bring_up)
    monkeypatch.setattr(cloud_lifecycle, "new_token", new_token)
    assert cluster.stack is not None
    on_aws.wake("core")
    new = replace(cluster, stack=replace(cluster.stack, discovery=""))
    store.save(new)
    on_aws.wake("core")
    assert done == [], "the cloud is not there yet"
    now = on_aws.prepared(new)
    assert now.stack is not None
    assert (done, now.stack.discovery) == (["up mine us-west-2", "token mine 3"], "https://discovery.etcd.io/new")
    assert on_aws.prepared(now) == store.require("core") == now
    on_aws.wake("core")
    assert done[2:] == ["up mine us-west-2", "up mine us-west-2"]
    assert hints.lab("cloud", "up") == "lab cloud up --name mine", "hints are about the cluster's cloud"


def test_another_cloud_config_is_refused_where_the_group_has_one(cluster: Cluster) -> None:
    with pytest.raises(UsageError, match="--cloud-config: the group of cluster core was made with another one"):
        planning._check(replace(cluster, cloud_configs=(OWN,)), cluster)


def test_the_cloud_outlives_the_cluster_and_is_named(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store.save(cluster)
    monkeypatch.setattr(lifecycle, "take_down", lambda cluster, _provider: store.ClusterFolder("core").plan.unlink())
    destroy("core", every=False, yes=False, as_json=False)
    assert "Cloud" not in capsys.readouterr().out, "it is gone"
    store.save(cluster)
    clouds.make("mine", "us-west-2", signed=True)
    destroy("core", every=False, yes=False, as_json=False)
    told = "Cloud mine, in which its machines were, goes on; 'lab cloud destroy --name mine' removes it."
    assert told in capsys.readouterr().out


def test_a_machine_that_was_lost_without_lab_is_named_with_the_remedy(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    had = tuple(replace(node, instance=f"i-{node.name}") for node in cluster.nodes)
    store.save(replace(cluster, nodes=had))
    nodes: list[dict[str, Any]] = [
        {"name": node.name, "state": "absent", "isolated": None} for node in cluster.nodes[:2]
    ]
    seen = {"cluster": "core", "provider": "aws", "subnet": "10.0.0.0/16", "labs": [], "units": [], "nodes": nodes}
    monkeypatch.setattr(cluster_state, "of", lambda *_args: seen)
    monkeypatch.setattr(status, "_node_row", lambda node: (node["name"], *["-"] * 5))
    fault_journal.record(cluster, FaultKind.KILL, "core-01")
    state = status._query("core")
    assert state["lost"] == ["core-02"]
    for node in nodes:
        node.update(image="", etcd=None)
    assert "Lost: core-02; 'lab up --provider aws' gives them other machines" in status._text(state)
    store.save(cluster)
    assert status._query("core")["lost"] == [], "it is to be made yet"


@pytest.mark.parametrize("provider", ["aws", None])
def test_machines_that_cost_are_asked_about_before_anything_is_planned(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, provider: str | None
) -> None:
    asked: list[tuple[str, int]] = []

    def accept(cluster: Cluster, more: int, *, yes: bool) -> None:
        asked.append((cluster.name, more))
        assert not yes
        raise UsageError("not confirmed")

    monkeypatch.setattr(on_aws, "accept_costs", accept)
    monkeypatch.setattr(planning, "default_region", lambda: "us-west-2")
    request = Request(nodes=5, provider=provider, endpoint=provider, allow_from=provider and "192.0.2.7/32")
    if provider is None:  # of a cluster that is there
        assert cluster.stack is not None
        store.save(replace(cluster, stack=replace(cluster.stack, cloud="")))
        monkeypatch.setattr(planning, "_only_planned", lambda _cluster: False)
    with pytest.raises(UsageError, match="not confirmed"):
        up.up(request, keep=True, dry_run=False, as_json=False)
    assert asked == [("core", 5 if provider else 2)]
    assert (store.load("core") is None) == (provider is not None)


def test_a_name_for_all_machines_is_refused_with_its_line(cluster: Cluster) -> None:
    """etcd's members would have one name."""
    named = replace(OWN, text="#cloud-config\nhostname: mine\n")
    with pytest.raises(UsageError, match=r"m.yml:2: hostname: .*mine.*each machine's own"):
        planning._check(replace(cluster, cloud_configs=(named,)), None)
    discovers = replace(OWN, text="#cloud-config\ncoreos:\n  etcd2:\n    discovery: https://discovery.etcd.io/z\n")
    with pytest.raises(UsageError, match=r"discovery: members on AWS find each other by a token of their own"):
        planning._check(replace(cluster, cloud_configs=(discovers,)), None)
