"""Whether this machine can run Vagrant's machines: Vagrant, its plugin, and a hypervisor that answers."""

from __future__ import annotations

import re
from pathlib import Path

from coreos_lab import run, settings
from coreos_lab.errors import LabError
from coreos_lab.model import Finding
from coreos_lab.providers import conditions
from coreos_lab.providers.vagrant import boxes, hypervisors

LEAST_VAGRANT = (2, 2)
FREE_GIB = 6  # a box, its copy in the hypervisor's storage, and three machines
# Program -> Debian package: what builds the box and container images, and the mirror; as for nspawn.
BUILDERS = {"mmdebstrap": "mmdebstrap", "buildah": "buildah", "docker-registry": "docker-registry", "npm": "npm"}
RANGES = Path("/etc/vbox/networks.conf")


def findings() -> list[Finding]:
    """One finding for each condition."""
    on = boxes.here()
    found = [_vagrant(), _answers(on)]
    if on == "libvirt":
        found += [_plugin(), conditions.program("qemu-img", "qemu-utils"), _entry(), _driver()]
    else:
        found.append(_ranges())
    found += [conditions.program(program, package) for program, package in BUILDERS.items()]
    return [*found, conditions.space(FREE_GIB)]


def _vagrant() -> Finding:
    try:
        text = run.run(["vagrant", "--version"]).stdout
    except LabError as error:
        return Finding("vagrant", False, error.message, "apt-get install vagrant")
    found = re.search(r"(\d+)\.(\d+)\.\d+", text)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    return Finding("vagrant", version >= LEAST_VAGRANT, text.strip(), "install Vagrant 2.2 or later")


def _plugin() -> Finding:
    listed = run.run(["vagrant", "plugin", "list"], check=False).stdout if run.which("vagrant") else ""
    there = next((line for line in listed.splitlines() if line.startswith("vagrant-libvirt")), "")
    return Finding(
        "vagrant-libvirt",
        bool(there),
        there or "plugin not installed",
        "apt-get install vagrant-libvirt, or: vagrant plugin install vagrant-libvirt",
    )


def _answers(on: str) -> Finding:
    remedies = {
        "libvirt": "apt-get install libvirt-daemon-system qemu-system-x86 dnsmasq-base; systemctl start libvirtd",
        "virtualbox": "install VirtualBox, and load its kernel modules: /sbin/vboxconfig",
    }
    try:
        return Finding(on, True, hypervisors.of(on).version())
    except LabError as error:
        message = error.details.splitlines()[-1] if error.details else error.message
        return Finding(on, False, f"does not answer: {message}", remedies[on])


def _entry() -> Finding:
    """QEMU runs as a user of its own, and must be able to read the kernel that it boots."""
    closed = [str(path) for path in settings.state_dir().parents if path.exists() and not path.stat().st_mode & 0o001]
    return Finding(
        "state folder",
        not closed,
        f"{', '.join(closed)}: other users, QEMU among them, may not enter" if closed else str(settings.state_dir()),
        f"chmod o+x {' '.join(closed)}, or set LAB_STATE_DIR to another folder",
    )


def _driver() -> Finding:
    fast = boxes.driver() == "kvm"
    return Finding("acceleration", True, "kvm" if fast else "none (no usable /dev/kvm): machines are emulated, slowly")


def _ranges() -> Finding:
    """Since 6.1.28 VirtualBox allows host-only networks only in the ranges that this file lists."""
    text = RANGES.read_text(encoding="utf-8") if RANGES.exists() else ""
    ok = any(line.split()[:1] == ["*"] and ("172.17" in line or "0.0.0.0/0" in line) for line in text.splitlines())
    return Finding("host-only networks", ok, str(RANGES), f"echo '* 172.17.0.0/16' | sudo tee -a {RANGES}")
