"""What of a cluster is still on the host: the state of the host, judged by the marks of the cluster.

`leftovers` is pure; `audit` has the host's state read first (host_state.py).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from coreos_lab import mounts
from coreos_lab.model import Cluster, Leftovers
from coreos_lab.mounts import Place
from coreos_lab.providers.nspawn import disks, host_state, names
from coreos_lab.providers.nspawn.host_state import Host
from coreos_lab.records.store import ClusterFolder

# Programs that we start with a path in the cluster's folder. A user's own `tail -f` of a file there is no leftover. The
# relay for name servers has no such path: it is found by the address that it listens on.
STARTED = (
    *("systemd-nspawn", "launch.sh", "docker-registry"),
    *("discovery_service.py", "update_service.py", "webhook_service.py"),
)
# What may go by itself, since another cluster's command holds it for a moment: settings that its `destroy` is about to
# restore; loop devices and mount namespaces that its own look at the host has open.
PASSING = ("setting ", "loop device ", "mount ")
PATIENCE = 10.0  # seconds for that, on a busy host


@dataclass(frozen=True)
class Marks:
    """What identifies the things of a cluster. `place` is where its folder is, None where it has none."""

    name: str
    aliases: tuple[str, ...]
    bridge: str
    table: str
    gateway: str
    link_local: str  # the bridge's address of IPv6
    folder: Path
    control: Path
    place: Place | None


def marks(cluster: Cluster) -> Marks:
    """The marks of a cluster."""
    folder = ClusterFolder(cluster.name)
    return Marks(
        cluster.name,
        tuple(names.aliases(cluster)),
        names.bridge(cluster.network),
        names.table(cluster.network),
        cluster.network.gateway,
        names.link_local(cluster.network.gateway),
        folder.path,
        folder.control,
        mounts.place(folder.path),
    )


def leftovers(marks: Marks, host: Host) -> list[str]:
    """What there is of the cluster, a line each."""
    return [
        *_devices(marks, host),
        *_network(marks, host),
        *_running(marks, host),
        *(f"setting {name}: no cluster is left, and it still has the value that lab set" for name in _unneeded(host)),
    ]


def _devices(marks: Marks, host: Host) -> Iterator[str]:
    for loop in disks.ours(marks.folder / "nodes", host.loops):
        yield f"loop device {loop.device} ({loop.backing})"
    if marks.place is None:
        return
    nodes = Place(marks.place.device, marks.place.path / "nodes")
    for where, seen in host.mounts.items():
        for mount in {*mounts.covering(marks.place, seen), *mounts.showing(nodes, seen)}:
            yield f"mount {mount.point} ({mount.kind}, {where})"


def _network(marks: Marks, host: Host) -> Iterator[str]:
    ours = re.compile(rf"{re.escape(marks.bridge)}(-\d+)?")
    bridge = next((each for each in host.interfaces if each.name == marks.bridge), None)
    if bridge is not None and bridge.alias and bridge.alias not in marks.aliases:
        return  # another state folder's cluster owns that bridge, and all that has its name
    elsewhere = False  # whether an interface that is not ours has the gateway's address: the subnet was refused for it
    for interface in host.interfaces:
        if ours.fullmatch(interface.name):
            yield f"interface {interface.name}"
        elif marks.gateway in interface.addresses:
            if interface.alias in marks.aliases:  # the bridge, renamed
                yield f"address {marks.gateway} on {interface.name}"
            else:
                elsewhere = True
    for network, device in host.routes:
        if ours.fullmatch(device):
            yield f"route {network} on {device}"
    named = re.compile(rf"(?<![\w-])({ours.pattern}|{re.escape(marks.table)}(_[\w-]+)?)(?![\w-])")
    yield from (f"rule {line.strip()}" for line in host.rules if named.search(line))
    if not elsewhere:
        own = (marks.gateway, marks.link_local)
        yield from (f"socket {socket}" for socket in host.bound if socket.address in own)


def _running(marks: Marks, host: Host) -> Iterator[str]:
    group, unit = f"/coreos-lab/{marks.name}", f"coreos-lab-{marks.name}-"
    yield from (f"cgroup {path}" for path in host.cgroups if path.name == marks.name)
    units = re.compile(rf"{re.escape(unit)}core-\d+\.service")
    for name in host.units:
        if units.fullmatch(name):
            yield f"unit {name}"
    for process in host.processes:
        grouped = any(path.startswith(f"{group}/") or units.search(path) for path in process.cgroups)
        program = next((word for word in process.arguments[:3] if Path(word).name in STARTED), "")
        if grouped or (program and any(f"{marks.folder}/" in word for word in process.arguments)):
            yield f"process {process.pid} ({program or ' '.join(process.arguments[:2])})"
    for path in host.sockets:
        if Path(path).is_relative_to(marks.control) or Path(path).is_relative_to(marks.folder):
            yield f"socket {path}"


def _unneeded(host: Host) -> list[str]:
    """The settings that no cluster needs any more: those that are still ours, once no bridge of a cluster is left."""
    return [] if any(each.alias.startswith(names.ALIAS) for each in host.interfaces) else host.settings


def audit(cluster: Cluster) -> Leftovers:
    """Looks for anything that is left of a cluster.

    Where there is nothing but what may go by itself, it is looked at again for up to PATIENCE seconds.
    """
    end = time.monotonic() + PATIENCE
    while True:
        host = host_state.look()
        left = leftovers(marks(cluster), host)
        others = [line for line in left if not line.startswith(PASSING)]
        if others or not left or time.monotonic() >= end:
            return Leftovers(left, host.unseen)
        time.sleep(0.1)
