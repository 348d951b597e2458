"""Can this machine run nspawn nodes? Each condition is looked at, never assumed."""

from __future__ import annotations

import os
from pathlib import Path

from coreos_lab import run
from coreos_lab.model import Finding
from coreos_lab.providers import conditions
from coreos_lab.providers.nspawn import cgroup

# program -> Debian's package
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "buildah": "buildah",
    "docker-registry": "docker-registry",
    "npm": "npm",
    "nft": "nftables",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "losetup": "mount",
    "unshare": "util-linux",
}
LEAST_KERNEL = (5, 14)  # cgroup.kill
FREE_GIB = 4  # the machine image, container images and three nodes


def findings() -> list[Finding]:
    """Every condition with what was found."""
    return [
        _linux(),
        _root(),
        _kernel(),
        *(conditions.program(program, package) for program, package in PROGRAMS.items()),
        _filesystem("overlay"),
        _device("/dev/loop-control", "loop devices", "modprobe loop"),
        _bridge(),
        _cgroup(),
        conditions.space(FREE_GIB),
    ]


def _linux() -> Finding:
    system = os.uname().sysname
    return Finding("system", system == "Linux", system, "the nspawn provider needs Linux: use --provider vagrant")


def _root() -> Finding:
    root = os.geteuid() == 0
    return Finding("privileges", root, "root" if root else "not root", "run it as root: sudo lab ...")


def parse_release(release: str) -> tuple[int, int]:
    """Major and minor version out of `uname -r`; (0, 0) where there is none."""
    numbers = release.partition("-")[0].split(".")
    try:
        return int(numbers[0]), int(numbers[1])
    except (ValueError, IndexError):
        return 0, 0


def _kernel() -> Finding:
    release = os.uname().release
    least = ".".join(map(str, LEAST_KERNEL))
    return Finding("kernel", parse_release(release) >= LEAST_KERNEL, release, f"Linux {least} or later is needed")


def _filesystem(name: str) -> Finding:
    known = name in Path("/proc/filesystems").read_text(encoding="utf-8").split()
    if not known and run.which("modprobe"):
        run.run(["modprobe", name], check=False)
        known = name in Path("/proc/filesystems").read_text(encoding="utf-8").split()
    message = "in the kernel" if known else "not in this kernel"
    return Finding(f"file system {name}", known, message, f"use a kernel with CONFIG_{name.upper()}_FS")


def _device(path: str, name: str, remedy: str) -> Finding:
    there = Path(path).exists()
    return Finding(name, there, path if there else f"{path} is not there", remedy)


def _bridge() -> Finding:
    """Loading a module is harmless, making an interface would not be: the kernel itself is asked first."""
    there = Path("/sys/module/bridge").is_dir()
    if not there and run.which("modprobe"):
        there = run.run(["modprobe", "bridge"], check=False).returncode == 0
    if not there:  # built in without parameters: no trace in sysfs, so try one in a network namespace of its own
        there = run.run(["unshare", "--net", "ip", "link", "add", "x", "type", "bridge"], check=False).returncode == 0
    return Finding("bridges", there, "in the kernel" if there else "not in this kernel", "modprobe bridge")


def _cgroup() -> Finding:
    found = cgroup.hierarchies()
    mode = "none" if found.v2 is None else "hybrid" if found.v1 else "version 2"
    return Finding("cgroups", found.v2 is not None, mode, "mount a cgroup version 2 hierarchy")
