"""lab break: a fault, its undo on disk before the act, and with --verify a verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from coreos_lab import catalog, deployed, events, node_states, screen, store
from coreos_lab.chaos import faults, journal, quorum
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.verdict import Verdict
from coreos_lab.chaos.verify import Verification
from coreos_lab.checks import write_junit
from coreos_lab.clients.fleet import Fleet
from coreos_lab.commands.verdict import tell
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, Node
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose


def break_(
    name: str,
    targets: Sequence[str],
    *,
    fault: str,
    told: Mapping[str, str],
    lasting: float | None,
    deadline: float,
    keep_quorum: bool,
    verify: bool,
    junit: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Breaks nodes, each a name or unit:NAME for the one that runs it.

    `lasting` is for how many seconds at least; without it and without `verify` the fault stays until `lab heal`. Raises
    FailedError or UnknownError when the verdict is not a pass.
    """
    if junit and not verify:
        raise UsageError(f"--junit {junit}: only a verdict can be reported", "add --verify")
    kind = faults.kind_of(fault)
    cluster = store.require(name)
    provider = choose(cluster.provider)
    planned = faults.plan([resolve(cluster, provider, target) for target in targets], kind, told)
    lost = quorum.lost_by(cluster, _silent(provider, cluster, planned))
    if lost and keep_quorum:
        raise UsageError(f"{planned.names}: {lost}", "break fewer at a time, or leave --keep-quorum out")
    if dry_run:
        names = [node.name for node in planned.nodes]
        steps = {"cluster": name, "nodes": names, "fault": kind.value, "values": planned.values, "quorum": lost or None}
        print(json.dumps({**steps, "undo": faults.FAULTS[kind].undone, "verify": verify}, indent=2))
        return
    with screen.showing(), store.ClusterFolder(name).lock(f"lab break {' '.join(targets)}"):
        folder = run_folder(cluster, f"break-{'-'.join(node.name for node in planned.nodes)}")
        with (folder / "events.jsonl").open("w", encoding="utf-8") as out, events.listening(events.json_lines(out)):
            if lost:
                events.note("quorum", lost)
            if verify:
                verdict = _verify(provider, cluster, planned, folder, lasting or 0.0, deadline)
            else:
                _plain(provider, cluster, planned, lasting)
    if verify:
        if junit:
            write_junit(junit, f"{kind.value} of {planned.names}", verdict.as_results)
        tell(verdict, folder, as_json=as_json)
    elif as_json:
        healed = lasting is not None or faults.FAULTS[kind].comes_back
        print(json.dumps({"nodes": [node.name for node in planned.nodes], "fault": kind.value, "healed": healed}))
    else:
        _say(planned, lasting)


def _silent(provider: Provider, cluster: Cluster, planned: Break) -> set[str]:
    """The nodes that etcd's others will not hear: those of this break, and those that are off anyway."""
    running = {node.name for node in node_states.running(cluster, provider)}
    return faults.silenced(planned) | {node.name for node in cluster.nodes if node.name not in running}


def _say(planned: Break, lasting: float | None) -> None:
    are, were = ("is", "was") if len(planned.nodes) == 1 else ("are", "were")
    kind = planned.kind.value
    if faults.FAULTS[planned.kind].comes_back:
        print(f"{planned.names} went through {kind} and {are} back.")
    elif lasting is None:
        print(f"{planned.names} {are} broken ({kind}). 'lab status' shows it, 'lab heal' undoes it.")
    else:
        print(f"{planned.names} {were} broken ({kind}) for {lasting:g} s and {are} back.")


def resolve(cluster: Cluster, provider: Provider, target: str) -> Node:
    """The node that a target names. LabError when the unit of unit:NAME runs nowhere."""
    prefix, colon, unit = target.partition(":")
    if not colon:
        return store.require_node(cluster, target)
    if prefix != "unit" or not unit:
        raise UsageError(f"{target}: no such target", "name a node, or unit:NAME")
    fleet = Fleet(node_states.addresses(node_states.running(cluster, provider)))
    address = fleet.where(unit if "." in unit else f"{unit}.service")
    node = next((node for node in cluster.nodes if node.address == address), None)
    if node is None:
        raise LabError(f"{unit}: no machine runs that unit", "see 'lab status' for the units that run")
    return node


def run_folder(cluster: Cluster, what: str) -> Path:
    """A new folder for the records of one run."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    base = store.ClusterFolder(cluster.name).runs
    folder = next(path for i in range(1000) if not (path := base / f"{stamp}-{what}{f'-{i}' if i else ''}").exists())
    folder.mkdir(parents=True)
    return folder


def _plain(provider: Provider, cluster: Cluster, planned: Break, lasting: float | None) -> None:
    done = faults.inject(provider, cluster, planned)
    if lasting is None and not faults.FAULTS[planned.kind].comes_back:
        return
    try:
        if lasting:
            with events.step("broken", planned.names, f"for {lasting:g} s"):
                time.sleep(lasting)
    finally:
        faults.heal(provider, cluster, done)


def _verify(
    provider: Provider, cluster: Cluster, planned: Break, folder: Path, lasting: float, deadline: float
) -> Verdict:
    labs = [catalog.load(record.folder) for each in deployed.names(cluster) if (record := deployed.load(cluster, each))]
    if not labs:
        raise UsageError("--verify: no lab is deployed, so there is nothing that must survive", "lab deploy ch3")
    if journal.open_faults(cluster):
        raise LabError(f"{cluster.name}: is broken already", "run 'lab heal' first")
    return Verification(provider, cluster, labs, folder).run(planned, lasting=lasting, deadline=deadline)
