"""The verdict on a break and its record, judged from the evidence alone, now or later."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coreos_lab import disk, hints
from coreos_lab.chaos.probes import Outage, Sample
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import ETCD_PROBE, CheckResult, Outcome, QualifiedName, to_json
from coreos_lab.node_plans import node_name
from coreos_lab.spelling import counted

OBJECTIVES, HISTORY = "objectives", "history"  # the phases that are judged from the probes, and from operations on etcd
RECORD, PROBES, UNITS, LEADERS = "verdict.json", "probes.jsonl", "units.jsonl", "leaders.jsonl"
JOURNALS = "journals.jsonl"
OPERATIONS, JUDGEMENT, PICTURE = "history.jsonl", "judgement.json", "history.html"
DEPLOY, WALK = "deploy", "walk"  # runs that break nothing, as their verdicts call them
SECONDS = 1e12  # no clock is beyond: what follows from two times is a time, too
VERSION = 2  # of the record; the first one named probes and checks without their lab


@dataclass(frozen=True)
class Phase:
    """One part of a verification, with its outcome. `evidence` is in words.

    `began` is in monotonic seconds, as in the run's other records; None in records from before it was one.
    """

    name: str
    outcome: Outcome
    seconds: float
    evidence: str = ""
    checks: tuple[CheckResult, ...] = ()
    began: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What a run has proved: a break, or something else that has phases; `fault` says which.

    `outages` are each probe's longest time without an answer, `objectives` the longest that is allowed, in seconds. A
    lab's objective for etcd bears that lab's name, because another lab may have another one.
    """

    outcome: Outcome
    cluster: str
    nodes: tuple[str, ...]
    fault: str
    labs: tuple[str, ...]
    phases: tuple[Phase, ...]
    outages: dict[QualifiedName, float] = field(default_factory=dict)
    objectives: dict[QualifiedName, float] = field(default_factory=dict)
    version: int = VERSION
    userns: bool = True  # whether the plan has its nodes in user namespaces of their own

    @property
    def what(self) -> str:
        """The run in words."""
        if self.fault in (DEPLOY, WALK):
            return f"{self.fault} of {', '.join(self.labs)}"
        return f"{self.fault} of {', '.join(self.nodes)}" if self.nodes else f"{self.fault} (nothing was broken)"

    @property
    def first_bad(self) -> Phase | None:
        """The phase that decides, None where all passed."""
        return next((phase for phase in self.phases if phase.outcome is not Outcome.PASS), None)

    @property
    def as_results(self) -> list[CheckResult]:
        """The phases as a JUnit report takes them."""
        return [CheckResult(phase.name, phase.outcome, phase.evidence, phase.seconds) for phase in self.phases]


def judge(phases: Sequence[Phase]) -> Outcome:
    """The verdict: the first phase that did not pass decides, because those after it prove nothing."""
    return next((phase.outcome for phase in phases if phase.outcome is not Outcome.PASS), Outcome.PASS)


def of_checks(results: Sequence[CheckResult]) -> Outcome:
    """The outcome of several checks: fail if one failed, else unknown if one is unknown or there are none."""
    outcomes = {result.outcome for result in results}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes or not results else Outcome.PASS


def evidence_of(results: Sequence[CheckResult]) -> str:
    """The results of several checks in words: the first that does not pass, else how many there are."""
    bad = next((result for result in results if result.outcome is not Outcome.PASS), None)
    if bad is not None:
        return f"{bad.qualified}: {bad.message}"
    return f"{counted(len(results), 'check')} {'passes' if len(results) == 1 else 'pass'}" if results else "no checks"


def of_steady_state(results: Sequence[CheckResult]) -> Outcome:
    """The same before anything is broken: a check that fails then proves nothing about recovery, so it is unknown."""
    outcome = of_checks(results)
    return Outcome.UNKNOWN if outcome is Outcome.FAIL else outcome


def measured_by(objective: QualifiedName) -> QualifiedName:
    """The probe that an objective is judged from: all labs on a cluster share its etcd."""
    return QualifiedName("", ETCD_PROBE) if objective.name == ETCD_PROBE else objective


def of_objectives(
    objectives: Mapping[QualifiedName, float], outages: Mapping[QualifiedName, float]
) -> tuple[Outcome, str]:
    """The objectives' outcome, and the evidence in words. A probe without a sample makes its objective unknown."""
    down = {name: outages[probe] for name in objectives if (probe := measured_by(name)) in outages}
    missed = [
        f"{name} was down for {down[name]:.1f} s, the objective is {limit:g} s at most"
        for name, limit in objectives.items()
        if down.get(name, 0.0) > limit
    ]
    unmeasured = [f"{name} was never measured" for name in objectives if name not in down]
    kept = [f"{name} down for {seconds:.1f} s at most" for name, seconds in down.items()]
    outcome = Outcome.FAIL if missed else Outcome.UNKNOWN if unmeasured else Outcome.PASS
    return outcome, "; ".join(missed or unmeasured) or ", ".join(kept)


def outages_of(samples: Iterable[Sample]) -> dict[QualifiedName, float]:
    """The longest outage of every probe that has a sample, in seconds."""
    by_probe: dict[QualifiedName, Outage] = {}
    for sample in samples:
        by_probe.setdefault(sample.of, Outage()).add(sample.mono, sample.ok)
    return {probe: outage.longest for probe, outage in by_probe.items()}


def save(verdict: Verdict, folder: Path) -> None:
    """Writes the record into a run's folder."""
    disk.write_atomic(folder / RECORD, json.dumps(to_json(verdict), indent=2) + "\n")


def load(folder: Path) -> Verdict:
    """A run's record.

    LabError when the run has none, or it is damaged; UnknownError for a record of another version of lab, whose names
    may mean a probe or a check of any of several labs.
    """
    path = folder / RECORD
    if not path.exists():
        raise LabError(
            f"{folder.name}: has no verdict",
            f"'{hints.lab('break', node_name(1), '--verify')}' records one when it ends",
        )
    try:
        raw = disk.read_json(path)
        if (version := raw.get("version", 1)) != VERSION:
            raise UnknownError(
                f"{path}: a record of version {version}, and this lab reads version {VERSION}",
                f"break and verify again: {hints.lab('break', node_name(1), '--verify')}",
            )
        return _verdict(raw)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise LabError(
            f"{path}: not a verdict's record: {error}",
            f"break and verify again: {hints.lab('break', node_name(1), '--verify')}",
        ) from None


def _verdict(raw: dict[str, Any]) -> Verdict:
    """A verdict of its record. Raises what its caller reports for a value of a wrong kind: records may be damaged."""
    texts = {name: _text(raw[name]) for name in ("cluster", "fault")}
    lists = {name: tuple(map(_text, raw[name])) for name in ("nodes", "labs")}
    measures = {
        name: {QualifiedName.parse(each): _seconds(value) for each, value in raw[name].items()}
        for name in ("outages", "objectives")
    }
    phases = tuple(map(_phase, raw["phases"]))
    if not phases:  # of nothing, everything would be true
        raise ValueError("it has no phases")
    return Verdict(**{**raw, **texts, **lists, **measures, "outcome": Outcome(raw["outcome"]), "phases": phases})


def _phase(raw: dict[str, Any]) -> Phase:
    texts = {name: _text(raw[name]) for name in ("name", "evidence")}
    began = None if raw.get("began") is None else _seconds(raw["began"])
    more = {"outcome": Outcome(raw["outcome"]), "seconds": _seconds(raw["seconds"]), "began": began}
    return Phase(**{**raw, **texts, **more, "checks": tuple(map(_check, raw["checks"]))})


def _check(raw: dict[str, Any]) -> CheckResult:
    texts = {name: _text(raw[name]) for name in ("name", "message", "lab")}
    return CheckResult(**{**raw, **texts, "outcome": Outcome(raw["outcome"]), "seconds": _seconds(raw["seconds"])})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < SECONDS:  # nor is NaN
        raise TypeError(f"{value!r} is no number of seconds")
    return float(value)


def samples(folder: Path) -> Iterator[Sample]:
    """The samples of a run's probes, one at a time; none where it had none. LabError for a damaged record."""
    path = folder / PROBES
    if not path.exists():
        return
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                yield _sample(json.loads(line))
    except (KeyError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise LabError(f"{path}: not a record of probes' samples: {error}") from None


def _sample(raw: dict[str, Any]) -> Sample:
    if not isinstance(raw["ok"], bool):
        raise TypeError(f"{raw['ok']!r} is neither true nor false")
    texts = {name: _text(raw[name]) for name in ("lab", "probe")}
    return Sample(**{**raw, **texts, "mono": _seconds(raw["mono"]), "wall": _seconds(raw["wall"])})


def derived(verdict: Verdict, measured: Iterable[Sample], history: Outcome | None = None) -> Verdict:
    """The verdict judged again: phases from the results of their checks, objectives from the probes' samples.

    The phase of a history gets the outcome `history`, if there is one.
    """
    return judged_by(verdict, outages_of(measured), history)


def judged_by(verdict: Verdict, outages: dict[QualifiedName, float], history: Outcome | None = None) -> Verdict:
    """The same, by the longest outage of each probe that has a sample."""
    phases = [_judged(phase, first=number == 0) for number, phase in enumerate(verdict.phases)]
    outcome, evidence = of_objectives(verdict.objectives, outages)
    for number, phase in enumerate(phases):
        if phase.name == OBJECTIVES:
            phases[number] = replace(phase, outcome=outcome, evidence=evidence)
        elif phase.name == HISTORY and history is not None:
            phases[number] = replace(phase, outcome=history)
    return replace(verdict, outcome=judge(phases), phases=tuple(phases), outages=outages)


def _judged(phase: Phase, *, first: bool) -> Phase:
    if not phase.checks:
        return phase
    outcome = of_steady_state(phase.checks) if first else of_checks(phase.checks)
    return replace(phase, outcome=outcome)
