"""The Vagrantfile, and what a cloud-config has for virtual machines."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from coreos_lab import render
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Disk, Limits, VagrantBox
from coreos_lab.render import VagrantFiles, vagrantfile
from tests.unit.providers.vagrant.paper_machines import FLATCAR, OURS

FILES = VagrantFiles(Path("/s/key"), Path("/h/first key"), Path("/s/#{c}"), Path("/u/userland.tar.gz"))


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
    assert YAML(typ="safe").load(theirs)["hostname"] == node.name
    assert "ExecStart=/opt/coreos-lab/bin/etcd" not in ours
    assert ("daemon.json" in ours, "daemon.json" in theirs) == (False, True), "its docker.service has no flags of ours"
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
