"""How long each node was away during an update, and how many at once: judged from reads of their etcd and their boots.

On a busy host a node that serves may not answer in time. So only a silence around a change of the boot id is an
absence, and it is sure only from one refused read to another: a read that came too late proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from coreos_lab.chaos.probes import LATE, Sample

Span = tuple[float, float]  # begin and end, in monotonic seconds


@dataclass(frozen=True)
class Reboot:
    """A reboot: the old boot was last seen at `last`, the new one first at `first`, in monotonic seconds."""

    last: float
    first: float


@dataclass(frozen=True)
class Absence:
    """A node was away surely in `sure`, and possibly in `possible`, which reaches from one good answer to the next.

    `sure` is None where no read shows it. `silent` is how long no read was answered, in seconds.
    """

    sure: Span | None
    possible: Span
    silent: float


@dataclass(frozen=True)
class Together:
    """The largest sets of nodes that were away at the same moment: surely, and possibly."""

    sure: tuple[str, ...]
    possible: tuple[str, ...]


def absences(samples: Sequence[Sample], reboots: Sequence[Reboot]) -> list[Absence]:
    """A node's absences, one a reboot. Two reboots in one silence are one absence."""
    found = [_absence(samples, reboot) for reboot in reboots]
    return list({absence.possible: absence for absence in found}.values())


def seconds(samples: Sequence[Sample], reboots: Sequence[Reboot]) -> float:
    """How long a node that rebooted did not answer, in all."""
    return sum(absence.silent for absence in absences(samples, reboots))


def most_at_once(samples: Mapping[str, Sequence[Sample]], reboots: Mapping[str, Sequence[Reboot]]) -> Together:
    """How many of these nodes were away at once. `samples` and `reboots` are by the nodes' names."""
    by_node = {name: absences(its, reboots.get(name, ())) for name, its in samples.items()}
    return Together(
        _largest([(name, *each.sure) for name, found in by_node.items() for each in found if each.sure]),
        _largest([(name, *each.possible) for name, found in by_node.items() for each in found]),
    )


def _largest(spans: Sequence[tuple[str, float, float]]) -> tuple[str, ...]:
    sets = [tuple(sorted({name for name, begin, end in spans if begin <= at < end})) for _name, at, _end in spans]
    return max(sets, key=len, default=())


def _absence(samples: Sequence[Sample], reboot: Reboot) -> Absence:
    silence = _silence(samples, reboot)
    begin, end = (silence[0].mono, _end(silence[-1])) if silence else (reboot.last, reboot.first)
    good = [sample for sample in samples if sample.ok]
    before = [sample.mono for sample in good if _end(sample) <= begin]
    after = [sample for sample in good if sample.mono >= end]
    possible = (before[-1] if before else begin, _end(after[0]) if after else end)
    silent = (after[0].mono if after else end) - begin if silence else 0.0
    return Absence(_sure(silence), possible, silent)


def _silence(samples: Sequence[Sample], reboot: Reboot) -> list[Sample]:
    """The longest row of reads without an answer that meets a reboot; may be empty, if nothing was read then."""
    rows = [list(row) for ok, row in groupby(samples, key=lambda sample: sample.ok) if not ok]
    rows = [row for row in rows if row[0].mono <= reboot.first and _end(row[-1]) >= reboot.last]
    return max(rows, key=lambda row: _end(row[-1]) - row[0].mono, default=[])


def _sure(silence: Sequence[Sample]) -> Span | None:
    """From when the first refusal was there, to when the last one was asked for."""
    refused = [sample for sample in silence if sample.detail != LATE]
    if not refused or _end(refused[0]) >= refused[-1].mono:
        return None
    return _end(refused[0]), refused[-1].mono


def _end(sample: Sample) -> float:
    return sample.mono + (sample.seconds or 0.0)
