"""A run's verdict in a sentence, its figures, and the versions that it is about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coreos_lab.chaos import numbering
from coreos_lab.chaos.verdict import HISTORY, WALK, Phase, Verdict, measured_by
from coreos_lab.model import ETCD_PROBE, Outcome, QualifiedName
from coreos_lab.records.about import About
from coreos_lab.report.values import Fact

LINEARIZABLE = {Outcome.PASS: "yes", Outcome.FAIL: "no", Outcome.UNKNOWN: "not known"}
RECOVERY = ("effect", "quorum", "noticed", "recovery while broken")  # from the act until the labs work again


@dataclass(frozen=True)
class Judgement:
    """What a record proves: its outcome (None where nothing was judged), and why, in one sentence."""

    outcome: Outcome | None
    sentence: str
    state: str = ""  # a word or two where nothing was judged


def judge(
    recorded: Verdict | None,
    derived: Verdict | None,
    about: About | None,
    errors: Sequence[str],
    *,
    damaged: str,
    unread: bool,
    going_on: bool,
) -> Judgement:
    """What a record proves, which was judged again as `derived`. `damaged` says what is wrong with its evidence.

    `unread`: there is a verdict, which is damaged itself.
    """
    if unread:
        return Judgement(Outcome.UNKNOWN, "Its verdict is damaged, so nothing is known of it.")
    if recorded is None or derived is None:
        return _without(about, errors, going_on=going_on)
    if damaged:
        says = f"The record says {recorded.outcome.value}, but {damaged}, so that cannot be checked."
        return Judgement(Outcome.UNKNOWN, says)
    if derived.outcome is not recorded.outcome:
        says = f"The record says {recorded.outcome.value}, but its evidence says {derived.outcome.value}"
        return Judgement(Outcome.UNKNOWN, f"{says}: it was changed, so do not trust it.")
    return Judgement(derived.outcome, _sentence(derived))


def _without(about: About | None, errors: Sequence[str], *, going_on: bool) -> Judgement:
    """There is no verdict."""
    if going_on:
        return Judgement(None, "The run is still going on: its verdict is to come.", "still going on")
    if about is not None and not about.judged:
        failed = f" It ended with an error: {errors[-1]}." if errors else ""
        return Judgement(None, f"Nothing was judged, because the command ran without --verify.{failed}", "not judged")
    why = f": {errors[-1]}" if errors else ", because the command was ended before"
    return Judgement(Outcome.UNKNOWN, f"There is no verdict{why}.")


def _sentence(verdict: Verdict) -> str:
    bad = verdict.first_bad
    if bad is None:
        return _passed(verdict)
    why = f": {_ended(bad.evidence)}" if bad.evidence else "."
    if bad.outcome is Outcome.FAIL:
        return f"It failed at “{bad.name}”{why}"
    return f"It could not be judged at “{bad.name}”{why}"


def _passed(verdict: Verdict) -> str:
    """What a pass has proved."""
    proved = []
    if (seconds := recovery(verdict.phases)) is not None:
        proved.append(f"the labs' checks passed again {seconds:.1f} s after the fault, while it was still there")
    worst = max(limited(verdict), key=lambda each: each[1] / max(each[2], 1e-9), default=None)
    if worst:
        name, down, limit = worst
        proved.append(f"{name} was down for {down:.1f} s at the longest ({limit:g} s are allowed)")
    if any(phase.name == "writes" for phase in verdict.phases):
        proved.append("no acknowledged write was lost")
    if any(phase.name == HISTORY for phase in verdict.phases):
        proved.append("etcd's answers were linearizable")
    if not proved and verdict.fault == WALK:
        proved.append(f"all {len(verdict.phases)} steps did what the page says")
    elif not proved and (checked := [phase for phase in verdict.phases if phase.checks]):
        proved.append(checked[-1].evidence)
    text = ", ".join(proved[:-1]) + (" and " if proved[:-1] else "") + (proved[-1] if proved else "all phases passed")
    return f"{text[0].upper()}{text[1:]}."


def _ended(text: str) -> str:
    """Evidence as the end of a sentence: its first line."""
    line = (text.strip().splitlines() or [""])[0]
    return line if line.endswith((".", "!", "?")) else f"{line}."


def recovery(phases: Sequence[Phase]) -> float | None:
    """Seconds from a break's act until the labs' checks passed, of the slowest break; None where they never did."""
    by_step: dict[str, float] = {}
    whole: set[str] = set()
    for phase in phases:
        step, name = numbering.split(phase.name)
        if name in RECOVERY:
            by_step[step] = by_step.get(step, 0.0) + phase.seconds
        if name == RECOVERY[-1] and phase.outcome is Outcome.PASS:
            whole.add(step)
    return max((seconds for step, seconds in by_step.items() if step in whole), default=None)


def limited(verdict: Verdict) -> list[tuple[QualifiedName, float, float]]:
    """Each objective whose probe was measured: its longest outage, and the longest that is allowed."""
    return [
        (name, verdict.outages[probe], limit)
        for name, limit in verdict.objectives.items()
        if (probe := measured_by(name)) in verdict.outages
    ]


def facts(verdict: Verdict) -> Iterator[Fact]:
    """The figures of a verdict."""
    if (seconds := recovery(verdict.phases)) is not None:
        yield Fact("Recovery", f"{seconds:.1f} s", "from the fault until the checks passed", Outcome.PASS)
    tightest = sorted(limited(verdict), key=lambda each: each[1] / max(each[2], 1e-9), reverse=True)
    for name, down, limit in tightest[:3]:
        kept = Outcome.FAIL if down > limit else Outcome.PASS
        yield Fact(f"{name} down", f"{down:.1f} s", f"at the longest; {limit:g} s are allowed", kept)
    if not any(name.name == ETCD_PROBE for name, _down, _limit in tightest):
        probe = QualifiedName("", ETCD_PROBE)
        if probe in verdict.outages:
            yield Fact("etcd down", f"{verdict.outages[probe]:.1f} s", "at the longest, for writes")
    for phase in verdict.phases:
        if phase.name == "writes":
            yield Fact("Writes", _count(phase.evidence), phase.evidence, phase.outcome)
        elif phase.name == HISTORY:
            about = re.split("[:;]", phase.evidence)[0]
            yield Fact("Linearizable", LINEARIZABLE[phase.outcome], about, phase.outcome)
    if checked := [phase for phase in verdict.phases if phase.checks]:
        told = next((phase for phase in checked if phase.outcome is not Outcome.PASS), checked[-1])
        good = sum(check.outcome is Outcome.PASS for check in told.checks)
        yield Fact("Checks", f"{good} of {len(told.checks)}", f"pass at “{told.name}”", told.outcome)


def _count(evidence: str) -> str:
    number = re.search(r"\d+", evidence)
    return number[0] if number else "?"


def outage_of(verdict: Verdict) -> tuple[str, float, float | None] | None:
    """The probe that was down the longest, of those with an objective first: its name, for how long, its limit."""
    if found := limited(verdict):
        name, down, limit = max(found, key=lambda each: each[1])
        return str(name), down, limit
    measured = {name: down for name, down in verdict.outages.items() if not name.name.startswith("reads ")}
    if not measured:
        return None
    worst = max(measured, key=lambda name: measured[name])
    return str(worst), measured[worst], None


def versions(about: About | None, verdict: Verdict | None) -> Iterator[tuple[str, str]]:
    """What the run is about, in rows: lab, cluster, labs, a node's programs, host."""
    if about is None:
        if verdict is not None:
            yield "cluster", verdict.cluster
            yield "labs", ", ".join(verdict.labs)
            yield "user namespaces", "yes" if verdict.userns else "no: root on a node is root of the host"
        return
    yield "lab", about.lab
    for name, value in about.cluster.items():
        yield "cluster" if name == "name" else name, value
    for name, version in about.labs.items():
        yield f"lab {name}", f"version {version}"
    node = about.programs.get("node", "a node")
    for name, value in about.programs.items():
        if name != "node":
            yield f"{node}: {name}", value
    for name, value in about.host.items():
        yield f"host: {name}", value
