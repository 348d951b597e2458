"""A Vagrant box for libvirt from the machine image: the same system with a kernel of Debian's, on a disk image.

The kernel and its initial RAM disk lie beside the disk in the box, and the box's own Vagrantfile hands them to QEMU:
without a boot loader a machine that is emulated in software boots seconds sooner.
Format: https://developer.hashicorp.com/vagrant/docs/boxes/format and vagrant-libvirt's description of its boxes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from coreos_lab import disk, events, namespaces, run, settings
from coreos_lab.machine_image.image import ensure_image, image_hash

DISK_SIZE = 8  # GiB that a machine sees; on the host a box takes what is in it
# What takes an emulated machine seconds and is of no use to it is left out: tests of ciphers, a fifth level of page
# tables, security modules.
CMDLINE = (
    "rw net.ifnames=0 console=ttyS0 quiet systemd.show_status=error mitigations=off "
    "cryptomgr.notests no5lvl apparmor=0 audit=0 nowatchdog"
)
VAGRANTFILE = """\
# Part of the box: how a machine made from it is booted.
Vagrant.configure("2") do |config|
  config.ssh.username = "core"
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.provider :libvirt do |libvirt|
    libvirt.kernel = File.expand_path("vmlinuz", __dir__)
    libvirt.initrd = File.expand_path("initrd", __dir__)
    libvirt.cmd_line = "%(cmdline)s"
    libvirt.disk_bus = "scsi"
    libvirt.disk_device = "sda"
    libvirt.disk_controller_model = "virtio-scsi"
  end
end
"""

_HERE = Path(__file__).parent


def box_hash() -> str:
    """The content hash of the box that would be built now."""
    return disk.content_hash(
        [image_hash(), _HERE / "box.sh", _HERE / "box_init", _HERE / "box_files", VAGRANTFILE, CMDLINE, str(DISK_SIZE)]
    )


def box_name() -> str:
    """What Vagrant knows the box as."""
    return f"coreos-lab-{box_hash()}"


def box_folder(key: str) -> Path:
    """Where the box of that hash lies, or would lie."""
    return settings.state_dir() / "box" / key


def vagrant_home() -> Path:
    """Where the user's Vagrant keeps boxes and keys."""
    return Path(os.environ.get("VAGRANT_HOME") or Path.home() / ".vagrant.d")


def _public_key() -> str:
    """The key that every Vagrant knows, from the private half that it puts into its home when it first runs."""
    private = vagrant_home() / "insecure_private_key"
    if not private.exists():
        run.run(["vagrant", "box", "list"])
    return run.run(["ssh-keygen", "-y", "-f", private]).stdout


def ensure_box() -> Path:
    """The file for `vagrant box add`, built if it is not there: some minutes, once.

    Raises CommandError with the end of the output, MissingProgramError where Vagrant is not installed.
    """

    def build(draft: Path) -> None:
        key = draft / "key.pub"
        disk.write_atomic(key, _public_key())
        rootfs = ensure_image()
        log_file = settings.state_dir() / "logs" / "box.log"
        with events.step("box", message="the machine image with a kernel, on a disk image"):
            script: list[str | Path] = [
                "/bin/sh",
                _HERE / "box.sh",
                rootfs,
                _HERE / "box_files",
                key,
                draft,
                f"{DISK_SIZE}G",
            ]
            run.stream(namespaces.contained(script), log_file=log_file)
            raw, image = draft / "disk.raw", draft / "box.img"
            run.stream(["qemu-img", "convert", "-O", "qcow2", raw, image], log_file=log_file)
            raw.unlink()
            for folder in ("upper", "work", "root", "initial"):
                disk.remove_tree(draft / folder)
            meta = {"provider": "libvirt", "format": "qcow2", "virtual_size": DISK_SIZE}
            disk.write_atomic(draft / "metadata.json", json.dumps(meta) + "\n")
            disk.write_atomic(draft / "Vagrantfile", VAGRANTFILE % {"cmdline": CMDLINE})
            parts = ["metadata.json", "Vagrantfile", "vmlinuz", "initrd", "box.img"]
            run.stream(["tar", "--create", "--sparse", "--file=lab.box", *parts], log_file=log_file, cwd=draft)
            for part in ("metadata.json", "Vagrantfile", "box.img", "key.pub"):
                (draft / part).unlink()
            for part in ("vmlinuz", "initrd"):
                (draft / part).chmod(0o644)  # QEMU is another user

    return disk.cached_folder(box_folder(box_hash()), "building the box", build) / "lab.box"
