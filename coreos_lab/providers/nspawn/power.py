"""A node's power: its machine is started, stopped, paused, and asked what it is doing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from coreos_lab import hints, interrupts, run, wait
from coreos_lab.containers import layers, opacity
from coreos_lab.errors import LabError
from coreos_lab.machine_image.folders import image_folder
from coreos_lab.model import Cluster, Node, NodeState, Seat
from coreos_lab.providers.nspawn import cgroup, disks, limits, names, resolver, slots, user_ids
from coreos_lab.providers.nspawn.machine import FOLDERS, launch_arguments, nspawn_arguments

# Without these a node's cloud-config is not applied. systemd does not retry one that has failed.
BOOT_UNITS = ("dbus.service", "dbus.socket", "coreos-environment.service", "user-cloudinit.service")
SYSTEMD_PATIENCE = 20.0  # seconds for an answer of the node's systemd, on cores that many nodes share
LEAST_FREE = 512 * 1024**2  # bytes: with less free space a node's Docker fails with misleading errors
START_DEADLINE = 60.0  # seconds until systemd-nspawn must have started, on a host that may be busy


def start(cluster: Cluster, node: Node, user_data: Path | None, seat: Seat | None = None) -> None:
    """Powers a node on, resumes a paused one, and leaves one that runs alone. Its folder is made if it is missing.

    A cloud's instance has a `seat` instead of a place in the cluster's network.
    """
    now = state(cluster, node)
    if now is NodeState.RUNNING:
        return
    if now is NodeState.PAUSED:
        resume(cluster, node)
        return
    folder = names.node_folder(cluster, node)
    image = _root_tree(upcoming(cluster, node))
    if not image.is_dir():
        from coreos_lab.remake import made_anew

        raise LabError(
            f"{image}: the machine image that {node.name} boots from is gone",
            f"build it again: {made_anew(cluster)}",
        )
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    # Files in it may belong to users of the node and have the set-user-ID bit: users of the host must not run them.
    folder.parent.chmod(0o700)
    _require_space(folder)
    if cluster.userns:  # for layers that its Docker made before nodes were in user namespaces
        opacity.mark_once(folder / "docker/overlay2", folder / "userns")
    layers.folder().mkdir(parents=True, exist_ok=True)
    layers.preload(folder / "docker")
    loops = [disks.attach(folder, extra) for extra in node.disks]
    (folder / "cgroup").unlink(missing_ok=True)
    base = user_ids.of_number(cluster, seat.number) if seat else user_ids.of_node(cluster, node)
    resolv_conf = folder / "resolv.conf" if seat else resolver.for_node(cluster, folder)
    arguments = nspawn_arguments(node, folder, user_data, base, loops, resolv_conf, of_cloud=seat is not None)
    launch = partial(launch_arguments, cluster, node, folder, image, base, loops, seat=seat)
    # Until its cgroup is on record the node counts as off: a repair after an interruption would start it once more.
    with interrupts.undoing(f"starting {node.name}"):
        if run.systemd_is_init():
            _start_as_service(cluster, node, [*launch("own"), *arguments])
        else:
            unified, join = cgroup.make(cluster, node)
            limits.start_with(cluster, node)
            environment = {"LAB_JOIN": " ".join(map(str, join))}
            run.spawn([*launch(str(unified)), *arguments], log_file=console(cluster, node), env=environment)
        wait.until(
            lambda: cgroup.populated(cgroup.recorded(folder)),
            deadline=START_DEADLINE,
            interval=0.01,
            missing=lambda: f"{node.name}: did not start; its console says: {_last_line(console(cluster, node))}",
        )


def booted(cluster: Cluster, node: Node) -> str:
    """The machine image that a node has booted last, as its disk says; "" for a node that has no slots."""
    found = slots.read(str(names.node_folder(cluster, node) / "upper"))
    return found.image if found else ""


def upcoming(cluster: Cluster, node: Node) -> str:
    """The machine image that a node boots next."""
    disk = names.node_folder(cluster, node) / "upper"
    return slots.upcoming(str(disk), cluster.image, lambda image: _root_tree(image).is_dir()).image


def _root_tree(image: str) -> Path:
    return image_folder(image) / "rootfs"


def _require_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise LabError(
            f"{folder}: only {free // 1024**2} MiB free on its file system, a node needs {LEAST_FREE // 1024**2}",
            "make room, or move the state with LAB_STATE_DIR",
        )


def _start_as_service(cluster: Cluster, node: Node, command: Sequence[str]) -> None:
    output, allowed = console(cluster, node), cluster.limits
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
            f"--property=StandardOutput=append:{output}",
            f"--property=StandardError=append:{output}",
            *([f"--property=MemoryMax={allowed.memory}"] if allowed.memory else []),
            *([f"--property=CPUQuota={allowed.cpus * 100:g}%"] if allowed.cpus else []),
            *command,
        ]
    )


def kill(cluster: Cluster, node: Node) -> None:
    """Ends all processes of a node at once."""
    path = cgroup.recorded(names.node_folder(cluster, node))
    if path is not None:
        cgroup.kill(path)


def signal_systemd(cluster: Cluster, node: Node, number: int) -> None:
    """Sends a signal to the node's systemd (systemd(1)): needs no network, as a power button does not."""
    pid = first_process(cluster, node)
    if pid is None:
        raise LabError(f"{node.name}: is not running", f"start it with '{hints.lab('up')}'")
    os.kill(pid, number)


def pause(cluster: Cluster, node: Node) -> None:
    """Freezes a running node."""
    path = cgroup.recorded(names.node_folder(cluster, node))
    if path is None or not cgroup.populated(path):
        raise LabError(f"{node.name}: is not running", f"start it with '{hints.lab('up')}'")
    cgroup.freeze(path, on=True)


def resume(cluster: Cluster, node: Node) -> None:
    """Thaws a node."""
    path = cgroup.recorded(names.node_folder(cluster, node))
    if path is not None and path.is_dir():
        cgroup.freeze(path, on=False)


def state(cluster: Cluster, node: Node) -> NodeState:
    """What the node's machine is doing, by its cgroup; one without an upper folder was never made."""
    folder = names.node_folder(cluster, node)
    path = cgroup.recorded(folder)
    if path is not None and cgroup.populated(path):
        return NodeState.PAUSED if cgroup.frozen(path) else NodeState.RUNNING
    return NodeState.STOPPED if (folder / "upper").is_dir() else NodeState.ABSENT


def stuck(cluster: Cluster, node: Node) -> bool:
    """Whether one of the units of a node's boot has failed.

    systemctl runs inside, started from outside, because SSH needs what the boot brings. A systemd that does not answer
    counts as stuck.
    """
    pid = first_process(cluster, node)
    if pid is None:
        return False
    call = ["nsenter", f"--target={pid}", "--all", "--", "systemctl", "is-failed", "--quiet", *BOOT_UNITS]
    try:
        return run.run(call, check=False, timeout=SYSTEMD_PATIENCE).returncode == 0
    except run.CommandError:
        return True


def first_process(cluster: Cluster, node: Node) -> int | None:
    """The host's process id of the node's PID 1; None while it is off."""
    path = cgroup.recorded(names.node_folder(cluster, node))
    return cgroup.leader(path) if path else None


def console(cluster: Cluster, node: Node) -> Path:
    """The file with the node's console output."""
    return names.node_folder(cluster, node) / "console.log"


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1] if lines else "nothing"
