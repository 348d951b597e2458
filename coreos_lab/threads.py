"""Threads that wait for something on behalf of one command."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from coreos_lab import interrupts


@contextmanager
def pool(workers: int) -> Iterator[ThreadPoolExecutor]:
    """So many threads for the block. When it fails, they stop, as nothing is left that they wait for.

    The error goes on once they have.
    """
    with ThreadPoolExecutor(max_workers=workers) as made:
        try:
            yield made
        except BaseException:
            with interrupts.telling_threads():
                made.shutdown(wait=True)
            raise
