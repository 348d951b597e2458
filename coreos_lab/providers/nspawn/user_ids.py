"""The host's user and group ids of a cluster's nodes: a range of its own for each node.

A range must not overlap with any of these: /etc/subuid and /etc/subgid, the host's users and groups, the maps of the
user namespaces that exist now, and the records of other clusters, of whatever state folder.
"""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from coreos_lab import disk, hints, settings
from coreos_lab.errors import LabError
from coreos_lab.model import NODES_MAX, Cluster, Node
from coreos_lab.node_plans import FIRST_HOST
from coreos_lab.providers.nspawn import names
from coreos_lab.providers.nspawn.boot import RANGE
from coreos_lab.records import state_folders
from coreos_lab.records.formats import Format, Record

FORMAT = Format("record of user numbers")
FIRST, LAST = (
    0x20000000,
    0x6FFFFFFF,
)  # the upper part of systemd's range for containers (its UIDS-GIDS.md)
SIZE = NODES_MAX * RANGE  # ids of a cluster, however many nodes it has now
EVERYBODY = 2**31  # a user namespace that maps all ids occupies no range
Taken = list[tuple[int, int]]  # the first id of a range, and its length


def record(cluster: Cluster) -> Path:
    """The file that records a cluster's range."""
    return names.cluster_folder(cluster) / "user-ids.json"


def of_node(cluster: Cluster, node: Node) -> int:
    """The host's user id of a node's root: 0 where the plan has the cluster without user namespaces.

    The first call for a cluster chooses its range and records it. LabError where no range is free.
    """
    if not cluster.userns:
        return 0
    return of_number(cluster, int(node.address.rpartition(".")[2]) - FIRST_HOST)


def of_number(cluster: Cluster, number: int) -> int:
    """The host's user id of the root of the cluster's node of that number, which is from 1 to NODES_MAX."""
    return of_cluster(cluster) + (number - 1) * RANGE


def of_cluster(cluster: Cluster) -> int:
    """The first id of a cluster's range."""
    path = record(cluster)
    if path.exists():
        return FORMAT.read(path, _first)
    with disk.lock(settings.run_dir() / "coreos-lab-user-ids.lock", "choosing user ids", wait=True):
        if path.exists():  # another command was quicker
            return FORMAT.read(path, _first)
        found = choose(cluster.network.index, [*_of_host(), *_of_clusters()])
        FORMAT.write(path, {"first": found, "count": SIZE})
        return found


def _first(record: Record) -> int:
    return int(record["first"])


def choose(index: int, taken: Taken) -> int:
    """The first id of a free range; the network's index chooses which is tried first."""
    blocks = (LAST + 1 - FIRST) // SIZE
    for i in range(blocks):
        first = FIRST + (index + i) % blocks * SIZE
        if not any(first < begin + count and begin < first + SIZE for begin, count in taken):
            return first
    raise LabError(
        f"no {SIZE} consecutive user ids are free between {FIRST} and {LAST}",
        f"free some in /etc/subuid and /etc/subgid, or '{hints.lab('up', '--no-userns')}': then root is the host's",
    )


def parse_sub(text: str) -> Taken:
    """Reads /etc/subuid or /etc/subgid."""
    return [(int(first), int(count)) for first, count in re.findall(r"^[^:\n]*:(\d+):(\d+)\s*$", text, re.MULTILINE)]


def parse_map(text: str) -> Taken:
    """Reads the map of a user namespace (user_namespaces(7)), as seen from the reader's namespace."""
    lines = [line.split() for line in text.splitlines()]
    return [(int(line[1]), int(line[2])) for line in lines if int(line[2]) < EVERYBODY]


def _of_host() -> Iterator[tuple[int, int]]:
    for name in ("subuid", "subgid"):
        with suppress(OSError):
            yield from parse_sub(Path("/etc", name).read_text(encoding="utf-8", errors="replace"))
    for user in pwd.getpwall():
        yield user.pw_uid, 1
    for group in grp.getgrall():
        yield group.gr_gid, 1
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                yield from parse_map((entry / "uid_map").read_text(encoding="ascii"))


def _of_clusters() -> Iterator[tuple[int, int]]:
    own = (*settings.clusters_dir().glob("*/user-ids.json"), *settings.clouds_dir().glob("*/user-ids.json"))
    of_plans = (plan.with_name("user-ids.json") for plan in (*state_folders.plans(), *state_folders.clouds()))
    for path in {*own, *of_plans}:
        with suppress(OSError, LabError, KeyError, TypeError, ValueError):
            found = disk.read_json(path)
            yield int(found["first"]), int(found["count"])
