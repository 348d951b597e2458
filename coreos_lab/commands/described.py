"""What a run is about, for its record: in words, and as the command that does it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from coreos_lab import disk, hints
from coreos_lab.chaos import schedule as schedules
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.verdict import DEPLOY, WALK
from coreos_lab.definition import catalog
from coreos_lab.model import Cluster, Lab
from coreos_lab.observed import node_states, programs
from coreos_lab.providers.base import Provider
from coreos_lab.records import fault_journal
from coreos_lab.records.about import About, describe


def of_break(
    cluster: Cluster,
    provider: Provider,
    steps: Sequence[Step],
    schedule: Path | None,
    deadline: float,
    *,
    keep_quorum: bool,
    verify: bool,
    history: bool,
) -> About:
    """The description of a run of these steps, which are those of the file `schedule` if there is one."""
    words = ["--schedule", str(schedule)] if schedule else _words(steps[0])
    words += ["--keep-quorum"] if keep_quorum else []
    words += ["--verify", "--deadline", seconds(deadline)] if verify else []
    words += ["--history"] if history else []
    targets = ", ".join(dict.fromkeys(target for step in steps for target in step.targets))
    return describe(
        cluster,
        "break",
        f"{schedules.kinds(steps)} of {targets}",
        hints.lab("break", *words),
        judged=verify,
        programs=_programs(cluster, provider),
        files={str(schedule): disk.text(schedule)} if schedule else {},
    )


def of_deploy(
    cluster: Cluster,
    provider: Provider,
    lab: Lab,
    settings: Mapping[str, str],
    secrets: Mapping[str, str],
    deadline: float,
) -> About:
    """The description of a lab's deployment. `secrets` are files: what is in them is not recorded."""
    words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    words += [word for name, file in secrets.items() for word in ("--secret", f"{name}={file}")]
    again = hints.lab("deploy", catalog.named(lab), *words, "--deadline", seconds(deadline))
    what = f"{DEPLOY} of {lab.name}"
    return describe(cluster, DEPLOY, what, again, judged=True, programs=_programs(cluster, provider))


def of_storm(cluster: Cluster, provider: Provider, what: str, again: str) -> About:
    """The description of a storm or of its replay, which `again` does once more."""
    return describe(cluster, "storm", what, again, judged=True, programs=_programs(cluster, provider))


def of_walk(cluster: Cluster, provider: Provider, lab: Lab, first: int) -> About:
    """The description of a walk without a reader, from step `first` on."""
    begin = ["--from", first] if first > 1 else []
    again = hints.lab("walk", catalog.named(lab), "--test", *begin)
    return describe(cluster, WALK, f"{WALK} of {lab.name}", again, judged=True, programs=_programs(cluster, provider))


def _programs(cluster: Cluster, provider: Provider) -> dict[str, str]:
    """The programs of a node that runs; what is broken is not waited for."""
    broken = {fault.node for fault in fault_journal.open_faults(cluster)}
    return programs.versions(
        cluster, [node for node in node_states.running(cluster, provider) if node.name not in broken]
    )


def _words(step: Step) -> list[str]:
    """The targets and options of one step."""
    values = [word for name, value in step.values.items() for word in ("--set", f"{name}={value}")]
    lasting = ["--for", seconds(step.lasting)] if step.lasting else []
    return [*step.targets, "--fault", step.kind.value, *values, *lasting]


def seconds(value: float) -> str:
    """A duration as an option takes it."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "s"
