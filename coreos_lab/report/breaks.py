"""A run's record as a report: of a break, or of whatever else has phases and a verdict, such as a deployment."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from coreos_lab.chaos import verdict as verdicts
from coreos_lab.chaos.observer import READS_PROBE
from coreos_lab.chaos.verdict import (
    DEPLOY,
    HISTORY,
    JOURNALS,
    LEADERS,
    OBJECTIVES,
    PROBES,
    RECORD,
    UNITS,
    Phase,
    Verdict,
    measured_by,
)
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import Outcome, QualifiedName
from coreos_lab.records import about as abouts
from coreos_lab.records import runs
from coreos_lab.records.about import About
from coreos_lab.report import excerpts, histories, places, words
from coreos_lab.report.happened import Happened
from coreos_lab.report.jsonl import Lines, seconds, text
from coreos_lab.report.series import Series
from coreos_lab.report.values import Curve, Group, History, Lane, Part, Report, Span
from coreos_lab.units_of_measure import as_size

LARGEST = 64 << 20  # bytes of a verdict: it has no samples
PROBES_MOST = 300


def read(folder: Path) -> Report:
    """The report of a run. UnknownError for the record of another version of lab."""
    problems: list[str] = []
    about = _about(folder, problems)
    recorded = _verdict(folder, problems)
    happened = Happened(folder / runs.EVENTS)
    series, bad_samples = _series(folder / PROBES)
    problems += [*happened.problems, *bad_samples]
    units, bad_units = places.units(folder / UNITS)
    leaders, bad_leaders = places.leaders(folder / LEADERS)
    problems += [*bad_units, *bad_leaders]
    outages = {name: each.longest for name, each in series.items()}
    phases = recorded.phases if recorded else ()
    first = [about.mono] if about else [happened.first, *(each.first for each in series.values())]
    last = [happened.last, units.last, leaders.last, *(each.last for each in series.values()), *map(_end, phases)]
    began = min((each for each in first if not math.isnan(each)), default=0.0)
    end = max([began, *(each for each in last if not math.isnan(each))])
    seen = max((each.last for each in series.values()), default=end)  # nobody looked at units and leaders later
    wall = about.wall if about else happened.wall + began
    found, bad_journals = excerpts.read(folder / JOURNALS, 0.0 if math.isnan(wall) else wall)
    history, bad_history = histories.read(folder, began)
    judged = verdicts.judged_by(recorded, outages, history.outcome if history else None) if recorded else None
    going_on, deploys = runs.is_going_on(folder), recorded is not None and recorded.fault == DEPLOY
    judgement = words.judge(
        recorded,
        judged,
        about,
        happened.errors,
        damaged="its samples are damaged" if bad_samples else _missing(recorded, history),
        unread=recorded is None and (folder / RECORD).exists(),
        going_on=going_on,
    )
    return Report(
        folder.name,
        recorded.what if recorded else about.what if about else "a break",
        judgement.outcome,
        judgement.state,
        judgement.sentence,
        None if math.isnan(wall) else wall,
        end - began,
        tuple(words.facts(judged)) if judged else (),
        tuple(span.since(began, node) for node, spans in happened.faults.items() for span in spans),
        tuple(
            _groups(
                phases, happened, series, leaders.lanes(began, seen), units.lanes(began, seen), began, deploys=deploys
            )
        ),
        _curves(series, judged, began),
        tuple(_part(phase, began) for phase in judged.phases) if judged else (),
        found,
        tuple(words.versions(about, recorded)),
        about.again if about else "",
        tuple(about.files.items()) if about else (),
        (*problems, *bad_journals, *bad_history),
        history,
        tuple(happened.waited(began, end)),
    )


def _missing(recorded: Verdict | None, history: History | None) -> str:
    """Evidence that a verdict needs and that there is none of, in words."""
    phases = recorded.phases if recorded and not history else ()
    judged = any(phase.name == HISTORY and phase.outcome is not Outcome.UNKNOWN for phase in phases)
    return "the judgement of its history is missing or damaged" if judged else ""


def _about(folder: Path, problems: list[str]) -> About | None:
    try:
        return abouts.load(folder)
    except LabError as error:
        problems.append(error.message)
        return None


def _verdict(folder: Path, problems: list[str]) -> Verdict | None:
    """The recorded verdict; None where there is none, or it is damaged."""
    try:
        return load_verdict(folder)
    except UnknownError:
        raise
    except LabError as error:
        problems.append(error.message)
        return None


def load_verdict(folder: Path) -> Verdict | None:
    """A run's verdict; None where there is none. LabError for one that is damaged, UnknownError for another version."""
    path = folder / RECORD
    if not path.exists():
        return None
    if path.stat().st_size > LARGEST:
        raise LabError(f"{RECORD}: {as_size(path.stat().st_size)}, larger than any verdict, so it was not read")
    try:
        return verdicts.load(folder)
    except (OSError, RecursionError) as error:
        raise LabError(f"{RECORD}: cannot be read: {error}") from None


def _series(path: Path) -> tuple[dict[QualifiedName, Series], list[str]]:
    """Every probe's samples, and what is wrong with their record."""
    found: dict[tuple[str, str], Series] = {}

    def take(raw: dict[str, Any]) -> None:
        took = None if raw.get("seconds") is None else seconds(raw, "seconds")
        mono, ok, detail = seconds(raw, "mono"), raw["ok"], text(raw, "detail")
        if not isinstance(ok, bool) or "probe" not in raw:
            raise TypeError("no sample")
        name = text(raw, "lab"), text(raw, "probe")
        series = found.get(name)
        if series is None:
            if len(found) >= PROBES_MOST:
                raise ValueError("too many probes")
            series = found[name] = Series(str(QualifiedName(*name)))
        series.add(mono, ok, took, detail)

    lines = Lines(path)
    for _ in lines.read(take):
        pass
    return {QualifiedName(*name): series for name, series in found.items()}, lines.problems


def _end(phase: Phase) -> float:
    return math.nan if phase.began is None else phase.began + phase.seconds


def _part(phase: Phase, began: float) -> Part:
    begin = None if phase.began is None else phase.began - began
    return Part(phase.name, phase.outcome, begin, phase.seconds, phase.evidence, phase.checks)


def _curves(series: dict[QualifiedName, Series], verdict: Verdict | None, began: float) -> tuple[Curve, ...]:
    """What the probes and the writes measured; where several labs promise something of etcd, the strictest counts."""
    limits: dict[QualifiedName, float] = {}
    for objective, limit in verdict.objectives.items() if verdict else ():
        probe = measured_by(objective)
        limits[probe] = min(limit, limits.get(probe, math.inf))
    return tuple(each.curve(began, limits.get(name)) for name, each in series.items() if not _reads(name))


def _reads(name: QualifiedName) -> str:
    """The node whose reads a probe measures, "" for any other probe."""
    prefix, _, node = name.name.partition(" ")
    return node if not name.lab and prefix == READS_PROBE else ""


def _groups(
    phases: tuple[Phase, ...],
    happened: Happened,
    series: dict[QualifiedName, Series],
    leaders: list[Lane],
    units: list[Lane],
    began: float,
    *,
    deploys: bool,
) -> list[Group]:
    """The rows of the timeline. `deploys`: the steps say more than the phases, which are few."""
    done = tuple(
        Span(phase.began - began, phase.began - began + phase.seconds, phase.name, phase.outcome.value, phase.evidence)
        for phase in phases
        if phase.began is not None and phase.name != OBJECTIVES
    )
    groups = []
    if done:
        groups.append(Group("Phases", "What was proved, one after the other.", (Lane("phases", done),)))
    if not done or deploys:
        groups.append(Group("Steps", "What the command did.", tuple(happened.lanes(began))))
    if stages := tuple(happened.stages.lanes(began, happened.last)):
        groups.append(Group("Stages", "How far each node had come.", stages))
    nodes = _nodes(happened, series, began)
    seen = (
        min((lane.spans[0].begin for lane in units), default=0.0),
        max((_until(lane) for lane in units), default=0.0),
    )
    moved = tuple(lane for lane in units if (lane.spans[0].begin, lane.spans[0].end) != seen)
    stayed = ", ".join(f"{_short(lane.name)} on {lane.spans[0].text}" for lane in units if lane not in moved)
    if nodes:
        about = "The faults, and whether the node's own etcd answered a read, four times a second."
        groups.append(Group("Nodes", about, nodes))
    if leaders:
        groups.append(
            Group("etcd", "The member that more than half of the members name as their leader.", tuple(leaders))
        )
    if units:
        still = f" These did not move: {stayed}." if stayed else ""
        about = f"Where fleet's units ran, as fleet reports it.{still}"
        groups.append(
            Group("Units", about, tuple(Lane(_short(each.name), each.spans, each.left_out) for each in moved))
        )
    return groups


def _until(lane: Lane) -> float:
    return lane.spans[-1].end


def _short(unit: str) -> str:
    return unit.removesuffix(".service")


def _nodes(happened: Happened, series: dict[QualifiedName, Series], began: float) -> tuple[Lane, ...]:
    reads = {node: each.curve(began, None) for name, each in series.items() if (node := _reads(name))}
    lanes = []
    for node in sorted({*reads, *happened.faults}):
        faults = tuple(span.since(began) for span in happened.faults.get(node, ()))
        answered: tuple[Span, ...] = ()
        if curve := reads.get(node):
            whole = Span(curve.points[0].begin, curve.points[-1].end, "answers", "answers", "its etcd")
            silent = tuple(Span(each.begin, each.end, "no answer", "silent", each.detail) for each in curve.outages)
            answered = (whole, *silent)
        lanes.append(Lane(node, (*answered, *faults), curve.left_out if curve else 0))
    return tuple(lanes)
