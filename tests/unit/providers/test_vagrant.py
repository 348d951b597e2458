"""The provider of virtual machines, as far as it goes without a hypervisor."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import render, run
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Disk, Limits, NodeState, VagrantBox
from coreos_lab.plan import Request, plan
from coreos_lab.providers.vagrant import boxes, calls, hypervisors
from coreos_lab.render import VagrantFiles, vagrantfile

OURS = VagrantBox("libvirt", "coreos-lab-1", driver="qemu")
FLATCAR = VagrantBox("virtualbox", "flatcar-beta", url="https://beta.example/box.json", flatcar=True)
FILES = VagrantFiles(Path("/s/key"), Path("/h/first key"), Path("/s/#{c}"), Path("/u/userland.tar.gz"))


@pytest.fixture
def vms(planned: Callable[..., Cluster]) -> Cluster:
    return replace(planned(), provider="vagrant", box=OURS)


def rendered(cluster: Cluster) -> str:
    return vagrantfile(cluster, FILES)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "$num_instances = 3"),
        ({}, "$vm_memory = 1024"),
        ({}, "$vm_cpus = 1"),
        ({"limits": Limits(memory=2 * 2**30, cpus=1.5)}, "$vm_memory = 2048"),
        ({"limits": Limits(memory=2 * 2**30, cpus=1.5)}, "$vm_cpus = 2"),
        ({}, '{ name: "core-02", address: "172.17.8.102", disks_mib: [] },'),
        ({}, 'config.vm.box = "coreos-lab-1"'),
        ({}, 'libvirt.driver = "qemu"'),
        ({}, 'libvirt.cpu_mode = "maximum"'),
        ({}, 'libvirt.default_prefix = "lab-core-"'),
        ({}, "config.ssh.insert_key = false"),
        ({}, 'config.ssh.private_key_path = ["/s/key", "/h/first key"]'),
        ({}, r'File.join("/s/\#{c}",'),
        ({"box": replace(OURS, driver="kvm")}, 'libvirt.driver = "kvm"'),
        ({"box": replace(OURS, version="1.2")}, 'config.vm.box_version = "1.2"'),
        ({"box": FLATCAR}, 'config.vm.box_url = "https://beta.example/box.json"'),
        ({"box": FLATCAR}, 'vb.customize ["modifyvm", :id, "--cpuexecutioncap", $vb_cpuexecutioncap.to_s]'),
        ({"box": FLATCAR}, 'vb.name = "lab-core-#{node[:name]}"'),
        ({"box": FLATCAR}, "mv /tmp/user-data /var/lib/flatcar-vagrant/vagrantfile-user-data"),
        ({"box": FLATCAR}, 'source: "/u/userland.tar.gz"'),
    ],
)
def test_each_setting_is_in_the_vagrantfile(vms: Cluster, changes: dict[str, Any], line: str) -> None:
    assert line in rendered(replace(vms, **changes))


def test_nothing_of_the_other_hypervisor(vms: Cluster) -> None:
    assert ":virtualbox" not in rendered(vms)
    assert ":libvirt" not in rendered(replace(vms, box=FLATCAR))


def test_extra_disks_are_in_whole_mebibytes(vms: Cluster) -> None:
    disks = (Disk("/dev/sdb", 2**30), Disk("/dev/sdc", 2**20 + 1))
    nodes = tuple(replace(node, disks=disks) for node in vms.nodes)
    assert "disks_mib: [1024, 2]" in rendered(replace(vms, nodes=nodes))


@pytest.mark.skipif(shutil.which("ruby") is None, reason="no Ruby here to parse it")
@pytest.mark.parametrize("box", [OURS, replace(OURS, driver="kvm"), FLATCAR])
def test_ruby_parses_it(vms: Cluster, box: VagrantBox, tmp_path: Path) -> None:
    (tmp_path / "Vagrantfile").write_text(rendered(replace(vms, box=box)))
    done = subprocess.run(["ruby", "-wc", tmp_path / "Vagrantfile"], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("Syntax OK", "")


def test_a_cluster_of_another_provider_has_none(planned: Callable[..., Cluster]) -> None:
    with pytest.raises(LabError, match="not a cluster of the vagrant provider"):
        rendered(planned())


def test_flatcars_cloud_config_brings_the_units_it_lacks(vms: Cluster) -> None:
    node = vms.nodes[0]
    ours = render.cloud_config(vms, node, "key", "token", "172.17.8.1:5000")
    theirs = render.cloud_config(replace(vms, box=FLATCAR), node, "key", "token", "172.17.8.1:5000")
    render.check_yaml(theirs, "user-data")
    assert "ExecStart=/opt/coreos-lab/bin/etcd" not in ours
    for unit in render.NOT_IN_FLATCAR:
        assert f"name: {unit}" in theirs
    assert "ExecStart=/opt/coreos-lab/bin/etcd\n" in theirs
    assert "ExecStart=/opt/coreos-lab/bin/fleetd\n" in theirs


def test_a_machine_that_is_emulated_has_a_slower_heartbeat(vms: Cluster) -> None:
    text = {
        driver: render.cloud_config(replace(vms, box=replace(OURS, driver=driver)), vms.nodes[0], "k", "t", "r")
        for driver in ("kvm", "qemu")
    }
    assert "heartbeat-interval: 100\n" in text["kvm"]
    assert "heartbeat-interval: 1000\n" in text["qemu"]


@pytest.mark.parametrize(
    ("told", "virtualbox", "chosen"),
    [
        ("", True, "virtualbox"),
        ("", False, "libvirt"),
        ("libvirt", True, "libvirt"),
        ("virtualbox", False, "virtualbox"),
    ],
)
def test_which_hypervisor(told: str, virtualbox: bool, chosen: str) -> None:
    assert boxes.hypervisor({"VAGRANT_DEFAULT_PROVIDER": told}, virtualbox=virtualbox) == chosen


def test_a_hypervisor_that_is_not_supported_is_named() -> None:
    with pytest.raises(UsageError, match=r"VAGRANT_DEFAULT_PROVIDER=hyperv: not supported \(there is: virtualbox, li"):
        boxes.hypervisor({"VAGRANT_DEFAULT_PROVIDER": "hyperv"}, virtualbox=False)


def choose(on: str, **told: str | None) -> VagrantBox:
    return boxes.choose(on, "ours", "qemu", **{"channel": None, "name": None, "version": None, **told})


def test_which_box() -> None:
    assert choose("libvirt") == VagrantBox("libvirt", "ours", driver="qemu")
    assert choose("virtualbox").name == "flatcar-stable"
    lts = choose("virtualbox", channel="lts", version="4081.3.1")
    assert (lts.name, lts.version, lts.flatcar) == ("flatcar-lts", "4081.3.1", True)
    assert lts.url.startswith("https://lts.")
    assert "/4081.3.1/" in lts.url
    assert choose("libvirt", name="mine/box", version="2") == VagrantBox("libvirt", "mine/box", "2", driver="qemu")


@pytest.mark.parametrize(
    ("on", "told", "message"),
    [
        ("virtualbox", {"channel": "edge"}, "--channel edge: no such channel"),
        ("libvirt", {"channel": "beta"}, "Flatcar has boxes for VirtualBox only"),
        ("libvirt", {"version": "2"}, "--box-version: the lab's own box has none"),
    ],
)
def test_a_box_that_there_cannot_be(on: str, told: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose(on, **told)


def test_boxes_are_vagrants() -> None:
    with pytest.raises(UsageError, match="--channel beta: boxes are Vagrant's"):
        plan(Request(channel="beta"), None, set())
    assert plan(Request(provider="vagrant", channel="beta"), None, set()).agent_ttl == "30s"


OUTPUT = """\
Bringing machine 'core-01' up with 'libvirt' provider...
==> core-01: Creating image (snapshot of base box volume).
==> core-01: Starting domain.
    core-01: Warning: something or other
There was an error talking to Libvirt. The error message is shown
below:

Call to virDomainCreateWithFlags failed: Network not found
"""


def test_what_failed_is_found_in_vagrants_output() -> None:
    assert calls.failing_part(OUTPUT) == [
        "There was an error talking to Libvirt. The error message is shown",
        "below:",
        "Call to virDomainCreateWithFlags failed: Network not found",
    ]
    assert calls.failing_part("A Vagrant environment is required\n") == ["A Vagrant environment is required"]


def test_several_machines_in_one_word() -> None:
    assert calls.any_of(["core-01"]) == "core-01"
    assert calls.any_of(["core-01", "core-03"]) == "/^(core-01|core-03)$/"


@pytest.mark.parametrize(
    ("code", "said", "state"),
    [
        (0, "running\n\n", NodeState.RUNNING),
        (0, "in shutdown\n", NodeState.RUNNING),
        (0, "paused\n", NodeState.PAUSED),
        (0, "shut off\n", NodeState.STOPPED),
        (1, "error: failed to get domain 'x'\n", NodeState.ABSENT),
    ],
)
def test_what_virsh_says_of_a_machine(monkeypatch: pytest.MonkeyPatch, code: int, said: str, state: NodeState) -> None:
    monkeypatch.setattr(run, "run", lambda *_a, **_o: run.Completed(("virsh",), code, said, said))
    assert hypervisors.of("libvirt").state("x") is state


def test_a_libvirt_that_does_not_answer_is_no_absent_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run.Completed(("virsh",), 1, "", "error: failed to connect to the hypervisor")
    monkeypatch.setattr(run, "run", lambda *_a, **_o: done)
    with pytest.raises(run.CommandError):
        hypervisors.of("libvirt").state("x")


@pytest.mark.parametrize(
    ("code", "said", "state"),
    [
        (0, 'name="x"\nVMState="running"\n', NodeState.RUNNING),
        (0, 'VMState="paused"\n', NodeState.PAUSED),
        (0, 'VMState="poweroff"\n', NodeState.STOPPED),
        (0, 'VMState="aborted"\n', NodeState.STOPPED),
        (1, "VBoxManage: error: Details: code VBOX_E_OBJECT_NOT_FOUND (0x80bb0001)", NodeState.ABSENT),
    ],
)
def test_what_vboxmanage_says_of_a_machine(
    monkeypatch: pytest.MonkeyPatch, code: int, said: str, state: NodeState
) -> None:
    monkeypatch.setattr(run, "run", lambda *_a, **_o: run.Completed(("VBoxManage",), code, said, said))
    assert hypervisors.of("virtualbox").state("x") is state


def test_only_what_is_a_clusters_own(monkeypatch: pytest.MonkeyPatch, planned: Callable[..., Cluster]) -> None:
    listed = "lab-core-core-01\nlab-core2-core-01\nlab-core-two-core-01\nsomebody\n\n"
    monkeypatch.setattr(run, "run", lambda *_a, **_o: run.Completed(("virsh",), 0, listed, ""))
    found = hypervisors.of("libvirt").machines()
    assert hypervisors.own_machines(planned(), found) == ["lab-core-core-01"]
    assert hypervisors.own_machines(planned(name="core-two"), found) == ["lab-core-two-core-01"]


def test_networks_of_a_cluster_with_a_longer_name_are_left_alone(planned: Callable[..., Cluster]) -> None:
    listed = ["lab-core", "lab-core-mgmt", "lab-core-two", "lab-core-two-mgmt", "default"]
    assert hypervisors.own_networks(planned(), listed) == ["lab-core", "lab-core-mgmt"]
    assert hypervisors.own_networks(planned(name="core-two"), listed) == ["lab-core-two", "lab-core-two-mgmt"]
