"""The embedded provider: each node is a systemd-nspawn container with its own systemd, network and disks.

On a host whose PID 1 is systemd a node is a transient service of it, elsewhere (a CI container) a process in a
cgroup of ours; both survive the command that made them.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from coreos_lab import disk, run, settings, wait
from coreos_lab.containers import layers
from coreos_lab.errors import LabError
from coreos_lab.machine_image.image import ensure_image, image_folder
from coreos_lab.model import Cluster, Disk, Finding, Limits, Node, NodeState
from coreos_lab.providers.nspawn import cgroup, copies, disks, limits, names, network, throttle
from coreos_lab.providers.nspawn.doctor import findings
from coreos_lab.providers.nspawn.machine import FOLDERS, RESOLVED, launch_arguments, nspawn_arguments

LEAST_FREE = 512 * 1024**2  # bytes: below that a node's Docker fails in ways that nobody understands
STARTED = (b"systemd-nspawn", b"launch.sh", b"docker-registry")  # a reader's own `tail -f` there is no leftover


class NspawnProvider:
    """Nodes as systemd-nspawn containers on this machine."""

    name = "nspawn"
    boot_deadline = 90.0
    own_clocks = False

    def doctor(self) -> list[Finding]:
        return findings()

    def prepare(self, cluster: Cluster) -> str:
        del cluster  # all boot the same
        return ensure_image().parent.name

    def _folder(self, cluster: Cluster, node: Node) -> Path:
        return names.node_folder(cluster, node)

    def _cluster_folder(self, cluster: Cluster) -> Path:
        return settings.clusters_dir() / cluster.name

    def _host_record(self, cluster: Cluster) -> Path:
        return self._cluster_folder(cluster) / "host.json"

    def create_network(self, cluster: Cluster) -> None:
        network.create(cluster, self._host_record(cluster))

    def start(self, cluster: Cluster, nodes: Sequence[Node], user_data: Callable[[Node], Path]) -> None:
        with ThreadPoolExecutor(max_workers=max(1, len(nodes))) as pool:
            for job in [pool.submit(self._start, cluster, node, user_data(node)) for node in nodes]:
                job.result()

    def _start(self, cluster: Cluster, node: Node, user_data: Path) -> None:
        if self.state(cluster, node) is NodeState.RUNNING:
            return
        if self.state(cluster, node) is NodeState.PAUSED:
            self.resume(cluster, node)
            return
        folder = self._folder(cluster, node)
        image = image_folder(cluster.image) / "rootfs"
        if not image.is_dir():
            raise LabError(
                f"{image}: the machine image that {node.name} boots from is gone",
                f"lab destroy --name {cluster.name}, then lab up: it is built again",
            )
        for name in FOLDERS:
            (folder / name).mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
        if free < LEAST_FREE:
            raise LabError(
                f"{folder}: only {free // 1024**2} MiB free on its file system, a node needs {LEAST_FREE // 1024**2}",
                "make room, or move the state with LAB_STATE_DIR",
            )
        layers.folder().mkdir(parents=True, exist_ok=True)
        layers.plant(folder / "docker")
        loops = [disks.attach(folder, extra) for extra in node.disks]
        (folder / "cgroup").unlink(missing_ok=True)
        arguments = nspawn_arguments(node, folder, image, user_data, loops, resolved=RESOLVED.exists())
        console = self.console(cluster, node)
        if run.systemd_is_init():
            self._start_as_service(cluster, node, [*launch_arguments(cluster, node, folder, image, "own"), *arguments])
        else:
            unified, join = cgroup.make(cluster, node)
            limits.start_with(cluster, node)
            run.spawn(
                [*launch_arguments(cluster, node, folder, image, str(unified)), *arguments],
                log_file=console,
                env={"LAB_JOIN": " ".join(map(str, join))},
            )
        wait.until(
            lambda: cgroup.populated(cgroup.recorded(folder)),
            deadline=20,
            interval=0.01,
            missing=lambda: f"{node.name}: did not start; its console says: {_last_line(console)}",
        )

    def _start_as_service(self, cluster: Cluster, node: Node, command: Sequence[str]) -> None:
        console = self.console(cluster, node)
        told = cluster.limits
        run.run(["systemctl", "reset-failed", names.systemd_unit(cluster, node)], check=False)
        run.run(
            [
                "systemd-run",
                "--quiet",
                "--collect",
                f"--unit={names.systemd_unit(cluster, node)}",
                f"--description=lab: {node.name} of cluster {cluster.name}",
                "--property=Delegate=yes",
                "--property=KillMode=mixed",
                "--property=TasksMax=infinity",
                f"--property=StandardOutput=append:{console}",
                f"--property=StandardError=append:{console}",
                *([f"--property=MemoryMax={told.memory}"] if told.memory else []),
                *([f"--property=CPUQuota={told.cpus * 100:g}%"] if told.cpus else []),
                *command,
            ]
        )

    def kill(self, cluster: Cluster, node: Node) -> None:
        path = cgroup.recorded(self._folder(cluster, node))
        if path is not None:
            cgroup.kill(path)

    def halt(self, cluster: Cluster, node: Node) -> None:
        self._signal(cluster, node, signal.SIGRTMIN + 4)

    def reboot(self, cluster: Cluster, node: Node) -> None:
        self._signal(cluster, node, signal.SIGRTMIN + 5)

    def _signal(self, cluster: Cluster, node: Node, number: int) -> None:
        """Tells the node's systemd by signal (systemd(1)): needs no network, as a power button does not."""
        path = cgroup.recorded(self._folder(cluster, node))
        pid = cgroup.leader(path) if path else None
        if pid is None:
            raise LabError(f"{node.name}: is not running", "start it with 'lab up'")
        os.kill(pid, number)

    def pause(self, cluster: Cluster, node: Node) -> None:
        path = cgroup.recorded(self._folder(cluster, node))
        if path is None or not cgroup.populated(path):
            raise LabError(f"{node.name}: is not running", "start it with 'lab up'")
        cgroup.freeze(path, on=True)

    def resume(self, cluster: Cluster, node: Node) -> None:
        path = cgroup.recorded(self._folder(cluster, node))
        if path is not None and path.is_dir():
            cgroup.freeze(path, on=False)

    def state(self, cluster: Cluster, node: Node) -> NodeState:
        folder = self._folder(cluster, node)
        path = cgroup.recorded(folder)
        if path is not None and cgroup.populated(path):
            return NodeState.PAUSED if cgroup.frozen(path) else NodeState.RUNNING
        return NodeState.STOPPED if (folder / "upper").is_dir() else NodeState.ABSENT

    def cable(self, cluster: Cluster, node: Node) -> str:
        return names.cable(cluster.network, node)

    def boot_id(self, cluster: Cluster, node: Node) -> str:
        path = cgroup.recorded(self._folder(cluster, node))
        pid = cgroup.leader(path) if path else None
        return str(pid or "")

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

    def lose_disk(self, cluster: Cluster, node: Node, lost: Disk) -> None:
        disks.begin_at(disks.require_attached(self._folder(cluster, node), lost), lost.size)

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
        return self._folder(cluster, node) / "console.log"

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
        self.kill(cluster, node)
        disks.detach(folder)
        if folder.exists():
            disk.remove_tree(folder)
        cgroup.remove(cluster, node)

    def destroy_network(self, cluster: Cluster) -> None:
        network.destroy(cluster, self._host_record(cluster))
        cgroup.sweep(cluster)

    def snapshot_size(self, cluster: Cluster) -> int:
        return copies.size([self._folder(cluster, node) for node in cluster.nodes])

    def save_snapshot(self, cluster: Cluster, folder: Path) -> None:
        pairs = [(self._folder(cluster, node), folder / "nodes" / node.name) for node in cluster.nodes]
        copies.save(pairs, extra_disks=any(node.disks for node in cluster.nodes))

    def restore_snapshot(self, cluster: Cluster, folder: Path) -> None:
        for node in cluster.nodes:
            disks.detach(self._folder(cluster, node))
        copies.restore([(folder / "nodes" / node.name, self._folder(cluster, node)) for node in cluster.nodes])

    def leftovers(self, cluster: Cluster) -> list[str]:
        folder = self._cluster_folder(cluster)
        return [
            *network.left(cluster),
            *disks.left(folder),
            *(f"mount {path}" for path in disk.mount_points() if folder in path.parents),
            *(f"cgroup {path}" for path in cgroup.left(cluster)),
            *(f"process {pid}" for pid in _processes_under(folder)),
        ]


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "nothing"


def _processes_under(folder: Path) -> list[int]:
    """Programs that we start and that were told of the cluster's folder, whoever lost sight of them since."""
    needle = f"{folder}/".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                line = (entry / "cmdline").read_bytes()
                if needle in line and any(program in line for program in STARTED):
                    found.append(int(entry.name))
    return found
