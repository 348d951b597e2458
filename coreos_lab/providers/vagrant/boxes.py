"""The choice of hypervisor and box, from the user's options and what is installed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from coreos_lab import run
from coreos_lab.errors import UsageError
from coreos_lab.model import VagrantBox

HYPERVISORS = ("virtualbox", "libvirt")
CHANNELS = ("stable", "beta", "alpha", "lts")
# The description of a box for Vagrant on Flatcar's release servers, by channel and version.
FLATCAR_URL = "https://{channel}.release.flatcar-linux.net/amd64-usr/{version}/flatcar_production_vagrant.json"


def hypervisor(environ: Mapping[str, str], *, virtualbox: bool) -> str:
    """The hypervisor in VAGRANT_DEFAULT_PROVIDER, else VirtualBox where it is installed, else libvirt."""
    chosen = environ.get("VAGRANT_DEFAULT_PROVIDER", "")
    if chosen and chosen not in HYPERVISORS:
        raise UsageError(f"VAGRANT_DEFAULT_PROVIDER={chosen}: not supported (there is: {', '.join(HYPERVISORS)})")
    return chosen or ("virtualbox" if virtualbox else "libvirt")


def choose(on: str, own: str, driver: str, *, channel: str | None, name: str | None, version: str | None) -> VagrantBox:
    """The box: the one that was named, else Flatcar's of a channel on VirtualBox and ours (`own`) on libvirt.

    Raises UsageError for an unknown channel, or on a hypervisor that Flatcar has no box for.
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
    """How libvirt runs machines here: kvm with hardware virtualization, else qemu, which emulates a processor."""
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split() if Path("/proc/cpuinfo").exists() else []
    virtualizes = "vmx" in flags or "svm" in flags  # without either, /dev/kvm is for other kinds of guests
    return "kvm" if virtualizes and os.access("/dev/kvm", os.R_OK | os.W_OK) else "qemu"


def here() -> str:
    """The hypervisor that is used on this machine."""
    return hypervisor(os.environ, virtualbox=run.which("VBoxManage") is not None)
