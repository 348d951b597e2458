"""The pytest plugin that runs checks: three outcomes instead of two, again until a deadline, results as JSON lines."""

from __future__ import annotations

import ast
import json
import os
import re
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

from coreos_lab.checks import DEADLINE, RESULTS
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError
from coreos_lab.model import CheckResult, Outcome

PAUSE = 0.2  # seconds between two tries of a check that did not pass
LONGEST = 30.0  # seconds for one check: a command that hangs on a node must not hang us
SSH_FAILED = 255  # ssh's own exit code, as against the command's
# What testinfra's check_output() says, with everything it knows.
COMMAND_FAILED = re.compile(
    r"Unexpected exit code (?P<code>\d+) for CommandResult\(.*?command=(?P<command>b['\"].*), "
    r"_stdout=(?P<stdout>b['\"].*), _stderr=(?P<stderr>b['\"].*)\)",
    re.DOTALL,
)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Says what the markers mean, and silences pytest's own report."""
    config.addinivalue_line("markers", "survives: must hold again while one machine is still broken")
    config.addinivalue_line("markers", "lasting: judges a while, not a moment; is not asked of what is to be broken")
    terminal = config.pluginmanager.get_plugin("terminalreporter")
    config.pluginmanager.unregister(terminal)
    config.pluginmanager.register(Checks(Path(os.environ[RESULTS]), float(os.environ.get(DEADLINE, "0"))))


def words(item: pytest.Item) -> str:
    """A check's name as one reads it: test_front_answers[core-01] is `front answers [core-01]`."""
    name, bracket, parameter = item.name.partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f" {bracket}{parameter}" if bracket else "")


def judge(error: BaseException, where: str) -> tuple[Outcome, str]:
    """What an exception says of a check, in one line.

    Only an assertion is a failure: all else means that it could not be checked.
    """
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return Outcome.FAIL, _line(_assertion(str(error), where))
    if isinstance(error, LabError):
        return Outcome.UNKNOWN, _line(f"{error.message}\n{error.details}")
    if isinstance(error, RuntimeError) and getattr(error.args[0] if error.args else None, "rc", None) == SSH_FAILED:
        told = str(error.args[0].stderr).strip().splitlines()
        return Outcome.UNKNOWN, f"ssh: {told[-1].removeprefix('ssh: ') if told else 'the connection failed'}"
    if isinstance(error, pytest.skip.Exception):
        return Outcome.UNKNOWN, f"not checked: {error.msg}"
    return Outcome.UNKNOWN, _line(f"{type(error).__name__}: {error} ({where})")


def _assertion(text: str, where: str) -> str:
    """What an assertion says: the check's own words, without what pytest adds to them."""
    if failed := COMMAND_FAILED.fullmatch(text):
        command, stdout, stderr = (ast.literal_eval(failed[name]).decode() for name in ("command", "stdout", "stderr"))
        return f"{command}: exit code {failed['code']}\n{stderr or stdout}"
    words, _, introspection = text.partition("\nassert ")
    if words.startswith("assert "):
        return f"{words.splitlines()[0]} ({where})"
    return words or f"assert {introspection}"


def _line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip())


class Checks:
    """Runs the collected tests as checks, and writes down what each of them found."""

    def __init__(self, results: Path, deadline: float) -> None:
        self._results = results
        self._deadline = deadline
        self._names: dict[pytest.Item, str] = {}
        self._order: dict[str, int] = {}
        self._latest: dict[pytest.Item, CheckResult] = {}
        self._told: dict[str, CheckResult] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of checks that cannot be read: nothing in it could be checked."""
        if report.failed:
            last = report.longreprtext.strip().splitlines()[-1]
            name = Path(report.nodeid).name or "checks"
            self._tell(CheckResult(name, Outcome.UNKNOWN, last.removeprefix("E").strip()))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Names the checks; those of one name in two files are told apart by their file."""
        names = Counter(words(item) for item in session.items)
        for item in session.items:
            name = words(item)
            self._names[item] = name if names[name] == 1 else f"{item.path.stem.removeprefix('test_')}: {name}"
        self._order = {name: index for index, name in enumerate(self._names.values())}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Once; or with a deadline until all hold in one go, trying those that do not hold again in between."""
        end = time.monotonic() + self._deadline
        while failing := self._round(session.items):
            while failing and time.monotonic() < end:
                time.sleep(PAUSE)
                failing = self._round(failing)
            if failing:
                break
        for result in self._latest.values():
            self._tell(result)
        return True

    def _round(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """Runs each once; returns those that did not pass."""
        for index, item in enumerate(items):
            following = items[index + 1] if index + 1 < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._latest[item].outcome is Outcome.PASS:
                self._tell(self._latest[item])
        return [item for item in items if self._latest[item].outcome is not Outcome.PASS]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, None, None]:
        """Sees to it that no set-up hangs."""
        with _limited(LONGEST):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Sees to it that no check hangs."""
        with _limited(LONGEST):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Notes the outcome of a test: of its set-up, its body and its end the first that went wrong counts."""
        report = yield
        begun = call.when == "setup"
        known = CheckResult(self._names[item], Outcome.PASS) if begun else self._latest[item]
        outcome, message = known.outcome, known.message
        if call.excinfo is not None and outcome is Outcome.PASS:
            outcome, message = judge(call.excinfo.value, _where(item, call.excinfo))
        self._latest[item] = CheckResult(known.name, outcome, message, known.seconds + call.duration)
        return report

    def _tell(self, result: CheckResult) -> None:
        """Writes a result, if it is news; then prints a line, which makes the reader look."""
        known = self._told.get(result.name)
        if known and (known.outcome, known.message) == (result.outcome, result.message):
            return
        self._told[result.name] = result
        with self._results.open("a", encoding="utf-8") as out:
            out.write(json.dumps({**asdict(result), "order": self._order.get(result.name, -1)}) + "\n")
        print(f"{result.outcome}: {result.name}: {result.message}", flush=True)


def _where(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> str:
    """The last line of the check's own file that an exception passed."""
    entries = [entry for entry in error.traceback if Path(str(entry.path)) == item.path] or error.traceback
    return f"{Path(str(entries[-1].path)).name}:{entries[-1].lineno + 1}"


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Interrupts what runs longer: it could not be checked."""

    def too_long(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise CannotCheckError(f"no end within {seconds:g} s")

    before: Any = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
