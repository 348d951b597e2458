"""Break nodes, their network or their services. The undo is on disk before the act."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coreos_lab import events, hints, interrupts, screen, timings, wait
from coreos_lab.chaos import faults, healing, injecting, quorum
from coreos_lab.chaos import schedule as schedules
from coreos_lab.chaos.course import one_by_one
from coreos_lab.chaos.fault import Break
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.verdict import Verdict
from coreos_lab.chaos.verify import Verification
from coreos_lab.checks.runner import write_junit
from coreos_lab.commands import described, judged
from coreos_lab.commands.options import DryRun, History, Json, Name, Timings, complete_nodes, pairs, verb
from coreos_lab.commands.targets import require_whole_zones, target_nodes, usual_fault
from coreos_lab.commands.verdict import print_verdict
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image.judge import ensure_judge
from coreos_lab.model import Cluster
from coreos_lab.observed import membership, node_states
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import about, fault_journal, runs, store
from coreos_lab.units_of_measure import duration

app = verb()


@app.command(help=__doc__)
def command(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NODE...",
            help="Nodes, unit:NAME for the node that runs that unit, or az:ZONE for all nodes of a zone.",
            autocompletion=complete_nodes,
        ),
    ] = None,
    name: Name = hints.DEFAULT_NAME,
    fault: Annotated[
        str | None,
        typer.Option(
            "--fault", envvar="LAB_FAULT", help="The fault (kill; zone for a zone). 'lab faults' lists them all."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the fault, as listed by 'lab faults'."),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", envvar="LAB_FOR", help="Heal after this time. Without it, 'lab heal' does."),
    ] = None,
    schedule: Annotated[
        Path | None,
        typer.Option("--schedule", envvar="LAB_SCHEDULE", help="A file with breaks to carry out one after the other."),
    ] = None,
    deadline: Annotated[
        str, typer.Option("--deadline", envvar="LAB_DEADLINE", help="With --verify: how long each recovery may take.")
    ] = "90s",
    keep_quorum: Annotated[
        bool, typer.Option("--keep-quorum", envvar="LAB_KEEP_QUORUM", help="Refuse a break that costs etcd its quorum.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", envvar="LAB_VERIFY", help="Prove effect, recovery and repair, and give a verdict."),
    ] = False,
    history: History = False,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", envvar="LAB_JUNIT", dir_okay=False, help="With --verify: a file for JUnit XML."),
    ] = None,
    timed: Timings = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    if schedule and (targets or fault or set_ or for_):
        raise UsageError(
            f"--schedule {schedule}: the file says what to break, and how", "leave NODE, --fault, --set and --for out"
        )
    if not schedule and not targets:
        raise UsageError("NODE: nothing to break", "name a node or unit:NAME, or a --schedule")
    with timings.told(timed):
        break_(
            name,
            schedules.load(schedule)
            if schedule
            else [schedules.step(targets or [], fault or usual_fault(targets or []), pairs(set_), for_)],
            schedule=schedule,
            deadline=duration(deadline, "--deadline"),
            keep_quorum=keep_quorum,
            verify=verify,
            history=history,
            junit=junit,
            dry_run=dry_run,
            as_json=as_json,
        )


def break_(
    name: str,
    steps: Sequence[Step],
    *,
    schedule: Path | None = None,
    deadline: float,
    keep_quorum: bool,
    verify: bool,
    history: bool,
    junit: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Breaks nodes, one step after the other; `schedule` is the file that has them, if one does.

    A step with a duration, or with a step after it, is healed before the next one. Without `verify`, any other stays
    until `lab heal`. Raises FailedError or UnknownError if the verdict is not a pass.
    """
    if junit and not verify:
        raise UsageError(f"--junit {junit}: only a verdict can be reported", "add --verify")
    if history and not verify:
        raise UsageError("--history: only a verdict judges it", "add --verify")
    cluster = store.require(name)
    provider = choose(cluster.provider)

    def plan(step: Step) -> Break:
        require_whole_zones(step)
        now = store.require(name)  # machines of a step before may have been replaced
        nodes = [node for target in step.targets for node in target_nodes(now, provider, target)]
        planned = faults.plan(nodes, step.kind, step.values)
        lost = _quorum_lost(provider, now, planned)
        if lost and keep_quorum:
            raise UsageError(f"{planned.names}: {lost}", "break fewer at a time, or leave --keep-quorum out")
        if lost and not dry_run:
            events.note("quorum", lost)
        return planned

    first = plan(steps[0])
    if dry_run:
        each = [_as_plan(name, plan(step), provider, verify) for step in steps]
        print(json.dumps(each if len(each) > 1 else each[0], indent=2))
        return
    what = hints.lab("break", *(target for step in steps for target in step.targets))
    with screen.showing(), store.ClusterFolder(name).lock(what), interrupts.orderly():
        folder = runs.new(cluster, f"break-{'-'.join(node.name for node in first.nodes)}")
        options = {"keep_quorum": keep_quorum, "verify": verify, "history": history}
        about.save(described.of_break(cluster, provider, steps, schedule, deadline, **options), folder)
        with events.recording(folder / runs.EVENTS):
            if verify:
                verdict = _verify(provider, cluster, steps, plan, folder, deadline, history=history)
            else:
                done = [_carry_out(provider, cluster, plan(step), step) for step in steps]
    if verify:
        if junit:
            write_junit(junit, verdict.what, verdict.as_results)
        print_verdict(verdict, folder, as_json=as_json)
    elif as_json:
        each = [_as_done(planned, step) for planned, step in zip(done, steps, strict=True)]
        print(json.dumps(each if len(each) > 1 else each[0]))
    else:
        for planned, step in zip(done, steps, strict=True):
            _print_done(planned, step.lasting)


def _as_plan(name: str, planned: Break, provider: Provider, verify: bool) -> dict[str, object]:
    lost = _quorum_lost(provider, store.require(name), planned)
    return {
        "cluster": name,
        "nodes": [node.name for node in planned.nodes],
        "fault": planned.kind.value,
        "values": planned.values,
        "quorum": lost or None,
        "undo": faults.FAULTS[planned.kind].undone,
        "verify": verify,
    }


def _quorum_lost(provider: Provider, cluster: Cluster, planned: Break) -> str:
    """What etcd loses by the break, together with the nodes that are off anyway, in words; "" for nothing."""
    running = node_states.running(cluster, provider)
    off = {node.name for node in cluster.nodes if node not in running}
    return quorum.lost_by(membership.voters(cluster, running), off | faults.silenced(planned))


def _as_done(planned: Break, step: Step) -> dict[str, object]:
    healed = step.lasting is not None or faults.FAULTS[planned.kind].comes_back
    return {"nodes": [node.name for node in planned.nodes], "fault": planned.kind.value, "healed": healed}


def _print_done(planned: Break, lasting: float | None) -> None:
    are, were = ("is", "was") if len(planned.nodes) == 1 else ("are", "were")
    kind = planned.kind.value
    if faults.FAULTS[planned.kind].comes_back:
        print(f"{planned.names} went through {kind} and {are} back.")
    elif lasting is None:
        status, heal = hints.lab("status"), hints.lab("heal")
        print(f"{planned.names} {are} broken ({kind}). '{status}' shows it, '{heal}' undoes it.")
    else:
        print(f"{planned.names} {were} broken ({kind}) for {lasting:g} s and {are} back.")


def _carry_out(provider: Provider, cluster: Cluster, planned: Break, step: Step) -> Break:
    """Carries out one step and heals it if it has a duration. An interrupted step is always healed."""
    stays = step.lasting is None and not faults.FAULTS[planned.kind].comes_back
    before = {fault.id for fault in fault_journal.open_faults(cluster)}
    left_to_heal = False
    try:
        injecting.inject(provider, cluster, planned)
        if step.lasting:
            with events.step("broken", planned.names, f"for {step.lasting:g} s"):
                wait.pause(step.lasting)
        left_to_heal = stays
    except LabError:  # no effect was seen: a break without duration stays, for the user to inspect
        left_to_heal = stays
        raise
    finally:
        ours = [fault for fault in fault_journal.open_faults(cluster) if fault.id not in before]
        if ours and not left_to_heal:
            healing.heal(provider, cluster, ours)
    if step.rest:
        with events.step("rest", message=f"{step.rest:g} s"):
            wait.pause(step.rest)
    return planned


def _verify(
    provider: Provider,
    cluster: Cluster,
    steps: Sequence[Step],
    plan: Callable[[Step], Break],
    folder: Path,
    deadline: float,
    *,
    history: bool,
) -> Verdict:
    labs = judged.labs(cluster, "--verify")
    judged.require_healed(cluster)
    injecting.require_able(provider, cluster, plan(steps[0]))  # an impossible fault is an error, not a verdict
    judge = ensure_judge() if history else None
    return Verification(provider, cluster, labs, folder, judge).run(one_by_one(steps), plan, deadline=deadline)
