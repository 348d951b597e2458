"""Nodes that leave a running cluster: first their units, then their vote in etcd, then the machine.

That they leave is in the plan before anything is done to them. Each step looks at what is so before it acts, so that
whoever is called next goes on wherever this was interrupted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from coreos_lab import cluster as doing
from coreos_lab import deployed, events, node_states, placement, ready, run, store, wait
from coreos_lab.chaos import journal
from coreos_lab.clients import etcd, ssh
from coreos_lab.clients.etcd import Etcd, Member
from coreos_lab.clients.fleet import Fleet, Machine, Unit, UnitState
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node, NodeState
from coreos_lab.providers.base import Provider

UNITS_DEADLINE = 180.0  # seconds for units to run elsewhere: the first pull of a container image is part of a start
ETCD_DEADLINE = 30.0  # seconds for an election after a member has gone, and for etcd's own second thoughts
SETTLE = 10.0  # seconds: an election is over by then, so what is not healthy is not going to be
# A clean stop of fleetd unloads its units and gives up its place among the machines, so that others take over at once.
# Its socket would start it again at the first question, and so would a boot that is not over yet: hence the mask. It
# does not wait for the units: sidekicks that take their keys out of etcd need the etcd beside them to last.
LEAVE = """
units=$(ls /run/fleet/units 2>/dev/null)
systemctl stop fleet.socket fleet.service || exit 1
systemctl mask --runtime --quiet fleet.socket fleet.service
systemctl stop fleet.socket fleet.service
[ -z "$units" ] || timeout 45 systemctl stop $units 2>/dev/null || true
"""
LEAVE_DEADLINE = 120.0


@dataclass(frozen=True)
class Waiting:
    """Units that do not run where they should: `late` will, `stranded` cannot, each with the reason."""

    late: tuple[str, ...]
    stranded: dict[str, str]


def refuse_broken(cluster: Cluster, provider: Provider) -> None:
    """LabError while a node that stays is broken or off: nobody could tell then what else may be taken away."""
    stay = {node.name for node in cluster.staying}
    faults = [fault for fault in journal.open_faults(cluster) if fault.node in stay]
    if faults:
        raise LabError(f"{faults[0].node}: is broken ({faults[0].kind.value})", "run 'lab heal' first")
    for node in cluster.staying:
        state = provider.state(cluster, node)
        if state is not NodeState.RUNNING:
            raise LabError(f"{node.name}: is {state.value}, and it is to stay", "run 'lab up' first: it is started")


def refuse_unsafe(cluster: Cluster) -> None:
    """LabError when etcd could lose its majority by losing the members that leave."""
    if not any(node.member for node in cluster.leaving):
        return
    try:
        _wait_healthy(cluster, deadline=wait.patiently(SETTLE))
    except wait.DeadlineError:
        why = unsafe(_etcd(cluster).members(), _healthy(cluster.members))
        if why:
            hint = "run 'lab heal' or 'lab up' first: then they can be taken away one after the other"
            raise LabError(f"{cluster.name}: {why}", hint) from None
        raise


def unsafe(members: Sequence[Member], healthy: Collection[str]) -> str:
    """Why etcd cannot agree on a change of its members, "" when it can; `healthy` are peer URLs."""
    voters = sum(any(url in healthy for url in member.peer_urls) for member in members)
    if voters > len(members) // 2:
        return ""
    return f"etcd has no majority: {voters} of its {len(members)} members are healthy"


def shrink(cluster: Cluster, provider: Provider) -> tuple[Cluster, dict[str, str]]:
    """Takes the leaving nodes away; returns what is left, and the units that no other node can run, with the reasons.

    Raises LabError, with nothing lost, when it is not safe now. May be repeated.
    """
    if not cluster.leaving:
        return cluster, {}
    refuse_broken(cluster, provider)
    refuse_unsafe(cluster)
    wanted = _wanted_units(cluster)
    with ThreadPoolExecutor(max_workers=len(cluster.leaving)) as pool:
        drained = list(pool.map(lambda node: _drain(cluster, node, provider), cluster.leaving))
    stranded: dict[str, str] = {}
    if all(drained):  # units of one that does not listen can only move when it is gone
        stranded = wait_for_units(cluster, wanted)
    alive = {node.name for node in cluster.leaving if etcd.is_healthy(node.address)}
    # Those that are dead already count against the majority: they go first.
    for node in sorted(cluster.leaving, key=lambda n: (n.name in alive, -cluster.nodes.index(n))):
        _leave_etcd(cluster, node)
        cluster = _remove(cluster, node, provider)
    if not all(drained):
        stranded = wait_for_units(cluster, wanted)
    return cluster, stranded


def finish(cluster: Cluster, provider: Provider) -> Cluster:
    """Goes on with what an interrupted `lab scale` had begun to take away; returns what is left."""
    if not cluster.leaving:
        return cluster
    doing.bring_up(cluster, provider)
    left, _stranded = shrink(cluster, provider)
    return left


def _etcd(cluster: Cluster) -> Etcd:
    return Etcd([node.address for node in cluster.staying if node.member])


def _healthy(nodes: Sequence[Node]) -> set[str]:
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        answers = list(pool.map(lambda node: etcd.is_healthy(node.address), nodes))
    return {node.peer_url for node, well in zip(nodes, answers, strict=True) if well}


def _wait_healthy(cluster: Cluster, *, deadline: float) -> None:
    """Returns when every member that stays says that etcd is healthy."""
    members = [node for node in cluster.staying if node.member]
    bad: list[str] = []

    def all_healthy() -> bool:
        nonlocal bad
        healthy = _healthy(members)
        bad = [node.name for node in members if node.peer_url not in healthy]
        return not bad

    wait.until(
        all_healthy,
        deadline=deadline,
        interval=0.1,
        missing=lambda: f"etcd is not healthy on {', '.join(bad)}, so no member can be taken away",
    )


def _drain(cluster: Cluster, node: Node, provider: Provider) -> bool:
    """Has fleet give up a node in good order; false for one that runs and does not listen."""
    if provider.state(cluster, node) is not NodeState.RUNNING:
        return True  # fleet forgets it when its time to live has passed
    with events.step("leave fleet", node.name):
        try:
            done = ssh.node_run(cluster, node, ["sudo", "sh", "-c", LEAVE], check=False, timeout=LEAVE_DEADLINE)
        except run.CommandError:  # no end within that time
            ssh.forget(cluster, node)
            return False
    return done.returncode == 0


def _wanted_units(cluster: Cluster) -> set[str]:
    """The units that must run on afterwards: those of deployed labs, and whatever else runs now."""
    fleet = Fleet(node_states.addresses(cluster.staying))
    stay = {machine.id for machine in _machines(cluster, fleet)}
    states = fleet.states()
    ours = {name for record in deployed.records(cluster) for name in record.units}
    runs = {state.name for state in states if state.active == "active"}
    failed = {state.name for state in states if state.active == "failed" and state.machine_id in stay}
    return {
        unit.name
        for unit in fleet.units()
        if unit.desired == "launched" and not unit.fleet_options("Global") and unit.name in (ours | runs) - failed
    }


def _machines(cluster: Cluster, fleet: Fleet) -> list[Machine]:
    stay = {node.address for node in cluster.staying}
    return [machine for machine in fleet.machines() if machine.address in stay]


def wait_for_units(cluster: Cluster, wanted: Collection[str] | None = None) -> dict[str, str]:
    """Returns when every wanted unit runs on a node that stays; the value is those that cannot, with the reasons.

    None are those of the deployed labs. Machines that leave must be off fleet's list first.
    """
    names = _wanted_units(cluster) if wanted is None else wanted
    gone = {node.address: node.name for node in cluster.leaving}
    fleet = Fleet(node_states.addresses(cluster.staying))
    missing = "fleet does not answer"
    found = Waiting((), {})

    def settled() -> bool:
        nonlocal missing, found
        try:
            listed = sorted(gone[machine.address] for machine in fleet.machines() if machine.address in gone)
            found = waiting(names, fleet.units(), fleet.states(), _machines(cluster, fleet))
        except CannotCheckError:
            return False
        missing = f"fleet still lists {', '.join(listed)}" if listed else f"not running: {', '.join(found.late)}"
        return not listed and not found.late

    with events.step("units", message=f"{len(names)} to run on {len(cluster.staying)} nodes"):
        wait.until(
            settled, deadline=wait.patiently(UNITS_DEADLINE), interval=0.2, missing=lambda: f"{cluster.name}: {missing}"
        )
    for reason in found.stranded.values():
        events.note("units", reason)
    return found.stranded


def waiting(
    names: Collection[str], units: Sequence[Unit], states: Sequence[UnitState], machines: Sequence[Machine]
) -> Waiting:
    """Which of the units `names` do not run on one of `machines`, and which of those never will."""
    here = {machine.id for machine in machines}
    active = {state.name for state in states if state.active == "active" and state.machine_id in here}
    off = [unit for unit in units if unit.name in names and unit.name not in active]
    stranded = {}
    for unit in off:
        reason = None if unit.machine_id in here else placement.explain(unit, units, machines)
        if reason:
            stranded[unit.name] = reason
    while True:  # whoever follows a unit that will be placed yet will be placed too
        late = {unit.name for unit in off} - set(stranded)
        hopeful = [u.name for u in off if u.name in stranded and late & set(placement.options(u, "MachineOf"))]
        if not hopeful:
            return Waiting(tuple(sorted(late)), stranded)
        for name in hopeful:
            del stranded[name]


def _leave_etcd(cluster: Cluster, node: Node) -> None:
    """Takes a node's vote away; returns when those that stay are healthy without it."""
    if not node.member:
        return
    client = _etcd(cluster)
    refused = "nobody answers"

    def removed() -> bool:
        nonlocal refused
        try:
            for member in client.members():
                if node.peer_url in member.peer_urls:
                    client.remove_member(member.id)
        except CannotCheckError as error:
            refused = error.details.splitlines()[0] if error.details else error.message
            return False
        return True

    with events.step("leave etcd", node.name):
        wait.until(
            removed,
            deadline=wait.patiently(ETCD_DEADLINE),
            interval=0.2,
            missing=lambda: f"{node.name}: etcd does not let it go: {refused}",
        )
        _wait_healthy(cluster, deadline=wait.patiently(ETCD_DEADLINE))


def _remove(cluster: Cluster, node: Node, provider: Provider) -> Cluster:
    """Removes a machine that nobody needs any more, and then its name from the plan."""
    with events.step("remove", node.name):
        ssh.forget(cluster, node)
        provider.destroy(cluster, [node])
    cluster = replace(cluster, nodes=tuple(each for each in cluster.nodes if each != node))
    for fault in journal.open_faults(cluster):
        if fault.node == node.name:
            journal.healed(cluster, fault)
    store.save(cluster)
    ssh.write_config(cluster, node_states.of(cluster, provider))
    return cluster


def wait_ready(cluster: Cluster, provider: Provider) -> None:
    """Returns when every node serves, also those that a command started which was interrupted."""
    ready.wait_for_nodes(cluster, cluster.nodes, provider, deadline=provider.boot_deadline)
