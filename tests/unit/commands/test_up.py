"""The order of steps in lab up, without machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import settings
from coreos_lab.cluster import applying, cloud_config, lifecycle, mirror
from coreos_lab.commands import planning
from coreos_lab.commands import up as command
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import CloudConfig, Cluster, Leftovers, MachineMetadata, Node, NodeState
from coreos_lab.plan import Request
from coreos_lab.records import store


class Builds:
    """A provider: another `lab up` runs while its machine image is built, or building it fails."""

    name = "nspawn"

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.seen: list[int] = []
        self.made = NodeState.ABSENT
        self.left: list[str] = []

    def doctor(self) -> list[Any]:
        return []

    def state(self, _cluster: Cluster, _node: Node) -> NodeState:
        return self.made

    def leftovers(self, _cluster: Cluster) -> Leftovers:
        return Leftovers(self.left, [])

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
    for module in (command, planning):
        monkeypatch.setattr(module, "choose", lambda _name: provider)
    monkeypatch.setattr(lifecycle, "bring_up", lambda _cluster, _provider: [])
    monkeypatch.setattr(mirror, "make_tools", lambda: None)
    return provider


def test_two_at_a_time_take_different_networks(builds: Builds) -> None:
    command.up(Request("one"), keep=True, dry_run=False, as_json=False)
    assert len(set(builds.seen)) == len(builds.seen) == 2
    assert {store.require(name).image for name in store.names()} == {"hash"}


def test_another_state_folders_plan_holds_its_network(
    builds: Builds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its bridge is not there yet."""
    monkeypatch.setattr(settings, "is_root", lambda: True)
    for state in ("one", "two"):
        monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / state))
        command.up(Request("core"), keep=True, dry_run=False, as_json=False)
    assert len(set(builds.seen)) == len(builds.seen) == 2


def test_the_plan_of_a_failed_build_is_used_again(builds: Builds) -> None:
    builds.fails = True
    with pytest.raises(LabError, match="no packages"):
        command.up(Request("two"), keep=True, dry_run=False, as_json=False)
    planned = store.require("two")
    assert planned.image == ""
    builds.fails = False
    command.up(Request("two"), keep=True, dry_run=False, as_json=False)
    assert (store.require("two").image, store.require("two").network) == ("hash", planned.network)


def _fails(_cluster: Cluster, _provider: object) -> list[Node]:
    raise LabError("172.17.8.0/24: is in use", "choose another: --subnet")


def test_a_plan_of_which_nothing_was_made_does_not_bind(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    del builds
    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "bring_up", _fails)
        with pytest.raises(LabError, match="in use"):
            command.up(Request(nodes=5, disks=1, subnet="10.7.1.0/24"), keep=True, dry_run=False, as_json=False)
    command.up(Request(disks=2, subnet="10.2.2.0/24"), keep=True, dry_run=False, as_json=False)
    cluster = store.require("core")
    assert cluster.network.subnet == "10.2.2.0/24"
    assert [len(node.disks) for node in cluster.nodes] == [2] * 5  # options left out are those of the earlier call


@pytest.mark.parametrize(("made", "left"), [(NodeState.STOPPED, []), (NodeState.ABSENT, ["interface lab0"])])
def test_a_plan_of_which_something_was_made_stands(builds: Builds, made: NodeState, left: list[str]) -> None:
    command.up(Request(subnet="10.7.1.0/24"), keep=True, dry_run=False, as_json=False)
    builds.made, builds.left = made, left
    with pytest.raises(UsageError, match=r"--subnet: cluster core was made with 10\.7\.1\.0/24"):
        command.up(Request(subnet="10.2.2.0/24"), keep=True, dry_run=False, as_json=False)


def test_the_discovery_service_comes_before_the_nodes(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is checked although the service, which serves it, runs already; another process binds the plan."""
    command.up(Request(nodes=2), keep=True, dry_run=False, as_json=False)
    monkeypatch.setattr(pidfile, "running", lambda _file: 77)
    monkeypatch.setattr(cloud_config, "judge", lambda _configs: None)
    monkeypatch.setattr(cloud_config, "check", lambda _cluster: None)
    text = "#cloud-config\ncoreos:\n  etcd2:\n    discovery: http://172.17.8.1:5809/nosuch\n"
    request = Request(cloud_configs=(CloudConfig("", "mine.yml", text),))
    builds.left = ["process 77 (discovery_service.py)"]
    with pytest.raises(UsageError, match="no such token"):
        command.up(request, keep=True, dry_run=False, as_json=False)
    builds.left = ["process 7 (launch.sh)"]
    command.up(request, keep=True, dry_run=False, as_json=False)


def test_a_cloud_config_is_judged_before_a_plan_is_written(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    del builds
    seen: list[str] = []

    def judge(configs: list[CloudConfig]) -> None:
        seen.extend(config.text for config in configs)
        raise UsageError("mine.yml:2: coreos-cloudinit: no")

    monkeypatch.setattr(cloud_config, "judge", judge)
    text = "#cloud-config\nhostname: web\n"
    configs = (CloudConfig("core-01", "/m/mine.yml", text),)
    with pytest.raises(UsageError, match="/m/mine.yml:2: hostname"):  # what needs no program comes first
        command.up(Request("own", cloud_configs=configs), keep=True, dry_run=False, as_json=False)
    assert seen == []
    good = replace(configs[0], text="#cloud-config\nhostname: core-01\n")
    with pytest.raises(UsageError, match="coreos-cloudinit: no"):
        command.up(Request("own", cloud_configs=(good,)), keep=True, dry_run=False, as_json=False)
    assert seen == ["#cloud-config\nhostname: core-01\n"]
    assert store.names() == []


def test_running_nodes_keep_theirs_until_it_is_applied(
    builds: Builds, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command.up(Request("own"), keep=True, dry_run=False, as_json=False)
    builds.made = NodeState.RUNNING
    applied: list[str] = []
    monkeypatch.setattr(applying, "renew", lambda cluster, _states: list(cluster.nodes[:2]))

    def apply(_cluster: Cluster, nodes: list[Node]) -> list[str]:
        applied.extend(node.name for node in nodes)
        return ["left"]

    monkeypatch.setattr(applying, "apply", apply)
    request = Request("own", metadata=(MachineMetadata("", "a=b"),))
    command.up(request, keep=True, dry_run=False, as_json=False)
    assert "core-01, core-02: the new cloud-config is applied at the next boot, or now by" in capsys.readouterr().out
    assert applied == []
    command.up(Request("own"), keep=True, dry_run=False, as_json=False, apply_now=True)
    assert applied == ["core-01", "core-02", "core-03"]
    assert capsys.readouterr().out.endswith("left\n")
    assert store.require("own").metadata == (MachineMetadata("", "a=b"),)
