"""Faults of file systems, with a node of paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab.chaos import file_system
from coreos_lab.chaos.fault import Scene, values_for
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.base import CableProvider
from coreos_lab.records.store import ClusterFolder
from tests.unit.paper import stands_for


@stands_for(CableProvider)
class Wired:
    """A provider whose nodes share the host's kernel: their cables end on it."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args: None


class Paper:
    """What a write on the node comes to, and what its path lies on."""

    def __init__(self) -> None:
        self.code, self.says, self.on = 0, "", "tmpfs 12345"

    def node_run(self, _cluster: Cluster, _node: Node, call: list[str], **_options: object) -> Any:
        out = self.on if "stat -f" in call[5] else ""
        return type("Done", (), {"stdout": out, "stderr": self.says, "returncode": self.code})


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> Paper:
    found = Paper()
    monkeypatch.setattr(ssh, "node_run", found.node_run)
    return found


@pytest.fixture
def scene(planned: Callable[..., Cluster]) -> Scene:
    cluster = planned()
    ClusterFolder(cluster.name).path.mkdir(parents=True, exist_ok=True)
    provider: Any = Wired()
    return Scene(provider, cluster, cluster.nodes[1], values_for(file_system.Fill(), {"path": "/data"}), "f00d")


@pytest.mark.parametrize(
    ("fault", "says"),
    [(file_system.Fill(), "No space left on device"), (file_system.ReadOnly(), "Read-only file system")],
)
def test_the_effect_is_what_the_kernel_says(
    fault: file_system.FileSystemFault, says: str, scene: Scene, paper: Paper
) -> None:
    fault.require_able(scene)
    assert fault.gone(scene)
    assert not fault.seen(scene)
    paper.code, paper.says = 1, "dd: Permission denied"
    assert not fault.seen(scene), "another reason is no effect"
    paper.says = f"dd: /data/x: {says}"
    assert fault.seen(scene)
    assert not fault.gone(scene)
    with pytest.raises(LabError, match="core-02: /data: cannot be written to, so it cannot be broken"):
        fault.require_able(scene)


def test_the_hosts_own_file_system_is_not_filled(scene: Scene, paper: Paper) -> None:
    for on in ("overlayfs 77", f"ext2/ext3 {ClusterFolder(scene.cluster.name).path.stat().st_dev}"):
        paper.on = on
        with pytest.raises(LabError, match="core-02: /data lies on the host's own file system"):
            file_system.Fill().require_able(scene)
