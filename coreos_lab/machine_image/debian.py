"""How Debian's packages become a root tree: one way to call mmdebstrap, for machines and for containers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from coreos_lab import disk, namespaces, run

SUITE = "bookworm"
# Nobody reads manuals on a node or in a container; licences stay.
LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
)
KEPT = ("/usr/share/doc/*/copyright",)
# mmdebstrap's own: without it the package usrmerge comes in, and with it all of Perl.
MERGED_USR = Path("/usr/share/mmdebstrap/hooks/merged-usr")
# On other distributions apt does not trust Debian's archive by itself.
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def inputs() -> list[str]:
    """What a content hash of a tree must cover, besides what its maker adds."""
    return [SUITE, *LEFT_OUT, *KEPT, os.environ.get("LAB_DEBIAN_MIRROR", "")]


def tree_arguments(target: Path, extra: Iterable[str]) -> list[str]:
    """The mmdebstrap call that makes a folder, or an archive where `target` ends in .tar.

    `LAB_DEBIAN_MIRROR` names another mirror than Debian's own.
    """
    mirror = os.environ.get("LAB_DEBIAN_MIRROR")
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--format={'tar' if target.suffix == '.tar' else 'directory'}",
        *([f"--keyring={KEYRING}"] if KEYRING.exists() else []),
        f"--hook-dir={MERGED_USR}",
        "--dpkgopt=force-unsafe-io",  # a build that dies is thrown away whole
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        *(f"--dpkgopt=path-include={pattern}" for pattern in KEPT),
        *extra,
        SUITE,
        str(target),
        *([mirror] if mirror else []),
    ]


def make_tree(
    target: Path, extra: Iterable[str], *, log_file: Path, on_line: Callable[[str], None] = lambda _line: None
) -> None:
    """Makes the tree; however that ends, no mount and no process is left, and nothing lies in /tmp.

    Raises CommandError with the end of mmdebstrap's output when it cannot be made.
    """
    temporary = target.with_name(f"{target.name}.tmp")
    temporary.mkdir()
    run.stream(
        namespaces.contained(tree_arguments(target, extra)),
        log_file=log_file,
        on_line=on_line,
        env={"TMPDIR": str(temporary)},
        outside=True,
    )
    disk.remove_tree(temporary)
