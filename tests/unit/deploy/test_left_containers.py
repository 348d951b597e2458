"""Containers that outlive their units: whose they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import events, run
from coreos_lab.deploy.containers import Found, Made, left, made_by, remove, report_kept
from coreos_lab.errors import LabError
from coreos_lab.model import Cluster
from coreos_lab.records.deployed import Deployed


def test_names_and_images_are_read_from_the_units(tmp_path: Path) -> None:
    (tmp_path / "web@.service").write_text("[Service]\nExecStart=/usr/bin/docker run -d --name web-%i nginx\n")
    (tmp_path / "one.service").write_text(
        "[Service]\nExecStart=/usr/bin/docker run --name=one-${HOST} nginx\n"
        "ExecStop=/usr/bin/docker run -d busybox true\nExecStop=/usr/bin/docker run ${IMAGE}\n"
    )
    record = Deployed(
        "mine", "", ("web@1.service", "web@2.service", "one.service", "gone.service", "web@.service"), (), ()
    )
    assert made_by(record, tmp_path) == Made(("web-1", "web-2", "one-*"), frozenset({"busybox"}))


def test_volumes_and_networks_that_stay_are_reported(
    tmp_path: Path, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "db@.service").write_text(
        "[Service]\nExecStartPre=-/usr/bin/docker network create --subnet 10.9.0.0/24 back\n"
        "ExecStartPre=-/usr/bin/docker volume create --driver local spare\n"
        "ExecStart=/usr/bin/docker run --name db -v data-%i:/data -v /srv:/srv -v /cache -v ${DIR}/x:/x"
        " --mount source=${NODE}-log,target=/log --mount type=bind,src=/a,dst=/b db\n"
    )
    made = made_by(Deployed("mine", "", ("db@1.service",), (), ()), tmp_path)
    volumes = ["spare", "data-1", "*-log"]
    assert made.kept == (*(("volume", name) for name in volumes), ("network", "back"))
    there = "volume data-1\nvolume data-2\nvolume x-log\nnetwork back\nnetwork host\nnetwork spare\n"
    monkeypatch.setattr(run, "run", lambda argv, **_options: run.Completed(tuple(argv), 0, there, ""))
    cluster = planned()
    seen: list[events.Event] = []
    with events.listening(seen.append):
        report_kept(cluster, cluster.nodes[0], made)
    assert [(event.step, event.subject) for event in seen] == [
        ("volume", "core-01: data-1"),
        ("volume", "core-01: x-log"),
        ("network", "core-01: back"),
    ]
    assert seen[0].message == "is left; to remove it: lab ssh core-01 -- docker volume rm data-1"


def test_what_may_be_another_labs_is_left() -> None:
    named, other = Found("1", "web-1", "nginx"), Found("2", "site", "nginx")
    loose, hand = Found("3", "happy_turing", "busybox:latest"), Found("4", "mine", "debian")
    found = [named, other, loose, hand]
    made = Made(("web-*",), frozenset({"busybox"}))
    assert left(found, made, []) == ([named, loose], [])
    assert left(found, made, [Made(("site",), frozenset({"busybox"}))]) == ([named], [loose])
    assert left(found, made, [Made(("happy_*",))]) == ([named], []), "it is the other lab's"
    assert left([named], made, [Made(("web-1",))]) == ([], [named]), "both give it that name, on some node"


@pytest.mark.parametrize(("code", "message"), [(1, "Cannot connect to the Docker daemon"), (255, "")])
def test_a_docker_that_does_not_answer_is_no_empty_list(
    code: int, message: str, planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "run", lambda argv, **_options: run.Completed(tuple(argv), code, "", message))
    cluster = planned()
    with pytest.raises(LabError, match="core-01: its containers could not be listed") as error:
        remove(cluster, cluster.nodes[0], Made(("web-*",)), [])
    assert error.value.details == (message or "the node does not answer")
    remove(cluster, cluster.nodes[0], Made(), [])
    with pytest.raises(LabError, match="core-01: docker's volumes and networks could not be listed"):
        report_kept(cluster, cluster.nodes[0], Made(kept=(("volume", "data"),)))
    report_kept(cluster, cluster.nodes[0], Made(("web-*",)))
