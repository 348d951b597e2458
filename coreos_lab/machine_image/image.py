"""The machine image: Debian's packages plus the userland, arranged as Container Linux was.

Built once by mmdebstrap, kept under `image/HASH` of the state folder, where HASH covers every input of ours:
packages, files, the customising script and the userland's sources.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from coreos_lab import disk, events, settings
from coreos_lab.machine_image import debian
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
    "git",
    "wget",
    "rsync",
    "lsof",
    "kmod",
    "fdisk",
    "e2fsprogs",
    "fuse2fs",
    "bash-completion",
    "libnss-myhostname",
]
# What git's package brings for rarer uses: all of Perl (47 MB), servers, pushing by plain HTTP and by mail, examples.
LEFT_OUT = (
    "/usr/share/perl/*",
    "/usr/lib/*/perl/*",
    "/usr/lib/*/libperl.so.*",
    *(f"/usr/lib/git-core/git-{name}" for name in ("daemon", "http-backend", "http-fetch", "http-push", "imap-send")),
    *(f"/usr/{folder}/{name}" for folder in ("bin", "lib/git-core") for name in ("git-shell", "scalar")),
    "/usr/share/gitweb/*",
    "/usr/share/git-core/contrib/*",
)
_HERE = Path(__file__).parent
FILES = _HERE / "files"  # what lies on a node at the same paths


def image_hash() -> str:
    """The content hash of the machine image that would be booted now. Reads sources only; takes milliseconds."""
    return disk.content_hash([*debian.inputs(), *PACKAGES, *LEFT_OUT, FILES, _HERE / "customize.sh", userland_hash()])


def image_folder(key: str) -> Path:
    """Where the machine image of that hash lies, or would lie."""
    return settings.state_dir() / "image" / key


def tree_options(userland: Path, version: str) -> list[str]:
    """mmdebstrap's options besides those of every tree. A login on a node shows `version`."""
    script, files = _shell(_HERE / "customize.sh"), _shell(FILES)
    return [
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f'--customize-hook={script} "$1" {files} {_shell(userland)} {version}',
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
                    tree_options(userland, key),
                    log_file=settings.state_dir() / "logs" / "machine-image.log",
                )

        disk.cached_folder(folder, "building the machine image", build)
    return folder / "rootfs"
