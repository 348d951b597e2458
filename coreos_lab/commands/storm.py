"""Break random nodes in random ways, from a seed, and prove each recovery. A storm that fails is shrunk."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Annotated

import typer

from coreos_lab import events, hints, interrupts, screen
from coreos_lab.chaos import faults, storm, storm_record
from coreos_lab.chaos.fault import values_for
from coreos_lab.chaos.faults import FAULTS
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm import LONGEST, SHORTEST, USUAL, Choice, Request
from coreos_lab.chaos.storm_record import Shrunk, Storm
from coreos_lab.chaos.verdict import Verdict
from coreos_lab.commands import judged
from coreos_lab.commands.described import seconds
from coreos_lab.commands.options import DryRun, History, Json, Name, pairs, verb
from coreos_lab.commands.storming import Storming, as_json, words
from coreos_lab.commands.verdict import print_verdict
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Lab, Outcome
from coreos_lab.providers.base import Provider
from coreos_lab.providers.choose import provider as choose
from coreos_lab.records import runs, store
from coreos_lab.spelling import counted
from coreos_lab.units_of_measure import duration

SEEDS = 1_000_000  # a storm without --seed draws one below this

app = verb()


@app.command(help=__doc__)
def command(
    name: Name = hints.DEFAULT_NAME,
    for_: Annotated[
        str, typer.Option("--for", envvar="LAB_FOR", help="How long it lasts: no fault begins later.")
    ] = "10m",
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", envvar="LAB_SEED", min=0, help="The same seed is the same plan. Without it, one is drawn."
        ),
    ] = None,
    max_broken: Annotated[
        int, typer.Option("--max-broken", envvar="LAB_MAX_BROKEN", min=1, help="How many nodes may be broken at once.")
    ] = 1,
    fault_names: Annotated[
        str | None,
        typer.Option(
            "--faults",
            envvar="LAB_FAULTS",
            metavar="FAULT,...",
            help="The faults to draw from, each with its parameters if it is to have others: kill,loss:percent=40.",
        ),
    ] = None,
    lose_quorum: Annotated[
        bool, typer.Option("--lose-quorum", envvar="LAB_LOSE_QUORUM", help="Also break the majority of etcd's members.")
    ] = False,
    deadline: Annotated[
        str, typer.Option("--deadline", envvar="LAB_DEADLINE", help="How long each recovery may take.")
    ] = "90s",
    history: History = False,
    shrink: Annotated[
        bool,
        typer.Option(envvar="LAB_SHRINK", help="Look for the shortest plan that still fails, if the storm fails."),
    ] = True,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    run(
        name,
        for_=duration(for_, "--for"),
        seed=secrets.randbelow(SEEDS) if seed is None else seed,
        max_broken=max_broken,
        fault_names=fault_names,
        lose_quorum=lose_quorum,
        deadline=duration(deadline, "--deadline"),
        history=history,
        shrink=shrink,
        dry_run=dry_run,
        json_=as_json,
    )


def run(
    name: str,
    *,
    for_: float,
    seed: int,
    max_broken: int,
    fault_names: str | None,
    lose_quorum: bool,
    deadline: float,
    history: bool,
    shrink: bool,
    dry_run: bool,
    json_: bool,
) -> None:
    """Plans a storm and carries it out. Raises FailedError or UnknownError if the verdict is not a pass."""
    if not SHORTEST <= for_ <= LONGEST:
        raise UsageError(f"--for {seconds(for_)}: must be from {SHORTEST:g}s to {LONGEST / 3600:g}h")
    cluster = store.require(name)
    provider = choose(cluster.provider)
    if max_broken > len(cluster.nodes):
        raise UsageError(f"--max-broken {max_broken}: {name} has {len(cluster.nodes)} nodes", "choose a lower number")
    choices = _named(fault_names) if fault_names is not None else _usual(provider)
    labs = judged.labs(cluster, "storm")
    steps = _plan(cluster, Request(seed, for_, cluster.nodes, _units(labs), choices, max_broken, lose_quorum))
    if dry_run:
        print(json.dumps({"cluster": name, "seed": seed, "breaks": as_json(steps)}, indent=2))
        return
    again = hints.lab(
        "storm",
        *("--for", seconds(for_), "--seed", seed, "--max-broken", max_broken),
        *(("--faults", fault_names) if fault_names is not None else ()),
        *(("--lose-quorum",) if lose_quorum else ()),
        *("--deadline", seconds(deadline)),
        *(("--history",) if history else ()),
    )
    made = Storm(seed, steps, deadline, for_, lose_quorum, history)
    shrunk: Shrunk | None = None
    with screen.showing(), store.ClusterFolder(name).lock(again), interrupts.orderly():
        judged.require_healed(cluster)
        judged.require_whole(provider, cluster)
        storming = Storming(provider, cluster, labs)
        storming.require_able(steps)
        events.note("storm", f"seed {seed}: {len(steps)} breaks in {for_:g} s")
        folder = runs.new(cluster, "storm")
        verdict = storming.run(made, folder, again)
        if shrink and verdict.outcome is Outcome.FAIL and verdict.first_bad:
            events.note("storm", f"{verdict.first_bad.name}: {verdict.first_bad.evidence}")
            shrunk = storming.shrink(made, verdict, folder)
    try:
        more = {"seed": seed, "breaks": as_json(steps), "shrunk": _as_json(shrunk) if shrunk else None}
        print_verdict(verdict, folder, as_json=json_, more=more)
    finally:
        if not json_:
            _print_left_out(verdict, steps)
            _print_again(verdict, shrunk, folder.name)


def _named(text: str) -> tuple[Choice, ...]:
    """The faults of `--faults`. UsageError for one that is none, or a parameter or a value that it cannot have."""
    found = []
    for each in text.split(","):
        fault_name, *settings = each.strip().split(":")
        kind = faults.kind_of(fault_name, "--faults")
        try:
            values = values_for(FAULTS[kind], pairs(settings))
        except UsageError as error:
            raise UsageError(f"--faults {each.strip()}: {error.message}", "write it as loss:percent=40") from None
        found.append(Choice(kind, values))
    return tuple({(each.kind, tuple(sorted(each.values.items()))): each for each in found}.values())


def _usual(provider: Provider) -> tuple[Choice, ...]:
    return tuple(Choice(kind, values_for(FAULTS[kind], {})) for kind in USUAL if FAULTS[kind].is_for(provider))


def _units(labs: Sequence[Lab]) -> tuple[str, ...]:
    """The targets that the labs advise to break, where these are units."""
    return tuple(sorted({lab.target for lab in labs if lab.target.startswith("unit:")}))


def _plan(cluster: Cluster, request: Request) -> tuple[Step, ...]:
    steps = storm.plan(request)
    if steps:
        return steps
    members = len(cluster.members)
    raise UsageError(
        f"{cluster.name}: none of these faults is possible on its nodes without costing etcd its majority of {members}",
        "choose others with --faults, or allow it with --lose-quorum",
    )


def _as_json(shrunk: Shrunk) -> dict[str, object]:
    return {
        "breaks": as_json(shrunk.steps),
        "of": shrunk.of,
        "attempts": shrunk.attempts,
        "run": shrunk.run,
        "stopped": shrunk.stopped,
    }


def _print_left_out(verdict: Verdict, steps: Sequence[Step]) -> None:
    """How many breaks of a storm that passed there was no time for."""
    begun = len(storm_record.carried_out(steps, verdict.phases))
    if verdict.outcome is Outcome.PASS and begun < len(steps):
        print(f"the time of --for was over after {begun} of {len(steps)} breaks; the others were left out")


def _print_again(verdict: Verdict, shrunk: Shrunk | None, run_name: str) -> None:
    """How to repeat the storm, and the shortest plan that fails."""
    if shrunk is None:
        if verdict.nodes:
            print(f"once more: {hints.lab('replay', run_name)}")
        return
    tried = counted(shrunk.attempts, "attempt")
    print(f"shrunk to {len(shrunk.steps)} of {shrunk.of} breaks in {tried}: {words(shrunk.steps)}")
    if shrunk.stopped:
        print(f"not shrunk further: {shrunk.stopped}")
    print(f"once more: {hints.lab('replay', run_name, '--shrunk')}")
