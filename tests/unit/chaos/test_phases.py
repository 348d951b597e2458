"""Phases of breaks that overlap: what else is broken counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from coreos_lab.chaos import faults, injecting, phases
from coreos_lab.chaos.phases import Phases
from coreos_lab.clients import etcd
from coreos_lab.model import Cluster, FaultKind, Outcome
from coreos_lab.observed import membership, node_states
from coreos_lab.records import fault_journal


@pytest.fixture
def cluster(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = planned()
    monkeypatch.setattr(membership, "voters", lambda cluster, _running: cluster.members)
    monkeypatch.setattr(node_states, "running", lambda cluster, _provider: list(cluster.nodes))
    monkeypatch.setattr(etcd, "is_healthy", lambda _address: False)

    def inject(_provider: object, cluster: Cluster, planned: Any) -> list[fault_journal.OpenFault]:
        return [fault_journal.record(cluster, planned.kind, node.name, planned.values) for node in planned.nodes]

    monkeypatch.setattr(injecting, "inject", inject)
    return made


@pytest.fixture
def broken(cluster: Cluster) -> Callable[..., Phases]:
    """Phases after the effect of a break, while others last."""

    def do(kind: FaultKind, *others: FaultKind) -> Phases:
        made = Phases(None, cluster, [])  # type: ignore[arg-type]
        for number, other in enumerate(others, 1):
            fault_journal.record(cluster, other, cluster.nodes[number].name, faults.plan([], other, {}).values)
        made.effect(faults.plan([cluster.nodes[0]], kind, {}))
        return made

    return do


@pytest.mark.parametrize(
    ("kinds", "may_be_lost", "outcome"),
    [
        ((FaultKind.PAUSE,), False, None),
        ((FaultKind.LOSS, FaultKind.PAUSE), False, None),
        ((FaultKind.PAUSE, FaultKind.KILL), False, Outcome.FAIL),
        ((FaultKind.LOSS, FaultKind.PAUSE, FaultKind.KILL), False, Outcome.FAIL),
        ((FaultKind.PAUSE, FaultKind.KILL), True, Outcome.PASS),
    ],
)
def test_a_majority_that_several_breaks_cost(
    cluster: Cluster,
    broken: Callable[..., Phases],
    kinds: tuple[FaultKind, ...],
    may_be_lost: bool,
    outcome: Outcome | None,
) -> None:
    made = broken(*kinds)
    planned = faults.plan([cluster.nodes[0]], kinds[0], {})
    assert made.quorum(planned, may_be_lost=may_be_lost) is (outcome is not Outcome.FAIL)
    found = {phase.name: phase.outcome for phase in made.done}
    assert found.get("quorum") is outcome
    assert (made.lost != "") is (outcome is not None)


def test_who_is_cut_off_is_not_asked_what_fleet_lists(
    cluster: Cluster, broken: Callable[..., Phases], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    class Fleet:
        def __init__(self, addresses: list[str], timeout: float) -> None:
            del timeout
            asked.append(list(addresses))

        def machines(self) -> list[object]:
            return []

    monkeypatch.setattr(phases, "Fleet", Fleet)
    made = broken(FaultKind.KILL, FaultKind.ISOLATE)
    assert made.noticed(faults.plan([cluster.nodes[0]], FaultKind.KILL, {}))
    assert asked == [[cluster.nodes[2].address]]
