"""How long each node is away during an update, and how many are at once: seen from outside, several times a second."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

from coreos_lab.chaos.machine import answers
from coreos_lab.chaos.probes import Sample
from coreos_lab.chaos.watch import Watch
from coreos_lab.model import Node

INTERVAL = 0.2  # seconds between two questions to a node's etcd
BLINK = 1.0  # seconds: a shorter silence is no reboot, but a busy host


class Away(Watch):
    """Asks every node's etcd, member or proxy, whether it answers."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        super().__init__()
        self.samples: dict[str, list[Sample]] = {node.name: [] for node in nodes}
        for node in nodes:
            self.every(INTERVAL, partial(self._look, node))

    def _look(self, node: Node) -> None:
        mono, wall = time.monotonic(), time.time()
        self.samples[node.name].append(Sample("", node.name, mono, wall, answers(node)))


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


def seconds(samples: Mapping[str, Sequence[Sample]]) -> dict[str, float]:
    """How long each node was away in all, by its name."""
    return {name: sum(end - begin for begin, end in silences(its)) for name, its in samples.items()}


def most_at_once(samples: Mapping[str, Sequence[Sample]]) -> tuple[str, ...]:
    """The largest set of nodes that were away at the same moment."""
    spans = [(begin, end, name) for name, its in samples.items() for begin, end in silences(its)]
    sets = [tuple(sorted(name for begin, end, name in spans if begin <= at < end)) for at, _end, _name in spans]
    return max(sets, key=len, default=())
