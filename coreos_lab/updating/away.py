"""How long each node was away during an update, and how many at once: judged from what was read from their etcd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coreos_lab.chaos.probes import Sample

BLINK = 1.0  # seconds: a shorter silence is no reboot, but a busy host


def silences(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """When a node was away: begin and end in monotonic seconds, without blinks. The last may not have ended."""
    found: list[tuple[float, float]] = []
    since: float | None = None
    for sample in samples:
        if not sample.ok and since is None:
            since = sample.mono
        elif sample.ok and since is not None:
            found.append((since, sample.mono))
            since = None
    if since is not None:
        found.append((since, samples[-1].mono))
    return [(begin, end) for begin, end in found if end - begin >= BLINK]


def seconds(samples: Sequence[Sample]) -> float:
    """How long a node was away in all."""
    return sum(end - begin for begin, end in silences(samples))


def most_at_once(samples: Mapping[str, Sequence[Sample]]) -> tuple[str, ...]:
    """The largest set of nodes that were away at the same moment."""
    spans = [(begin, end, name) for name, its in samples.items() for begin, end in silences(its)]
    sets = [tuple(sorted(name for begin, end, name in spans if begin <= at < end)) for at, _end, _name in spans]
    return max(sets, key=len, default=())
