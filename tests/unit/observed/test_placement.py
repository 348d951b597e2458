"""Why fleet cannot place a unit."""

from __future__ import annotations

from coreos_lab.clients.fleet import Machine, Unit
from coreos_lab.observed.placement import explain, refusals

ONE = Machine("aaa", "172.17.8.101", {})
TWO = Machine("bbb", "172.17.8.102", {"disk": "ssd"})
NODES = {"aaa": "core-01"}


def unit(name: str, machine: str = "", **options: str) -> Unit:
    found = tuple(("X-Fleet", option, value) for option, value in options.items())
    return Unit(name, "launched", "inactive", machine, found)


def test_a_unit_without_wishes_is_only_not_placed_yet() -> None:
    assert explain(unit("a.service"), [], [ONE], NODES) is None


def test_metadata_that_no_machine_has() -> None:
    wants = unit("a.service", MachineMetadata="gpu=yes")
    assert explain(wants, [], [ONE, TWO], NODES) == "a.service: no machine can run it: it lacks MachineMetadata=gpu=yes"
    assert explain(unit("a.service", MachineMetadata="disk=ssd"), [], [ONE, TWO], NODES) is None


def test_conflicts_count_in_both_directions() -> None:
    there = [unit("web@1.service", "aaa", Conflicts="web@*.service"), unit("solo.service", "bbb")]
    reason = explain(unit("web@2.service", Conflicts="solo.service"), there, [ONE, TWO], NODES)
    assert reason is not None
    assert "core-01: web@1.service runs there and conflicts with it" in reason
    assert "172.17.8.102: Conflicts=solo.service keeps it off" in reason, (
        "a machine that is none of the cluster's nodes"
    )


def test_specifiers_are_filled_in_as_fleet_does() -> None:
    sidekick = unit("kick@1.service", MachineOf="web@%i.service")
    assert explain(sidekick, [unit("web@1.service", "aaa")], [ONE, TWO], NODES) is None
    reason = explain(sidekick, [unit("web@2.service", "aaa")], [ONE], NODES)
    assert reason == "kick@1.service: no machine can run it: MachineOf=web@1.service does not run there"


def test_no_machines_at_all() -> None:
    assert explain(unit("a.service"), [], [], NODES) == "a.service: fleet has no machines"


def test_each_machine_has_its_own_reason() -> None:
    wants = unit("a.service", MachineOf="b.service", MachineMetadata="disk=ssd")
    there = [unit("b.service", "aaa")]
    assert refusals(wants, there, [ONE, TWO]) == {
        "aaa": "it lacks MachineMetadata=disk=ssd",
        "bbb": "MachineOf=b.service does not run there",
    }


def test_a_machine_by_its_id_or_the_eight_characters_that_stand_for_it() -> None:
    long = Machine("bbbbbbbb11112222", "172.17.8.103", {})
    for name in ("bbbbbbbb", "bbbbbbbb11112222"):
        assert refusals(unit("a.service", MachineID=name), [], [ONE, long]) == {
            "aaa": f"MachineID={name} is another machine"
        }
    assert refusals(unit("a.service", MachineID="bbbb"), [], [long]), "fleet takes no other beginning"


def several(name: str, *lines: str) -> Unit:
    return Unit(name, "launched", "inactive", "", tuple(("X-Fleet", "MachineMetadata", line) for line in lines))


def test_one_of_several_values_of_a_metadata_name_is_enough() -> None:
    assert refusals(several("a.service", "disk=ssd", "disk=hdd"), [], [TWO]) == {}
    assert refusals(several("a.service", '"disk=hdd" "disk=ssd"'), [], [TWO]) == {}
    assert refusals(several("a.service", "disk=ssd", "rack=1"), [], [TWO]) == {"bbb": "it lacks MachineMetadata=rack=1"}
    assert refusals(several("a.service", "disk=hdd", "disk=nvme"), [], [TWO]) == {
        "bbb": "it lacks MachineMetadata=disk=hdd or disk=nvme"
    }


def test_metadata_that_fleet_passes_over() -> None:
    assert refusals(several("a.service", "gpu", "a=b=c", "=x", "y="), [], [ONE]) == {}


def test_the_options_names_of_old() -> None:
    old = Unit("a.service", "launched", "inactive", "", (("X-Fleet", "X-ConditionMachineOf", "b.service"),))
    assert "MachineOf=b.service does not run there" in str(explain(old, [], [ONE], NODES))
    old = Unit("a.service", "launched", "inactive", "", (("X-Fleet", "X-Conflicts", "x.service c*"),))
    assert "keeps it off" in str(explain(old, [unit("c1.service", "aaa")], [ONE], NODES))


def test_a_unit_does_not_conflict_with_itself() -> None:
    here = unit("web@1.service", "aaa", Conflicts="web@*.service")
    assert refusals(here, [here], [ONE]) == {}


def test_a_unit_that_is_nowhere_keeps_nobody_off() -> None:
    assert refusals(unit("a.service"), [unit("b.service", "", Conflicts="a.service")], [ONE]) == {}
