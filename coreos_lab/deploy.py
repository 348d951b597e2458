"""Putting a lab onto a cluster: container images, units in order, and seeing them run. And taking it off again."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from coreos_lab import deployed, events, node_states, placement, run, wait
from coreos_lab.clients import ssh
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.fleet import API_PORT, Fleet, Unit, UnitState
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image.userland import ensure_userland
from coreos_lab.model import Cluster, Lab, Node
from coreos_lab.providers.base import Provider

UNPLACED = 10.0  # seconds: fleet plans every two; a unit without a machine after five rounds will not get one
JOURNAL_LINES = 15
# fleet forgets a unit as soon as it has told systemd to stop it, and of a node whose fleetd is away (it may take half a
# minute to come back to an etcd that was) it knows nothing: so the nodes themselves are asked. What ends badly stays
# failed in systemd's memory, without a unit file, and the machine is called degraded.
SETTLED = """
end=$(($(date +%s) + DEADLINE))
busy() {
    for unit in "$@"; do [ ! -e "/run/fleet/units/$unit" ] || echo "$unit"; done
    systemctl is-active "$@" | grep -vE '^(inactive|failed|unknown)$'
}
while left=$(busy "$@"); [ -n "$left" ] && [ "$(date +%s)" -lt $end ]; do sleep 0.2; done
sudo systemctl reset-failed "$@" 2>/dev/null
[ -z "$left" ] || { echo "$left"; exit 1; }
"""
SETTLE_DEADLINE = 120  # seconds; fleetd tries to reach its etcd again after 1, 2, 4 ... 32 seconds
# Where blocks can be given back, none is left; else nothing that anybody would know a file system by.
WIPE = 'wipefs --all --quiet "$1" && { blkdiscard --force "$1" 2>/dev/null || dd if=/dev/zero of="$1" bs=1M count=16 \
conv=fsync status=none; }'
SUBMIT_DEADLINE = 30.0  # seconds for a fleetd that can talk to its etcd
# What fleetctl says of a fleetd that is there and cannot serve now, or is about to be there again.
AWAY = re.compile(r"Error 503|connection refused|connection reset|EOF")
KEEPER = "coreos-lab-undeploy.service"
RUNS = ("running", "exited")  # systemd's words for a service at work, and for one that has done it once and for all
RESTING = "auto-restart"  # systemd's word for a service that has ended and is about to be started again
LASTING = 3.0  # seconds: between loading a unit that failed in an earlier life and starting it, fleet says so too


def refuse_conflicts(cluster: Cluster, lab: Lab) -> None:
    """UsageError when the cluster is too small for the lab, or another lab on it holds a port of it."""
    if len(cluster.nodes) < lab.nodes:
        raise UsageError(
            f"{lab.name}: needs {lab.nodes} nodes, cluster {cluster.name} has {len(cluster.nodes)}",
            f"lab up --nodes {lab.nodes}",
        )
    if cluster.nodes and len(cluster.nodes[0].disks) < lab.disks:
        raise UsageError(
            f"{lab.name}: needs {lab.disks} extra disks a node, {cluster.name} has {len(cluster.nodes[0].disks)}",
            f"lab destroy && lab up --disks {lab.disks}",
        )
    for other in deployed.records(cluster):
        if other.name == lab.name:
            continue
        shared = sorted(set(other.ports) & set(lab.ports))
        if shared:
            ports = ", ".join(map(str, shared))
            raise UsageError(
                f"{lab.name}: its port {ports} is held by {other.name}, which is deployed on {cluster.name}",
                f"lab undeploy {other.name}",
            )
        both = sorted(set(other.units) & set(lab.unit_names))
        if both:
            raise UsageError(
                f"{lab.name}: its unit {both[0]} is there already, from {other.name}", f"lab undeploy {other.name}"
            )


def start_units(cluster: Cluster, provider: Provider, lab: Lab) -> None:
    """Hands the units to fleet, in order. One whose file has changed since is replaced."""
    nodes = node_states.require_running(cluster, provider)
    # fleetctl finds a template by its instance's name, in the same folder.
    paths = [str(unit.path.with_name(name)) for unit in lab.units for name in unit.started]
    with events.step("units", message=f"{len(paths)} to start"):
        _submit(nodes, ["start", "--no-block", "--replace", *paths])
        _try_failed_again(cluster, nodes, lab)


def _submit(nodes: Sequence[Node], words: Sequence[str]) -> None:
    """Has the fleetd of any of the nodes do what fleetctl's `words` say.

    One that has just lost its etcd, during an election say, refuses for a moment: then the next node's is asked.
    """
    fleetctl = ensure_userland() / "bin" / "fleetctl"
    addresses = itertools.cycle(node_states.addresses(nodes))
    refused: list[run.CommandError] = []

    def done() -> bool:
        call: list[str | Path] = [fleetctl, f"--endpoint=http://{next(addresses)}:{API_PORT}", *words]
        try:
            run.run(call, timeout=wait.patiently(60))
        except run.CommandError as error:
            if not AWAY.search(error.details):
                raise
            refused.append(error)
            return False
        return True

    try:
        wait.until(done, deadline=wait.patiently(SUBMIT_DEADLINE), interval=0.5, missing="no fleetd takes units")
    except wait.DeadlineError:
        raise refused[-1] from None


def _try_failed_again(cluster: Cluster, nodes: Sequence[Node], lab: Lab) -> None:
    """fleet leaves a unit that has failed as it is, whoever asks it to start that, and one that ended along with it."""
    fleet = Fleet(node_states.addresses(nodes))
    for state in fleet.states():
        if state.name in lab.unit_names and state.active in ("failed", "inactive"):
            _start_anew(cluster, nodes, fleet, state)


def _start_anew(cluster: Cluster, nodes: Sequence[Node], fleet: Fleet, state: UnitState) -> None:
    """Has systemd start a unit that fleet takes for started."""
    node = _node_of(nodes, fleet, state)
    if node is None:
        return
    verb = "start"
    if state.active == "failed":
        events.note("unit", "had failed, is tried again", state.name)
        verb = "restart"
    ssh.node_run(cluster, node, ["sudo", "systemctl", verb, "--no-block", state.name], check=False)


def _node_of(nodes: Sequence[Node], fleet: Fleet, state: UnitState) -> Node | None:
    """The node that a unit is on, None where fleet does not list its machine."""
    address = next((machine.address for machine in fleet.machines() if machine.id == state.machine_id), "")
    return next((node for node in nodes if node.address == address), None)


def wait_for_units(cluster: Cluster, provider: Provider, lab: Lab, *, deadline: float) -> None:
    """Returns when every unit is active.

    Raises LabError at once for a unit that failed (with its journal) or that no machine can run (with the reason),
    and when the deadline has passed.
    """
    nodes = node_states.require_running(cluster, provider)
    fleet = Fleet(node_states.addresses(nodes))
    began = time.monotonic()
    active: set[str] = set()
    intermittent = {name for unit in lab.units if unit.intermittent for name in unit.started}
    waiting: list[str] = []
    failures, idle = Lasting("failed"), Lasting("inactive")

    def all_active() -> bool:
        nonlocal waiting
        states, units = fleet.states(), fleet.units()
        now = {s.name for s in states if s.active == "active" and s.sub in RUNS}
        now |= {s.name for s in states if s.name in intermittent and s.sub == RESTING}
        for name in sorted(now - active):
            events.note("unit", "runs", name)
        active.update(now)
        waiting = [name for name in lab.unit_names if name not in now | (active & intermittent)]
        _raise_failed(cluster, nodes, fleet, failures.first(s for s in states if s.name in waiting))
        # A fleetd that was away while a unit was taken off and put on again believes that it runs.
        if forgotten := idle.first(s for s in states if s.name in waiting):
            _start_anew(cluster, nodes, fleet, forgotten)
        if time.monotonic() - began > UNPLACED:
            _raise_unplaced(fleet, [u for u in units if u.name in waiting], units)
        return not waiting

    def settled() -> bool:
        try:
            return all_active()
        except CannotCheckError:  # a machine that is busy starting containers may be slow to answer
            return False

    def missing() -> str:
        return f"{lab.name}: not running: {', '.join(waiting)}"

    with events.step("units", message="all running"):
        try:
            wait.until(settled, deadline=deadline, interval=0.2, missing=missing)
        except wait.DeadlineError as late:
            # What is tried again and again is never called failed: its journal says why it is.
            # Of several, the one that was started first is the cause: a sidekick only waits for it.
            late_ones = [state for state in _asked(fleet) if state.name in waiting]
            first = min(late_ones, key=lambda state: waiting.index(state.name), default=None)
            lines = _journal(cluster, nodes, fleet, first)[1] if first else ""
            raise LabError(late.message, f"lab journal {first.name}" if first else "lab status", lines) from None


class Lasting:
    """Tells a unit that has failed from one that systemd still remembers as failed from the time before.

    Likewise, with `active` "inactive", one that nobody starts from one that is about to be started.
    """

    def __init__(self, active: str) -> None:
        self._active = active
        self._since: dict[tuple[str, str], float] = {}  # unit and machine -> monotonic seconds

    def first(self, states: Iterable[UnitState], now: float | None = None) -> UnitState | None:
        """The first unit that has been so for long enough, of what fleet says now; call it again and again."""
        now = time.monotonic() if now is None else now
        found = {(state.name, state.machine_id): state for state in states if state.active == self._active}
        self._since = {key: self._since.get(key, now) for key in found}
        return next((state for key, state in found.items() if now - self._since[key] >= LASTING), None)


def _asked(fleet: Fleet) -> list[UnitState]:
    try:
        return fleet.states()
    except CannotCheckError:
        return []


def _raise_failed(cluster: Cluster, nodes: Sequence[Node], fleet: Fleet, failed: UnitState | None) -> None:
    if failed is not None:
        where, lines = _journal(cluster, nodes, fleet, failed)
        raise LabError(f"{failed.name}: failed on {where}", f"lab journal {failed.name}", lines)


def _journal(cluster: Cluster, nodes: Sequence[Node], fleet: Fleet, failed: UnitState) -> tuple[str, str]:
    """Where a unit is, and the end of what it says there."""
    node = _node_of(nodes, fleet, failed)
    lines = ""
    if node is not None:
        call = ["journalctl", "--no-pager", "--output=cat", f"--unit={failed.name}", f"--lines={JOURNAL_LINES}"]
        lines = ssh.node_run(cluster, node, call, check=False).stdout.strip()
    return node.name if node else "a machine that is gone", lines


def _raise_unplaced(fleet: Fleet, waiting: Sequence[Unit], units: Sequence[Unit]) -> None:
    names = {unit.name for unit in waiting}
    for unit in waiting:
        if not unit.machine_id and not names & set(placement.options(unit, "MachineOf")):  # else its peer is the cause
            reason = placement.explain(unit, units, fleet.machines())
            if reason:
                raise LabError(reason, "change its [X-Fleet] section or the cluster, then deploy it again")


def take_off(cluster: Cluster, provider: Provider, name: str, *, wipe: bool = False) -> None:
    """Removes a lab's units, keys and folders; returns when no machine has any of its units any more.

    With `wipe` the running nodes' extra disks are emptied, too.
    """
    record = deployed.load(cluster, name)
    if record is None:
        return
    nodes = node_states.require_running(cluster, provider)
    fleet = Fleet(node_states.addresses(nodes))
    with events.step("undeploy", name, f"{len(record.units)} units"):
        # What was started last is stopped first, and has ended before what it needs is stopped: a sidekick takes its
        # key away, a file system is unmounted while there still is one. By systemd, as fleet waits for no end: it takes
        # the unit's file away meanwhile, and systemd would not go on with what comes after the stop.
        everything = groups(record.units)
        _everywhere(cluster, nodes, _keeping_in_mind([unit for group in everything for unit in group]))
        for group in reversed(everything):
            _everywhere(cluster, nodes, ["sudo", "systemctl", "stop", "--quiet", *group])
        wait.until(
            lambda: _destroyed(fleet, record.units),
            deadline=wait.patiently(SUBMIT_DEADLINE),
            interval=0.5,
            missing="no fleetd takes units off: none can talk to its etcd",
        )
        wait.until(
            lambda: not _still(fleet, record.units),
            deadline=60,
            interval=0.2,
            missing=lambda: f"{name}: still on a machine: " + ", ".join(_still(fleet, record.units)),
        )
        _everywhere(cluster, nodes, ["sudo", "systemctl", "stop", "--quiet", KEEPER])
        settled = SETTLED.replace("DEADLINE", f"{wait.patiently(SETTLE_DEADLINE):.0f}")
        told = _everywhere(cluster, nodes, ["sh", "-c", settled, "sh", *record.units])
        for node, done in told.items():
            if done.returncode == 1:
                raise LabError(
                    f"{node.name}: fleet there has not let go of {', '.join(done.stdout.split())}",
                    f"see why: lab ssh {node.name} -- systemctl status fleet; then undeploy again",
                )
        with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
            for job in [pool.submit(_clear, cluster, node, record.folders, wipe=wipe) for node in nodes]:
                job.result()
        etcd = Etcd(node_states.addresses(nodes))
        for key in record.keys:
            etcd.remove(key)
            etcd.remove_empty_folders_above(key)
    deployed.forget(cluster, name)


def groups(units: Sequence[str]) -> list[list[str]]:
    """Units in the order in which they are started, instances of one template together; without the templates."""
    found: dict[str, list[str]] = {}
    for unit in units:
        if "@." not in unit:
            found.setdefault(unit.partition("@")[0] if "@" in unit else unit, []).append(unit)
    return list(found.values())


def _keeping_in_mind(units: Sequence[str]) -> list[str]:
    """A command after which systemd does not forget these units when they have ended, for as long as KEEPER runs.

    fleetd asks systemd to reset each unit that it removes, and where systemd has forgotten one it goes on with the next
    only five seconds later.
    """
    keeper = ["sudo", "systemd-run", "--quiet", "--collect", f"--unit={KEEPER}", f"--property=After={' '.join(units)}"]
    return [*keeper, "sleep", "120"]


def _everywhere(cluster: Cluster, nodes: Sequence[Node], call: Sequence[str]) -> dict[Node, run.Completed]:
    """Runs a command on all nodes at once and returns when it has ended on each, however it did."""

    def on(node: Node) -> run.Completed:
        return ssh.node_run(cluster, node, call, check=False, timeout=SETTLE_DEADLINE + 30)

    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        return dict(zip(nodes, pool.map(on, nodes), strict=True))


def _clear(cluster: Cluster, node: Node, folders: Sequence[str], *, wipe: bool) -> None:
    """Removes a lab's folders from a node, and with `wipe` whatever is on its extra disks."""
    if folders:
        ssh.node_run(cluster, node, ["sudo", "rm", "-rf", "--one-file-system", *folders], timeout=120)
    for disk in node.disks if wipe else ():
        ssh.node_run(cluster, node, ["sudo", "sh", "-c", WIPE, "sh", disk.device], timeout=600)


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
