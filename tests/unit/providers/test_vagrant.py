"""The provider of virtual machines, as far as it goes without a hypervisor."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import disk, render, run, store, wait
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Disk, Limits, NodeState, VagrantBox
from coreos_lab.plan import Request, plan
from coreos_lab.providers.vagrant import boxes, calls, hypervisors
from coreos_lab.providers.vagrant.provider import VagrantProvider
from coreos_lab.render import VagrantFiles, vagrantfile
from coreos_lab.store import ClusterFolder

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
        ({}, 'libvirt.cpu_model = "Nehalem"'),
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
    assert "heartbeat-interval: 2000\n" in text["qemu"]
    assert "engine_reconcile_interval: 0.5\n" in text["kvm"]
    assert "engine_reconcile_interval: 2\n" in text["qemu"]


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
    trace = (
        "==> core-01: Waiting for domain to get an IP address...\n"
        "/usr/x/wait_for.rb:9:in `block in wait_for': The timeout was exceeded (Fog::Errors::TimeoutError)\n"
        "\tfrom /usr/x/driver.rb:302:in `get'\n"
    )
    assert calls.failing_part(trace) == ["The timeout was exceeded (Fog::Errors::TimeoutError)"]
    assert calls.failing_part("A Vagrant environment is required\n") == ["A Vagrant environment is required"]


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="Linux only")
def test_vagrant_ends_with_us(tmp_path: Path) -> None:
    """One that went on would hold its machines' locks."""
    fake = tmp_path / "bin" / "vagrant"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/draft && mv {tmp_path}/draft {tmp_path}/pid\nexec sleep 60\n")
    fake.chmod(0o755)
    code = (
        "from pathlib import Path; from coreos_lab.providers.vagrant.calls import Vagrant; "
        f"Vagrant(Path({str(tmp_path)!r}), Path({str(tmp_path / 'log')!r})).up('libvirt', ['core-01'])"
    )
    path = f"{fake.parent}:{os.environ['PATH']}"
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PATH": path}) as ours:
        wait.until((tmp_path / "pid").exists, deadline=60, missing="vagrant was not called")
        pid = (tmp_path / "pid").read_text().strip()
        ours.kill()

    def gone() -> bool:
        status = Path("/proc", pid, "stat")
        return not status.exists() or ") Z " in status.read_text()

    wait.until(gone, deadline=10, missing="vagrant goes on without us")


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


IFLIST = """\
 vnet4   network   lab-core-mgmt   virtio   52:54:00:11:22:33
 vnet5   network   lab-core        virtio   52:54:00:44:55:66
"""


def answering(monkeypatch: pytest.MonkeyPatch, **said: str) -> list[tuple[str, ...]]:
    """virsh with such an answer for each of its commands ("_" for "-"); returns the calls that will have been made."""
    calls_made: list[tuple[str, ...]] = []

    def virsh(argv: list[str], **_options: Any) -> run.Completed:
        words = tuple(str(word) for word in argv)
        calls_made.append(words)
        out = said.get(words[4].replace("-", "_"), "") if words[0] == "virsh" else ""
        return run.Completed(words, 0, out, "")

    monkeypatch.setattr(run, "run", virsh)
    return calls_made


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


def test_what_an_interruption_left_of_a_machine_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        " lab-core-core-01.img         /p/lab-core-core-01.img\n"
        " lab-core-core-01-sdb.qcow2   /p/lab-core-core-01-sdb.qcow2\n"
        " lab-core-core-011.img        /p/x\n"
        " box.img                      /p/box.img\n"
    )
    made = answering(monkeypatch, list="lab-core-core-02\n", vol_list=listed)
    hypervisors.of("libvirt").remove("lab-core-core-01")
    assert [call[5] for call in made if call[4] == "vol-delete"] == [
        "lab-core-core-01.img",
        "lab-core-core-01-sdb.qcow2",
    ]
    assert not any(call[4] in ("destroy", "undefine") for call in made)


def whole(cluster: Cluster, *numbers: int) -> Path:
    """Marks machines as those whose cloud-config was handed over; returns Vagrant's folder."""
    folder = ClusterFolder(cluster.name).vagrant
    for number in numbers:
        disk.write_atomic(folder / "whole" / cluster.nodes[number].name, "")
    return folder


@pytest.fixture
def vagrant_up(monkeypatch: pytest.MonkeyPatch, vms: Cluster, tmp_path: Path) -> Callable[[], list[str]]:
    """Starts all nodes; returns the names of those that Vagrant was asked for."""
    asked: list[str] = []
    monkeypatch.setattr(calls.Vagrant, "up", lambda _self, _on, names: asked.extend(names))
    monkeypatch.setattr(VagrantProvider, "write_vagrantfile", lambda *_: None)
    (tmp_path / "user-data").write_text("#cloud-config\n")

    def start() -> list[str]:
        VagrantProvider().start(vms, vms.nodes, lambda _node: tmp_path / "user-data")
        return asked

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
    asked = run.run
    monkeypatch.setattr(run, "run", lambda argv, **o: (really if argv[0] in ("setpriv", "du") else asked)(argv, **o))
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
