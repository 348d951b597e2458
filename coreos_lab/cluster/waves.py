"""Starts nodes that share the host's processors: when many boot at the same time, each holds up all the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path

from coreos_lab import threads
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import ready
from coreos_lab.providers.base import Provider


def start(
    cluster: Cluster, nodes: Sequence[Node], provider: Provider, user_data: Callable[[Node], Path]
) -> tuple[Node, ...]:
    """Starts nodes, no more at a time than the provider boots at once; returns those that were seen to have booted.

    Where all start together, none is waited for, and none is returned. etcd's members start first and wait for nobody:
    what the others' boots need is their majority. Raises NodeNotReadyError for a node whose boot fails.
    """
    most = provider.boots_at_once
    if most is None or len(nodes) <= most:
        provider.start(cluster, nodes, user_data)
        return ()
    end = time.monotonic() + ready.patience_for(len(nodes), provider.boot_deadline)
    members = [node for node in nodes if node.member]
    others = [node for node in nodes if not node.member]
    left, booting = others, set[Future[None]]()
    with threads.pool(len(nodes)) as pool:
        provider.start(cluster, members, user_data)
        while left or booting:
            free = most - len(booting)
            wave, left = left[:free], left[free:]
            if wave:
                provider.start(cluster, wave, user_data)
                booting |= {pool.submit(ready.boot, cluster, node, provider, end) for node in wave}
            done, booting = wait(booting, return_when=FIRST_COMPLETED)
            for job in done:
                job.result()
    return tuple(others)
