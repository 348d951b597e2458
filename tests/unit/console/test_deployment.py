"""The deployed labs as the page shows them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import settings
from coreos_lab.console import drawn
from coreos_lab.console.deployment import Deployment
from coreos_lab.definition import catalog
from coreos_lab.definition.page import parse
from coreos_lab.definition.page.steps import PAGE
from coreos_lab.model import Cluster
from coreos_lab.records import deployed, store, walks
from coreos_lab.records.walks import Progress


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    made = planned()
    store.save(made)
    return made


def test_a_lab_has_its_map_its_objectives_and_the_steps_of_its_page(cluster: Cluster) -> None:
    deployed.record(cluster, catalog.load("ch3").on(3))
    made = Deployment()
    made.read(cluster)
    shown = made.shown["ch3"]
    assert shown["title"] == "Expecting failure"
    assert shown["walk"] == "lab walk ch3"
    assert "ch3/front" in shown["objectives"]
    assert len(shown["steps"]) > 5
    assert "step" not in shown, "no walk has begun"
    assert [lab.name for lab in made.labs] == ["ch3"]
    steps = parse.read(catalog.load("ch3").folder / PAGE).steps
    typed = [[command.text for block in step.blocks for command in block.commands] for step in steps]
    stop = typed.index(["lab fleetctl stop helloworld@3.service"]) + 1
    walks.record("core", "ch3", Progress(stop, "cd /tmp"))
    made.read(cluster)
    assert made.shown["ch3"]["step"] == stop
    assert made.shown["ch3"]["now"]["commands"] == ["lab fleetctl stop helloworld@3.service"]
    assert "<h2>A small change first</h2>" in made.shown["ch3"]["now"]["text"]
    walks.record("core", "ch3", Progress(stop + 2, ""))
    made.read(cluster)
    assert made.shown["ch3"]["now"]["task"] == "bring the third server back"
    walks.record("core", "ch3", Progress(999, ""))
    made.read(cluster)
    assert "now" not in made.shown["ch3"], "an older version of the page had more steps"


def test_labs_are_read_again_only_when_what_is_deployed_has_changed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    laid: list[str] = []
    monkeypatch.setattr(drawn, "layout", lambda lab: laid.append(lab.name))
    made = Deployment()
    made.read(cluster)
    assert (made.shown, laid) == ({}, [])
    deployed.record(cluster, catalog.load("ch3").on(3))
    for _look in range(3):
        made.read(cluster)
    assert laid == ["ch3"]
    deployed.record(cluster, catalog.load("ch2").on(3))
    made.read(cluster)
    assert sorted(made.shown) == ["ch2", "ch3"]
    deployed.forget(cluster, "ch3")
    made.read(cluster)
    assert sorted(made.shown) == ["ch2"]


@pytest.mark.parametrize("damage", ["folder", "unit"])
def test_a_lab_whose_folder_is_damaged_is_said_and_hides_no_other(
    cluster: Cluster, tmp_path: Path, damage: str
) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(settings.data("labs") / "ch2", folder)
    shutil.copytree(settings.data("labs") / "shared", tmp_path / "shared")
    lab = catalog.load(str(folder)).on(3)
    deployed.record(cluster, lab)
    deployed.record(cluster, catalog.load("ch3").on(3))
    shutil.rmtree(folder) if damage == "folder" else lab.units[0].path.unlink()
    made = Deployment()
    made.read(cluster)
    assert made.shown[lab.name]["trouble"]
    assert [each.name for each in made.labs] == ["ch3"]


def test_another_version_s_record_of_a_walk_is_no_trouble(cluster: Cluster) -> None:
    deployed.record(cluster, catalog.load("ch3").on(3))
    walks.record("core", "ch3", Progress(4, ""))
    path = store.ClusterFolder("core").walks / "ch3.json"
    path.write_text(path.read_text().replace('"version": 1', '"version": 99'))
    made = Deployment()
    made.read(cluster)
    assert "step" not in made.shown["ch3"]
