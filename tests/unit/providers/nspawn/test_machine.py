"""The arguments of launch.sh and systemd-nspawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab.model import Cluster, Node
from coreos_lab.providers.nspawn import boot, machine


def arguments(node: Node, base: int, *loops: str, own: Path | None = None) -> list[str]:
    here = Path("/n")
    return machine.nspawn_arguments(node, here, here / "user-data", base, [Path(p) for p in loops], own)


def test_what_nspawn_is_told(node: Node) -> None:
    call = arguments(node, 6553600, "/dev/loop3", own=Path("/n/resolv.conf"))
    assert f"--bind={boot.SHOWN}/dev/loop3:/dev/sdb" in call, "the host's own device node belongs to the host's root"
    assert f"--bind-ro={boot.SHOWN}/lower/usr:/usr" in call
    assert f"--bind={boot.SHOWN}/node/docker:/var/lib/docker" in call
    assert "--resolv-conf=off" in call
    assert f"--bind-ro={boot.SHOWN}/node/resolv.conf:/etc/resolv.conf" in call


def test_a_nodes_root_is_nobody_or_has_less(node: Node) -> None:
    isolated, bare = arguments(node, 6553600, "/dev/loop3"), arguments(node, 0, "/dev/loop3")
    assert "--private-users=6553600:65536" in isolated
    assert not any(word.startswith("--drop-capability") for word in isolated)
    assert not any(word.startswith("--private-users") for word in bare)
    dropped = next(word for word in bare if word.startswith("--drop-capability="))
    assert {"CAP_SYS_MODULE", "CAP_SYS_TIME", "CAP_SYSLOG", "CAP_SYS_RAWIO"} <= set(
        dropped.partition("=")[2].split(",")
    )
    for needed in ("SYS_ADMIN", "NET_ADMIN", "SYS_NICE", "SYS_BOOT", "MKNOD", "SETFCAP"):
        assert needed not in dropped


def test_each_disk_gets_its_own_loop_device(planned: Callable[..., Cluster]) -> None:
    node = planned(disks=2).nodes[0]
    call = arguments(node, 6553600, "/dev/loop8", "/dev/loop3")
    assert [a for a in call if a.startswith(f"--bind={boot.SHOWN}/dev/loop")] == [
        f"--bind={boot.SHOWN}/dev/loop8:/dev/sdb",
        f"--bind={boot.SHOWN}/dev/loop3:/dev/sdc",
    ]
    assert any(word.startswith("--resolv-conf=replace-") for word in call)
    assert "--machine=core-01" in call
    assert f"--bind-ro={boot.SHOWN}/node/user-data:/var/lib/coreos-install/user_data" in call
    with pytest.raises(ValueError, match="shorter"):
        arguments(node, 6553600, "/dev/loop8")


def test_what_a_node_is_launched_with(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    call = machine.launch_arguments(cluster, cluster.nodes[1], Path("/n"), Path("/image"), 6553600, [], "own")
    assert Path(call[1]).is_file()
    assert call[-5:] == ["lab0-102", "lab0", "172.17.8.102/24", "172.17.8.1", "02:00:ac:11:08:66"]


def test_an_instance_of_a_cloud_has_nothing_at_docker_s_folder_and_asks_for_its_disks(tmp_path: Path) -> None:
    node = Node("i-1", "10.1.1.4", member=False)
    binds = [
        each for each in machine.nspawn_arguments(node, tmp_path, None, 1, [], None, of_cloud=True) if "bind" in each
    ]
    assert not [each for each in binds if each.endswith(":/var/lib/docker")]
    assert "--bind-ro=/run/systemd/nspawn/lab/node/mount.ext4:/usr/sbin/mount.ext4" in binds
    assert "--bind=/run/systemd/nspawn/lab/node/disks:/run/lab/disks" in binds
