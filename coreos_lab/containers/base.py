"""The base container image `debian`: Debian's smallest system that can still install packages."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from coreos_lab import disk, events, run, settings
from coreos_lab.containers.buildah import contained

SUITE = "bookworm"
# What a FROM line may call it. On a hub these are several container images; here they are one, the slim one.
NAMES = ("debian", f"debian:{SUITE}", f"debian:{SUITE}-slim", "debian:12", "debian:12-slim", "debian:stable-slim")
# Left out for good: dpkg heeds it in every container image that is built from this one. Licences stay.
LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/bash-completion/*",
    "/usr/share/zoneinfo/right/*",
)
KEPT = ("/usr/share/doc/*/copyright",)
DOCKERFILE = 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n'
# mmdebstrap's own: without it the package usrmerge comes in, and with it all of Perl, half as much again.
MERGED_USR = Path("/usr/share/mmdebstrap/hooks/merged-usr")
# On other distributions apt does not trust Debian's archive by itself.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

_SCRIPT = Path(__file__).with_name("base.sh")


def base_hash() -> str:
    """The content hash of the base container image that would be used now. Takes less than a millisecond."""
    return disk.content_hash([SUITE, *LEFT_OUT, *KEPT, DOCKERFILE, _SCRIPT, os.environ.get("LAB_DEBIAN_MIRROR", "")])


def base_folder() -> Path:
    """Where the base container image is built from, or would be."""
    return settings.state_dir() / "containers" / "base" / base_hash()


def debootstrap_arguments(target: Path) -> list[str]:
    """The mmdebstrap call that makes the archive. `LAB_DEBIAN_MIRROR` names another mirror than Debian's own."""
    mirror = os.environ.get("LAB_DEBIAN_MIRROR")
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=tar",
        "--skip=output/dev",  # a container is given its own /dev
        *([f"--keyring={KEYRING}"] if KEYRING.exists() else []),
        f"--hook-dir={MERGED_USR}",
        "--dpkgopt=force-unsafe-io",  # a build that dies is thrown away whole
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        *(f"--dpkgopt=path-include={pattern}" for pattern in KEPT),
        '--aptopt=Acquire::Languages "none"',
        f'--customize-hook=/bin/sh {shlex.quote(str(_SCRIPT))} "$1"',
        SUITE,
        str(target),
        *([mirror] if mirror else []),
    ]


def ensure_base() -> Path:
    """The folder that the base container image is built from (a Dockerfile and a tar), made if it is not there.

    Takes about half a minute, once. Raises CommandError with the end of mmdebstrap's output when it cannot be made.
    """

    def build(draft: Path) -> None:
        with events.step("container image", "debian", f"Debian {SUITE}"):
            temporary = draft / "tmp"
            temporary.mkdir()
            run.stream(
                contained(debootstrap_arguments(draft / "base.tar")),
                log_file=settings.state_dir() / "logs" / "container-debian.log",
                env={"TMPDIR": str(temporary)},
            )
            disk.remove_tree(temporary)
            disk.write_atomic(draft / "Dockerfile", DOCKERFILE)

    return disk.cached_folder(base_folder(), "making the base container image", build)
