"""The undo journal outlives whoever writes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab.chaos import journal
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.store import ClusterFolder


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    return planned()


def tear(cluster: Cluster) -> None:
    """What a power cut in the middle of a write leaves."""
    path = ClusterFolder(cluster.name).journal
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as out:
        out.write('{"id": "12')


def test_nothing_is_broken_at_first(cluster: Cluster) -> None:
    assert journal.open_faults(cluster) == []


def test_a_fault_is_read_as_it_was_written(cluster: Cluster) -> None:
    written = journal.record(cluster, FaultKind.PAUSE, "core-02")
    (read,) = journal.open_faults(cluster)
    assert read == written
    assert (read.kind, read.node) == (FaultKind.PAUSE, "core-02")
    assert isinstance(read.kind, FaultKind)


def test_a_node_may_be_broken_again(cluster: Cluster) -> None:
    first = journal.record(cluster, FaultKind.KILL, "core-01")
    again = journal.record(cluster, FaultKind.KILL, "core-01")
    assert first.id != again.id
    journal.healed(cluster, first)
    assert journal.open_faults(cluster) == [again]


def test_a_torn_line_swallows_no_later_fault(cluster: Cluster) -> None:
    tear(cluster)
    fault = journal.record(cluster, FaultKind.KILL, "core-01")
    assert journal.open_faults(cluster) == [fault]


def test_a_torn_line_swallows_no_later_repair(cluster: Cluster) -> None:
    first = journal.record(cluster, FaultKind.KILL, "core-01")
    second = journal.record(cluster, FaultKind.KILL, "core-02")
    tear(cluster)
    journal.healed(cluster, first)
    assert journal.open_faults(cluster) == [second]


def test_repairing_twice_is_fine(cluster: Cluster) -> None:
    first = journal.record(cluster, FaultKind.KILL, "core-01")
    second = journal.record(cluster, FaultKind.KILL, "core-02")
    journal.healed(cluster, first)
    journal.healed(cluster, first)
    assert journal.open_faults(cluster) == [second]


def test_two_clusters_have_a_journal_each(cluster: Cluster, planned: Callable[..., Cluster]) -> None:
    journal.record(cluster, FaultKind.KILL, "core-01")
    assert journal.open_faults(planned(name="other")) == []
