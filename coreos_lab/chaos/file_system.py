"""Faults of a node's file systems: full, or read-only."""

from __future__ import annotations

from typing import Any

from coreos_lab.chaos.fault import Fault, Parameter, Scene
from coreos_lab.clients import ssh
from coreos_lab.errors import LabError
from coreos_lab.model import FaultKind
from coreos_lab.records.store import ClusterFolder

PATTERN, FORM = r"/[\w./-]*", "an absolute path"
# fallocate takes the free space at once. dd writes the last blocks, and all of it where fallocate is not supported.
FILL = 'fallocate --length "$(df --output=avail -B1 "$1" | tail -n 1)" "$2" 2>/dev/null; dd if=/dev/zero bs=4k >>"$2"'
# A read-only bind mount on top of the folder: files that are opened from then on are opened through it. It takes the
# mounts below the folder along, because the kernel does not let a user namespace uncover what they hide.
COVER = 'mount --rbind "$1" "$1" && mount --options remount,bind,ro "$1"'
# Unmounts only while the folder is a mount point and read-only. A lazy unmount ends when the last open file is closed.
UNCOVER = 'while findmnt --noheadings --output OPTIONS --mountpoint "$1" | tail -n 1 | grep -qE "^ro(,|$)"; do \
umount --lazy "$1"; done'


class FileSystemFault(Fault):
    """A file system on which nothing can be written."""

    family = "disk"
    seen_from = "inside"
    why_not: str  # the kernel's message to a program that writes

    def require_able(self, scene: Scene) -> None:
        path = scene.values["path"]
        tried = self._write(scene)
        if tried.returncode != 0:
            why = tried.stderr.strip().splitlines()
            raise LabError(
                f"{scene.node.name}: {path}: cannot be written to, so it cannot be broken",
                details=why[-1] if why else "",
            )

    def seen(self, scene: Scene) -> bool:
        tried = self._write(scene)
        return tried.returncode != 0 and self.why_not in tried.stderr

    def gone(self, scene: Scene) -> bool:
        return bool(self._write(scene).returncode == 0)

    def _run(self, scene: Scene, script: str, *arguments: str, check: bool = True) -> Any:
        return ssh.node_run(scene.cluster, scene.node, _call(script, *arguments), check=check)

    def _write(self, scene: Scene) -> Any:
        """Tries to write a block to a file that it removes again."""
        probe = f"{scene.values['path'].rstrip('/')}/.coreos-lab-probe"
        script = 'dd if=/dev/zero of="$1" bs=4k count=1; code=$?; rm -f "$1"; exit $code'
        return ssh.answer(scene.cluster, scene.node, _call(script, probe))


def _call(script: str, *arguments: str) -> list[str]:
    return ["sudo", "env", "LC_ALL=C", "sh", "-c", script, "sh", *arguments]


class ReadOnly(FileSystemFault):
    kind = FaultKind.READ_ONLY
    parameters = (Parameter("path", "/var", "the folder", PATTERN, FORM),)
    summary = "a folder of the machine is read-only for files that are opened from now on"
    undone = "the read-only mount on top of it is removed"
    why_not = "Read-only file system"

    def inject(self, scene: Scene) -> None:
        self._run(scene, COVER, scene.values["path"])

    def undo(self, scene: Scene) -> None:
        self._run(scene, UNCOVER, scene.values["path"])


class Fill(FileSystemFault):
    kind = FaultKind.FILL
    parameters = (Parameter("path", "/var", "a folder on the file system", PATTERN, FORM),)
    summary = "a file system of the machine is full"
    undone = "the file that fills it is removed"
    why_not = "No space left on device"

    def require_able(self, scene: Scene) -> None:
        super().require_able(scene)
        if scene.provider.own_clocks:
            return  # a machine with a kernel of its own has disks of its own
        path = scene.values["path"]
        kind, device = self._run(scene, 'stat -f -c %T "$1"; stat -c %d "$1"', path).stdout.split()
        ours = ClusterFolder(scene.cluster.name).path.stat().st_dev
        if kind == "overlayfs" or int(device) == ours:
            raise LabError(
                f"{scene.node.name}: {path} lies on the host's own file system, which would be filled, too",
                "choose a disk or memory of the node's own: --set path=/run, or a folder on an extra disk",
            )

    def inject(self, scene: Scene) -> None:
        self._run(
            scene, FILL, scene.values["path"], self._file(scene), check=False
        )  # dd fails when no space is left: that is the aim

    def undo(self, scene: Scene) -> None:
        self._run(scene, 'rm -f "$1"', self._file(scene))

    def _file(self, scene: Scene) -> str:
        return f"{scene.values['path'].rstrip('/')}/.coreos-lab-{scene.id}"
