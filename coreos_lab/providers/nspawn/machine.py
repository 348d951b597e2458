"""One nspawn node: what it is started with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coreos_lab.containers import layers
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.nspawn import names

FOLDERS = ("upper", "work", "root", "docker")
RESOLVED = Path("/run/systemd/resolve/resolv.conf")


def nspawn_arguments(
    node: Node, folder: Path, image: Path, user_data: Path, loops: Sequence[Path], *, resolved: bool
) -> list[str]:
    """What systemd-nspawn is told beyond its root and its network (systemd-nspawn(1)).

    Docker needs all capabilities, its keyring and bpf calls, and a data folder that is not an overlay (overlay2 on
    overlay is refused, and vfs is ten times slower). /usr is the image's own, read-only as on Container Linux.
    """
    return [
        "--boot",
        "--register=no",
        "--keep-unit",
        f"--machine={node.name}",
        "--capability=all",
        "--system-call-filter=@keyring bpf",
        "--resolv-conf=" + ("replace-uplink" if resolved else "replace-host"),
        "--link-journal=no",
        f"--bind-ro={image / 'usr'}:/usr",
        f"--bind={folder / 'docker'}:/var/lib/docker",
        f"--bind-ro={layers.folder()}:{layers.SEEN_AT}",
        f"--bind-ro={user_data}:/var/lib/coreos-install/user_data",
        *(["--bind=/dev/fuse"] if Path("/dev/fuse").exists() else []),
        *(f"--bind={loop}:{disk.device}" for disk, loop in zip(node.disks, loops, strict=True)),
        "systemd.show_status=error",
        "systemd.log_color=no",
    ]


def launch_arguments(cluster: Cluster, node: Node, folder: Path, image: Path, cgroup: str) -> list[str]:
    """The call of launch.sh up to nspawn's own arguments."""
    network = cluster.network
    return [
        "/bin/sh",
        str(Path(__file__).with_name("launch.sh")),
        "power",
        cgroup,
        str(folder),
        str(image),
        names.cable(network, node),
        names.bridge(network),
        names.with_prefix(network, node.address),
        network.gateway,
        names.mac(node.address),
    ]
