"""The command line that starts one nspawn node."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import coreos_lab
from coreos_lab.containers import layers
from coreos_lab.model import Cluster, Node, Seat
from coreos_lab.providers.nspawn import boot, disk_server, names
from coreos_lab.providers.nspawn.resolver import RESOLVED

FOLDERS = ("upper", "work", "root", "docker")
# Where a cloud's instance has what is its Docker's own: the reader may mount a disk at /var/lib/docker, so nothing is
# mounted there at boot (instances.py).
DOCKER_OF_INSTANCE = "/run/lab/docker"
MOUNT = "mount.ext4"  # an instance's own, in its folder: a copy of mount_ext4.sh
FUSE = Path("/dev/fuse")
# Capabilities that no program on a node needs. Without a user namespace they would affect the host.
NEEDLESS = (
    "CAP_AUDIT_CONTROL",
    "CAP_AUDIT_READ",
    "CAP_BLOCK_SUSPEND",
    "CAP_MAC_ADMIN",
    "CAP_MAC_OVERRIDE",
    "CAP_PERFMON",
    "CAP_SYSLOG",
    "CAP_SYS_MODULE",
    "CAP_SYS_PACCT",
    "CAP_SYS_RAWIO",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_WAKE_ALARM",
)


def nspawn_arguments(
    node: Node,
    folder: Path,
    user_data: Path | None,
    base: int,
    loops: Sequence[Path],
    resolv_conf: Path | None,
    *,
    of_cloud: bool = False,
) -> list[str]:
    """systemd-nspawn's arguments (systemd-nspawn(1)) besides its root; it binds what boot.py has mounted under SHOWN.

    Docker needs all capabilities, its keyring and bpf calls, and a data folder that is not an overlay (overlay2 on
    overlay is refused, and vfs is ten times slower). /usr is the image's own, read-only as on Container Linux.
    `base` is the host's user id of the node's root, 0 where that is the host's root: then it has fewer capabilities.
    A node without a file of `user_data` gets it in another way. `of_cloud`: it is an instance of a cloud.
    """
    isolated = [f"--private-users={base}:{boot.RANGE}", "--private-users-ownership=off"]
    return [
        "--boot",
        "--register=no",
        "--keep-unit",
        f"--machine={node.name}",
        "--private-network",
        *(isolated if base else [f"--drop-capability={','.join(NEEDLESS)}"]),
        "--capability=all",
        "--system-call-filter=@keyring bpf",
        "--system-call-filter=~syslog",  # some kernels let every user read their log
        *_resolv_conf(resolv_conf and _shown(folder, resolv_conf)),
        "--link-journal=no",
        f"--bind-ro={boot.SHOWN}/lower/usr:/usr",
        *(_of_instance() if of_cloud else [f"--bind={boot.SHOWN}/node/docker:/var/lib/docker"]),
        f"--bind-ro={boot.SHOWN}/layers:{layers.SEEN_AT}",
        *([f"--bind-ro={_shown(folder, user_data)}:/var/lib/coreos-install/user_data"] if user_data else []),
        *([f"--bind={boot.SHOWN}/dev/{FUSE.name}:{FUSE}"] if FUSE.exists() else []),
        *(f"--bind={boot.SHOWN}/dev/{loop.name}:{disk.device}" for disk, loop in zip(node.disks, loops, strict=True)),
        "systemd.show_status=error",
        "systemd.log_color=no",
    ]


def _of_instance() -> list[str]:
    return [
        f"--bind={boot.SHOWN}/node/docker:{DOCKER_OF_INSTANCE}",
        f"--bind={boot.SHOWN}/node/{disk_server.FOLDER}:{disk_server.SEEN_AT}",
        f"--bind-ro={boot.SHOWN}/node/{MOUNT}:/usr/sbin/{MOUNT}",
    ]


def _resolv_conf(own: Path | None) -> list[str]:
    """The node's own file if it has one, else the host's, or the list of servers that systemd-resolved uses."""
    if own is not None:
        return ["--resolv-conf=off", f"--bind-ro={own}:/etc/resolv.conf"]
    return ["--resolv-conf=" + ("replace-uplink" if RESOLVED.exists() else "replace-host")]


def _shown(folder: Path, path: Path) -> Path:
    """The path at which nspawn sees a file of the node's folder."""
    return Path(boot.SHOWN, "node") / path.relative_to(folder)


def launch_arguments(
    cluster: Cluster,
    node: Node,
    folder: Path,
    image: Path,
    base: int,
    loops: Sequence[Path],
    cgroup: str,
    seat: Seat | None = None,
) -> list[str]:
    """The call of launch.sh up to nspawn's own arguments. A cloud's instance has a `seat` in its router's namespace."""
    devices = [*([FUSE] if FUSE.exists() else []), *loops]
    return [
        *(["nsenter", f"--net={seat.namespace}", "--"] if seat else []),
        "/bin/sh",
        str(Path(__file__).with_name("launch.sh")),
        "power",
        cgroup,
        sys.executable,
        str(Path(coreos_lab.__file__).parents[1]),
        str(folder),
        str(image),
        str(layers.folder()),
        str(base),
        ",".join(map(str, devices)),
        *(_plug_of(seat) if seat else _plug(cluster, node)),
    ]


def _plug(cluster: Cluster, node: Node) -> list[str]:
    """launch.sh's words for a node's cable."""
    network = cluster.network
    return [
        names.cable(network, node),
        names.bridge(network),
        names.with_prefix(network, node.address),
        network.gateway,
        names.mac(node.address),
    ]


def _plug_of(seat: Seat) -> list[str]:
    return [seat.cable, seat.bridge, f"{seat.address}/{seat.length}", seat.gateway, seat.mac]
