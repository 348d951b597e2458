"""The machine image: Debian's packages plus the userland, arranged as Container Linux was.

Built once by mmdebstrap, kept under `image/HASH` of the state folder, where HASH covers every input of ours:
packages, files, the customising script and the userland's sources.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from coreos_lab import debian, disk, events, settings
from coreos_lab.machine_image.userland import ensure_userland, userland_hash

PACKAGES = [
    "systemd",
    "systemd-sysv",
    "dbus",
    "docker.io",
    "iptables",
    "openssh-server",
    "sudo",
    "iproute2",
    "iputils-ping",
    "procps",
    "curl",
    "jq",
    "socat",
    "ca-certificates",
    "less",
    "vim-tiny",
    "kmod",
    "fdisk",
    "e2fsprogs",
    "bash-completion",
    "libnss-myhostname",
]
_HERE = Path(__file__).parent


def image_hash() -> str:
    """The content hash of the machine image that would be booted now. Reads sources only; takes milliseconds."""
    return disk.content_hash([*debian.inputs(), *PACKAGES, _HERE / "files", _HERE / "customize.sh", userland_hash()])


def image_folder(key: str) -> Path:
    """Where the machine image of that hash lies, or would lie."""
    return settings.state_dir() / "image" / key


def tree_options(userland: Path) -> list[str]:
    """What mmdebstrap is told besides how every tree is made."""
    return [
        f"--include={','.join(PACKAGES)}",
        f'--customize-hook={_shell(_HERE / "customize.sh")} "$1" {_shell(_HERE / "files")} {_shell(userland)}',
    ]


def _shell(path: Path) -> str:
    return shlex.quote(str(path))  # mmdebstrap hands hooks to a shell


def ensure_image() -> Path:
    """The root tree of the machine image, built if it is not there: a minute or two, once.

    Raises CommandError with the end of mmdebstrap's output when it cannot be built.
    """
    key = image_hash()
    folder = image_folder(key)
    if not folder.is_dir():
        userland = ensure_userland() / "userland.tar.gz"

        def build(draft: Path) -> None:
            with events.step("machine image", message=f"Debian {debian.SUITE} and the userland"):
                debian.make_tree(
                    draft / "rootfs",
                    tree_options(userland),
                    log_file=settings.state_dir() / "logs" / "machine-image.log",
                )

        disk.cached_folder(folder, "building the machine image", build)
    return folder / "rootfs"
