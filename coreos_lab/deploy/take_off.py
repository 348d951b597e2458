"""Takes a lab off a cluster: its units in the reverse of their order, their containers, its keys and folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coreos_lab import events, hints, wait
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy import containers, ending
from coreos_lab.deploy.submit import SUBMIT_DEADLINE
from coreos_lab.model import Cluster, Lab, Node
from coreos_lab.observed import node_states
from coreos_lab.providers.base import Provider
from coreos_lab.records import deployed
from coreos_lab.records.store import ClusterFolder
from coreos_lab.spelling import counted

# Discards all blocks where the disk can do that; else removes the signatures and the first blocks of file systems.
WIPE = 'wipefs --all --quiet "$1" && { blkdiscard --force "$1" 2>/dev/null || dd if=/dev/zero of="$1" bs=1M count=16 \
conv=fsync status=none; }'


def take_off(cluster: Cluster, provider: Provider, name: str, *, wipe: bool = False) -> None:
    """Removes a lab's units, containers, keys and folders; returns when no machine has any of its units any more.

    With `wipe` the running nodes' extra disks are emptied, too.
    """
    record = deployed.load(cluster, name)
    if record is None:
        return
    nodes = node_states.require_running(cluster, provider)
    deployed.leaves(cluster, record)
    with events.step("undeploy", name, counted(len(record.units), "unit")):
        ending.end(cluster, nodes, record.units, f"then '{hints.lab('undeploy', name)}' again")
        made = _containers(cluster, record)
        others = _others(cluster, name)

        def clear(node: Node) -> None:
            containers.remove(cluster, node, made, others)
            containers.report_kept(cluster, node, made)
            _clear(cluster, node, record.folders, wipe=wipe)

        with events.step("containers", message="removed"):
            ending.on_each(nodes, clear)
        etcd = Etcd(node_states.addresses(nodes))
        wait.until(
            lambda: _without_keys(etcd, record.keys),
            deadline=wait.patiently(SUBMIT_DEADLINE),
            interval=0.5,
            missing=f"{name}: etcd does not answer, so its keys are still there",
        )
        ending.await_unlisted(nodes, record.units)
    deployed.forget(cluster, name)


def take_off_left_out(cluster: Cluster, provider: Provider, lab: Lab) -> None:
    """Removes the units, and their containers, that are on a lab's record and no longer in the lab.

    Their files as they were submitted must still be there.
    """
    units = deployed.left_out(cluster, lab)
    record = deployed.load(cluster, lab.name)
    if record is not None and units:
        nodes = node_states.require_running(cluster, provider)
        with events.step("undeploy", lab.name, f"no longer in it: {', '.join(units)}"):
            ending.end(cluster, nodes, units, "then deploy it again")
            made = _containers(cluster, replace(record, units=units))
            kept = _containers(cluster, replace(record, units=tuple(set(record.units) - set(units))))
            others = [kept, *_others(cluster, lab.name)]
            ending.on_each(nodes, lambda node: containers.remove(cluster, node, made, others))
            ending.await_unlisted(nodes, units)
    deployed.without_left_out(cluster, lab)


def remove_former_containers(cluster: Cluster, provider: Provider, lab: Lab) -> None:
    """Removes the containers that an earlier version of a lab made under names that its units no longer use.

    To be called when the units of this version run: systemd has stopped what it could of the earlier one by then.
    """
    former = deployed.former_container_names(cluster, lab)
    record = deployed.load(cluster, lab.name)
    if record is not None and former:
        nodes = node_states.require_running(cluster, provider)
        others = [_containers(cluster, record), *_others(cluster, lab.name)]
        ending.on_each(nodes, lambda node: containers.remove(cluster, node, containers.Made(former), others))


def _containers(cluster: Cluster, record: deployed.Deployed) -> containers.Made:
    return containers.made_by(record, ClusterFolder(cluster.name).units_of(record.name))


def _others(cluster: Cluster, name: str) -> list[containers.Made]:
    """The containers that the units of the cluster's other labs make."""
    return [_containers(cluster, other) for other in deployed.records(cluster) if other.name != name]


def _clear(cluster: Cluster, node: Node, folders: Sequence[str], *, wipe: bool) -> None:
    """Removes a lab's folders from a node, and with `wipe` the contents of its extra disks."""
    if folders:
        ssh.node_run(cluster, node, ["sudo", "rm", "-rf", "--one-file-system", *folders], timeout=120)
    for disk in node.disks if wipe else ():
        ssh.node_run(cluster, node, ["sudo", "sh", "-c", WIPE, "sh", disk.device], timeout=600)


def _without_keys(etcd: Etcd, keys: Sequence[str]) -> bool:
    try:
        for key in keys:
            etcd.remove(key)
            etcd.remove_empty_folders_above(key)
    except CannotCheckError:  # during a leader election, for example
        return False
    return True
