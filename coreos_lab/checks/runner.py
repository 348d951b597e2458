"""Runs a lab's checks against live nodes, in a pytest process of their own, and returns the results."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from coreos_lab import characters, events, run
from coreos_lab.errors import UnknownError
from coreos_lab.model import CheckResult, Lab, Outcome

INVENTORY = "LAB_INVENTORY"  # environment: the file with the cluster's nodes
RESULTS = "LAB_CHECK_RESULTS"  # environment: where the plugin writes its JSON lines
DEADLINE = "LAB_CHECK_DEADLINE"  # environment: seconds within which the checks must pass

# Plugins of pytest that checks do not need: each costs time at the start of every run.
WITHOUT = (
    *("cacheprovider", "debugging", "doctest", "faulthandler", "junitxml", "legacypath", "pastebin"),
    *("setuponly", "setupplan", "stepwise", "threadexception", "unraisableexception"),
)
NO_CHECKS = 5  # pytest's exit code when no test was selected


def run_checks(
    lab: Lab,
    inventory: Path,
    *,
    only: str | None = None,
    deadline: float = 0.0,
    junit: Path | None = None,
    env: run.Environment | None = None,
) -> list[CheckResult]:
    """Every check of a lab with its outcome, in the order of its files; empty where it has none.

    `inventory` is the file with the cluster's nodes. `only` selects checks by their markers (such as `survives` or
    `not lasting`). With a `deadline` in seconds, checks run again until all pass at once or it is over; with 0 they
    run once. `junit` is the path for a report in JUnit's XML, `env` are more variables for them. Each pass becomes an
    event as it happens.

    Raises UnknownError when the checks could not be run at all.
    """
    folder = lab.folder / "checks"
    if not folder.is_dir():
        return []
    by_name: dict[str, CheckResult] = {}
    order: dict[str, int] = {}
    begun = ""  # of a line that is still being written
    # In the cluster's folder: if this process is killed, what it leaves goes with the cluster.
    with tempfile.TemporaryDirectory(prefix="checks-", dir=inventory.parent) as scratch:
        lines = Path(scratch, "results.jsonl")
        lines.touch()
        with lines.open(encoding="utf-8") as results:

            def take(_line: str = "") -> None:
                nonlocal begun
                *whole, begun = (begun + results.read()).split("\n")
                for line in whole:
                    result, place = parse_result(line, lab.name)
                    last = by_name.get(result.name)
                    if result.outcome is Outcome.PASS and (last is None or last.outcome is not Outcome.PASS):
                        events.note("check", "pass", result.qualified)
                    by_name[result.name], order[result.name] = result, place

            done = run.stream(
                _command(folder, only),
                log_file=inventory.with_name("checks.log"),
                on_line=take,  # the plugin prints a line after each result it wrote
                env={**_environment(inventory, lines, deadline), **(env or {})},
                cwd=Path(scratch),
                check=False,
            )
            take()
    if done.returncode not in (0, 1, NO_CHECKS):
        raise UnknownError(
            f"{lab.name}: its checks could not be run (pytest's exit code {done.returncode})",
            f"the whole output is in {inventory.with_name('checks.log')}",
            done.stdout,
        )
    results_in_order = sorted(by_name.values(), key=lambda result: order[result.name])
    if junit:
        write_junit(junit, lab.name, results_in_order)
    return results_in_order


def parse_result(line: str, lab: str) -> tuple[CheckResult, int]:
    """The result on one line of the plugin's file, and the check's place in the order of all checks."""
    raw = json.loads(line)
    return CheckResult(raw["name"], Outcome(raw["outcome"]), raw["message"], raw["seconds"], lab), raw["order"]


def write_junit(path: Path, suite: str, results: list[CheckResult]) -> None:
    """Writes results as JUnit's XML; an unknown result is an `error` there."""
    from xml.etree import ElementTree as ET  # only ever written here, never read

    def count(outcome: Outcome) -> str:
        return str(sum(result.outcome is outcome for result in results))

    totals = {"tests": str(len(results)), "failures": count(Outcome.FAIL), "errors": count(Outcome.UNKNOWN)}
    seconds = sum(result.seconds for result in results)
    root = ET.Element("testsuite", {"name": _legal(suite), "time": f"{seconds:.3f}", **totals})
    for result in results:
        names = {"classname": _legal(result.lab or suite), "name": _legal(result.name)}
        case = ET.SubElement(root, "testcase", {**names, "time": f"{result.seconds:.3f}"})
        if result.outcome is not Outcome.PASS:
            kind = "failure" if result.outcome is Outcome.FAIL else "error"
            ET.SubElement(case, kind, message=_legal(result.message))
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _legal(text: str) -> str:
    """A text without what XML cannot have: what a machine has answered may hold controls, and the file must be read."""
    return characters.spelt_out(text, characters.NOT_XML)


def _command(folder: Path, only: str | None) -> list[str]:
    """The pytest call. -P and -c keep out what is in the current folder: modules, settings, plugins."""
    return [
        sys.executable,
        *("-P", "-m", f"{__package__}.process", "-c", os.devnull, f"--rootdir={folder}", f"--confcutdir={folder}"),
        *("-p", "coreos_lab.checks.plugin", "-p", "coreos_lab.checks.fixtures"),
        *(argument for name in WITHOUT for argument in ("-p", f"no:{name}")),
        *("--import-mode=importlib", "--strict-markers", "--capture=no"),
        *(("-m", only) if only else ()),
        str(folder),
    ]


def _environment(inventory: Path, results: Path, deadline: float) -> run.Environment:
    """The variables of the checks' process, without those that the user has set for Python and pytest."""
    removed = dict.fromkeys(name for name in os.environ if name.startswith(("PYTHON", "PYTEST_", "PY_COLORS")))
    return {
        **removed,
        INVENTORY: str(inventory),
        RESULTS: str(results),
        DEADLINE: str(deadline),
        "PYTHONPATH": str(Path(__file__).parents[2]),  # for a checkout, which runs without being installed
        "PYTHONDONTWRITEBYTECODE": "1",  # a lab's folder is only read
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
