"""Takes a lab off a cluster: its units in the reverse of their order, their containers, its keys and folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

from coreos_lab import events, hints, run, wait
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy import containers
from coreos_lab.deploy.submit import SUBMIT_DEADLINE
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Lab, Node
from coreos_lab.observed import node_states
from coreos_lab.providers.base import Provider
from coreos_lab.records import deployed
from coreos_lab.records.store import ClusterFolder
from coreos_lab.spelling import counted

# fleet drops a unit as soon as it has asked systemd to stop it, and it has no state of a node whose fleetd has lost its
# etcd (fleetd may take half a minute to reach it again). So the nodes themselves are asked. A unit that fails while it
# stops stays in systemd as failed, without a unit file, and makes the machine "degraded": it is reset.
SETTLED = r"""
now() { cut -d . -f 1 /proc/uptime; }  # seconds that no change of the clock affects
end=$(($(now) + DEADLINE))
busy() {
    for unit in "$@"; do [ ! -e "/run/fleet/units/$unit" ] || echo "$unit"; done
    states=$(systemctl is-active "$@")
    [ "$(echo "$states" | wc -l)" = $# ] || states=$(printf '%s\n' "$@")  # one that does not answer says nothing of any
    echo "$states" | grep -vE '^(inactive|failed|unknown)$'
}
while left=$(busy "$@"); [ -n "$left" ] && [ "$(now)" -lt $end ]; do sleep 0.2; done
sudo systemctl reset-failed "$@" 2>/dev/null
[ -z "$left" ] || { echo "$left"; exit 1; }
"""
SETTLE_DEADLINE = 120  # seconds; fleetd tries to reach its etcd again after 1, 2, 4 ... 32 seconds
# Discards all blocks where the disk can do that; else removes the signatures and the first blocks of file systems.
WIPE = 'wipefs --all --quiet "$1" && { blkdiscard --force "$1" 2>/dev/null || dd if=/dev/zero of="$1" bs=1M count=16 \
conv=fsync status=none; }'
KEEPER = "coreos-lab-undeploy.service"
T = TypeVar("T")


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
        _end(cluster, nodes, record.units, f"then '{hints.lab('undeploy', name)}' again")
        made = _containers(cluster, record)
        others = _others(cluster, name)

        def clear(node: Node) -> None:
            containers.remove(cluster, node, made, others)
            containers.report_kept(cluster, node, made)
            _clear(cluster, node, record.folders, wipe=wipe)

        _on_each(nodes, clear)
        etcd = Etcd(node_states.addresses(nodes))
        wait.until(
            lambda: _without_keys(etcd, record.keys),
            deadline=wait.patiently(SUBMIT_DEADLINE),
            interval=0.5,
            missing=f"{name}: etcd does not answer, so its keys are still there",
        )
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
            _end(cluster, nodes, units, "then deploy it again")
            made = _containers(cluster, replace(record, units=units))
            kept = _containers(cluster, replace(record, units=tuple(set(record.units) - set(units))))
            others = [kept, *_others(cluster, lab.name)]
            _on_each(nodes, lambda node: containers.remove(cluster, node, made, others))
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
        _on_each(nodes, lambda node: containers.remove(cluster, node, containers.Made(former), others))


def _end(cluster: Cluster, nodes: Sequence[Node], units: Sequence[str], then: str) -> None:
    """Stops units and removes them from fleet; returns when no machine has any of them any more.

    `then` is the end of a hint: what to do once a node that still has a unit is healthy again.
    """
    fleet = Fleet(node_states.addresses(nodes))
    # The last unit to be started is stopped first, and has ended before what it needs is stopped: a sidekick removes
    # its key, a file system is unmounted while its servers run. systemd stops them, because fleet does not wait for the
    # end: it removes the unit's file meanwhile, and systemd would then skip the unit's ExecStopPost=.
    everything = groups(units)
    instances = [unit for group in everything for unit in group]
    _everywhere(cluster, nodes, _keep_loaded(instances))
    for group in reversed(everything):
        _everywhere(cluster, nodes, ["sudo", "systemctl", "stop", "--quiet", *group])
    wait.until(
        lambda: _destroyed(fleet, units),
        deadline=wait.patiently(SUBMIT_DEADLINE),
        interval=0.5,
        missing="no fleetd removes units: none reaches its etcd",
    )
    wait.until(
        lambda: not _still(fleet, units),
        deadline=60,
        interval=0.2,
        missing=lambda: "still on a machine: " + ", ".join(_still(fleet, units)),
    )
    _everywhere(cluster, nodes, ["sudo", "systemctl", "stop", "--quiet", KEEPER])
    settled = SETTLED.replace("DEADLINE", f"{wait.patiently(SETTLE_DEADLINE):.0f}")
    outcomes = _everywhere(cluster, nodes, ["sh", "-c", settled, "sh", *instances])
    for node, done in outcomes.items():
        if done is None or done.returncode not in (0, 1):
            raise LabError(
                f"{node.name}: whether {', '.join(units)} still runs there is unknown",
                f"'{hints.lab('status')}' shows the node; {then}",
                done.stderr.strip() if done else "the node does not answer",
            )
        if done.returncode == 1:
            look = hints.lab("ssh", node.name, "--", "systemctl", "status", "fleet")
            raise LabError(
                f"{node.name}: fleet has not removed {', '.join(done.stdout.split())} there",
                f"see why: {look}; {then}",
            )


def _containers(cluster: Cluster, record: deployed.Deployed) -> containers.Made:
    return containers.made_by(record, ClusterFolder(cluster.name).units_of(record.name))


def _others(cluster: Cluster, name: str) -> list[containers.Made]:
    """The containers that the units of the cluster's other labs make."""
    return [_containers(cluster, other) for other in deployed.records(cluster) if other.name != name]


def groups(units: Sequence[str]) -> list[list[str]]:
    """Units in the order of their start, the instances of a template together, without the templates themselves."""
    by_stem: dict[str, list[str]] = {}
    for unit in units:
        if "@." not in unit:
            by_stem.setdefault(unit.partition("@")[0] if "@" in unit else unit, []).append(unit)
    return list(by_stem.values())


def _keep_loaded(units: Sequence[str]) -> list[str]:
    """A command that keeps these units loaded in systemd when they have ended, for as long as KEEPER runs.

    fleetd asks systemd to reset each unit that it removes. For a unit that systemd has unloaded it gets an error, and
    goes on with the next unit only five seconds later.
    """
    keeper = ["sudo", "systemd-run", "--quiet", "--collect", f"--unit={KEEPER}", f"--property=After={' '.join(units)}"]
    return [*keeper, "sleep", "120"]


def _everywhere(cluster: Cluster, nodes: Sequence[Node], call: Sequence[str]) -> dict[Node, run.Completed | None]:
    """Runs a command on all nodes at once; returns when it has ended on each, with any exit code.

    None for a node where its end is unknown.
    """
    timeout = SETTLE_DEADLINE + 30
    return _on_each(nodes, lambda node: ssh.ask(cluster, node, call, timeout=timeout))


def _on_each(nodes: Sequence[Node], act: Callable[[Node], T]) -> dict[Node, T]:
    """Calls `act` for all nodes at once; returns, or raises, when it has ended for each."""
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        return dict(zip(nodes, pool.map(act, nodes), strict=True))


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


def _destroyed(fleet: Fleet, units: Sequence[str]) -> bool:
    try:
        for unit in units:
            fleet.destroy(unit)
    except CannotCheckError:
        return False
    return True


def _still(fleet: Fleet, units: Sequence[str]) -> list[str]:
    try:
        return sorted({state.name for state in fleet.states()} & set(units))
    except CannotCheckError:
        return ["fleet does not answer"]
