"""Whether nodes can be in user namespaces here: a process of its own tries the steps of a boot in the state folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from coreos_lab import hints, settings
from coreos_lab.model import Finding
from coreos_lab.providers.nspawn import boot, user_ids

NAMESPACES, IDMAP, OVERLAY = "user namespaces", "idmapped mounts", "overlay on idmapped mounts"
MOST = Path("/proc/sys/user/max_user_namespaces")


def findings() -> list[Finding]:
    """The conditions for nodes in user namespaces. The steps after the first that fails are not tried."""
    if os.geteuid() != 0 or os.uname().sysname != "Linux":
        return []  # other findings report that
    where = settings.state_dir()
    while not where.exists():
        where = where.parent
    failed, why = attempt(where)
    without = f"or '{hints.lab('up', '--no-userns')}': root on the nodes is then root of this machine"
    kind = _file_system(where)
    remedies = {
        NAMESPACES: f"sysctl -w user.max_user_namespaces=15000, {without}",
        IDMAP: f"move the state to ext4, xfs or btrfs, or to tmpfs with Linux 6.6 (LAB_STATE_DIR), {without}",
        OVERLAY: f"Linux 5.19 or later, or another file system for the state (LAB_STATE_DIR), {without}",
    }
    well = {NAMESPACES: f"{_limit()} at most", IDMAP: f"on {kind} ({where})", OVERLAY: os.uname().release}
    found: list[Finding] = []
    for name, remedy in remedies.items():
        if name == failed:
            message = f"{why} (on {kind}, {where})" if name != NAMESPACES else f"{why} ({_limit()} at most)"
            return [*found, Finding(name, False, message, remedy, userns=True)]
        found.append(Finding(name, True, well[name], userns=True))
    return found


def attempt(where: Path) -> tuple[str, str]:
    """Tries the steps of a boot in a folder; returns the step that failed and why, two empty texts if none did."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=".try-userns-", dir=where))
    except OSError as error:
        return IDMAP, f"cannot write to {where}: {error.strerror}"
    came, goes = os.pipe()
    try:
        pid = os.fork()
        if pid == 0:
            os.write(goes, "\n".join(_try(folder)).encode())
            os._exit(0)
        os.close(goes)
        text = b""
        while chunk := os.read(came, 4096):
            text += chunk
        os.waitpid(pid, 0)
        failed, _line, why = text.decode(errors="replace").partition("\n")
        return (failed, why) if text else (NAMESPACES, "the process that tried it ended without an answer")
    finally:
        os.close(came)
        shutil.rmtree(folder, ignore_errors=True)


def _try(folder: Path) -> tuple[str, str]:
    """Runs in a process of its own: its mounts end with it."""
    stage = NAMESPACES
    try:
        base = user_ids.FIRST
        userns = boot.user_namespace(base)
        boot.own_mounts()
        stage = IDMAP
        for name in ("lower", "node/upper", "node/work"):
            (folder / name).mkdir(parents=True)
        os.setxattr(folder / "lower", "user.overlay.opaque", b"y")  # Docker's overlays need such attributes
        space = tempfile.mkdtemp(prefix="coreos-lab-", dir=settings.run_dir())
        boot.mount("tmpfs", space, "tmpfs")
        try:
            for name in ("lower", "node"):
                boot.show(str(folder / name), f"{space}/{name}", userns)
            stage = OVERLAY
            Path(space, "root").mkdir()
            boot.overlay(f"{space}/lower", f"{space}/node/upper", f"{space}/node/work", f"{space}/root")
            made = Path(space, "root", "file")
            made.touch()
            os.chown(made, base, base)
            owner = (folder / "node/upper/file").stat().st_uid
            if owner != 0:
                return stage, f"a file of the node's root has the owner {owner} on the disk instead of 0"
        finally:
            boot.drop(space)
    except OSError as error:
        return stage, f"{error.filename}: {error.strerror}"
    return "", ""


def _limit() -> str:
    try:
        return MOST.read_text(encoding="ascii").strip()
    except OSError:
        return "0"


def _file_system(where: Path) -> str:
    """The name of the file system that a folder lies on."""
    found, longest = "an unknown file system", -1
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _device, point, kind, *_rest = line.split()
        path = Path(point.replace("\\040", " "))
        if (path == where or path in where.resolve().parents or path == where.resolve()) and len(path.parts) >= longest:
            found, longest = kind, len(path.parts)
    return found
