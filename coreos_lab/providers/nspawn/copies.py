"""Copies of nodes' folders: shared blocks where the file system can, holes as holes, and every attribute."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import disk, run
from coreos_lab.providers.nspawn import disks

# Each boot makes these again: the overlay's scratch folder and mount point, the path of the cgroup, the name servers.
EPHEMERAL = frozenset({"work", "root", "cgroup", "resolv.conf"})


def parts(node_folder: Path) -> list[Path]:
    """The parts of a node's folder that outlast a power cut; the record of a loop device does not."""
    return sorted(p for p in node_folder.iterdir() if p.name not in EPHEMERAL and p.suffix != disks.RECORD)


def size(node_folders: Sequence[Path]) -> int:
    """Bytes on disk of several nodes' folders."""
    return disk.size(path for folder in node_folders if folder.is_dir() for path in parts(folder))


def save(pairs: Sequence[tuple[Path, Path]], *, extra_disks: bool) -> None:
    """Copies nodes' folders, each to a path that does not exist yet.

    With extra disks the kernel's caches are written first: it caches a loop device apart from its file.
    """
    if extra_disks:
        os.sync()
    _copy(pairs)


def restore(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Replaces nodes' folders by copies. A folder that is not whole yet has no `upper`: its node counts as absent."""
    for _source, target in pairs:
        if target.exists():
            disk.remove_tree(target)
    _copy(pairs)


def _copy(pairs: Sequence[tuple[Path, Path]]) -> None:
    def copy(pair: tuple[Path, Path]) -> None:
        source, target = pair
        target.mkdir(parents=True)
        options = ["--archive", "--one-file-system", "--reflink=auto", "--sparse=always"]
        # It must not outlive this process: the next command removes the folder and copies again.
        bound = ["setpriv", "--pdeathsig", "KILL"]
        run.run([*bound, "cp", *options, "--target-directory", str(target), "--", *map(str, parts(source))])

    with ThreadPoolExecutor(max_workers=len(pairs)) as pool:
        list(pool.map(copy, pairs))
