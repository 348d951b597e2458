"""lab break: a fault, its undo on disk before the act, and with --verify a verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coreos_lab import catalog, deployed, events, node_states, screen, store
from coreos_lab.chaos import faults, journal, quorum
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.schedule import Step
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
    steps: Sequence[Step],
    *,
    deadline: float,
    keep_quorum: bool,
    verify: bool,
    junit: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Breaks nodes, one step after the other.

    A step that says for how long, or has others after it, is healed before the next; without `verify` any other stays
    until `lab heal`. Raises FailedError or UnknownError when the verdict is not a pass.
    """
    if junit and not verify:
        raise UsageError(f"--junit {junit}: only a verdict can be reported", "add --verify")
    cluster = store.require(name)
    provider = choose(cluster.provider)

    def plan(step: Step) -> Break:
        planned = faults.plan([resolve(cluster, provider, target) for target in step.targets], step.kind, step.told)
        lost = quorum.lost_by(cluster, _silent(provider, cluster, planned))
        if lost and keep_quorum:
            raise UsageError(f"{planned.names}: {lost}", "break fewer at a time, or leave --keep-quorum out")
        if lost and not dry_run:
            events.note("quorum", lost)
        return planned

    first = plan(steps[0])
    if dry_run:
        each = [_in_words(name, plan(step), provider, verify) for step in steps]
        print(json.dumps(each if len(each) > 1 else each[0], indent=2))
        return
    what = " ".join(target for step in steps for target in step.targets)
    with screen.showing(), store.ClusterFolder(name).lock(f"lab break {what}"):
        folder = run_folder(cluster, f"break-{'-'.join(node.name for node in first.nodes)}")
        with (folder / "events.jsonl").open("w", encoding="utf-8") as out, events.listening(events.json_lines(out)):
            if verify:
                verdict = _verify(provider, cluster, steps, plan, folder, deadline)
            else:
                done = [_plain(provider, cluster, plan(step), step) for step in steps]
    if verify:
        if junit:
            write_junit(junit, verdict.what, verdict.as_results)
        tell(verdict, folder, as_json=as_json)
    elif as_json:
        each = [_told(planned, step) for planned, step in zip(done, steps, strict=True)]
        print(json.dumps(each if len(each) > 1 else each[0]))
    else:
        for planned, step in zip(done, steps, strict=True):
            _say(planned, step.lasting)


def _in_words(name: str, planned: Break, provider: Provider, verify: bool) -> dict[str, object]:
    lost = quorum.lost_by(store.require(name), _silent(provider, store.require(name), planned))
    return {
        "cluster": name,
        "nodes": [node.name for node in planned.nodes],
        "fault": planned.kind.value,
        "values": planned.values,
        "quorum": lost or None,
        "undo": faults.FAULTS[planned.kind].undone,
        "verify": verify,
    }


def _silent(provider: Provider, cluster: Cluster, planned: Break) -> set[str]:
    """The nodes that etcd's others will not hear: those of this break, and those that are off anyway."""
    running = {node.name for node in node_states.running(cluster, provider)}
    return faults.silenced(planned) | {node.name for node in cluster.nodes if node.name not in running}


def _told(planned: Break, step: Step) -> dict[str, object]:
    healed = step.lasting is not None or faults.FAULTS[planned.kind].comes_back
    return {"nodes": [node.name for node in planned.nodes], "fault": planned.kind.value, "healed": healed}


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


def _plain(provider: Provider, cluster: Cluster, planned: Break, step: Step) -> Break:
    """Breaks, and mends what is to last for a time only. Who interrupts us wants nothing broken, at whatever moment."""
    stays = step.lasting is None and not faults.FAULTS[planned.kind].comes_back
    before = {fault.id for fault in journal.open_faults(cluster)}
    left_to_heal = False
    try:
        faults.inject(provider, cluster, planned)
        if step.lasting:
            with events.step("broken", planned.names, f"for {step.lasting:g} s"):
                time.sleep(step.lasting)
        left_to_heal = stays
    except LabError:  # no effect was seen: that is for the user to look at
        left_to_heal = stays
        raise
    finally:
        ours = [fault for fault in journal.open_faults(cluster) if fault.id not in before]
        if ours and not left_to_heal:
            faults.heal(provider, cluster, ours)
    if step.rest:
        with events.step("rest", message=f"{step.rest:g} s"):
            time.sleep(step.rest)
    return planned


def _verify(
    provider: Provider,
    cluster: Cluster,
    steps: Sequence[Step],
    plan: Callable[[Step], Break],
    folder: Path,
    deadline: float,
) -> Verdict:
    labs = [catalog.load(record.folder) for record in deployed.records(cluster)]
    if not labs:
        raise UsageError("--verify: no lab is deployed, so there is nothing that must survive", "lab deploy ch3")
    if journal.open_faults(cluster):
        raise LabError(f"{cluster.name}: is broken already", "run 'lab heal' first")
    faults.require_able(provider, cluster, plan(steps[0]))  # what cannot be done here is no verdict
    return Verification(provider, cluster, labs, folder).run(steps, plan, deadline=deadline)
