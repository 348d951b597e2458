"""The machine image: Debian's packages plus the userland, arranged as Container Linux was.

Built once by mmdebstrap, kept under `image/HASH` of the state folder, where HASH covers every input of ours:
packages, files, the customising script and the userland's sources.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from coreos_lab import disk, events, run, settings
from coreos_lab.machine_image.userland import ensure_userland, userland_hash

SUITE = "bookworm"
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
]
# Nobody reads manuals on a node; licences stay.
LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
)
KEPT = ("/usr/share/doc/*/copyright",)

_HERE = Path(__file__).parent


def image_hash() -> str:
    """The content hash of the machine image that would be booted now. Reads sources only; takes milliseconds."""
    return disk.content_hash(
        [SUITE, *PACKAGES, *LEFT_OUT, *KEPT, _HERE / "files", _HERE / "customize.sh", userland_hash()]
    )


def image_folder(key: str) -> Path:
    """Where the machine image of that hash lies, or would lie."""
    return settings.state_dir() / "image" / key


def debootstrap_arguments(target: Path, userland: Path) -> list[str]:
    """The mmdebstrap call that makes the tree. `LAB_DEBIAN_MIRROR` names another mirror than Debian's own."""
    mirror = os.environ.get("LAB_DEBIAN_MIRROR")
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=directory",
        f"--include={','.join(PACKAGES)}",
        "--dpkgopt=force-unsafe-io",  # a build that dies is thrown away whole
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        *(f"--dpkgopt=path-include={pattern}" for pattern in KEPT),
        f'--customize-hook={_shell(_HERE / "customize.sh")} "$1" {_shell(_HERE / "files")} {_shell(userland)}',
        SUITE,
        str(target),
        *([mirror] if mirror else []),
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
            with events.step("machine image", message=f"Debian {SUITE} and the userland"):
                run.stream(
                    debootstrap_arguments(draft / "rootfs", userland),
                    log_file=settings.state_dir() / "logs" / "machine-image.log",
                )

        disk.cached_folder(folder, "building the machine image", build)
    return folder / "rootfs"
