"""Which box, on which hypervisor: a pure choice, from what the user asked for and what the machine has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from coreos_lab import run
from coreos_lab.errors import UsageError
from coreos_lab.model import VagrantBox

HYPERVISORS = ("virtualbox", "libvirt")
CHANNELS = ("stable", "beta", "alpha", "lts")
# Flatcar's own release servers: what describes a box for Vagrant, by channel and version.
FLATCAR_URL = "https://{channel}.release.flatcar-linux.net/amd64-usr/{version}/flatcar_production_vagrant.json"


def hypervisor(environ: Mapping[str, str], *, virtualbox: bool) -> str:
    """Vagrant's own word for it (VAGRANT_DEFAULT_PROVIDER), or VirtualBox where it is installed, or libvirt."""
    told = environ.get("VAGRANT_DEFAULT_PROVIDER", "")
    if told and told not in HYPERVISORS:
        raise UsageError(f"VAGRANT_DEFAULT_PROVIDER={told}: not supported (there is: {', '.join(HYPERVISORS)})")
    return told or ("virtualbox" if virtualbox else "libvirt")


def choose(on: str, own: str, driver: str, *, channel: str | None, name: str | None, version: str | None) -> VagrantBox:
    """The box: Flatcar's of a channel on VirtualBox, on libvirt ours (its name is `own`), or one that was named.

    Raises UsageError for a channel that there is not, or on a hypervisor that Flatcar has no box for.
    """
    if channel and channel not in CHANNELS:
        raise UsageError(f"--channel {channel}: no such channel (there is: {', '.join(CHANNELS)})")
    if channel and on != "virtualbox":
        raise UsageError(
            f"--channel {channel}: Flatcar has boxes for VirtualBox only, and this is {on}",
            "leave --channel out: the lab builds a box for libvirt; or set VAGRANT_DEFAULT_PROVIDER=virtualbox",
        )
    if name:
        return VagrantBox(on, name, version or "", driver=driver, flatcar=name.startswith("flatcar"))
    if on == "virtualbox":
        chosen = channel or CHANNELS[0]
        url = FLATCAR_URL.format(channel=chosen, version=version or "current")
        return VagrantBox(on, f"flatcar-{chosen}", version or "", url, flatcar=True)
    if version:
        raise UsageError("--box-version: the lab's own box has none", "name another box too: --box")
    return VagrantBox(on, own, driver=driver)


def driver() -> str:
    """How libvirt runs machines here: kvm where the processor helps, else qemu, which emulates one."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split() if Path("/proc/cpuinfo").exists() else []
    helps = "vmx" in flags or "svm" in flags  # a /dev/kvm without either is for other kinds of guests
    return "kvm" if helps and os.access("/dev/kvm", os.R_OK | os.W_OK) else "qemu"


def here() -> str:
    """The hypervisor that is used on this machine."""
    return hypervisor(os.environ, virtualbox=run.which("VBoxManage") is not None)
