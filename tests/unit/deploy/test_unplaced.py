"""A unit without a machine is refused once fleet cannot find one any more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab.clients.fleet import Machine, Unit
from coreos_lab.deploy import unplaced
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.observed.unit_places import Wanted

Planned = Callable[..., Cluster]
WEB = Unit("web@1.service", "launched", "inactive", "", (("X-Fleet", "MachineMetadata", "gpu=yes"),))
WANTED = Wanted((), ("web@1.service",))


def refused(cluster: Cluster, seconds: float, *, listed: int = 3) -> LabError | None:
    """What is said after some seconds, when fleet lists only the first nodes."""
    machines = [Machine(node.name, node.address, {}) for node in cluster.nodes[:listed]]
    try:
        unplaced.refuse(WANTED, [WEB], machines, cluster.nodes, seconds)
    except LabError as error:
        return error
    return None


def test_what_no_machine_can_run_is_refused_with_the_reason(planned: Planned) -> None:
    error = refused(planned(), unplaced.UNPLACED)
    assert error is not None
    assert error.message == "web@1.service: no machine can run it: it lacks MachineMetadata=gpu=yes"
    assert error.hint is not None
    assert "[X-Fleet]" in error.hint


def test_fleet_gets_time_to_place_a_unit(planned: Planned) -> None:
    assert refused(planned(), unplaced.UNPLACED - 1) is None


def test_a_node_that_fleet_does_not_list_may_come_back(planned: Planned) -> None:
    assert refused(planned(), unplaced.UNLISTED - 1, listed=2) is None
    error = refused(planned(), unplaced.UNLISTED, listed=2)
    assert error is not None
    assert error.message.endswith("; fleet does not list core-03")
    assert error.hint is not None
    assert "lab ssh core-03 -- journalctl -u fleet" in error.hint


def test_a_unit_that_has_a_machine_is_not_refused(planned: Planned) -> None:
    cluster = planned()
    placed = Wanted((("web@1.service", "core-01"),), ())
    unplaced.refuse(placed, [WEB], [], cluster.nodes, unplaced.UNLISTED)


def test_the_cause_is_the_unit_not_the_one_that_must_be_beside_it(planned: Planned) -> None:
    cluster = planned()
    beside = Unit("kick@1.service", "launched", "inactive", "", (("X-Fleet", "MachineOf", "web@1.service"),))
    machines = [Machine(node.name, node.address, {}) for node in cluster.nodes]
    wanted = Wanted((), ("kick@1.service", "web@1.service"))
    with pytest.raises(LabError, match=r"^web@1\.service"):
        unplaced.refuse(wanted, [beside, WEB], machines, cluster.nodes, unplaced.UNPLACED)
