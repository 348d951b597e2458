"""The records of the labs on a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from coreos_lab.model import Cluster, Counted, Lab
from coreos_lab.records import deployed
from coreos_lab.records.store import ClusterFolder

Planned = Callable[..., Cluster]
Made = Callable[..., Lab]


def test_a_record_holds_what_undeploying_needs(planned: Planned, made_lab: Made) -> None:
    cluster = planned()
    lab = made_lab("one", "web@1.service", "proxy.service", keys=("/services/web",), ports=(80,))
    deployed.record(cluster, lab)
    record = deployed.load(cluster, "one")
    assert record is not None
    assert record.units == ("web@1.service", "proxy.service", "web@.service"), "the template goes too, and last"
    assert (record.folder, record.keys, record.ports) == (str(lab.folder), ("/services/web",), (80,))


def test_labs_are_listed_as_they_came_and_forgotten(planned: Planned, made_lab: Made) -> None:
    cluster = planned()
    assert deployed.names(cluster) == []
    for age, name in enumerate(["a", "c", "b"]):
        deployed.record(cluster, made_lab(name, f"{name}.service"))
        os.utime(ClusterFolder("core").deployed / f"{name}.json", (age, age))
    assert deployed.names(cluster) == ["a", "c", "b"]
    deployed.forget(cluster, "c")
    deployed.forget(cluster, "c")
    assert deployed.names(cluster) == ["a", "b"]
    assert deployed.load(cluster, "c") is None


def test_a_record_that_goes_while_somebody_looks(planned: Planned, made_lab: Made) -> None:
    """`lab status` holds no lock: a lab may be undeployed between listing the records and reading one."""
    cluster = planned()
    deployed.record(cluster, made_lab("one", "a.service"))
    (ClusterFolder("core").deployed / "two.json").symlink_to("gone")  # is listed, and not there
    assert deployed.names(cluster) == ["one"]
    assert deployed.load(cluster, "two") is None


def test_the_size_of_the_cluster_makes_no_other_version_of_a_lab(planned: Planned, made_lab: Made) -> None:
    cluster = planned()
    lab = made_lab("one", "web@1.service")
    lab = replace(lab, units=tuple(replace(unit, per_node=True) for unit in lab.units))
    deployed.record(cluster, lab.on(4))
    assert deployed.difference(cluster, lab) == ""
    record = deployed.load(cluster, "one")
    assert record is not None
    assert "web@4.service" in record.units
    assert deployed.left_out(cluster, lab.on(3)) == ("web@4.service",)


def test_instances_that_were_set_make_no_other_version_of_a_lab(planned: Planned, made_lab: Made) -> None:
    """And one that is not started has no place on record: fleet never held its template."""
    cluster = planned()
    lab = made_lab("one", "web.service", "more@2.service")
    lab = replace(lab, units=(lab.units[0], replace(lab.units[1], counted=Counted(2, "count"))))
    none = replace(lab, units=(lab.units[0], replace(lab.units[1], instances=())))
    deployed.record(cluster, lab)
    assert deployed.difference(cluster, none) == ""
    assert deployed.left_out(cluster, none) == ("more@2.service", "more@.service")
    deployed.record(cluster, none)
    record = deployed.load(cluster, "one")
    assert record is not None
    assert record.units == ("web.service",)


def test_what_was_set_stays_on_record_until_the_lab_is_deployed_otherwise(planned: Planned, made_lab: Made) -> None:
    cluster, lab = planned(), made_lab("one", "web.service")

    def settings() -> dict[str, str]:
        record = deployed.load(cluster, "one")
        assert record is not None
        return record.settings

    deployed.begin(cluster, lab, {"rate": "4"})
    assert settings() == {"rate": "4"}, "also while it is being deployed"
    deployed.without_left_out(cluster, lab)
    deployed.record(cluster, lab)
    assert settings() == {"rate": "4"}
    deployed.begin(cluster, lab, {})
    deployed.record(cluster, lab)
    assert settings() == {}
