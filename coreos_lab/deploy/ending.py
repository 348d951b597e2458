"""Ends units: on their machines, in the reverse of their order, and then in fleet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from coreos_lab import events, hints, run, wait
from coreos_lab.clients import ssh
from coreos_lab.clients.fleet import Fleet
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.deploy.submit import SUBMIT_DEADLINE
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import node_states

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
while left=$(busy "$@"); [ -n "$left" ] && [ "$(now)" -lt $end ]; do sleep 0.1; done
sudo systemctl stop --quiet KEEPER
sudo systemctl reset-failed "$@" 2>/dev/null
[ -z "$left" ] || { echo "$left"; exit 1; }
"""
PROMPT = 2.0  # seconds after which fleetd is told again, as it misses what comes while it looks
SETTLE_DEADLINE = 120  # seconds; fleetd tries to reach its etcd again after 1, 2, 4 ... 32 seconds
KEEPER = "coreos-lab-undeploy.service"
T = TypeVar("T")


def end(cluster: Cluster, nodes: Sequence[Node], units: Sequence[str], then: str) -> None:
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
        with events.step("stop", ", ".join(group)):
            _everywhere(cluster, nodes, ["sudo", "systemctl", "stop", "--quiet", *group])
    # Unloaded first: fleetd is not told of a unit that is destroyed at once, and finds that out up to 5 s later.
    wait.until(
        lambda: _reached(lambda unit: fleet.want(unit, "inactive"), instances),
        deadline=wait.patiently(SUBMIT_DEADLINE),
        interval=0.5,
        missing="no fleetd unloads units: none reaches its etcd",
    )
    with events.step("unload", message="fleetd on each machine"):
        outcomes = _settled(cluster, fleet, nodes, instances)
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
    wait.until(
        lambda: _reached(fleet.destroy, units),
        deadline=wait.patiently(SUBMIT_DEADLINE),
        interval=0.5,
        missing="no fleetd removes units: none reaches its etcd",
    )


def _settled(
    cluster: Cluster, fleet: Fleet, nodes: Sequence[Node], units: Sequence[str]
) -> dict[Node, run.Completed | None]:
    """Waits on all nodes until none of these units is there, and has fleetd look again meanwhile."""
    script = SETTLED.replace("KEEPER", KEEPER).replace("DEADLINE", f"{wait.patiently(SETTLE_DEADLINE):.0f}")
    call = ["sh", "-c", script, "sh", *units]
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        jobs = {node: pool.submit(ssh.ask, cluster, node, call, timeout=SETTLE_DEADLINE + 30) for node in nodes}
        while futures.wait(jobs.values(), timeout=PROMPT).not_done:
            _reached(lambda unit: fleet.want(unit, "inactive"), units[:1])
    return {node: job.result() for node, job in jobs.items()}


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
    return on_each(nodes, lambda node: ssh.ask(cluster, node, call, timeout=timeout))


def on_each(nodes: Sequence[Node], act: Callable[[Node], T]) -> dict[Node, T]:
    """Calls `act` for all nodes at once; returns, or raises, when it has ended for each."""
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        return dict(zip(nodes, pool.map(act, nodes), strict=True))


def _reached(ask: Callable[[str], None], units: Sequence[str]) -> bool:
    """Asks fleet something of each unit; whether a fleetd has answered each time."""
    try:
        for unit in units:
            ask(unit)
    except CannotCheckError:
        return False
    return True


def await_unlisted(nodes: Sequence[Node], units: Sequence[str]) -> None:
    """Returns when fleet lists no state of these units: it hears of their end a second after their machines."""
    fleet = Fleet(node_states.addresses(nodes))

    def listed() -> list[str]:
        try:
            return sorted({state.name for state in fleet.states()} & set(units))
        except CannotCheckError:
            return ["fleet does not answer"]

    with events.step("fleet", message="lists none of it any more"):
        wait.until(
            lambda: not listed(),
            deadline=60,
            interval=0.1,
            missing=lambda: f"fleet still lists {', '.join(listed())}",
        )
