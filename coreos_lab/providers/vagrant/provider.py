"""The provider of virtual machines: Vagrant makes and removes them, the hypervisor itself does the rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from coreos_lab import disk, events, render, run, settings
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.machine_image.box import box_folder, box_name, ensure_box, vagrant_home
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster, Finding, Leftovers, Node, NodeState, VagrantBox
from coreos_lab.providers import cables, routes
from coreos_lab.providers.vagrant import hypervisors
from coreos_lab.providers.vagrant.calls import Vagrant
from coreos_lab.providers.vagrant.doctor import findings
from coreos_lab.providers.vagrant.hypervisors import Hypervisor, machine, own_machines, own_networks, prefix
from coreos_lab.records.store import ClusterFolder
from coreos_lab.remake import made_anew

CONSOLE_LINES = 8  # of a machine that Vagrant could not log in to


class VagrantProvider:
    """Nodes as virtual machines of VirtualBox or libvirt."""

    name = "vagrant"
    boot_deadline = 900.0  # seconds: emulated in software, three machines take minutes
    own_clocks = True
    boots_at_once: int | None = None

    def doctor(self) -> list[Finding]:
        return findings()

    def prepare(self, cluster: Cluster) -> str:
        box = _box(cluster)
        if box.name != box_name():
            return ""  # not our box: Vagrant downloads it
        vagrant = Vagrant(settings.state_dir() / "box", settings.state_dir() / "logs" / "vagrant-box.log")
        file = ensure_box()
        if box.name not in vagrant.boxes():
            with events.step("box", message=f"vagrant box add {box.name}"):
                vagrant.add_box(box.name, file)
        return file.parent.name

    def create_network(self, cluster: Cluster) -> None:
        """Vagrant makes it with the first machine. A subnet that is in use is an error before that."""
        if not own_networks(cluster, self._hypervisor(cluster).networks()):
            routes.require_free(cluster.network.subnet)

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        states = {node.name: self.state(cluster, node) for node in nodes}
        for node in nodes:
            if states[node.name] is NodeState.PAUSED:
                self.resume(cluster, node)
        absent = [node for node in nodes if states[node.name] is NodeState.ABSENT]
        off = [node for node in nodes if states[node.name] is NodeState.STOPPED]
        folder = ClusterFolder(cluster.name).vagrant
        # A finished machine boots by itself. Vagrant is only needed for what a config.rb may have it do on the host at
        # every start, and it is slow: it logs in by SSH and sets the network up again.
        if off and not (folder / "config.rb").exists():
            self._power_on(cluster, off)
            off = []
        for node in absent:
            self._remove(cluster, node)  # an interrupted command may have left parts of it
            disk.write_atomic(folder / "user-data" / node.name, user_data(node).read_text(encoding="utf-8"), 0o600)
        started = [node.name for node in nodes if node in absent or node in off]
        if not started:
            return
        self.write_vagrantfile(cluster)
        with events.step("vagrant up", message=", ".join(started)):
            try:
                self._vagrant(cluster).up(_box(cluster).hypervisor, started)
            except LabError as error:
                raise self._with_console(cluster, nodes, error) from None

    def _with_console(self, cluster: Cluster, nodes: Sequence[Node], error: LabError) -> LabError:
        """The error, with the end of the console of the first machine that Vagrant could not log in to."""
        for node in nodes:
            console = disk.last_lines(self.console(cluster, node), CONSOLE_LINES)
            if console and not _whole(cluster, node).exists():
                details = f"{error.details}\n{node.name} was started; the end of its console:\n{console}"
                return LabError(error.message, error.hint, details.lstrip())
        return error

    def _power_on(self, cluster: Cluster, nodes: Sequence[Node]) -> None:
        hypervisor = self._hypervisor(cluster)
        for network in own_networks(cluster, hypervisor.networks()):
            hypervisor.start_network(network)
        for node in nodes:
            hypervisor.power_on(machine(cluster, node))

    def write_vagrantfile(self, cluster: Cluster) -> None:
        """Writes the cluster's Vagrantfile, but not the config.rb beside it, which is the user's."""
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
        """A machine that was not finished counts as absent: whether its cloud-config was applied is not known."""
        state = self._hypervisor(cluster).state(machine(cluster, node))
        return state if _whole(cluster, node).exists() else NodeState.ABSENT

    def boot_id(self, cluster: Cluster, node: Node) -> str:
        if self.state(cluster, node) is not NodeState.RUNNING:
            return ""
        return ssh.answer(cluster, node, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.strip()

    def memory(self, cluster: Cluster, node: Node) -> int | None:
        return self._hypervisor(cluster).memory(machine(cluster, node))

    def stuck(self, cluster: Cluster, node: Node) -> bool:
        del cluster, node  # a virtual machine cannot be looked into from outside
        return False

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
        known = self._hypervisor(cluster).machines()
        there = [node.name for node in nodes if machine(cluster, node) in known]
        if there and (folder / "Vagrantfile").exists():
            try:
                self._vagrant(cluster).destroy(there)
            except LabError as error:  # Vagrant was removed, or has lost its records
                events.note("destroy", f"{error.message}: removing the machines without Vagrant")
        for node in nodes:
            self._remove(cluster, node)
            shutil.rmtree(ClusterFolder(cluster.name).node(node), ignore_errors=True)

    def _remove(self, cluster: Cluster, node: Node) -> None:
        """Removes all parts of a machine, and Vagrant's record of it."""
        _whole(cluster, node).unlink(missing_ok=True)
        self._hypervisor(cluster).remove(machine(cluster, node))
        shutil.rmtree(_record(cluster, node), ignore_errors=True)

    def destroy_network(self, cluster: Cluster) -> None:
        cables.mend_all(cluster.network)
        hypervisor = self._hypervisor(cluster)
        for network in own_networks(cluster, hypervisor.networks()):
            hypervisor.remove_network(network)

    def leftovers(self, cluster: Cluster) -> Leftovers:
        hypervisor = self._hypervisor(cluster)
        found = [
            *(f"machine {name}" for name in own_machines(cluster, hypervisor.machines())),
            *(f"network {name}" for name in own_networks(cluster, hypervisor.networks())),
            *(f"table bridge {table}" for table in cables.cuts(cluster.network)),
        ]
        return Leftovers(found, [])

    def cable(self, cluster: Cluster, node: Node) -> str:
        return self._hypervisor(cluster).cable(machine(cluster, node), prefix(cluster))

    def snapshot_size(self, cluster: Cluster) -> int:
        return disk.size(path for node in cluster.nodes for path in self._disks(cluster, node))

    def save_snapshot(self, cluster: Cluster, folder: Path) -> None:
        """QEMU has flushed a machine's disks when the machine is paused, so their files can be copied."""
        for node in cluster.nodes:
            kept = folder / "nodes" / node.name
            disk.write_atomic(kept / "machine.xml", self._hypervisor(cluster).definition(machine(cluster, node)))
            shutil.copytree(_record(cluster, node), kept / "vagrant")
            for path in self._disks(cluster, node):
                disk.write_atomic(kept / "disks" / f"{path.name}.path", f"{path}\n")
                _copy(path, kept / "disks" / path.name)

    def restore_snapshot(self, cluster: Cluster, folder: Path) -> None:
        """Disks are copied back into the existing files, which keep the owner and mode that the hypervisor set."""
        for node in cluster.nodes:
            kept = folder / "nodes" / node.name
            for path in sorted((kept / "disks").glob("*.path")):
                _copy(path.with_suffix(""), Path(path.read_text(encoding="utf-8").strip()))
            definition = (kept / "machine.xml").read_text(encoding="utf-8")
            self._hypervisor(cluster).define(machine(cluster, node), definition)
            shutil.rmtree(_record(cluster, node), ignore_errors=True)
            shutil.copytree(kept / "vagrant", _record(cluster, node))
            disk.write_atomic(_whole(cluster, node), "")

    def _disks(self, cluster: Cluster, node: Node) -> list[Path]:
        return self._hypervisor(cluster).disks(machine(cluster, node))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # It must not outlive this process: the next command copies again, to the same path.
    copy: list[str | Path] = ["cp", "--reflink=auto", "--sparse=always", "--", source, target]
    run.run(["setpriv", "--pdeathsig", "KILL", *copy])


def _whole(cluster: Cluster, node: Node) -> Path:
    """The file that the Vagrantfile makes once a machine has got its cloud-config: the machine is finished."""
    return ClusterFolder(cluster.name).vagrant / "whole" / node.name


def _record(cluster: Cluster, node: Node) -> Path:
    """Vagrant's record of a machine."""
    return ClusterFolder(cluster.name).vagrant / ".vagrant" / "machines" / node.name


def _box(cluster: Cluster) -> VagrantBox:
    if cluster.box is None:
        raise LabError(f"{cluster.name}: its plan names no box", made_anew(cluster))
    return cluster.box


def files(cluster: Cluster) -> render.VagrantFiles:
    """The files that the cluster's Vagrantfile names."""
    folder = ClusterFolder(cluster.name)
    flatcar = _box(cluster).flatcar
    return render.VagrantFiles(
        key=folder.key,
        first_key=vagrant_home() / "insecure_private_key",
        consoles=folder.vagrant,
        userland=ensure_userland() / "userland.tar.gz" if flatcar else Path(),
        boot=box_folder(cluster.image) if cluster.image else None,
    )
