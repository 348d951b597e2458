"""How much of a report goes onto its page. What has no room is counted there."""

from __future__ import annotations

from dataclasses import dataclass, replace

from coreos_lab.report import excerpts
from coreos_lab.report.values import Curve, Group, History, Lane, Part, Report

LEAST = 1 / 256


@dataclass(frozen=True)
class Budget:
    """A share of what a page may have at most."""

    share: float = 1.0

    def half(self) -> Budget:
        """Half of it."""
        return Budget(self.share / 2)

    @property
    def is_spent(self) -> bool:
        """Whether less would be no report any more."""
        return self.share < LEAST

    def of(self, most: int) -> int:
        """The share of a number, at least 1."""
        return max(1, int(most * self.share))


WHOLE = Budget()
JOURNALS = 400_000  # characters
LANES, SPANS, CURVES, POINTS, PARTS, CHECKS = 60, 2000, 40, 4000, 400, 2000  # of a page
OUTAGES, PROBLEMS, VERSIONS = 1000, 40, 60
PICTURE, CALLS = 400_000, 500  # characters of porcupine's picture, and operations of its register


def reduced(report: Report, budget: Budget) -> Report:
    """The report with what fits into a budget, and a sentence for each kind of thing that does not."""
    said: list[str] = []
    spans = budget.of(SPANS)
    groups = tuple(_group(group, budget.of(LANES), spans, said) for group in report.groups)
    curves = report.curves[: budget.of(CURVES)]
    _say(said, len(report.curves) - len(curves), "probes")
    each = max(20, budget.of(POINTS) // max(1, len(curves)))
    most = max(5, budget.of(OUTAGES) // max(1, len(curves)))
    parts = report.parts[: budget.of(PARTS)]
    _say(said, len(report.parts) - len(parts), "phases")
    checks = budget.of(CHECKS) // max(1, len(parts))
    return replace(
        report,
        groups=groups,
        curves=tuple(_curve(curve, each, most) for curve in curves),
        parts=tuple(_part(part, checks, said) for part in parts),
        excerpts=excerpts.within(report.excerpts, budget.of(JOURNALS)),
        versions=report.versions[:VERSIONS],
        bands=report.bands[: budget.of(SPANS)],
        history=_history(report.history, budget, said) if report.history else None,
        problems=(*report.problems[:PROBLEMS], *said),
    )


def _history(history: History, budget: Budget, said: list[str]) -> History:
    calls = history.calls[: budget.of(CALLS)]
    _say(said, len(history.calls) - len(calls), f"operations on register {history.pictured}")
    if len(history.picture) <= budget.of(PICTURE):
        return replace(history, calls=calls)
    said.append("There is no room on this page for porcupine's picture of the history.")
    return replace(history, calls=calls, picture="", script="")


def _say(said: list[str], left_out: int, what: str) -> None:
    if left_out > 0:
        said.append(f"There is no room on this page for {left_out} more {what}.")


def _group(group: Group, lanes: int, spans: int, said: list[str]) -> Group:
    kept = group.lanes[:lanes]
    _say(said, len(group.lanes) - len(kept), f"rows of “{group.title}”")
    each = max(5, spans // max(1, len(kept)))
    return replace(
        group,
        about=group.about[:2000],
        lanes=tuple(
            Lane(lane.name, lane.spans[:each], lane.left_out + max(0, len(lane.spans) - each)) for lane in kept
        ),
    )


def _curve(curve: Curve, points: int, outages: int) -> Curve:
    """Fewer points, each for a longer time; and the longest outages."""
    joined = curve.joined(points)
    longest = sorted(sorted(curve.outages, key=lambda each: -each.seconds)[:outages], key=lambda each: each.begin)
    left_out = curve.left_out + len(curve.outages) - len(longest)
    return replace(joined, outages=tuple(longest), left_out=left_out)


def _part(part: Part, checks: int, said: list[str]) -> Part:
    bad = sorted(part.checks, key=lambda each: each.outcome.value == "pass")  # checks that did not pass come first
    kept = tuple(bad[: max(1, checks)]) if len(bad) > max(1, checks) else part.checks
    _say(said, len(part.checks) - len(kept), f"checks of “{part.name}”")
    return replace(part, checks=kept)
