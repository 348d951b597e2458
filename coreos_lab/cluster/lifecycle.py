"""Bringing a planned cluster to life, and giving it back.

Bringing up converges: what has to be done is worked out from one observation, and each step does one part of it. So it
may be repeated, and goes on wherever it was interrupted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coreos_lab import disk, events, hints
from coreos_lab.clients import host_keys, ssh
from coreos_lab.clients.etcd import CLIENT_PORT
from coreos_lab.cluster import (
    added_disks,
    cloud_config,
    discovery,
    joining,
    mirror,
    objects,
    placing,
    preloading,
    updates,
    waves,
)
from coreos_lab.cluster.work import Work, work_for
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.observed import inventory, ready
from coreos_lab.observed.observation import Observation, observe
from coreos_lab.providers.base import Provider
from coreos_lab.records import identity, restores
from coreos_lab.records.store import ClusterFolder


@dataclass(frozen=True)
class Brought:
    """What bringing a cluster up has done: the nodes that it started, and, in words, what else it put right."""

    started: tuple[Node, ...] = ()
    mended: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.started or self.mended)

    @property
    def words(self) -> str:
        """All of it in words, "" for nothing."""
        names = ", ".join(node.name for node in self.started)
        return "; ".join([*([names] if names else []), *self.mended])


def bring_up(cluster: Cluster, provider: Provider) -> Brought:
    """Converges to the plan: makes missing nodes, starts stopped ones, puts right what runs and does not serve.

    All serve when this returns, except nodes that run and are broken on purpose: `lab heal` repairs those.
    """
    _refuse_half_an_etcd(cluster)
    cluster = placing.place(cluster, provider)
    now = observe(cluster, provider)
    if _power_off_stuck(now, provider):
        now = observe(cluster, provider)
    if restarted := added_disks.give(now, provider):
        now = observe(cluster, provider)
    work = work_for(now)
    _refuse_half_restored(work)
    _make_identity(work)
    provider.create_network(cluster)  # also where all nodes run: what belongs to it may have ended by itself
    discovery.run_service(cluster)
    updates.run_server(cluster)
    objects.run_service(cluster)
    inventory.write(now)
    booted: tuple[Node, ...] = ()
    if cluster.replaced:
        work = _start_and_place(work, provider)
        cluster = work.cluster
    else:
        booted = _start_together(work.at_once, work, provider)
    mirror.offer_tools(cluster)  # while the nodes boot: it waits for the disk
    _join_one_by_one(work, provider)
    mended = [f"Docker of {name} is started" for name in preloading.start_stopped(cluster, now.states)]
    mended += [f"{name} is a member of etcd again" for name in _wait_until_all_serve(work, provider, booted)]
    mirror.run_mirror(cluster)
    now = observe(cluster, provider)
    inventory.write(now)
    host_keys.know_again(cluster, [node for node in cluster.nodes if now.state(node) is NodeState.RUNNING])
    return Brought(tuple(node for node in cluster.nodes if node in (*restarted, *work.touched)), tuple(mended))


def _power_off_stuck(now: Observation, provider: Provider) -> list[Node]:
    """Cuts the power of nodes whose boot has failed: they are started again instead of being waited for."""
    cluster = now.cluster
    stuck = [
        node
        for node in cluster.staying
        if node.name not in now.broken
        and now.state(node) is NodeState.RUNNING
        and not ready.port_open(node.address, CLIENT_PORT)
        and provider.stuck(cluster, node)
    ]
    for node in stuck:
        events.note("boot", "its boot has failed: it is started again", node.name)
        provider.kill(cluster, node)
    return stuck


def _refuse_half_restored(work: Work) -> None:
    folder = ClusterFolder(work.cluster.name)
    if work.touched and folder.restoring.exists():
        name = folder.restoring.read_text(encoding="utf-8").strip()
        raise LabError(
            f"{work.cluster.name}: its disks are being restored from snapshot {name}",
            f"run '{hints.lab('up')}': it continues the restore",
        )


def _refuse_half_an_etcd(cluster: Cluster) -> None:
    """LabError while etcd's members have neither the data from before a restore nor the backup's."""
    restore = restores.load(cluster)
    if restore is not None and not restore.etcd:
        raise LabError(
            f"{cluster.name}: its etcd is being restored from {restore.folder}",
            f"run '{hints.lab('restore', restore.folder)}': it goes on",
        )


def _make_identity(work: Work) -> None:
    """The key that nodes are reached with, and the token by which what is made is known to be this cluster's."""
    folder = ClusterFolder(work.cluster.name)
    identity.ensure_key(folder)
    identity.ensure_token(folder)


def _start_together(nodes: Sequence[Node], work: Work, provider: Provider) -> tuple[Node, ...]:
    """Returns the nodes that were seen to have booted."""
    for node in nodes:
        _prepare(work, node)
    return waves.start(work.cluster, nodes, provider, ClusterFolder(work.cluster.name).user_data) if nodes else ()


def _start_and_place(work: Work, provider: Provider) -> Work:
    """Starts nodes that have addresses only when they run; returns the work with these.

    The members go first: the first machines to find each other found etcd, and any later one is a proxy. They take no
    units before they reach the registry.
    """
    founding = work.observed.members is None
    clients = [node for node in work.at_once if not node.member]
    for nodes in ([node for node in work.at_once if node.member], *([clients] if clients else [])):
        _start_together(placing.as_in(work.cluster, nodes), work, provider)
        cluster = placing.place(work.cluster, provider)
        work = replace(
            work,
            observed=observe(cluster, provider),
            at_once=placing.as_in(cluster, work.at_once),
            serving=placing.as_in(cluster, work.serving),
        )
        mirror.run_mirror(cluster)
        if founding and clients and nodes is not clients:
            for node in placing.as_in(cluster, nodes):
                ready.wait_for_etcd(cluster, node, provider, deadline=provider.boot_deadline)
    return work


def _join_one_by_one(work: Work, provider: Provider) -> None:
    """A member that is announced and does not run yet counts against the majority: never two of them."""
    for node in work.joining:
        _prepare(work, node, joins=joining.announce(work.cluster, node, provider))
        provider.start(work.cluster, [node], ClusterFolder(work.cluster.name).user_data)
        if node != work.joining[-1]:  # the last is waited for with all the others
            ready.wait_for_etcd(work.cluster, node, provider, deadline=provider.boot_deadline)


def _prepare(work: Work, node: Node, *, joins: str = "") -> None:
    if work.observed.state(node) is NodeState.ABSENT:
        host_keys.forget(work.cluster, [node])
        cloud_config.write(work.cluster, node, joins=joins)
    ssh.forget(work.cluster, node)


def _wait_until_all_serve(work: Work, provider: Provider, booted: Sequence[Node]) -> list[str]:
    """Returns the names of the nodes that had to be made members of etcd again."""
    again: set[str] = set()

    def rejoin(node: Node) -> Callable[[], object] | None:
        then = joining.rejoin(work.cluster, provider, node)
        if then is not None:
            again.add(node.name)
        return then

    if work.serving:
        ready.wait_for_nodes(
            work.cluster, work.serving, provider, deadline=provider.boot_deadline, rejoin=rejoin, booted=booted
        )
    return sorted(again)


def take_down(cluster: Cluster, provider: Provider) -> None:
    """Removes everything of a cluster, however little of it exists, and its folder last."""
    folder = ClusterFolder(cluster.name)
    ssh.forget(cluster)
    shutil.rmtree(folder.control, ignore_errors=True)
    mirror.stop_mirror(cluster)
    discovery.stop_service(cluster)
    updates.stop_server(cluster)
    objects.stop_service(cluster)
    provider.destroy(cluster, cluster.nodes)
    provider.destroy_network(cluster)
    left = provider.leftovers(cluster)
    unseen = [f"could not look at {what}" for what in left.unseen]
    if left.found:
        raise LabError(
            f"{cluster.name}: {len(left.found)} leftovers",
            f"run '{hints.lab('destroy')}' again; its records are kept",
            "\n".join([*left.found, *unseen]),
        )
    if folder.path.exists():
        # The plan goes last: without it, what is left would be taken for part of the next cluster of that name.
        for path in folder.path.iterdir():
            if path.is_symlink():
                path.unlink()
            elif path != folder.plan:
                disk.remove_tree(path)
        disk.remove_tree(folder.path)
    if unseen:
        raise UnknownError(
            f"{cluster.name}: removed, but it is unknown whether anything is left", details="\n".join(unseen)
        )
