"""What an interrupted call says of what it leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from coreos_lab import failures, hints, interrupts
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.records import fault_journal, store


@pytest.fixture
def cluster(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(interrupts, "come", threading.Event())
    made = planned(name="other")
    store.save(made)
    hints.about_cluster("other")
    return made


def test_an_interrupted_call_names_what_it_leaves_broken(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    fault_journal.record(cluster, FaultKind.KILL, "core-02")
    assert failures.interrupted() == 130
    assert capsys.readouterr().err == (
        "lab: interrupted; still broken: core-02 (kill); 'lab heal --name other' undoes that\n"
    )


@pytest.mark.usefixtures("cluster")
def test_where_nothing_is_broken_it_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    failures.interrupted()
    assert "what was begun is on record" in capsys.readouterr().err


def test_a_record_that_is_not_understood_hides_no_interruption(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    store.ClusterFolder(cluster.name).journal.write_text('{"id": "1", "kind": "of another version"}\n')
    failures.interrupted()
    assert "interrupted" in capsys.readouterr().err


def test_what_a_tool_has_printed_does_not_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    failures.report(LabError("it failed", details="first \x1b[2J\nsecond\tof two\r"))
    assert capsys.readouterr().err == "lab: it failed\n     | first ␛[2J\n     | second\tof two\n"
