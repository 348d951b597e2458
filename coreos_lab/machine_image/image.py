"""The machine image: Debian's packages plus the userland, arranged as Container Linux was.

Built once by mmdebstrap, kept under `image/HASH` of the state folder, where HASH covers every input of ours:
packages, files, the customising script and the userland's sources.
"""

from __future__ import annotations

import shlex
from concurrent.futures import Future, as_completed
from pathlib import Path
from typing import Any

from coreos_lab import disk, events, settings, threads
from coreos_lab.machine_image import debian
from coreos_lab.machine_image.folders import image_folder
from coreos_lab.machine_image.userland import ensure_userland, userland_folder, userland_hash

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
FILES = _HERE / "files"  # a node has these at the same paths


def image_hash() -> str:
    """The content hash of the machine image that would be booted now. Reads sources only; takes milliseconds."""
    return disk.content_hash([*debian.inputs(), *PACKAGES, *LEFT_OUT, FILES, _HERE / "customize.sh", userland_hash()])


def tree_options(userland: Path, version: str) -> list[str]:
    """mmdebstrap's options besides those of every tree. A login on a node shows `version`.

    The packages do not need the userland: only its last step waits for that archive.
    """
    script, files = _shell(_HERE / "customize.sh"), _shell(FILES)
    until_built = f"until [ -e {_shell(userland)} ]; do sleep 0.1; done"
    return [
        f"--include={','.join(PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        f"--customize-hook={until_built}",
        f'--customize-hook={script} "$1" {files} {_shell(userland)} {version}',
    ]


def _shell(path: Path) -> str:
    return shlex.quote(str(path))  # mmdebstrap hands hooks to a shell


def ensure_image() -> Path:
    """The root tree of the machine image, built if it is not there: some minutes, once.

    Raises CommandError with the end of the compiler's or of mmdebstrap's output when it cannot be built.
    """
    folder = image_folder(image_hash())
    disk.cached_folder(folder, "building the machine image", _build)
    return folder / "rootfs"


def _build(draft: Path) -> None:
    """Builds the userland beside Debian's tree: the compiler is busy, while packages come from the network."""
    options = tree_options(userland_folder() / "userland.tar.gz", image_hash())
    log_file = settings.state_dir() / "logs" / "machine-image.log"
    with (
        events.step("machine image", message=f"Debian {debian.SUITE} and the userland"),
        threads.pool(2) as pool,  # one that fails ends the other, too
    ):
        jobs: list[Future[Any]] = [pool.submit(ensure_userland)]
        jobs.append(pool.submit(debian.make_tree, draft / "rootfs", options, log_file=log_file))
        for job in as_completed(jobs):
            job.result()
