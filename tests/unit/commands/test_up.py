"""The order of steps in lab up, without machines."""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import settings
from coreos_lab.cluster import applying, cloud_config, lifecycle, mirror, transpiling
from coreos_lab.commands import planning
from coreos_lab.commands import up as command
from coreos_lab.containers import pidfile
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import CloudConfig, Cluster, Leftovers, MachineMetadata, Node, NodeState
from coreos_lab.plan import Request
from coreos_lab.providers import routes
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
    # The host's own networks, and those of clusters that come and go on it meanwhile, are not the test's.
    monkeypatch.setattr(routes, "of_host", list)
    monkeypatch.setattr(planning, "_links", list)
    monkeypatch.setattr(lifecycle, "bring_up", lambda _cluster, _provider: lifecycle.Brought())
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


def test_a_cluster_comes_up_in_the_network_that_its_discovery_tokens_name(builds: Builds) -> None:
    """Although a network before it has become free since then."""
    planning.save(Request("one"), None)
    told = planning.save(Request("two"), None).network
    store.ClusterFolder("two").discovery.touch()
    store.ClusterFolder("one").plan.unlink()
    command.up(Request("two"), keep=True, dry_run=False, as_json=False)
    assert store.require("two").network == told
    planning.save(Request("three"), None)
    assert store.require("three").network.index < told.index


def test_a_plan_does_not_bind_while_the_last_cluster_s_settings_are_restored(builds: Builds) -> None:
    planning.save(Request("two", nodes=3), None)
    builds.left = ["setting net.ipv4.ip_forward: no cluster is left, and it still has the value that lab set"]
    command.up(Request("two", nodes=2), keep=True, dry_run=False, as_json=False)
    assert len(store.require("two").nodes) == 2


@pytest.mark.parametrize(
    ("brought", "says"),
    [
        (lifecycle.Brought(), "Cluster two runs already: 3 nodes."),
        (lifecycle.Brought(mended=("core-02 is a member of etcd again",)), "s (core-02 is a member of etcd again)."),
    ],
)
def test_what_was_done_is_said(
    builds: Builds,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    brought: lifecycle.Brought,
    says: str,
) -> None:
    del builds
    monkeypatch.setattr(lifecycle, "bring_up", lambda _cluster, _provider: brought)
    command.up(Request("two"), keep=True, dry_run=False, as_json=False)
    assert says in capsys.readouterr().out.splitlines()[0]


def _fails(_cluster: Cluster, _provider: object) -> lifecycle.Brought:
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


RISKY = CloudConfig("", "/m/mine.yml", "#cloud-config\nwrite_files:\n  - {path: /etc/resolv.conf}\n")


class Terminal(io.StringIO):
    """Somebody who types this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.usefixtures("builds")
def test_what_may_cut_nodes_off_is_shown_and_confirmed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cloud_config, "judge", lambda _configs: None)
    risk = "/m/mine.yml:3: /etc/resolv.conf: replaces the file of the node"

    def up(**options: bool) -> str:
        command.up(Request("own", cloud_configs=(RISKY,)), keep=True, as_json=False, **{"dry_run": False, **options})
        return capsys.readouterr().err

    for answers in (io.StringIO("y\n"), Terminal("n\n"), Terminal("")):
        monkeypatch.setattr(sys, "stdin", answers)
        with pytest.raises(UsageError) as caught:
            up()
        assert caught.value.message.startswith(risk)
        assert "--yes" in caught.value.hint
        assert store.names() == []
    assert capsys.readouterr().err.count(f"{risk}: units find no names") == 3
    assert risk in up(dry_run=True)  # which does nothing that would have to be confirmed
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert "Boot the nodes with it? [y/N]" in up()
    assert store.require("own").cloud_configs == (RISKY,)
    assert risk not in up()  # confirmed once
    store.ClusterFolder("own").plan.unlink()
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert risk in up(yes=True)


@pytest.mark.usefixtures("builds")
def test_what_is_refused_anyway_is_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    wrong = replace(RISKY, text=f"{RISKY.text}hostname: web\n")
    with pytest.raises(UsageError, match="hostname: web"):
        command.up(Request("own", cloud_configs=(wrong,)), keep=True, dry_run=False, as_json=False)
    assert sys.stdin.read() == "y\n"


@pytest.mark.usefixtures("builds")
def test_ct_is_not_built_for_what_is_refused_anyway(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def build() -> Path:
        built.append("ct")
        raise LabError("no Go")

    monkeypatch.setattr(transpiling, "ensure_transpiler", build)
    mine = CloudConfig("core-09", "/m/mine.yml", "systemd: {}\n")
    with pytest.raises(UsageError, match="core-09: no such node"):
        command.up(Request("own", cloud_configs=(mine,)), keep=True, dry_run=False, as_json=False)
    assert built == []
    with pytest.raises(LabError, match="no Go"):
        command.up(
            Request("own", cloud_configs=(replace(mine, node="core-01"),)), keep=True, dry_run=False, as_json=False
        )
    assert store.names() == []


@pytest.mark.usefixtures("builds")
def test_what_ct_made_of_a_config_is_kept_with_the_plan(ct: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transpiling, "ensure_transpiler", lambda: ct)
    judged: list[CloudConfig] = []
    monkeypatch.setattr(cloud_config, "judge", judged.extend)
    text = "storage:\n  files: [{path: /etc/mine, filesystem: root, contents: {inline: a}}]\n"
    request = Request("own", cloud_configs=(CloudConfig("", "/m/mine.yml", text),))
    command.up(request, keep=True, dry_run=False, as_json=False)
    kept = store.require("own")
    assert kept.cloud_configs[0].text == text
    assert judged == list(kept.cloud_configs)
    monkeypatch.setattr(transpiling, "ensure_transpiler", lambda: pytest.fail("ct is asked once"))
    assert "path: /etc/mine" in cloud_config.text(kept, kept.nodes[1], *cloud_config.NOT_MADE_YET)
    wrong = replace(request.cloud_configs[0], text=text.replace("/etc/mine", "/etc/passwd"))  # type: ignore[index]
    monkeypatch.setattr(transpiling, "ensure_transpiler", lambda: ct)
    with pytest.raises(UsageError, match="/m/mine.yml:2: /etc/passwd: nodes depend on that file"):
        command.up(replace(request, cloud_configs=(wrong,)), keep=True, dry_run=False, as_json=False)
