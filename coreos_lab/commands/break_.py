"""lab break: a fault, its undo on disk before the act, and with --verify a verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from coreos_lab import catalog, deployed, events, node_states, screen, store
from coreos_lab.chaos import faults, journal
from coreos_lab.chaos.fault import values_for
from coreos_lab.chaos.verify import Verdict, Verification
from coreos_lab.clients.fleet import Fleet
from coreos_lab.errors import FailedError, LabError, UnknownError, UsageError
from coreos_lab.model import Cluster, FaultKind, Node, Outcome, to_json
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose

MARKS = {Outcome.PASS: "pass   ", Outcome.FAIL: "FAIL   ", Outcome.UNKNOWN: "unknown"}


def break_(
    name: str,
    target: str,
    *,
    fault: str,
    told: Mapping[str, str],
    lasting: float | None,
    deadline: float,
    verify: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Breaks the node `target`, or the one that runs unit:NAME.

    `lasting` is for how many seconds at least; without it and without `verify` the fault stays until `lab heal`. Raises
    FailedError or UnknownError when the verdict is not a pass.
    """
    kind = faults.kind_of(fault)
    values = values_for(faults.FAULTS[kind], told)
    cluster = store.require(name)
    provider = choose(cluster.provider)
    node = resolve(cluster, provider, target)
    if dry_run:
        steps = {"cluster": name, "node": node.name, "fault": kind.value, "values": values}
        print(json.dumps({**steps, "undo": faults.FAULTS[kind].undone, "verify": verify}, indent=2))
        return
    with screen.showing(), store.ClusterFolder(name).lock(f"lab break {target}"):
        folder = run_folder(cluster, f"break-{node.name}")
        with (folder / "events.jsonl").open("w", encoding="utf-8") as out, events.listening(events.json_lines(out)):
            if verify:
                verdict = _verify(provider, cluster, node, kind, told, folder, lasting or 0.0, deadline)
            else:
                _plain(provider, cluster, node, kind, told, lasting)
    if verify:
        _tell(verdict, folder, as_json=as_json)
    elif as_json:
        print(json.dumps({"node": node.name, "fault": kind.value, "healed": lasting is not None}))
    elif faults.FAULTS[kind].comes_back:
        print(f"{node.name} went through {kind.value} and is back.")
    elif lasting is None:
        print(f"{node.name} is broken ({kind.value}). 'lab status' shows it, 'lab heal' undoes it.")
    else:
        print(f"{node.name} was broken ({kind.value}) for {lasting:g} s and is back.")


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


def _plain(
    provider: Provider, cluster: Cluster, node: Node, kind: FaultKind, told: Mapping[str, str], lasting: float | None
) -> None:
    fault = faults.inject(provider, cluster, node, kind, told)
    if lasting is None and not faults.FAULTS[kind].comes_back:
        return
    try:
        if lasting:
            with events.step("broken", node.name, f"for {lasting:g} s"):
                time.sleep(lasting)
    finally:
        faults.heal(provider, cluster, [fault])


def _verify(
    provider: Provider,
    cluster: Cluster,
    node: Node,
    kind: FaultKind,
    told: Mapping[str, str],
    folder: Path,
    lasting: float,
    deadline: float,
) -> Verdict:
    labs = [catalog.load(record.folder) for each in deployed.names(cluster) if (record := deployed.load(cluster, each))]
    if not labs:
        raise UsageError("--verify: no lab is deployed, so there is nothing that must survive", "lab deploy ch3")
    if journal.open_faults(cluster):
        raise LabError(f"{cluster.name}: is broken already", "run 'lab heal' first")
    return Verification(provider, cluster, labs, folder).run(node, kind, told, lasting=lasting, deadline=deadline)


def _tell(verdict: Verdict, folder: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**to_json(verdict), "folder": str(folder)}, indent=2))
    else:
        print(f"{verdict.fault} of {verdict.node}, judged by {', '.join(verdict.labs)}:")
        for phase in verdict.phases:
            print(f"  {MARKS[phase.outcome]} {phase.name:22} {phase.seconds:6.1f} s  {phase.evidence}")
        print(f"verdict: {verdict.outcome.value.upper()}   (record: {folder / 'verdict.json'})")
    first = next((phase for phase in verdict.phases if phase.outcome is not Outcome.PASS), None)
    if first and verdict.outcome is Outcome.FAIL:
        raise FailedError(f"{first.name}: {first.evidence}")
    if first:
        raise UnknownError(f"{first.name}: {first.evidence}")
