"""fleet's API, as a stub answers it: machines, units and their states, on as many pages as there are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from coreos_lab.clients.fleet import Fleet, Machine, Unit, UnitState, parse_machine, parse_state, parse_unit
from coreos_lab.clients.http import CannotCheckError, Endpoints
from coreos_lab.errors import LabError
from tests.unit.clients.stub import Stub, serving


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving() as one:
        yield one


@pytest.fixture
def fleet(stub: Stub) -> Fleet:
    """The client, pointed at the stub in place of a node's well-known port."""
    client = Fleet([])
    client._http = Endpoints("fleet", [stub.base], timeout=1)
    return client


def test_a_machine_without_metadata() -> None:
    assert parse_machine({"id": "a", "primaryIP": "172.17.8.101"}) == Machine("a", "172.17.8.101", {})


def test_a_unit_keeps_its_options_in_their_order() -> None:
    raw = {
        "name": "web@1.service",
        "desiredState": "launched",
        "currentState": "loaded",
        "machineID": "a",
        "options": [
            {"section": "Service", "name": "ExecStart", "value": "/bin/true"},
            {"section": "X-Fleet", "name": "Conflicts", "value": "web@*"},
            {"section": "Unit", "name": "Conflicts", "value": "other.service"},
        ],
    }
    unit = parse_unit(raw)
    assert (unit.desired, unit.current, unit.machine_id) == ("launched", "loaded", "a")
    assert [option.value for option in unit.file if option.name == "Conflicts"] == ["web@*", "other.service"]
    assert parse_unit({"name": "x.service"}) == Unit("x.service", "", "", "", ())


def test_a_state() -> None:
    raw = {
        "name": "x.service",
        "machineID": "a",
        "systemdLoadState": "loaded",
        "systemdActiveState": "active",
        "systemdSubState": "running",
        "hash": "0514601",
    }
    assert parse_state(raw) == UnitState("x.service", "a", "loaded", "active", "running", "0514601")


def test_a_units_hash_is_that_of_the_file_that_fleet_writes() -> None:
    options = (("Unit", "After", "a"), ("Service", "ExecStart", "/bin/true"), ("Unit", "Before", "b c"))
    text = "[Unit]\nAfter=a\nBefore=b c\n\n[Service]\nExecStart=/bin/true\n"
    made = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    assert Unit("x.service", "", "", "", options).hash == made


@pytest.mark.parametrize(
    ("values", "is_global"), [((), False), (("true",), True), (("YES", "no"), False), (("0", "T"), True)]
)
def test_of_several_values_of_global_the_last_counts(values: tuple[str, ...], is_global: bool) -> None:
    options = tuple(("X-Fleet", "Global", value) for value in values)
    assert Unit("x.service", "", "", "", options).is_global is is_global


def test_every_page_is_read(stub: Stub, fleet: Fleet) -> None:
    stub.answers["GET /fleet/v1/units"] = (200, {"units": [{"name": "a.service"}], "nextPageToken": "t/2=="})
    stub.answers["GET /fleet/v1/units?nextPageToken=t%2F2%3D%3D"] = (200, {"units": [{"name": "b.service"}]})
    assert [unit.name for unit in fleet.units()] == ["a.service", "b.service"]


def test_nothing_there_is_an_empty_list(stub: Stub, fleet: Fleet) -> None:
    stub.answers["GET /fleet/v1/units"] = (200, {})
    stub.answers["GET /fleet/v1/state"] = (200, {})
    assert fleet.units() == []
    assert fleet.states() == []


def test_machines_come_by_address(stub: Stub, fleet: Fleet) -> None:
    machines = [{"id": "b", "primaryIP": "172.17.8.102"}, {"id": "a", "primaryIP": "172.17.8.101"}]
    stub.answers["GET /fleet/v1/machines"] = (200, {"machines": machines})
    assert [machine.id for machine in fleet.machines()] == ["a", "b"]


@pytest.mark.parametrize(("active", "where"), [("active", "172.17.8.101"), ("activating", None)])
def test_where_a_unit_is_active(stub: Stub, fleet: Fleet, active: str, where: str | None) -> None:
    state = {"name": "x.service", "machineID": "a", "systemdActiveState": active}
    stub.answers["GET /fleet/v1/state"] = (200, {"states": [state]})
    stub.answers["GET /fleet/v1/machines"] = (200, {"machines": [{"id": "a", "primaryIP": "172.17.8.101"}]})
    assert fleet.where("x.service") == where


def test_destroy_asks_for_the_unit_by_name(stub: Stub, fleet: Fleet) -> None:
    stub.answers["DELETE /fleet/v1/units/web%401.service"] = (204, None)
    fleet.destroy("web@1.service")
    assert stub.requests == [("DELETE /fleet/v1/units/web%401.service", "")]


def test_a_unit_is_wanted_in_another_state(stub: Stub, fleet: Fleet) -> None:
    stub.answers["PUT /fleet/v1/units/web%401.service"] = (204, None)
    fleet.want("web@1.service", "inactive")
    ((request, body),) = stub.requests
    assert request == "PUT /fleet/v1/units/web%401.service"
    assert json.loads(body) == {"name": "web@1.service", "desiredState": "inactive"}


def test_a_unit_that_fleet_does_not_hold_is_left_so(stub: Stub, fleet: Fleet) -> None:
    stub.answers["PUT /fleet/v1/units/a.service"] = (409, {"error": {"message": "unit does not exist"}})
    fleet.want("a.service", "inactive")
    stub.answers["PUT /fleet/v1/units/a.service"] = (400, "no such state")
    with pytest.raises(LabError, match="fleet: a.service cannot be made asleep: HTTP 400"):
        fleet.want("a.service", "asleep")


@pytest.mark.parametrize("answer", [(404, {"error": {"code": 404}}), (400, ""), (200, [])])
def test_an_answer_without_a_list_is_no_empty_list(stub: Stub, fleet: Fleet, answer: tuple[int, object]) -> None:
    stub.answers["GET /fleet/v1/machines"] = answer
    with pytest.raises(CannotCheckError, match="fleet: no list of machines"):
        fleet.machines()


def test_what_fleet_does_not_destroy_is_told(stub: Stub, fleet: Fleet) -> None:
    stub.answers["DELETE /fleet/v1/units/a.service"] = (400, "invalid unit name")
    with pytest.raises(LabError, match="fleet: cannot destroy a.service: HTTP 400"):
        fleet.destroy("a.service")
