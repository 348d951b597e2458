"""Calls of the command, as a user makes them, for the tests that boot real machines."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

# Never the user's own cluster, nor that of another worker.
NAME = "-".join(["e2e", *os.environ.get("PYTEST_XDIST_WORKER", "").split()])
ENTRY = "from coreos_lab.start import main; main()"
# The same, but what `lab` does to repair a machine is not done.
WITHOUT_REPAIR = """
from coreos_lab.chaos import effect, faults
from coreos_lab.cli import main
from coreos_lab.providers.nspawn.provider import NspawnProvider

for fault in faults.FAULTS.values():
    type(fault).undo = lambda self, scene: None
NspawnProvider.start = lambda *_args: None
NspawnProvider.reboot = NspawnProvider.halt
NspawnProvider.boot_deadline = effect.GONE_DEADLINE = 5.0
main()
"""
_running: list[subprocess.Popen[str]] = []
ROOT = Path(__file__).parents[2]
STATE = Path(os.environ.get("LAB_STATE_DIR", "/var/lib/coreos-lab"))
NODES = ("core-01", "core-02", "core-03")
PAUSES = (0.2, 1.0)  # seconds between two looks, at least and at most
# Seconds for a command, and for what must become so. Clusters share a few cores; what ends well ends far earlier.
LONGEST, SOON = 1800.0, 600.0
# For units to run, checks to pass, and each recovery, where a call does not say: the defaults are for a host that has
# nothing else to do.
DEADLINE = "5m"


@dataclass(frozen=True)
class Result:
    """What a call of the command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout as JSON."""
        return json.loads(self.out)


def command(*argv: str, entry: str = ENTRY) -> list[str]:
    """The call of the command in this checkout, by this Python."""
    return [sys.executable, "-c", entry, *argv]


def environment() -> dict[str, str]:
    """Ours, without any LAB_ setting of the user's but where the state lies; the checkout's modules first."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith("LAB_") or k in ("LAB_STATE_DIR", "LAB_DEBIAN_MIRROR")
    }
    return {**kept, "LAB_NAME": NAME, "LAB_CLOUD": NAME, "LAB_DEADLINE": DEADLINE, "PYTHONPATH": str(ROOT)}


def lab(
    *argv: str, code: int | None = 0, timeout: float = LONGEST, entry: str = ENTRY, stdin: str | None = None
) -> Result:
    """Runs `lab`, on the tests' own cluster unless --name says otherwise; `code` is the wanted exit code.

    `stdin` is what it reads, ours unless told.
    """
    done = subprocess.run(
        command(*argv, entry=entry),
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(),
        check=False,
        input=stdin,
    )
    result = Result(done.returncode, done.stdout, done.stderr)
    if code is not None:
        assert done.returncode == code, f"lab {' '.join(argv)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return result


def interruptible(*argv: str) -> list[str]:
    """The call of a command with the signals' defaults: a worker of pytest-xdist ignores Ctrl-C, and so would it."""
    return ["env", "--default-signal=INT,HUP,TERM", *command(*argv)]


def typed(*words: str) -> str:
    """A command of `lab` as it prints it here: the state folder stands before it where the environment names one."""
    state = os.environ.get("LAB_STATE_DIR")
    return " ".join([*([f"LAB_STATE_DIR={shlex.quote(state)}"] if state else []), "lab", *words])


@contextmanager
def ended(process: subprocess.Popen[Any]) -> Iterator[None]:
    """Ends a command that a failed test would leave running: the cluster would be busy for all tests after it."""
    try:
        yield
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def start(*argv: str) -> subprocess.Popen[str]:
    """Starts `lab` and leaves it running, until the test ends at the latest."""
    process = subprocess.Popen(
        interruptible(*argv),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
    )
    _running.append(process)
    return process


def undeploy_all() -> None:
    """Takes every deployed lab off the tests' cluster."""
    for name in lab("status", "--json").json["labs"]:
        lab("undeploy", name)


def end_all() -> None:
    """Ends what `start` left running: the cluster would be busy for all tests after this one."""
    while _running:
        with ended(_running.pop()):
            pass


def until(true: Callable[[], object], *, deadline: float = SOON, interval: float | None = None) -> Any:
    """Waits for what must become so, and returns what was found then.

    The deadline is for machines far slower than any that one would work on. The `interval` is for what lasts for a
    moment only.
    """
    end = time.monotonic() + deadline
    while not (found := _look(true, bool, interval)):
        assert time.monotonic() < end, "did not become so in time"
    return found


def _look(look: Callable[[], Any], is_it: Callable[[Any], bool], interval: float | None = None) -> Any:
    """What a look finds. One that does not find what is waited for is followed by a pause.

    Without an interval the pause is twice as long as the look, within PAUSES: tests that wait for machines leave them
    the processors.
    """
    began = time.monotonic()
    found = look()
    if not is_it(found):
        least, most = PAUSES
        time.sleep(min(most, max(least, 2 * (time.monotonic() - began))) if interval is None else interval)
    return found


def comes_to(look: Callable[[], object], wanted: object, *, deadline: float = SOON) -> None:
    """Waits until a look finds what it must; where that does not come, the error says what the last one has found.

    `lab status` shows what answers within half a second: a node that serves may be missing from any single look.
    """
    end = time.monotonic() + deadline
    while (found := _look(look, lambda found: found == wanted)) != wanted:
        assert time.monotonic() < end, f"{found!r} instead of {wanted!r}"


def checks_pass(*labs: str) -> None:
    """Waits until the checks of a lab pass, or of all labs. `lab break --verify` tries them once before it breaks."""
    until(lambda: lab("check", *labs, code=None).code == 0)


def listed(unit: str) -> str:
    """A unit's line in fleetctl's list, "" where it has none: fleet hears of a unit seconds after its machine."""
    lines = lab("fleetctl", "list-units", "--no-legend").out.splitlines()
    return next((line for line in lines if line.split()[:1] == [unit]), "")


def node_of(unit: str) -> str:
    """A unit's node, once fleet says so: it may be busy for a moment."""

    def place() -> str | None:
        units = lab("status", "--json").json["units"] or []
        return next((each["node"] for each in units if each["name"] == unit), None)

    return str(until(place))


def has_ended(node: str, unit: str) -> bool:
    """Whether a unit is off on a node, and not only on its way there."""
    state = lab("ssh", node, "--", f"systemctl is-active {unit}", code=None).out.strip()
    return state in ("inactive", "failed", "unknown")


def destroy(unit: str) -> None:
    """Takes a unit out of fleet, and waits until no node runs it: fleetctl does not wait for its end."""
    lab("fleetctl", "destroy", unit, code=None)
    until(lambda: all(has_ended(node, unit) for node in NODES))


def again(*values: object) -> Any:
    """A parameter of one more round of what another tests already: `make test-rounds` runs it, `make test` does not."""
    return pytest.param(*values, marks=pytest.mark.rounds)
