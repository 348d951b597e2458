"""Which labs are on a cluster, and which can come to them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import deploy, deployed, run
from coreos_lab.clients.fleet import UnitState
from coreos_lab.deploy import LASTING, Lasting, groups, refuse_conflicts
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Lab
from coreos_lab.store import ClusterFolder

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


def test_units_are_stopped_in_groups() -> None:
    units = ["a@1.service", "a@2.service", "b.service", "a-sidekick@1.service", "a@.service", "a-sidekick@.service"]
    assert groups(units) == [["a@1.service", "a@2.service"], ["b.service"], ["a-sidekick@1.service"]]


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


def test_a_cluster_that_is_too_small_is_told_how_to_grow(planned: Planned, made_lab: Made) -> None:
    with pytest.raises(UsageError, match="big: needs 5 nodes, cluster core has 3") as refused:
        refuse_conflicts(planned(), made_lab("big", "a.service", nodes=5))
    assert refused.value.hint == "lab up --nodes 5"
    refuse_conflicts(planned(nodes=5), made_lab("big", "a.service", nodes=5))


def test_disks_that_are_missing(planned: Planned, made_lab: Made) -> None:
    with pytest.raises(UsageError, match="raid: needs 2 extra disks a node, core has 1") as refused:
        refuse_conflicts(planned(disks=1), made_lab("raid", "a.service", disks=2))
    assert "lab up --disks 2" in refused.value.hint
    refuse_conflicts(planned(disks=2), made_lab("raid", "a.service", disks=2))


def test_a_port_is_held_by_one_lab(planned: Planned, made_lab: Made) -> None:
    cluster = planned()
    deployed.record(cluster, made_lab("first", "a.service", ports=(80, 443, 3000)))
    with pytest.raises(UsageError, match="second: its port 80, 3000 is held by first") as refused:
        refuse_conflicts(cluster, made_lab("second", "b.service", ports=(3000, 80, 8080)))
    assert refused.value.hint == "lab undeploy first"
    refuse_conflicts(cluster, made_lab("second", "b.service", ports=(8080,)))
    deployed.forget(cluster, "first")
    refuse_conflicts(cluster, made_lab("second", "b.service", ports=(80,)))


def test_a_unit_belongs_to_one_lab(planned: Planned, made_lab: Made) -> None:
    cluster = planned()
    deployed.record(cluster, made_lab("first", "web@1.service"))
    with pytest.raises(UsageError, match=r"second: its unit web@1\.service is there already, from first") as refused:
        refuse_conflicts(cluster, made_lab("second", "web@1.service"))
    assert refused.value.hint == "lab undeploy first"


def test_a_lab_may_be_deployed_again(planned: Planned, made_lab: Made) -> None:
    cluster = planned()
    lab = made_lab("first", "web@1.service", ports=(80,))
    deployed.record(cluster, lab)
    refuse_conflicts(cluster, lab)


def submitted_to(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> list[str]:
    """Where units were handed in when the fleetd of some addresses refuses with these words."""
    asked: list[str] = []

    def fleetctl(argv: list[object], **_options: object) -> run.Completed:
        endpoint = str(argv[1])
        asked.append(endpoint.removeprefix("--endpoint=http://").partition(":")[0])
        trouble = answers.get(asked[-1])
        if trouble:
            raise run.CommandError(run.Completed(("fleetctl",), 1, "", trouble))
        return run.Completed(("fleetctl",), 0, "", "")

    monkeypatch.setattr(deploy, "ensure_userland", lambda: Path("userland"))
    monkeypatch.setattr(run, "run", fleetctl)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    return asked


AWAY = "Error creating units: googleapi: Error 503: fleet server unable to communicate with etcd"


def test_units_go_to_the_next_fleetd_when_one_is_away(monkeypatch: pytest.MonkeyPatch, planned: Planned) -> None:
    asked = submitted_to(monkeypatch, {"172.17.8.101": AWAY})
    deploy._submit(planned().nodes, ["start", "web.service"])
    assert asked == ["172.17.8.101", "172.17.8.102"]


def test_what_fleet_refuses_for_good_is_not_asked_again(monkeypatch: pytest.MonkeyPatch, planned: Planned) -> None:
    asked = submitted_to(monkeypatch, {"172.17.8.101": "googleapi: Error 409: conflicts with an existing unit"})
    with pytest.raises(run.CommandError):
        deploy._submit(planned().nodes, ["start", "web.service"])
    assert asked == ["172.17.8.101"]


def test_no_fleetd_at_all_is_told_as_it_said_it(monkeypatch: pytest.MonkeyPatch, planned: Planned) -> None:
    asked = submitted_to(monkeypatch, {node.address: AWAY for node in planned().nodes})
    monkeypatch.setattr(deploy, "SUBMIT_DEADLINE", 0.0)
    with pytest.raises(run.CommandError) as refused:
        deploy._submit(planned().nodes, ["start", "web.service"])
    assert "unable to communicate with etcd" in refused.value.details
    assert asked == ["172.17.8.101"]


def told(name: str, active: str, machine: str = "m1") -> UnitState:
    return UnitState(name=name, machine_id=machine, load="loaded", active=active, sub="")


def test_a_failure_that_passes_is_none() -> None:
    failures = Lasting("failed")
    assert failures.first([told("web@1.service", "failed")], 10.0) is None
    assert failures.first([told("web@1.service", "activating")], 11.0) is None
    assert failures.first([told("web@1.service", "failed")], 12.0) is None, "the time begins anew"
    assert failures.first([told("web@1.service", "failed", "m2")], 12.0 + LASTING) is None, "on another machine too"


def test_a_failure_that_lasts_is_told() -> None:
    failures = Lasting("failed")
    states = [told("a.service", "active"), told("b.service", "failed")]
    assert failures.first(states, 10.0) is None
    found = failures.first(states, 10.0 + LASTING)
    assert found is not None
    assert found.name == "b.service"


def test_a_unit_that_nobody_starts_is_told_from_one_that_is_about_to_be() -> None:
    idle = Lasting("inactive")
    assert idle.first([told("a.service", "inactive"), told("b.service", "failed")], 10.0) is None
    assert idle.first([told("a.service", "activating")], 10.0 + LASTING) is None
    assert idle.first([told("a.service", "inactive")], 12.0 + LASTING) is None
    found = idle.first([told("a.service", "inactive")], 12.0 + 2 * LASTING)
    assert found is not None
    assert found.name == "a.service"
