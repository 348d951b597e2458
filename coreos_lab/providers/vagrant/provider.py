"""The provider of virtual machines: Vagrant makes and removes them, the hypervisor itself is asked for the rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from coreos_lab import disk, events, render, settings
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.machine_image.box import box_folder, box_name, ensure_box, vagrant_home
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster, Finding, Node, NodeState, VagrantBox
from coreos_lab.providers.vagrant import hypervisors
from coreos_lab.providers.vagrant.calls import Vagrant
from coreos_lab.providers.vagrant.doctor import findings
from coreos_lab.providers.vagrant.hypervisors import Hypervisor, machine, own_machines, own_networks
from coreos_lab.store import ClusterFolder


class VagrantProvider:
    """Nodes as virtual machines of VirtualBox or libvirt."""

    name = "vagrant"
    boot_deadline = 900.0  # seconds: emulated in software, three machines take minutes

    def doctor(self) -> list[Finding]:
        return findings()

    def prepare(self, cluster: Cluster) -> str:
        box = _box(cluster)
        if box.name != box_name():
            return ""  # somebody else's: Vagrant fetches it
        vagrant = Vagrant(settings.state_dir() / "box", settings.state_dir() / "logs" / "vagrant-box.log")
        file = ensure_box()
        if box.name not in vagrant.boxes():
            with events.step("box", message=f"vagrant box add {box.name}"):
                vagrant.add_box(box.name, file)
        return file.parent.name

    def create_network(self, cluster: Cluster) -> None:
        """Vagrant makes it with the first machine."""

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        states = {node.name: self.state(cluster, node) for node in nodes}
        for node in nodes:
            if states[node.name] is NodeState.PAUSED:
                self.resume(cluster, node)
        off = [node for node in nodes if states[node.name] in (NodeState.ABSENT, NodeState.STOPPED)]
        if not off:
            return
        folder = ClusterFolder(cluster.name).vagrant
        for node in off:
            disk.write_atomic(folder / "user-data" / node.name, user_data(node).read_text(encoding="utf-8"), 0o600)
        self.write_vagrantfile(cluster)
        with events.step("vagrant up", message=", ".join(node.name for node in off)):
            self._vagrant(cluster).up(_box(cluster).hypervisor, [node.name for node in off])

    def write_vagrantfile(self, cluster: Cluster) -> None:
        """Writes the cluster's Vagrantfile; a config.rb of the user's beside it is left alone."""
        folder = ClusterFolder(cluster.name)
        disk.write_atomic(folder.vagrant / "Vagrantfile", render.vagrantfile(cluster, files(cluster)))

    def _vagrant(self, cluster: Cluster) -> Vagrant:
        folder = ClusterFolder(cluster.name).vagrant
        return Vagrant(folder, folder / "vagrant.log")

    def _hypervisor(self, cluster: Cluster) -> Hypervisor:
        return hypervisors.of(_box(cluster).hypervisor)

    def kill(self, cluster: Cluster, node: Node) -> None:
        self._hypervisor(cluster).power_off(machine(cluster, node))

    def halt(self, cluster: Cluster, node: Node) -> None:
        ssh.node_run(cluster, node, ["sudo", "systemctl", "--no-block", "poweroff"], check=False)

    def reboot(self, cluster: Cluster, node: Node) -> None:
        ssh.node_run(cluster, node, ["sudo", "systemctl", "--no-block", "reboot"], check=False)

    def pause(self, cluster: Cluster, node: Node) -> None:
        self._hypervisor(cluster).pause(machine(cluster, node))

    def resume(self, cluster: Cluster, node: Node) -> None:
        self._hypervisor(cluster).resume(machine(cluster, node))

    def state(self, cluster: Cluster, node: Node) -> NodeState:
        return self._hypervisor(cluster).state(machine(cluster, node))

    def boot_id(self, cluster: Cluster, node: Node) -> str:
        done = ssh.node_run(cluster, node, ["cat", "/proc/sys/kernel/random/boot_id"], check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    def memory(self, cluster: Cluster, node: Node) -> int | None:
        return self._hypervisor(cluster).memory(machine(cluster, node))

    def console(self, cluster: Cluster, node: Node) -> Path:
        return ClusterFolder(cluster.name).vagrant / f"{node.name}.console.log"

    def journal_folders(self, cluster: Cluster, node: Node) -> Sequence[Path]:
        del cluster, node
        return []

    def docker_data(self, cluster: Cluster, node: Node) -> Path | None:
        del cluster, node
        return None

    def destroy(self, cluster: Cluster, nodes: Sequence[Node]) -> None:
        folder = ClusterFolder(cluster.name).vagrant
        hypervisor = self._hypervisor(cluster)
        there = [node for node in nodes if self.state(cluster, node) is not NodeState.ABSENT]
        if there and (folder / "Vagrantfile").exists():
            try:
                self._vagrant(cluster).destroy([node.name for node in there])
            except LabError as error:  # no Vagrant any more, or one that lost its records
                events.note("destroy", f"{error.message}: removing the machines without Vagrant")
        for node in nodes:
            name = machine(cluster, node)
            if name in hypervisor.machines():
                hypervisor.remove(name)
            shutil.rmtree(ClusterFolder(cluster.name).node(node), ignore_errors=True)

    def destroy_network(self, cluster: Cluster) -> None:
        hypervisor = self._hypervisor(cluster)
        for network in own_networks(cluster, hypervisor.networks()):
            hypervisor.remove_network(network)

    def leftovers(self, cluster: Cluster) -> list[str]:
        hypervisor = self._hypervisor(cluster)
        return [
            *(f"machine {name}" for name in own_machines(cluster, hypervisor.machines())),
            *(f"network {name}" for name in own_networks(cluster, hypervisor.networks())),
        ]


def _box(cluster: Cluster) -> VagrantBox:
    if cluster.box is None:
        raise LabError(f"{cluster.name}: its plan names no box", f"lab destroy --name {cluster.name}, then lab up")
    return cluster.box


def files(cluster: Cluster) -> render.VagrantFiles:
    """What the cluster's Vagrantfile names."""
    folder = ClusterFolder(cluster.name)
    flatcar = _box(cluster).flatcar
    return render.VagrantFiles(
        key=folder.key,
        first_key=vagrant_home() / "insecure_private_key",
        consoles=folder.vagrant,
        userland=ensure_userland() / "userland.tar.gz" if flatcar else Path(),
        boot=box_folder(cluster.image) if cluster.image else None,
    )
