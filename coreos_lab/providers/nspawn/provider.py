"""The embedded provider: each node is a systemd-nspawn container with its own systemd, network and disks.

On a host whose PID 1 is systemd a node is a transient service of it, elsewhere (a CI container) a process in a
cgroup of ours; both survive the command that made them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import disk
from coreos_lab.model import Cluster, Disk, Finding, Leftovers, Limits, Node, NodeState
from coreos_lab.providers.nspawn import (
    cgroup,
    copies,
    disks,
    limits,
    names,
    power,
    slots,
    throttle,
    user_ids,
)

HALT, REBOOT = signal.SIGRTMIN + 4, signal.SIGRTMIN + 5  # to a systemd: systemd(1)


class NspawnProvider:
    """Nodes as systemd-nspawn containers on this machine."""

    name = "nspawn"
    boot_deadline = 90.0
    own_clocks = False
    boots_at_once: int | None = max(12, 6 * (os.cpu_count() or 1))  # on two cores: 12 of 99 at once, 109 s; all, 141 s

    def doctor(self) -> list[Finding]:
        from coreos_lab.providers.nspawn.doctor import findings

        return findings()

    def prepare(self, cluster: Cluster) -> str:
        from coreos_lab.machine_image.image import ensure_image  # slow to import, and needed for booting alone

        del cluster  # all clusters boot from the same image
        return ensure_image().parent.name

    def _folder(self, cluster: Cluster, node: Node) -> Path:
        return names.node_folder(cluster, node)

    def create_network(self, cluster: Cluster) -> None:
        from coreos_lab.providers.nspawn import network  # with all that it needs, which a look at a cluster does not

        network.create(cluster)

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        if cluster.userns:
            user_ids.of_cluster(cluster)  # chosen here, before threads ask for it
        with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
            for job in [pool.submit(power.start, cluster, node, user_data(node)) for node in nodes]:
                job.result()

    def kill(self, cluster: Cluster, node: Node) -> None:
        power.kill(cluster, node)

    def halt(self, cluster: Cluster, node: Node) -> None:
        power.signal_systemd(cluster, node, HALT)

    def reboot(self, cluster: Cluster, node: Node) -> None:
        power.signal_systemd(cluster, node, REBOOT)

    def pause(self, cluster: Cluster, node: Node) -> None:
        power.pause(cluster, node)

    def resume(self, cluster: Cluster, node: Node) -> None:
        power.resume(cluster, node)

    def state(self, cluster: Cluster, node: Node) -> NodeState:
        return power.state(cluster, node)

    def stuck(self, cluster: Cluster, node: Node) -> bool:
        return power.stuck(cluster, node)

    def cable(self, cluster: Cluster, node: Node) -> str:
        return names.cable(cluster.network, node)

    def boot_id(self, cluster: Cluster, node: Node) -> str:
        return str(power.first_process(cluster, node) or "")

    def isolated(self, cluster: Cluster, node: Node) -> bool | None:
        pid = power.first_process(cluster, node)
        try:
            return not Path(f"/proc/{pid}/ns/user").samefile("/proc/self/ns/user")
        except OSError:
            return None

    def booted_image(self, cluster: Cluster, node: Node) -> str:
        return power.booted(cluster, node)

    def machine_id(self, cluster: Cluster, node: Node) -> str:
        return slots.text(str(self._folder(cluster, node) / "upper"), "etc", "machine-id").strip()

    def memory(self, cluster: Cluster, node: Node) -> int | None:
        path = cgroup.recorded(self._folder(cluster, node))
        return cgroup.memory(cluster, node, path) if path and cgroup.populated(path) else None

    def require_limit(self, cluster: Cluster, node: Node, resource: str) -> None:
        limits.require(cluster, node, resource)

    def limit(self, cluster: Cluster, node: Node, allowed: Limits) -> None:
        limits.change(cluster, node, allowed)

    def limits(self, cluster: Cluster, node: Node) -> Limits:
        return limits.now(cluster, node)

    def usage(self, cluster: Cluster, node: Node) -> Limits:
        return limits.usage(cluster, node)

    def held_back(self, cluster: Cluster, node: Node, resource: str) -> int:
        return limits.refused(cluster, node, resource)

    def has_disks(self, cluster: Cluster, node: Node) -> bool:
        return all(disks.attached(self._folder(cluster, node), each) for each in node.disks)

    def lose_disk(self, cluster: Cluster, node: Node, lost: Disk) -> None:
        from coreos_lab.remake import made_anew

        device = disks.require_attached(self._folder(cluster, node), lost, made_anew(cluster))
        disks.begin_at(device, lost.size)

    def find_disk(self, cluster: Cluster, node: Node, lost: Disk) -> None:
        if device := disks.attached(self._folder(cluster, node), lost):
            disks.begin_at(device, 0)

    def disk_is_lost(self, cluster: Cluster, node: Node, lost: Disk) -> bool:
        device = disks.attached(self._folder(cluster, node), lost)
        return device is not None and disks.size(device) < lost.size

    def require_slow_disk(self, cluster: Cluster, node: Node) -> None:
        throttle.require(cluster, node)

    def slow_disk(self, cluster: Cluster, node: Node, slow: Disk, rate: int | None) -> None:
        if device := disks.attached(self._folder(cluster, node), slow):
            throttle.change(cluster, node, device, rate)

    def disk_rate(self, cluster: Cluster, node: Node, slow: Disk) -> int | None:
        device = disks.attached(self._folder(cluster, node), slow)
        return throttle.now(cluster, node, device) if device else None

    def console(self, cluster: Cluster, node: Node) -> Path:
        return power.console(cluster, node)

    def journal_folders(self, cluster: Cluster, node: Node) -> Sequence[Path]:
        journal = self._folder(cluster, node) / "upper/var/log/journal"
        return [path for path in journal.glob("*") if path.is_dir()] if journal.is_dir() else []

    def docker_data(self, cluster: Cluster, node: Node) -> Path | None:
        return self._folder(cluster, node) / "docker"

    def destroy(self, cluster: Cluster, nodes: Sequence[Node]) -> None:
        with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
            for job in [pool.submit(self._destroy, cluster, node) for node in nodes]:
                job.result()

    def _destroy(self, cluster: Cluster, node: Node) -> None:
        folder = self._folder(cluster, node)
        power.kill(cluster, node)
        disks.detach(folder)
        disk.remove_at_once(folder)  # a half removed folder would be started as a node that was off
        cgroup.remove(cluster, node)

    def destroy_network(self, cluster: Cluster) -> None:
        from coreos_lab.providers.nspawn import network

        network.destroy(cluster)
        cgroup.sweep(cluster)

    def snapshot_size(self, cluster: Cluster) -> int:
        return copies.size([self._folder(cluster, node) for node in cluster.nodes])

    def save_snapshot(self, cluster: Cluster, folder: Path) -> None:
        pairs = [(self._folder(cluster, node), folder / "nodes" / node.name) for node in cluster.nodes]
        copies.save(pairs, extra_disks=any(node.disks for node in cluster.nodes))

    def restore_snapshot(self, cluster: Cluster, folder: Path) -> None:
        for node in cluster.nodes:
            disks.detach(self._folder(cluster, node))
            cgroup.remove(cluster, node)  # with the limits that a fault has set: the next start makes it anew
        copies.restore([(folder / "nodes" / node.name, self._folder(cluster, node)) for node in cluster.nodes])

    def leftovers(self, cluster: Cluster) -> Leftovers:
        from coreos_lab.providers.nspawn import audit

        return audit.audit(cluster)
