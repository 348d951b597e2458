"""Carries out a step for each resource, in the order that their dependencies allow, several at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

AT_ONCE = 8  # resources that are worked on at the same time


def in_order(needs: Mapping[str, set[str]], act: Callable[[str], None], stopped: Callable[[], bool]) -> list[str]:
    """Calls `act` for each name as soon as it is done for those that the name needs.

    Once one has failed, or `stopped` is true, no further one is begun. Returns the names of those that failed.
    """
    order = TopologicalSorter(needs)
    order.prepare()
    failed: list[str] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: dict[Future[None], str] = {}
        while order.is_active():
            for name in order.get_ready() if not failed and not stopped() else ():
                running[pool.submit(act, name)] = name
            if not running:
                break
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(done)
                if done.exception():
                    failed.append(name)
                else:
                    order.done(name)
    return failed
