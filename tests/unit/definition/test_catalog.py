"""Labs are found by name and by path, and read."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from coreos_lab import cli, settings
from coreos_lab.definition import catalog
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import LabProbe
from coreos_lab.records import claims, deployed
from tests.unit.definition.mylab import LAB, Folder


def test_a_lab_of_ones_own(folder: Folder) -> None:
    lab = folder.load()
    assert (lab.name, lab.title, lab.summary) == ("mylab", "A web server", "What one learns.")
    assert lab.unit_names == (
        "web@1.service",
        "web@two.service",
        "web-sidekick@1.service",
        "web-sidekick@two.service",
        "watch.service",
    )
    assert lab.containers == {"web": folder.path / "containers/web"}
    assert lab.probes == (LabProbe("front", "web@1.service", 80, "/", "hello"),)
    assert lab.objectives == {"front": 90.0}
    assert (lab.nodes, lab.disks, lab.ports, lab.keys) == (3, 0, (80,), ("/services/web",))
    assert lab.target == "unit:web@1.service"


def test_a_template_may_have_an_instance_for_each_node(folder: Folder) -> None:
    folder.write("lab.yaml", LAB.replace("instances: [1, two]", "instances: nodes"))
    lab = folder.load()
    assert lab.unit_names[:3] == ("web@1.service", "web@2.service", "web@3.service"), (
        "as many as the lab needs at least"
    )
    assert lab.on(2).unit_names == lab.unit_names
    assert set(lab.on(4).unit_names) - set(lab.unit_names) == {"web@4.service", "web-sidekick@4.service"}


@pytest.mark.parametrize("way", ["./mylab", "mylab/", "mylab/lab.yaml"])
def test_it_is_found_by_any_path(folder: Folder, way: str) -> None:
    assert catalog.load(way).folder == folder.path


def test_only_title_summary_and_units_are_needed(folder: Folder) -> None:
    folder.write("lab.yaml", "title: t\nsummary: s\nunits: [units/watch.service]\n")
    assert folder.load().unit_names == ("watch.service",)


def test_the_page_is_the_labs_own_or_else_what_is_known(folder: Folder) -> None:
    assert catalog.page(folder.load()) == "# A web server\n\nWhat one learns.\n"
    folder.write("page.md", "# mine\n")
    assert catalog.page(folder.load()) == "# mine\n"


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError) as caught:
        catalog.load("ch33")
    assert caught.value.message.startswith("ch33: no such lab (there is: ch1, ch2, ch3")
    assert caught.value.hint.startswith("did you mean ch3? ")


def test_a_folder_must_be_named_as_a_path(folder: Folder) -> None:
    del folder
    with pytest.raises(UsageError) as caught:
        catalog.load("mylab")
    assert caught.value.hint == "write ./mylab for the folder"


def test_a_path_without_a_lab(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no lab\.yaml in it"):
        catalog.load(str(tmp_path))
    with pytest.raises(UsageError, match="no such folder"):
        catalog.load(str(tmp_path / "nothing"))


def test_a_lab_of_ones_own_may_not_bear_the_name_of_one_that_comes_with_lab(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lab has a chapter of that name"):
        Folder(tmp_path / "ch3").load()


def test_a_folder_whose_name_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="named after its folder"):
        Folder(tmp_path / "My Lab").load()


@pytest.mark.parametrize("name", catalog.names())
def test_the_labs_that_come_with_it_are_right(name: str) -> None:
    lab = catalog.load(name)
    assert lab.name == name
    assert (lab.folder / "page.md").is_file()
    if not lab.units:  # a page alone
        return
    assert lab.target.startswith(("unit:", "core-"))
    assert set(lab.objectives) == {*(probe.name for probe in lab.probes), "etcd"}
    assert any((lab.folder / "checks").glob("test_*.py"))


def test_a_chapter_stands_for_its_parts() -> None:
    assert catalog.parts("ch4") == ["ch4-ceph", "ch4-firewall", "ch4-flannel"]
    assert catalog.parts("ch4-ceph") == ["ch4-ceph"]
    assert catalog.parts("ch3") == ["ch3"]
    assert catalog.parts("ch44") == ["ch44"]
    assert catalog.parts("./mylab") == ["./mylab"]


def test_the_parts_of_a_chapter_fit_on_one_cluster() -> None:
    """`lab deploy ch4` deploys them all."""
    parts = [deployed.of(catalog.load(part)) for part in catalog.parts("ch4")]
    assert [claims.contested(one, other) for one, other in itertools.combinations(parts, 2)] == ["", "", ""]


def test_names_are_in_the_order_of_chapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ch10", "ch2", "ch1", "shared"):
        (tmp_path / name).mkdir()
    for name in ("ch10", "ch2", "ch1"):
        (tmp_path / name / "lab.yaml").touch()
    monkeypatch.setattr(settings, "data", lambda _name: tmp_path)
    assert catalog.names() == ["ch1", "ch2", "ch10"]


def test_a_path_that_cannot_be_is_no_bug_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="~nosuch/x: "):
        catalog.load("~nosuch/x")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(LabError, match=r"\./x: the current folder no longer exists"):
        catalog.load("./x")


@pytest.mark.parametrize("verb", ["deploy", "checklist", "graph"])
def test_a_lab_of_a_page_alone_has_nothing_to_deploy(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.called([verb, "ch8"]) == 2
    assert capsys.readouterr().err == "lab: ch8: has no units, but a page\n     go through it: lab walk ch8\n"
