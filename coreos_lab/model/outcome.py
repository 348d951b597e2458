"""What can be broken, and what checks and verdicts come to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What `lab break` can do to a node: its machine, network, disks, services, resources, clock, or data in etcd."""

    KILL = "kill"
    HALT = "halt"
    REBOOT = "reboot"
    PAUSE = "pause"
    ISOLATE = "isolate"
    PARTITION = "partition"
    STOP = "stop"
    CRASH = "crash"
    FREEZE = "freeze"
    CRASH_LOOP = "crash-loop"
    BANDWIDTH = "bandwidth"
    KEEP_CRASHING = "keep-crashing"
    DELAY = "delay"
    LOSS = "loss"
    DUPLICATE = "duplicate"
    FILL = "fill"
    LOSE_DISK = "lose-disk"
    SLOW_DISK = "slow-disk"
    CPU_QUOTA = "cpu-quota"
    MEMORY_LIMIT = "memory-limit"
    TASK_LIMIT = "task-limit"
    CLOCK_SKEW = "clock-skew"
    READ_ONLY = "read-only"
    LOSE_DATA = "lose-data"
    CORRUPT_DATA = "corrupt-data"
    REMOVE_MEMBER = "remove-member"
    REMOVE_KEYS = "remove-keys"
    OVERWRITE_KEYS = "overwrite-keys"
    ZONE = "zone"


class Outcome(StrEnum):
    """A verdict or a check's result. What could not be checked is unknown, never pass."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class CheckResult:
    """One check of a lab: what it found, in words, and how long it took in seconds. `lab` is "" for a phase."""

    name: str
    outcome: Outcome
    message: str = ""
    seconds: float = 0.0
    lab: str = ""

    @property
    def qualified(self) -> str:
        """Its name with its lab's, which tells it from the checks of other labs."""
        return f"{self.lab}: {self.name}" if self.lab else self.name
