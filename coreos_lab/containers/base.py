"""The base container image `debian`: Debian's smallest system that can still install packages."""

from __future__ import annotations

import shlex
from pathlib import Path

from coreos_lab import disk, events, settings
from coreos_lab.machine_image import debian

# Its names in a FROM line. On a hub these are several container images; here all are the slim one.
NAMES = (
    "debian",
    f"debian:{debian.SUITE}",
    f"debian:{debian.SUITE}-slim",
    "debian:12",
    "debian:12-slim",
    "debian:stable-slim",
)
# dpkg leaves these out in every container image that is built from this one, too, as it does manuals.
LEFT_OUT = ("/usr/share/bash-completion/*", "/usr/share/zoneinfo/right/*")
DOCKERFILE = 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n'

_SCRIPT = Path(__file__).with_name("base.sh")


def base_hash() -> str:
    """The content hash of the base container image for the present inputs. Takes less than a millisecond."""
    return disk.content_hash([*debian.inputs(), *LEFT_OUT, DOCKERFILE, _SCRIPT])


def base_folder() -> Path:
    """The folder that the base container image is built from; it may not exist yet."""
    return settings.state_dir() / "containers" / "base" / base_hash()


def tree_options() -> list[str]:
    """mmdebstrap's options for this tree, besides those of every tree."""
    return [
        "--skip=output/dev",  # a container gets its own /dev
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        '--aptopt=Acquire::Languages "none"',
        f'--customize-hook=/bin/sh {shlex.quote(str(_SCRIPT))} "$1"',
    ]


def ensure_base() -> Path:
    """The folder that the base container image is built from (a Dockerfile and a tar), made if it is not there.

    Takes about half a minute, once. Raises CommandError with the end of mmdebstrap's output when it cannot be made.
    """

    def build(draft: Path) -> None:
        with events.step("container image", "debian", f"Debian {debian.SUITE}"):
            debian.make_tree(
                draft / "base.tar", tree_options(), log_file=settings.state_dir() / "logs" / "container-debian.log"
            )
            disk.write_atomic(draft / "Dockerfile", DOCKERFILE)

    return disk.cached_folder(base_folder(), "making the base container image", build)
