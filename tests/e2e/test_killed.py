"""The tool is killed at random moments of break and of heal: whatever it was at, `lab heal` puts everything right."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.calls import Result, checks_pass, start

FAULTS = (
    "kill",
    "halt",
    "reboot",
    "pause",
    "crash-loop",
    "isolate",
    "partition",
    "bandwidth",
    "loss",
    "lose-disk",
    "slow-disk",
    "cpu-quota",
    "memory-limit",
    "task-limit",
    "read-only",
    "stop",
    "crash",
    "keep-crashing",
    "freeze",
    "lose-data",
    "corrupt-data",
    "remove-member",
    "remove-keys",
    "overwrite-keys",
)
ROUNDS = 48  # each fault twice
LONGEST = 6.0  # seconds: by then a fault has been injected, or a heal is at its waiting


def traces() -> list[str]:
    """What faults could leave on the host: rules of firewalls, mounts, loop devices, interfaces."""
    calls = (["nft", "list", "tables"], ["losetup", "--all", "--noheadings"], ["ip", "--brief", "link"])
    said = [subprocess.run(call, capture_output=True, text=True, check=True).stdout for call in calls]
    words = [line.split()[:3] for out in said for line in out.splitlines()]
    mounts = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return sorted([" ".join(line).partition("@")[0] for line in words] + [line.split()[1] for line in mounts])


def killed(moment: float, *argv: str) -> None:
    """Starts the command and kills it (SIGKILL) after so many seconds."""
    doing = start(*argv)
    time.sleep(moment)
    doing.kill()
    doing.wait()


@pytest.mark.rounds
@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_it_was_at(ch3: Callable[..., Result], number: int) -> None:
    chance = random.Random(number)  # noqa: S311 - the same moments every time
    fault = FAULTS[number % len(FAULTS)]
    node = chance.choice(("core-01", "core-02", "core-03"))
    before = traces()
    killed(chance.uniform(0.2, LONGEST), "break", node, "--fault", fault, "--for", "10m")
    if chance.random() < 0.5:
        killed(chance.uniform(0.2, LONGEST), "heal")
    ch3("heal")
    assert ch3("status", "--json").json["faults"] == []
    checks_pass("ch3")
    assert traces() == before
