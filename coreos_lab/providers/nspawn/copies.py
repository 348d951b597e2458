"""Copies of nodes' folders: shared blocks where the file system can, holes as holes, and every attribute."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import disk, run

# What a boot makes anew: the overlay's scratch folder, where it was mounted, and the name of its cgroup.
EPHEMERAL = frozenset({"work", "root", "cgroup"})


def parts(node_folder: Path) -> list[Path]:
    """What a node's folder holds that outlasts a power cut."""
    return sorted(path for path in node_folder.iterdir() if path.name not in EPHEMERAL)


def size(node_folders: Sequence[Path]) -> int:
    """Bytes on disk of several nodes' folders."""
    return disk.size(path for folder in node_folders if folder.is_dir() for path in parts(folder))


def save(pairs: Sequence[tuple[Path, Path]], *, extra_disks: bool) -> None:
    """Copies nodes' folders, each to a place that is not there yet.

    With extra disks the kernel first writes what it still holds of them: it caches a loop device apart from its file.
    """
    if extra_disks:
        os.sync()
    _copy(pairs)


def restore(pairs: Sequence[tuple[Path, Path]]) -> None:
    """Puts copies in place of nodes' folders. Until a folder is whole it has no `upper`, as that of no node has."""
    for _source, target in pairs:
        if target.exists():
            disk.remove_tree(target)
    _copy(pairs)


def _copy(pairs: Sequence[tuple[Path, Path]]) -> None:
    def copy(pair: tuple[Path, Path]) -> None:
        source, target = pair
        target.mkdir(parents=True)
        options = ["--archive", "--one-file-system", "--reflink=auto", "--sparse=always"]
        # It must not outlive us: whoever is called next begins anew, in the same place.
        bound = ["setpriv", "--pdeathsig", "KILL"]
        run.run([*bound, "cp", *options, "--target-directory", str(target), "--", *map(str, parts(source))])

    with ThreadPoolExecutor(max_workers=len(pairs)) as pool:
        list(pool.map(copy, pairs))
