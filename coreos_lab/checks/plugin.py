"""The pytest plugin that runs checks: three outcomes, retries until a deadline, and results as JSON lines."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

from coreos_lab import garbage, wait
from coreos_lab.checks.inventory import read_inventory
from coreos_lab.checks.outcomes import judge
from coreos_lab.checks.runner import DEADLINE, INVENTORY, RESULTS
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.model import CheckResult, Outcome

PAUSE = 0.2  # seconds between two runs of a check that did not pass
# Seconds for one check, longer where machines are emulated: a command that hangs on a node must not hang the whole run.
LONGEST = 30.0


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Declares the markers, and replaces pytest's own report."""
    config.addinivalue_line("markers", "survives: must hold again while one machine is still broken")
    config.addinivalue_line("markers", "lasting: judges some seconds, not a moment; does not run before a break")
    read_inventory(Path(os.environ[INVENTORY]))  # before any check: it says how patient to be
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    config.pluginmanager.unregister(terminal)
    config.pluginmanager.register(Checks(Path(os.environ[RESULTS]), float(os.environ.get(DEADLINE, "0"))))


def words(item: pytest.Item) -> str:
    """A check's name in words: test_front_answers[core-01] is `front answers [core-01]`."""
    name, bracket, parameter = item.name.partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f" {bracket}{parameter}" if bracket else "")


class Checks:
    """Runs the collected tests as checks, and records the outcome of each."""

    def __init__(self, results: Path, deadline: float) -> None:
        self._results = results
        self._deadline = deadline
        self._names: dict[pytest.Item, str] = {}
        self._order: dict[str, int] = {}
        self._latest: dict[pytest.Item, CheckResult] = {}
        self._written: dict[str, CheckResult] = {}
        self._asked_by = os.getppid()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Records a file of checks that cannot be read as unknown: nothing in it could be checked."""
        if report.failed:
            last = report.longreprtext.strip().splitlines()[-1]
            name = Path(report.nodeid).name or "checks"
            self._write(CheckResult(name, Outcome.UNKNOWN, last.removeprefix("E").strip()))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Names the checks; where two files have checks of one name, the name has the file, too."""
        garbage.imported()
        names = Counter(words(item) for item in session.items)
        for item in session.items:
            name = words(item)
            self._names[item] = name if names[name] == 1 else f"{item.path.stem.removeprefix('test_')}: {name}"
        self._order = {name: index for index, name in enumerate(self._names.values())}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Runs all once; with a deadline until all pass in one round, with those that do not repeated in between.

        With a deadline a check that does not pass is repeated at least once: on a busy host the first round alone may
        take longer than that.
        """
        end = time.monotonic() + self._deadline
        is_repeated = not self._deadline
        while failing := self._round(session.items):
            while failing and (time.monotonic() < end or not is_repeated):
                is_repeated = True
                time.sleep(PAUSE)
                failing = self._round(failing)
            if failing:
                break
        for result in self._latest.values():
            self._write(result)
        return True

    def _round(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Runs each check once; returns those that did not pass."""
        for index, item in enumerate(items):
            if os.getppid() != self._asked_by:
                pytest.exit("nobody waits for the results: the process that asked for them is gone")
            following = items[index + 1] if index + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._latest[item].outcome is Outcome.PASS:
                self._write(self._latest[item])
        return [item for item in items if self._latest[item].outcome is not Outcome.PASS]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Limits the time of a set-up."""
        with _limited(wait.patiently(LONGEST)):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Limits the time of a check."""
        with _limited(wait.patiently(LONGEST)):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Records the outcome of a test: the first failure of set-up, body and tear-down counts."""
        report = yield
        so_far = CheckResult(self._names[item], Outcome.PASS) if call.when == "setup" else self._latest[item]
        outcome, message = so_far.outcome, so_far.message
        if call.excinfo is not None and outcome is Outcome.PASS:
            outcome, message = judge(call.excinfo.value, _where(item, call.excinfo))
        self._latest[item] = CheckResult(so_far.name, outcome, message, so_far.seconds + call.duration)
        return report

    def _write(self, result: CheckResult) -> None:
        """Writes a result that differs from the last one; then prints a line, which makes the runner read the file."""
        last = self._written.get(result.name)
        if last and (last.outcome, last.message) == (result.outcome, result.message):
            return
        self._written[result.name] = result
        with self._results.open("a", encoding="utf-8") as out:
            out.write(json.dumps({**asdict(result), "order": self._order.get(result.name, -1)}) + "\n")
        print(f"{result.outcome}: {result.name}: {result.message}", flush=True)


def _where(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> str:
    """The last line of the check's own file that an exception passed."""
    entries = [entry for entry in error.traceback if Path(str(entry.path)) == item.path] or error.traceback
    return f"{Path(str(entries[-1].path)).name}:{entries[-1].lineno + 1}"


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Interrupts a block that takes longer, with CannotCheckError."""

    def too_long(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise CannotCheckError(f"no end within {seconds:g} s")

    before: Any = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
