"""What a run of `lab break` is about, for its record: in words, and as the command that does it again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from coreos_lab import disk, hints
from coreos_lab.chaos import schedule as schedules
from coreos_lab.chaos.schedule import Step
from coreos_lab.model import Cluster
from coreos_lab.records.about import About
from coreos_lab.records.about import describe as describe_run


def describe(
    cluster: Cluster, steps: Sequence[Step], schedule: Path | None, deadline: float, *, keep_quorum: bool, verify: bool
) -> About:
    """The description of a run of these steps, which are those of the file `schedule` if there is one."""
    words = ["--schedule", str(schedule)] if schedule else _words(steps[0])
    words += ["--keep-quorum"] if keep_quorum else []
    words += ["--verify", "--deadline", seconds(deadline)] if verify else []
    targets = ", ".join(dict.fromkeys(target for step in steps for target in step.targets))
    return describe_run(
        cluster,
        "break",
        f"{schedules.kinds(steps)} of {targets}",
        hints.lab("break", *words),
        judged=verify,
        files={str(schedule): disk.text(schedule)} if schedule else {},
    )


def _words(step: Step) -> list[str]:
    """The targets and options of one step."""
    values = [word for name, value in step.values.items() for word in ("--set", f"{name}={value}")]
    lasting = ["--for", seconds(step.lasting)] if step.lasting else []
    return [*step.targets, "--fault", step.kind.value, *values, *lasting]


def seconds(value: float) -> str:
    """A duration as an option takes it."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"
