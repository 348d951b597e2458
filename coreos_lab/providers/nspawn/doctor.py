"""Whether this machine can run nspawn nodes. Each condition is tried or read, never assumed."""

from __future__ import annotations

import os
from pathlib import Path

from coreos_lab import disk, run, settings
from coreos_lab.model import Finding, Network
from coreos_lab.providers import conditions
from coreos_lab.providers.nspawn import cgroup, guard, host_settings, isolation, resolver

# program -> Debian package
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
# Docker's options for limits, by the controller that each needs.
LIMITS = {"memory": "--memory", "cpu": "--cpus", "pids": "--pids-limit"}
LEAST_KERNEL = (5, 14)  # cgroup.kill
UNFIT = ',:\\"'  # separators and quotes in the options of mount and systemd-nspawn
NODES_BY_DEFAULT = 20  # nodes for which the kernel's default of 128 inotify instances is enough
FREE_GIB = 4  # the machine image, container images and three nodes


def findings() -> list[Finding]:
    """One finding for each condition."""
    return [
        _linux(),
        _root(),
        _kernel(),
        *(conditions.program(program, package) for program, package in PROGRAMS.items()),
        _filesystem("overlay"),
        _state_folder(),
        _device("/dev/loop-control", "loop devices", "modprobe loop"),
        _bridge(),
        _cgroup(),
        _settings(),
        Finding("name servers", True, resolver.of_host()),
        _firewall(),
        *isolation.findings(),
        conditions.clouds(),
        conditions.console(),
        conditions.space(FREE_GIB),
    ]


def _linux() -> Finding:
    system = os.uname().sysname
    return Finding("system", system == "Linux", system, "use --provider vagrant: the nspawn provider needs Linux")


def _root() -> Finding:
    root = os.geteuid() == 0
    return Finding("privileges", root, "root" if root else "not root", "run lab as root: sudo lab ...")


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
    return Finding("kernel", parse_release(release) >= LEAST_KERNEL, release, f"use Linux {least} or later")


def _filesystem(name: str) -> Finding:
    known = name in Path("/proc/filesystems").read_text(encoding="utf-8").split()
    if not known and run.which("modprobe"):
        run.run(["modprobe", name], check=False)
        known = name in Path("/proc/filesystems").read_text(encoding="utf-8").split()
    message = "in the kernel" if known else "not in this kernel"
    return Finding(f"file system {name}", known, message, f"use a kernel with CONFIG_{name.upper()}_FS")


def _state_folder() -> Finding:
    """Whether nodes can live in it: its path has no separator of mount options, its file system carries overlays."""
    folder = settings.state_dir()
    odd = "".join(character for character in UNFIT if character in str(folder))
    if odd or not str(folder).isprintable():
        marks = " ".join(odd) or "a character that cannot be printed"
        return Finding("state folder", False, f"{folder}: its path has {marks}", "set LAB_STATE_DIR to another folder")
    if os.geteuid() != 0:
        return Finding("state folder", True, f"{folder}, not tried: that needs root")
    while not folder.exists():
        folder = folder.parent
    carries, why = disk.carries_overlays(folder)
    remedy = "set LAB_STATE_DIR to a folder on ext4, xfs, btrfs or tmpfs"
    message = str(settings.state_dir()) if carries else f"{folder}: its file system cannot carry overlays: {why}"
    return Finding("state folder", carries, message, remedy)


def _device(path: str, name: str, remedy: str) -> Finding:
    there = Path(path).exists()
    return Finding(name, there, path if there else f"{path} is missing", remedy)


def _bridge() -> Finding:
    """Whether the kernel has bridges. Loading the module is harmless; a bridge is made only as a last try."""
    there = Path("/sys/module/bridge").is_dir()
    if not there and run.which("modprobe"):
        there = run.run(["modprobe", "bridge"], check=False).returncode == 0
    if not there:  # built into the kernel, where sysfs does not show it: try in a network namespace of its own
        there = run.run(["unshare", "--net", "ip", "link", "add", "x", "type", "bridge"], check=False).returncode == 0
    return Finding("bridges", there, "in the kernel" if there else "not in this kernel", "modprobe bridge")


def _cgroup() -> Finding:
    found = cgroup.hierarchies()
    mode = "none" if found.v2 is None else "hybrid" if found.v1 else "version 2"
    remedy = "mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified"
    return Finding("cgroups", found.v2 is not None, mode + _without_effect(found), remedy)


def _without_effect(found: cgroup.Hierarchies) -> str:
    """Docker options without effect on nodes: nodes see version 2 only, and a controller is in one version."""
    try:
        controllers = (
            (found.v2 / "cgroup.controllers").read_text(encoding="ascii").split() if found.v2 else list(LIMITS)
        )
    except OSError:
        return ""
    lost = [option for controller, option in LIMITS.items() if controller not in controllers]
    remedy = "to use them, boot the host with systemd.unified_cgroup_hierarchy=1"
    return f"; on nodes, docker run {', '.join(lost)} have no effect: {remedy}" if lost else ""


def _settings() -> Finding:
    """The kernel's limits for each user, which many nodes need higher. A few nodes work without."""
    low = host_settings.too_low()
    closed = [name.replace("/", ".") for name in low if not os.access(host_settings.ROOT / name, os.W_OK)]
    words = ", ".join(f"{name.replace('/', '.')} {value}" for name, value in low.items())
    if closed:
        words += f": enough for about {NODES_BY_DEFAULT} nodes; for more, set {', '.join(closed)} on the host"
    return Finding(
        "kernel's limits",
        True,
        (words if closed else f"{words}: raised while clusters exist") if low else "high enough",
    )


def _firewall() -> Finding:
    """Whether the kernel accepts the rules; it checks them without loading them."""
    network = Network("192.0.2.0/24", "192.0.2.1", 0)  # for documentation (RFC 5737)
    done = None
    if run.which("nft"):
        done = run.run(
            ["nft", "--check", "--file", "-"], input_text=guard.rules(network, [network.gateway]), check=False
        )
    able = done is not None and done.returncode == 0
    message = "isolates nodes from the host" if able else "cannot isolate nodes from the host's services"
    return Finding("firewall", able, message, "use a kernel with nftables (inet) and connection tracking")
