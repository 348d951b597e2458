"""Which labs are refused before anything of a cluster is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.deploy.refusals import refuse_conflicts
from coreos_lab.errors import UsageError
from coreos_lab.model import Cluster, Lab, LabUnit
from coreos_lab.records import deployed

Planned = Callable[..., Cluster]
Made = Callable[..., Lab]


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
    with pytest.raises(UsageError, match=r"second: its unit web@\.service, web@1\.service is held by first") as refused:
        refuse_conflicts(cluster, made_lab("second", "web@1.service"))
    assert refused.value.hint == "lab undeploy first"


@pytest.mark.parametrize(
    ("held", "wanted", "message"),
    [
        ({"keys": ("/services",)}, {"keys": ("/services/www",)}, "its etcd key /services/www is held by first"),
        ({"keys": ("/services/www",)}, {"keys": ("/services",)}, "its etcd key /services is held by first"),
        ({"keys": ("/services/www",)}, {"keys": ("/services/www2",)}, ""),
        ({"folders": ("/srv/data",)}, {"folders": ("/srv/data",)}, "its folder /srv/data is held by first"),
        ({"containers": {"web": Path("/a")}}, {"containers": {"web": Path("/b")}}, "its container image web is held"),
        ({"containers": {"web": Path("/a")}}, {"containers": {"web": Path("/a")}}, ""),
    ],
)
def test_what_two_labs_claim_is_refused_naming_both(
    planned: Planned, made_lab: Made, held: dict[str, object], wanted: dict[str, object], message: str
) -> None:
    cluster = planned()
    deployed.record(cluster, replace(made_lab("first", "a.service"), **held))  # type: ignore[arg-type]
    second = replace(made_lab("second", "b.service"), **wanted)  # type: ignore[arg-type]
    if not message:
        refuse_conflicts(cluster, second)
        return
    with pytest.raises(UsageError, match=f"second: {message}"):
        refuse_conflicts(cluster, second)


def test_containers_of_one_name_in_two_labs_are_refused(planned: Planned, tmp_path: Path) -> None:
    """The second lab's `docker rm` would remove the first's."""

    def lab(name: str, unit: str, container: str) -> Lab:
        path = tmp_path / unit
        path.write_text(f"[Service]\nExecStart=/usr/bin/docker run --rm --name {container} nginx\n")
        instances = ("1",) if "@." in unit else ()
        return Lab(name, name, name, tmp_path / name, (LabUnit(unit, path, instances),), {})

    cluster = planned()
    deployed.record(cluster, lab("first", "a@.service", "web-%i"))
    refuse_conflicts(cluster, lab("second", "b.service", "web-2"))
    with pytest.raises(UsageError, match="third: its container web-1 is held by first"):
        refuse_conflicts(cluster, lab("third", "c.service", "web-1"))


def test_instances_of_one_template_in_two_labs_are_refused(planned: Planned, made_lab: Made) -> None:
    """fleet keeps one template of a name, so the second lab's would replace the first's."""
    cluster = planned()
    deployed.record(cluster, made_lab("first", "web@1.service"))
    with pytest.raises(UsageError, match=r"second: its unit web@\.service is held by first"):
        refuse_conflicts(cluster, made_lab("second", "web@2.service"))


def test_two_labs_of_one_name_in_two_folders(planned: Planned, made_lab: Made, tmp_path: Path) -> None:
    cluster = planned()
    first = replace(made_lab("mine", "a.service"), folder=tmp_path / "here" / "mine")
    first.folder.mkdir(parents=True)
    deployed.record(cluster, first)
    moved = replace(first, folder=tmp_path / "there" / "mine")
    with pytest.raises(UsageError, match=f"mine: its name is held by the lab in {first.folder}"):
        refuse_conflicts(cluster, moved)
    first.folder.rmdir()
    refuse_conflicts(cluster, moved)


def test_a_lab_may_be_deployed_again(planned: Planned, made_lab: Made) -> None:
    cluster = planned()
    lab = made_lab("first", "web@1.service", ports=(80,))
    deployed.record(cluster, lab)
    refuse_conflicts(cluster, lab)
