"""The fault journal outlives whoever writes it."""

from __future__ import annotations

import errno
from collections.abc import Callable

import pytest

from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.records import fault_journal
from coreos_lab.records.store import ClusterFolder


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
    assert fault_journal.open_faults(cluster) == []


def test_a_fault_is_read_as_it_was_written(cluster: Cluster) -> None:
    written = fault_journal.record(cluster, FaultKind.PAUSE, "core-02")
    (read,) = fault_journal.open_faults(cluster)
    assert read == written
    assert (read.kind, read.node) == (FaultKind.PAUSE, "core-02")
    assert isinstance(read.kind, FaultKind)


def test_a_node_may_be_broken_again(cluster: Cluster) -> None:
    first = fault_journal.record(cluster, FaultKind.KILL, "core-01")
    again = fault_journal.record(cluster, FaultKind.KILL, "core-01")
    assert first.id != again.id
    fault_journal.healed(cluster, first)
    assert fault_journal.open_faults(cluster) == [again]


def test_a_torn_line_swallows_no_later_fault(cluster: Cluster) -> None:
    tear(cluster)
    fault = fault_journal.record(cluster, FaultKind.KILL, "core-01")
    assert fault_journal.open_faults(cluster) == [fault]


def test_a_torn_line_swallows_no_later_repair(cluster: Cluster) -> None:
    first = fault_journal.record(cluster, FaultKind.KILL, "core-01")
    second = fault_journal.record(cluster, FaultKind.KILL, "core-02")
    tear(cluster)
    fault_journal.healed(cluster, first)
    assert fault_journal.open_faults(cluster) == [second]


def test_repairing_twice_is_fine(cluster: Cluster) -> None:
    first = fault_journal.record(cluster, FaultKind.KILL, "core-01")
    second = fault_journal.record(cluster, FaultKind.KILL, "core-02")
    fault_journal.healed(cluster, first)
    fault_journal.healed(cluster, first)
    assert fault_journal.open_faults(cluster) == [second]


def test_two_clusters_have_a_journal_each(cluster: Cluster, planned: Callable[..., Cluster]) -> None:
    fault_journal.record(cluster, FaultKind.KILL, "core-01")
    assert fault_journal.open_faults(planned(name="other")) == []


def test_a_full_disk_keeps_no_repair_from_being_written_down(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    faults = [fault_journal.record(cluster, FaultKind.KILL, f"core-0{number}") for number in (1, 2, 3)]
    monkeypatch.setattr(fault_journal, "_append", full)
    fault_journal.healed(cluster, faults[1])
    assert fault_journal.open_faults(cluster) == [faults[0], faults[2]]
    fault_journal.healed(cluster, faults[0])
    fault_journal.healed(cluster, faults[2])
    assert not ClusterFolder(cluster.name).journal.exists()


@pytest.mark.parametrize(
    "line", ['{"id": "1", "kind": "of-tomorrow", "node": "core-01", "wall": 1}', '{"id": "1"}', "[]", "7"]
)
def test_a_fault_of_another_version_is_told(cluster: Cluster, line: str) -> None:
    fault_journal.record(cluster, FaultKind.PAUSE, "core-02")
    path = ClusterFolder(cluster.name).journal
    path.write_bytes(path.read_bytes() + line.encode() + b"\n")
    with pytest.raises(LabError, match=r"faults\.jsonl:2: this lab does not understand the fault"):
        fault_journal.open_faults(cluster)


def test_what_a_power_cut_made_of_the_last_line_is_no_fault(cluster: Cluster) -> None:
    written = fault_journal.record(cluster, FaultKind.PAUSE, "core-02")
    path = ClusterFolder(cluster.name).journal
    path.write_bytes(path.read_bytes() + b"\xff\0\0")
    assert fault_journal.open_faults(cluster) == [written]


def test_a_fault_is_open_until_it_is_healed(cluster: Cluster) -> None:
    first = fault_journal.record(cluster, FaultKind.KILL, "core-01")
    second = fault_journal.record(cluster, FaultKind.PAUSE, "core-02")
    assert fault_journal.open_faults(cluster) == [first, second]
    fault_journal.healed(cluster, first)
    assert fault_journal.open_faults(cluster) == [second]
    fault_journal.healed(cluster, second)
    assert fault_journal.open_faults(cluster) == []
    assert not ClusterFolder(cluster.name).journal.exists()
