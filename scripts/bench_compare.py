"""make bench-compare BASE=REV: measures two revisions in turn, and names what is slower by more than its noise.

Both are called as users call `lab`, one after the other in each round, so that a host that slows down affects both. The
files of BASE lie in a folder that is removed at the end; clusters of both have the same name, state folder and caches.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = "bench"
LAB = [sys.executable, "-P", "-c", "from coreos_lab.start import main; main()"]
# What is measured, in this order: a name, and the words of the call.
CALLS = {
    "up, 3 nodes": ("up",),
    "status": ("status",),
    "deploy ch3, warm caches": ("deploy", "ch3"),
    "check ch3": ("check", "ch3"),
    "break core-02 --verify with ch3": ("break", "core-02", "--verify"),
    "snapshot restore of ch3": ("snapshot", "restore", "bench"),
    "undeploy ch3": ("undeploy", "ch3"),
    "destroy": ("destroy",),
}
UNTIMED_BEFORE = {"snapshot restore of ch3": ("snapshot", "save", "bench")}
SMALL = 0.02  # of the median: a difference that nobody would notice
SIGMA = 1.4826  # a normal distribution's standard deviation in median absolute deviations


@dataclass(frozen=True)
class Compared:
    """One measurement of both revisions: medians in seconds, their difference by pairs, and the noise of that."""

    what: str
    base: float
    here: float
    difference: float
    noise: float

    @property
    def slower(self) -> bool:
        """Whether this revision takes longer, by more than chance explains."""
        return self.difference > max(self.noise, SMALL * self.base)


def compared(what: str, base: Sequence[float], here: Sequence[float]) -> Compared:
    """Compares measurements that were taken in pairs.

    The noise is twice the standard error of the difference, by the pairs' median absolute deviation.
    """
    pairs = [after - before for before, after in zip(base, here, strict=True)]
    middle = statistics.median(pairs)
    spread = statistics.median(abs(pair - middle) for pair in pairs)
    noise = 2 * SIGMA * spread / math.sqrt(len(pairs))
    return Compared(what, statistics.median(base), statistics.median(here), middle, noise)


def table(rows: Sequence[Compared]) -> str:
    """The rows as text, with a mark at what is slower."""
    lines = [f"{'what':34} {'base':>8} {'here':>8} {'difference':>11} {'noise':>8}"]
    for row in rows:
        mark = "  slower" if row.slower else ""
        figures = f"{row.base:8.2f} {row.here:8.2f} {row.difference:+11.2f} {row.noise:8.2f}"
        lines.append(f"{row.what:34} {figures}{mark}")
    return "\n".join(lines)


@contextmanager
def checkout(revision: str) -> Iterator[Path]:
    """A folder with the files of a revision."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        tree = Path(folder) / "base"
        subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", tree, revision], check=True)
        try:
            yield tree
        finally:
            subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", tree], check=True)


def lab(tree: Path, *argv: str) -> float:
    """Calls `lab` of a revision; the seconds that it took. SystemExit where it fails."""
    env = {**os.environ, "PYTHONPATH": str(tree), "LAB_NAME": NAME}
    began = time.monotonic()
    done = subprocess.run([*LAB, *argv], capture_output=True, text=True, env=env, check=False)
    seconds = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(f"bench-compare: {tree}: lab {' '.join(argv)}: exit code {done.returncode}\n{done.stderr}")
    return seconds


def once(tree: Path, values: dict[str, list[float]]) -> None:
    """One round of a revision, from no cluster to none."""
    lab(tree, "destroy")
    for what, words in CALLS.items():
        if before := UNTIMED_BEFORE.get(what):
            lab(tree, *before)
        seconds = lab(tree, *words)
        values.setdefault(what, []).append(seconds)
        print(f"  {tree.name}: {what}: {seconds:.2f} s", file=sys.stderr, flush=True)


def measure(base: Path, runs: int) -> list[Compared]:
    """Both revisions in turn, after a round of each that fills the caches."""
    values: dict[Path, dict[str, list[float]]] = {base: {}, ROOT: {}}
    for tree in values:
        once(tree, {})
    for number in range(runs):
        # The second of a pair has another host than the first, if only by its caches: each begins as often.
        for tree in (base, ROOT) if number % 2 == 0 else (ROOT, base):
            once(tree, values[tree])
    return [compared(what, values[base][what], values[ROOT][what]) for what in CALLS]


def main() -> None:
    """Measures and prints the table; exits with 1 where something is slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", metavar="BASE", help="the revision to compare the files of this folder with")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with checkout(options.base) as base:
        rows = measure(base, options.runs)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps([row.__dict__ for row in rows], indent=2) + "\n")
    if slower := [row.what for row in rows if row.slower]:
        raise SystemExit(f"slower than {options.base}: {', '.join(slower)}")


if __name__ == "__main__":
    main()
