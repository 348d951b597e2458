"""Checks of the labs, called with answers of our own."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

LABS = Path(__file__).parents[3] / "labs"
WEB_STACK = LABS / "ch6" / "checks" / "test_webstack.py"
FLEET = LABS / "ch2" / "checks" / "test_fleet.py"
DATA_STACK = LABS / "ch7" / "checks" / "test_datastack.py"


@pytest.fixture(autouse=True)
def marks(pytestconfig: pytest.Config) -> None:
    """The marks that checks have when they run."""
    for name in ("survives", "lasting"):
        pytestconfig.addinivalue_line("markers", f"{name}: of checks")


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


class Feed:
    """A feed that has sent ten events on a connection that has ended, and a store that has some of them."""

    def __init__(self, *, complete: bool, stored: range) -> None:
        self.complete = complete
        self.stored = stored

    def http_json(self, url: str) -> dict[str, Any]:
        if "?" not in url:
            return {"ended": [{"address": "a", "from": 1, "to": 10, "complete": self.complete}]}
        first, last = (int(each.partition("=")[2]) for each in url.partition("?")[2].split("&"))
        numbers = range(first, last + 1)
        return {"from": first, "count": len(numbers), "checksum": str(list(numbers))}

    def in_store(self, first: int, last: int) -> dict[str, Any]:
        found = [number for number in self.stored if first <= number <= last]
        return {"count": len(found), "checksum": str(found), "oldest": min(self.stored, default=None)}

    def check(self) -> None:
        module(WEB_STACK).test_a_worker_that_exits_stores_what_it_has_received(
            "http://feed", self.http_json, self.in_store
        )


@pytest.mark.parametrize("stored", [range(1, 21), range(4, 21), range(12, 21), range(0)])
def test_a_store_that_has_what_a_worker_received_or_is_younger(stored: range) -> None:
    Feed(complete=True, stored=stored).check()


def test_events_that_a_worker_dropped_when_it_exited() -> None:
    with pytest.raises(AssertionError, match="events 1 to 10 of an ended connection: the feed has sent 10"):
        Feed(complete=True, stored=range(1, 10)).check()


def test_a_worker_without_power_may_drop_events() -> None:
    Feed(complete=False, stored=range(1, 10)).check()


def test_no_check_that_must_pass_while_a_machine_is_off_asks_for_the_conductor() -> None:
    """Otherwise the verdict without a conductor is FAIL for want of the conductor, whatever becomes of the store."""
    source = DATA_STACK.read_text(encoding="utf-8")
    surviving = [
        function
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef)
        and any("survives" in ast.unparse(decorator) for decorator in function.decorator_list)
    ]
    assert surviving
    assert not [function.name for function in surviving if "conductor" in ast.unparse(function)]


class SlowMachine:
    """A machine that reports a started unit as active only when it has been asked for it several times."""

    STATES: ClassVar = {
        "submit": "inactive",
        "load": "loaded",
        "start": "launched",
        "stop": "loaded",
        "unload": "inactive",
    }

    def __init__(self, *, starts: bool = True) -> None:
        self.starts, self.state, self.asked = starts, "", 0

    def check_output(self, command: str) -> str:
        verb = command.removeprefix("fleetctl ").split()[0]
        if verb == "start" and "--no-block" not in command:
            raise AssertionError("Failed to find an active unit lab-check.service within 2s")
        if verb == "list-unit-files":
            return f"lab-check.service {self.state}" if self.state else ""
        if verb == "list-units":
            self.asked += 1
            return f"lab-check.service {'active' if self.starts and self.asked > 3 else 'inactive'}"
        self.state = self.STATES.get(verb, "")
        return ""

    def run(self, _command: str) -> None:
        """Removes what is left."""

    def check(self) -> None:
        def eventually(condition: Callable[[], bool], message: str, within: float) -> None:
            assert any(condition() for _ in range(int(within))), message

        module(FLEET).test_a_unit_passes_through_all_states(["core-01"], lambda _node: self, eventually)


def test_a_machine_may_report_a_started_unit_late() -> None:
    SlowMachine().check()


def test_a_unit_that_never_runs_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="no machine reports it as active"):
        SlowMachine(starts=False).check()
