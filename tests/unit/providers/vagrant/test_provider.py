"""The provider of virtual machines, as far as it goes without a hypervisor."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import disk, run, wait
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, NodeState
from coreos_lab.providers.vagrant import calls
from coreos_lab.providers.vagrant.provider import VagrantProvider
from coreos_lab.records import store
from tests.unit.providers.vagrant.paper_machines import FLATCAR, OURS, answering, whole

IFLIST = """\
 vnet4   network   lab-core-mgmt   virtio   52:54:00:11:22:33
 vnet5   network   lab-core        virtio   52:54:00:44:55:66
"""


def test_the_hosts_end_of_a_cable(monkeypatch: pytest.MonkeyPatch, vms: Cluster) -> None:
    answering(monkeypatch, domiflist=IFLIST)
    assert VagrantProvider().cable(vms, vms.nodes[0]) == "vnet5"


def test_a_machine_that_is_off_has_no_cable(monkeypatch: pytest.MonkeyPatch, vms: Cluster) -> None:
    answering(monkeypatch, domiflist=IFLIST.replace("vnet5", "-    "))
    with pytest.raises(LabError, match="lab-core-core-01: has no cable to lab-core on this host"):
        VagrantProvider().cable(vms, vms.nodes[0])


def test_virtualbox_keeps_cables_and_disks_to_itself(vms: Cluster) -> None:
    cluster = replace(vms, box=FLATCAR)
    with pytest.raises(LabError, match="do not end on this host"):
        VagrantProvider().cable(cluster, cluster.nodes[0])
    with pytest.raises(LabError, match="VirtualBox's own"):
        VagrantProvider().snapshot_size(cluster)


@pytest.fixture
def vagrant_up(monkeypatch: pytest.MonkeyPatch, vms: Cluster, tmp_path: Path) -> Callable[[], list[str]]:
    """Starts all nodes; returns the names of those that Vagrant started."""
    started: list[str] = []
    monkeypatch.setattr(calls.Vagrant, "up", lambda _self, _on, names: started.extend(names))
    monkeypatch.setattr(VagrantProvider, "write_vagrantfile", lambda *_: None)
    (tmp_path / "user-data").write_text("#cloud-config\n")

    def start() -> list[str]:
        VagrantProvider().start(vms, vms.nodes, lambda _node: tmp_path / "user-data")
        return started

    return start


def test_a_machine_that_was_not_made_to_its_end_is_made_anew(
    monkeypatch: pytest.MonkeyPatch, vms: Cluster, vagrant_up: Callable[[], list[str]]
) -> None:
    """Those that are whole and off only need power."""
    whole(vms, 0, 2)
    listed = "".join(f"lab-core-{node.name}\n" for node in vms.nodes)
    made = answering(monkeypatch, domstate="shut off\n", list=listed)
    states = [VagrantProvider().state(vms, node) for node in vms.nodes]
    assert states == [NodeState.STOPPED, NodeState.ABSENT, NodeState.STOPPED]
    assert vagrant_up() == ["core-02"]
    assert [call[5] for call in made if call[4] == "start"] == ["lab-core-core-01", "lab-core-core-03"]
    assert [call[5] for call in made if call[4] == "undefine"] == ["lab-core-core-02"]


def test_the_console_of_a_machine_that_hangs_is_shown(
    monkeypatch: pytest.MonkeyPatch, vms: Cluster, vagrant_up: Callable[[], list[str]]
) -> None:
    def fails(*_arguments: object) -> None:
        raise LabError("vagrant up: exit code 1", "the whole output is in vagrant.log", "Timed out")

    monkeypatch.setattr(calls.Vagrant, "up", fails)
    folder = whole(vms, 0)
    answering(monkeypatch, domstate="running\n")
    for node in vms.nodes:
        (folder / f"{node.name}.console.log").write_bytes(b"\x1b[0;1mKernel panic of " + node.name.encode() + b"\r\n\n")
    with pytest.raises(LabError) as failed:
        vagrant_up()
    assert failed.value.details.splitlines() == [
        "Timed out",
        "core-02 was started; the end of its console:",
        "Kernel panic of core-02",
    ]


def test_what_a_config_rb_asks_for_is_vagrants_to_do(
    monkeypatch: pytest.MonkeyPatch, vms: Cluster, vagrant_up: Callable[[], list[str]]
) -> None:
    disk.write_atomic(whole(vms, 0, 1, 2) / "config.rb", "$forwarded_ports = { 80 => 8080 }\n")
    made = answering(monkeypatch, domstate="shut off\n")
    assert vagrant_up() == ["core-01", "core-02", "core-03"]
    assert not any(call[4] == "undefine" for call in made)


def test_a_snapshot_holds_disks_and_machines(
    monkeypatch: pytest.MonkeyPatch, planned: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = replace(planned(nodes=1), provider="vagrant", box=OURS)
    folder = whole(cluster, 0)
    image = tmp_path / "lab-core-core-01.img"
    image.write_text("old")
    disk.write_atomic(folder / ".vagrant" / "machines" / "core-01" / "libvirt" / "id", "some-id")
    really = run.run
    made = answering(
        monkeypatch, domblklist=f" file   disk   sda   {image}\n file   cdrom   sdx   -\n", dumpxml="<domain/>"
    )
    started = run.run
    monkeypatch.setattr(run, "run", lambda argv, **o: (really if argv[0] in ("setpriv", "du") else started)(argv, **o))
    VagrantProvider().save_snapshot(cluster, tmp_path / "kept")

    image.write_text("new")
    shutil.rmtree(folder)
    VagrantProvider().restore_snapshot(cluster, tmp_path / "kept")
    assert image.read_text() == "old"
    assert (folder / ".vagrant" / "machines" / "core-01" / "libvirt" / "id").read_text() == "some-id"
    assert VagrantProvider().snapshot_size(cluster) > 0
    assert [call[4] for call in made if call[4] in ("define", "pool-refresh")] == ["define", "pool-refresh"]
    assert (folder / "whole" / "core-01").exists()


def test_emulated_machines_are_given_time(vms: Cluster, tmp_path: Path) -> None:
    store.save(replace(vms, box=replace(OURS, driver="kvm")))
    assert wait.patiently(3) == 3
    assert "ConnectTimeout 3\n" in ssh.render_config(replace(vms, box=FLATCAR), tmp_path, tmp_path)
    store.save(vms)
    assert wait.patiently(3) == 15
    assert "ConnectTimeout 60\n" in ssh.render_config(vms, tmp_path, tmp_path)


def test_a_machine_that_runs_and_is_not_reached_is_not_taken_for_rebooted(
    monkeypatch: pytest.MonkeyPatch, vms: Cluster
) -> None:
    provider = VagrantProvider()
    state = NodeState.RUNNING
    monkeypatch.setattr(provider, "state", lambda *_args: state)
    monkeypatch.setattr(run, "run", lambda argv, **_options: run.Completed(tuple(argv), ssh.NOT_REACHED, "", ""))
    with pytest.raises(UnknownError):
        provider.boot_id(vms, vms.nodes[0])
    state = NodeState.STOPPED
    assert provider.boot_id(vms, vms.nodes[0]) == ""
