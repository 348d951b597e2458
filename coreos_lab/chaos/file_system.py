"""Faults of a node's file systems: full, or read-only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind
from coreos_lab.store import ClusterFolder

PATH = Parameter("path", "/var", "a folder on it", r"/[\w./-]*", "an absolute path")
# fallocate takes what is free at once; where the file system has none of it, and for the last blocks, zeros do.
FILL = 'fallocate --length "$(df --output=avail -B1 "$1" | tail -n 1)" "$2" 2>/dev/null; dd if=/dev/zero bs=4k >>"$2"'
# A mount on top of the folder: what is opened from then on is opened through it.
COVER = 'mount --bind "$1" "$1" && mount --options remount,bind,ro "$1"'
# Only what is a mount of its own and read-only. What still has files open there lets go of it by itself.
UNCOVER = 'while findmnt --noheadings --output OPTIONS --mountpoint "$1" | tail -n 1 | grep -qE "^ro(,|$)"; do \
umount --lazy "$1"; done'


class FileSystemFault(Fault):
    """A file system on which nothing can be written."""

    family = "disk"
    seen_from = "inside"
    parameters = (PATH,)
    why_not: str  # what the kernel says to who writes

    def require_able(self, scene: Scene) -> None:
        path = scene.values["path"]
        tried = self._write(scene)
        if tried.returncode != 0:
            why = tried.stderr.strip().splitlines()
            raise LabError(f"{scene.node.name}: {path}: cannot be written to anyway", details=why[-1] if why else "")

    def seen(self, scene: Scene) -> bool:
        tried = self._write(scene)
        return tried.returncode != 0 and self.why_not in tried.stderr

    def gone(self, scene: Scene) -> bool:
        return bool(self._write(scene).returncode == 0)

    def _run(self, scene: Scene, script: str, *arguments: str, check: bool = True) -> Any:
        call: Sequence[str] = ["sudo", "env", "LC_ALL=C", "sh", "-c", script, "sh", *arguments]
        return ssh.node_run(scene.cluster, scene.node, call, check=check)

    def _write(self, scene: Scene) -> Any:
        """Tries to write a block, and removes it again."""
        probe = f"{scene.values['path'].rstrip('/')}/.coreos-lab-probe"
        script = 'dd if=/dev/zero of="$1" bs=4k count=1; code=$?; rm -f "$1"; exit $code'
        return self._run(scene, script, probe, check=False)


class ReadOnly(FileSystemFault):
    kind = FaultKind.READ_ONLY
    summary = "a folder is read-only for all that is opened from now on"
    undone = "it can be written again"
    why_not = "Read-only file system"

    def inject(self, scene: Scene) -> None:
        self._run(scene, COVER, scene.values["path"])

    def undo(self, scene: Scene) -> None:
        self._run(scene, UNCOVER, scene.values["path"])


class Fill(FileSystemFault):
    kind = FaultKind.FILL
    summary = "a file system is full"
    undone = "the file that fills it is removed"
    why_not = "No space left on device"

    def require_able(self, scene: Scene) -> None:
        super().require_able(scene)
        if scene.provider.own_clocks:
            return  # its kernel is its own, and so are its disks
        path = scene.values["path"]
        kind, device = self._run(scene, 'stat -f -c %T "$1"; stat -c %d "$1"', path).stdout.split()
        ours = ClusterFolder(scene.cluster.name).path.stat().st_dev
        if kind == "overlayfs" or int(device) == ours:
            raise LabError(
                f"{scene.node.name}: {path} lies on the host's own file system, which would be filled with it",
                "--set path=... on a disk or memory of the node's own, such as /run or a disk of 'lab up --disks'",
            )

    def inject(self, scene: Scene) -> None:
        self._run(scene, FILL, scene.values["path"], self._file(scene), check=False)  # dd ends when nothing is left

    def undo(self, scene: Scene) -> None:
        self._run(scene, 'rm -f "$1"', self._file(scene))

    def _file(self, scene: Scene) -> str:
        return f"{scene.values['path'].rstrip('/')}/.coreos-lab-{scene.id}"
