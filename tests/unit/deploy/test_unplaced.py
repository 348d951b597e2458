"""When a unit without a machine is given up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab.clients.fleet import Machine, Unit
from coreos_lab.deploy.unplaced import PLANNED, Unplaced
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.observed.placement import BACK
from coreos_lab.observed.unit_places import Wanted

CONFLICTS = (("X-Fleet", "Conflicts", "disk@*.service"),)
UNITS = [
    Unit("disk@1.service", "launched", "inactive", "", CONFLICTS),
    Unit("disk@2.service", "launched", "launched", "m1", CONFLICTS),
    Unit("disk@3.service", "launched", "launched", "m2", CONFLICTS),
]
WITHOUT = Wanted((("disk@2.service", "core-01"), ("disk@3.service", "core-02")), ("disk@1.service",))
ALL_PLACED = Wanted((*WITHOUT.places, ("disk@1.service", "core-03")), ())
Look = Callable[[Wanted, int, float], None]


@pytest.fixture
def look(planned: Callable[..., Cluster]) -> Look:
    """A look at units, when fleet lists so many machines of three, at a time."""
    nodes = planned(nodes=3).nodes
    machines = [Machine(f"m{number}", node.address, {}) for number, node in enumerate(nodes, 1)]
    unplaced = Unplaced(nodes)
    return lambda wanted, listed, now: unplaced.refuse(wanted, UNITS, machines[:listed], now)


def test_a_unit_that_has_lost_its_machine_is_not_given_up_at_once(look: Look) -> None:
    look(ALL_PLACED, 3, 0.0)
    look(WITHOUT, 2, 100.0)
    look(WITHOUT, 2, 100.0 + BACK)
    look(ALL_PLACED, 3, 101.0 + BACK)
    look(WITHOUT, 2, 102.0 + BACK)


def test_a_unit_whose_machine_does_not_come_back_is_given_up_with_that_machine(look: Look) -> None:
    look(WITHOUT, 2, 0.0)
    with pytest.raises(
        LabError, match=r"disk@1\.service: no machine can run it: .*\(fleet does not list core-03\)"
    ) as told:
        look(WITHOUT, 2, BACK + 1)
    assert told.value.hint == "see why: lab ssh core-03 -- journalctl -u fleet"


def test_the_cause_is_the_unit_not_the_one_that_must_be_beside_it(planned: Callable[..., Cluster]) -> None:
    nodes = planned(nodes=2).nodes
    beside = Unit("kick@1.service", "launched", "inactive", "", (("X-Fleet", "MachineOf", "disk@1.service"),))
    machines = [Machine(f"m{number}", node.address, {}) for number, node in enumerate(nodes, 1)]
    unplaced, wanted = Unplaced(nodes), Wanted(WITHOUT.places, ("kick@1.service", *WITHOUT.unplaced))
    unplaced.refuse(wanted, [beside, *UNITS], machines, 0.0)
    with pytest.raises(LabError, match=r"^disk@1\.service"):
        unplaced.refuse(wanted, [beside, *UNITS], machines, PLANNED + 1)


def test_a_unit_that_no_machine_can_run_is_given_up_soon(planned: Callable[..., Cluster]) -> None:
    nodes = planned(nodes=2).nodes
    machines = [Machine(f"m{number}", node.address, {}) for number, node in enumerate(nodes, 1)]
    unplaced = Unplaced(nodes)
    unplaced.refuse(WITHOUT, UNITS, machines, 0.0)
    unplaced.refuse(WITHOUT, UNITS, machines, PLANNED)
    with pytest.raises(LabError, match=r"disk@1\.service: no machine can run it: (?!.*does not list)"):
        unplaced.refuse(WITHOUT, UNITS, machines, PLANNED + 1)


def test_a_unit_that_a_machine_can_run_is_waited_for(look: Look) -> None:
    look(WITHOUT, 3, 0.0)
    look(WITHOUT, 3, 1000.0)
