"""Many runs on one page: the trend of outage and recovery for each fault and the labs that it was tried on,
and of the time that deployments and walks took.

A run is linked to its own page where that lies beside this one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from coreos_lab import hints
from coreos_lab.errors import LabError
from coreos_lab.model import Outcome
from coreos_lab.records import about, runs
from coreos_lab.report import breaks, page, trend, words
from coreos_lab.report.rows import Row, Trend
from coreos_lab.report.sources import is_run

NEWEST = 2000  # runs that are read; the older ones are counted
SHOWN = 1000  # rows of the page
PLACES = ("*", "*/*", "*/runs/*", "clusters/*/runs/*")  # where runs lie in a folder that is given


def row(folder: Path, cluster: str) -> Row:
    """A run's row, from its verdict and its description; the samples are not read."""
    try:
        described = about.load(folder)
    except LabError:
        described = None
    wall = described.wall if described else _modified(folder)
    bare = Row(folder.name, cluster, wall, state="no verdict", fault=described.what if described else "")
    try:
        found = breaks.load_verdict(folder)
    except LabError as error:
        return Row(folder.name, cluster, wall, state=error.message)
    if found is None:
        if runs.is_going_on(folder):
            return Row(folder.name, cluster, wall, state="still going on", fault=bare.fault)
        return bare
    probe, outage, limit = words.outage_of(found) or ("", None, None)
    return Row(
        folder.name,
        found.cluster,
        wall,
        ", ".join(found.labs),
        found.fault,
        ", ".join(found.nodes),
        found.outcome,
        "",
        probe,
        outage,
        limit,
        words.recovery(found.phases),
        None if found.outages else sum(phase.seconds for phase in found.phases),
    )


def _modified(folder: Path) -> float | None:
    try:
        return folder.stat().st_mtime
    except OSError:
        return None


def rows(folders: Sequence[tuple[Path, str]]) -> tuple[list[Row], int]:
    """The rows of runs with their clusters' names, oldest first, and how many older ones were left out."""
    kept = list(folders)[-NEWEST:]
    return [row(folder, cluster) for folder, cluster in kept], len(folders) - len(kept)


def below(folder: Path) -> list[tuple[Path, str]]:
    """The runs of a folder, by name: in it, a folder deeper, or in clusters' folders in it."""
    found = {path for pattern in PLACES for path in folder.glob(pattern) if path.is_dir() and is_run(path)}
    return [(path, "") for path in sorted(found, key=lambda each: (each.name, each))]


def trends(found: Sequence[Row]) -> list[Trend]:
    """The rows that have a verdict, by fault and labs, most runs first."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for each in found:
        if each.outcome is not None:
            groups.setdefault((each.fault, each.labs), []).append(each)
    made = [Trend(fault, labs, tuple(its)) for (fault, labs), its in groups.items()]
    return sorted(made, key=lambda each: (-len(each.rows), each.labs, each.fault))


def pages(found: Sequence[Row], beside: Path) -> dict[str, str]:
    """The addresses of runs' pages, by run: of those that `lab report` has written into a folder, under their names."""
    count = Counter(row.run for row in found)  # two clusters may have a run of one name, and it is either's page
    return {
        run: quote(f"{run}.html") for run, rows in count.items() if rows == 1 and (beside / f"{run}.html").is_file()
    }


def html(found: Sequence[Row], left_out: int, made_by: str, addresses: Mapping[str, str] | None = None) -> str:
    """The page of many runs. `addresses` are those of the runs' own pages, where they have one."""
    gone = max(0, len(found) - SHOWN)
    values = {
        "rows": list(reversed(found))[:SHOWN],
        "trends": trends(found),
        "left_out": left_out + gone,
        "outcomes": list(Outcome),
        "count": len(found),
        "counts": {outcome: sum(each.outcome is outcome for each in found) for outcome in Outcome},
        "chart": trend.chart,
        "addresses": addresses or {},
        "report": hints.lab("report"),
        "verdict": hints.lab("verdict"),
        "made_by": made_by,
    }
    return page.render("index.html.j2", values)
