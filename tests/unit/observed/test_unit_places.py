"""On which nodes units must run."""

from __future__ import annotations

from coreos_lab.clients.fleet import Machine, Unit, UnitState
from coreos_lab.observed.unit_places import Wanted, wanted_places

ONE, TWO = Machine("m1", "10.0.0.1", {}), Machine("m2", "10.0.0.2", {"disk": "ssd"})
NODES = {"m1": "core-01", "m2": "core-02"}


def unit(name: str, machine: str = "", **options: str) -> Unit:
    return Unit(name, "launched", "", machine, tuple(("X-Fleet", key, value) for key, value in options.items()))


def state(name: str, machine: str) -> UnitState:
    return UnitState(name, machine, "loaded", "active", "running")


def places(unit: Unit, *states: UnitState, units: tuple[Unit, ...] = ()) -> Wanted:
    return wanted_places([unit.name], [unit, *units], states, NODES, [ONE, TWO])


def test_a_unit_must_run_where_fleet_has_placed_it() -> None:
    assert places(unit("a.service", "m2"), state("a.service", "m1")) == Wanted((("a.service", "core-02"),), ())
    assert places(unit("a.service")) == Wanted((), ("a.service",))
    assert places(unit("a.service", "gone")) == Wanted((), ("a.service",)), "on a machine that does not run"
    assert wanted_places(["a.service"], [], [], NODES, [ONE]) == Wanted((), ("a.service",))


def test_a_global_unit_must_run_on_every_machine() -> None:
    both = (("a.service", "core-01"), ("a.service", "core-02"))
    assert places(unit("a.service", Global="true")).places == both
    assert places(unit("a.service", Global="true"), state("a.service", "m1")).places == both


def test_a_global_unit_with_metadata_must_run_where_that_is_and_wherever_fleet_has_loaded_it() -> None:
    wants = unit("a.service", Global="true", MachineMetadata="disk=ssd")
    assert places(wants).places == (("a.service", "core-02"),)
    assert len(places(wants, state("a.service", "m1"), state("a.service", "m2")).places) == 2, "fleet knows best"
    assert places(unit("a.service", Global="true", MachineMetadata="gpu=yes")) == Wanted((), ("a.service",))


def test_a_global_unit_stays_away_from_what_it_conflicts_with() -> None:
    wants = unit("b.service", Global="true", Conflicts="a.service")
    assert places(wants, units=(unit("a.service", "m1"),)).places == (("b.service", "core-02"),)
    other = unit("a.service", Global="true")
    assert places(wants, state("a.service", "m1"), units=(other,)).places == (("b.service", "core-02"),)
