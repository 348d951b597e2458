"""What a lab claims for itself while it is on a cluster: no other lab there may have it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from coreos_lab.records.deployed import Deployed


def contested(wanted: Deployed, held: Deployed) -> str:
    """What a lab claims that a deployed lab holds already, in words; "" when both can be on one cluster."""
    if wanted.name == held.name:
        moved = wanted.folder == held.folder or not Path(held.folder).exists()
        return "" if moved else "its name"
    shared: dict[str, Iterable[object]] = {
        "port": sorted(set(wanted.ports) & set(held.ports)),
        "unit": sorted(set(wanted.units) & set(held.units)),
        "container": sorted(set(wanted.container_names) & set(held.container_names)),
        "etcd key": _nested(wanted.keys, held.keys),
        "folder": _nested(wanted.folders, held.folders),
        "container image": sorted(
            name for name, folder in wanted.containers.items() if held.containers.get(name, folder) != folder
        ),
    }
    return next((f"its {what} {', '.join(map(str, found))}" for what, found in shared.items() if found), "")


def _nested(wanted: tuple[str, ...], held: tuple[str, ...]) -> list[str]:
    """The paths of `wanted` that equal, contain or lie within one of `held`."""

    def overlap(one: PurePosixPath, other: PurePosixPath) -> bool:
        return one.is_relative_to(other) or other.is_relative_to(one)

    return [path for path in wanted if any(overlap(PurePosixPath(path), PurePosixPath(other)) for other in held)]
