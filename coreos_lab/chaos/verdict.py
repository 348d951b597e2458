"""The verdict and its record: what a break has shown, judged from the evidence alone, now or later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coreos_lab import disk
from coreos_lab.chaos.probes import Sample, longest_outage
from coreos_lab.errors import LabError
from coreos_lab.model import CheckResult, Outcome, to_json

OBJECTIVES = "objectives"  # the phase that is judged from the probes
RECORD, PROBES, UNITS = "verdict.json", "probes.jsonl", "units.jsonl"


@dataclass(frozen=True)
class Phase:
    """One part of a verification, with what it found. `evidence` is in words."""

    name: str
    outcome: Outcome
    seconds: float
    evidence: str = ""
    checks: tuple[CheckResult, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What a break has shown.

    `outages` are each probe's longest time without an answer, `objectives` what they may be at most, in seconds.
    """

    outcome: Outcome
    cluster: str
    nodes: tuple[str, ...]
    fault: str
    labs: tuple[str, ...]
    phases: tuple[Phase, ...]
    outages: dict[str, float] = field(default_factory=dict)
    objectives: dict[str, float] = field(default_factory=dict)

    @property
    def what(self) -> str:
        """The break in words."""
        return f"{self.fault} of {', '.join(self.nodes)}" if self.nodes else f"{self.fault} (nothing was broken)"

    @property
    def first_bad(self) -> Phase | None:
        """The phase that decided, None where all passed."""
        return next((phase for phase in self.phases if phase.outcome is not Outcome.PASS), None)

    @property
    def as_results(self) -> list[CheckResult]:
        """The phases as a report for CI takes them."""
        return [CheckResult(phase.name, phase.outcome, phase.evidence, phase.seconds) for phase in self.phases]


def judge(phases: Sequence[Phase]) -> Outcome:
    """The verdict: the first phase that did not pass decides, as what comes after it proves nothing."""
    return next((phase.outcome for phase in phases if phase.outcome is not Outcome.PASS), Outcome.PASS)


def of_checks(results: Sequence[CheckResult]) -> Outcome:
    """What a set of checks says together: one failure is a failure; else one unknown makes it unknown."""
    outcomes = {result.outcome for result in results}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes or not results else Outcome.PASS


def of_steady_state(results: Sequence[CheckResult]) -> Outcome:
    """The same before anything is broken: what did not work then says nothing about recovery."""
    outcome = of_checks(results)
    return Outcome.UNKNOWN if outcome is Outcome.FAIL else outcome


def objectives_missed(objectives: Mapping[str, float], outages: Mapping[str, float]) -> list[str]:
    """The objectives that the probes contradict, in words."""
    return [
        f"{name} was down for {outages[name]:.1f} s, the objective is {limit:g} s at most"
        for name, limit in objectives.items()
        if outages.get(name, 0.0) > limit
    ]


def save(verdict: Verdict, folder: Path) -> None:
    """Writes the record into a run's folder."""
    disk.write_atomic(folder / RECORD, json.dumps(to_json(verdict), indent=2) + "\n")


def load(folder: Path) -> Verdict:
    """A record as it was written. LabError when the run has none, or it is damaged."""
    path = folder / RECORD
    if not path.exists():
        raise LabError(f"{folder.name}: has no verdict", "only 'lab break --verify' makes one, and only when it ends")
    try:
        raw = disk.read_json(path)
        phases = tuple(_phase(each) for each in raw["phases"])
        lists = {name: tuple(raw[name]) for name in ("nodes", "labs")}
        return Verdict(**{**raw, **lists, "outcome": Outcome(raw["outcome"]), "phases": phases})
    except (KeyError, TypeError, ValueError) as error:
        raise LabError(f"{path}: not a verdict's record: {error}") from None


def _phase(raw: dict[str, object]) -> Phase:
    found = dict(raw)
    checks = tuple(
        CheckResult(**{**each, "outcome": Outcome(each["outcome"])})
        for each in found.pop("checks")  # type: ignore[attr-defined]
    )
    return Phase(**{**found, "outcome": Outcome(found["outcome"]), "checks": checks})  # type: ignore[arg-type]


def samples(folder: Path) -> list[Sample]:
    """What the probes of a run have seen; empty where it had none."""
    path = folder / PROBES
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Sample(**json.loads(line)) for line in lines]


def derived(verdict: Verdict, seen: Iterable[Sample]) -> Verdict:
    """The same verdict, judged anew: phases from the results of their checks, objectives from the probes' samples."""
    by_probe: dict[str, list[Sample]] = {}
    for sample in seen:
        by_probe.setdefault(sample.probe, []).append(sample)
    outages = {name: longest_outage(found) for name, found in by_probe.items()}
    phases = tuple(_judged(phase, first=number == 0) for number, phase in enumerate(verdict.phases))
    missed = objectives_missed(verdict.objectives, outages)
    phases = tuple(
        Phase(OBJECTIVES, Outcome.FAIL if missed else Outcome.PASS, phase.seconds, "; ".join(missed) or phase.evidence)
        if phase.name == OBJECTIVES
        else phase
        for phase in phases
    )
    return Verdict(
        judge(phases), verdict.cluster, verdict.nodes, verdict.fault, verdict.labs, phases, outages, verdict.objectives
    )


def _judged(phase: Phase, *, first: bool) -> Phase:
    if not phase.checks:
        return phase
    outcome = of_steady_state(phase.checks) if first else of_checks(phase.checks)
    return Phase(phase.name, outcome, phase.seconds, phase.evidence, phase.checks)
