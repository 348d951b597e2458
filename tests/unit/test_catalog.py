from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab import catalog, settings
from coreos_lab.errors import UsageError
from coreos_lab.model import Lab, LabProbe

LAB = """\
title: A web server
summary: What one learns.
nodes: 3
ports: [80]
containers:
  web: containers/web
units:
  - file: units/web@.service
    instances: [1, two]
  - file: units/web-sidekick@.service
    instances: [1, two]
  - units/watch.service
keys: [/services/web]
probes:
  front: {unit: web@1.service, port: 80, expect: hello}
objectives:
  front: {down-at-most: 1m30s}
break: unit:web@1.service
"""
WEB = "[Service]\nExecStart=/usr/bin/docker run -p 80:80 web\n[X-Fleet]\nConflicts=web@*.service\n"
SIDEKICK = "[Unit]\nBindsTo=web@%i.service\n[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=web@%i.service\n"


class Folder:
    """A lab of our own in a temporary folder, complete and right, to be spoilt."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("lab.yaml", LAB)
        self.write("units/web@.service", WEB)
        self.write("units/web-sidekick@.service", SIDEKICK)
        self.write("units/watch.service", "[Service]\nExecStart=/bin/true\n")
        self.write("containers/web/Dockerfile", "FROM debian\n")

    def write(self, name: str, text: str) -> None:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        text = (self.path / name).read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def load(self) -> Lab:
        return catalog.load(str(self.path))

    def refused(self) -> UsageError:
        with pytest.raises(UsageError) as caught:
            self.load()
        return caught.value


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path / "mylab")


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


YAML_MISTAKES = [
    ("nodes: 3", "nods: 3", 3, "nods: no such key", "did you mean nodes?"),
    ("nodes: 3", "nodes: three", 3, "nodes: must be a whole number, not 'three'", "from 1 to 99"),
    ("nodes: 3", "nodes: 0", 3, "nodes: 0 will not do", "from 1 to 99"),
    ("title: A web server\n", "", 1, "title: missing", "one line that names"),
    ("title: A web server", "tilte: A web server", 1, "tilte: no such key", "did you mean title?"),
    ("title: A web server", "title: ''", 1, "title: is empty", "one line that names"),
    ("ports: [80]", "ports: [80, 80]", 4, "ports: 80 is there twice", "name it once"),
    ("ports: [80]", "ports: [80, 70000]", 4, "ports: 70000 will not do", "from 1 to 65535"),
    ("ports: [80]", "ports: 80", 4, "ports: must be a list, not 80", "such as [80, 3000]"),
    ("  web: containers/web", "  Web: containers/web", 6, "Web: not a name to use here", "lower case"),
    ("  web: containers/web", "  web: containers/wbe", 6, "containers/wbe: no such folder", "beside lab.yaml"),
    ("  web: containers/web", "  web: units", 6, "units: no Dockerfile in it", "how the container image is built"),
    (
        "units/web@.service",
        "units/wbe@.service",
        8,
        "units/wbe@.service: no such file",
        "did you mean units/web@.service?",
    ),
    (
        "    instances: [1, two]\n  - units",
        "    instanses: [1, two]\n  - units",
        11,
        "instanses: no such key in units",
        "instances",
    ),
    (
        "    instances: [1, two]\n  - units",
        "  - units",
        10,
        "web-sidekick@.service: a template without instances",
        "[1]",
    ),
    (
        "  - units/watch.service",
        "  - {file: units/watch.service, instances: [1]}",
        12,
        "watch.service: has instances but",
        "@",
    ),
    (
        "  - units/watch.service",
        "  - units/watch.service\n  - units/watch.service",
        13,
        "watch.service: is there twice",
        "once",
    ),
    (
        "  - units/watch.service",
        "  - 7",
        12,
        "units: must be a text or a mapping (name: value), not 7",
        "unit file's path",
    ),
    (
        "keys: [/services/web]",
        "keys: [/coreos.com/x]",
        13,
        "keys: '/coreos.com/x' will not do",
        "such as /services/www",
    ),
    ("keys: [/services/web]", "keys: [/]", 13, "keys: '/' will not do", "such as /services/www"),
    (
        "unit: web@1.service, port",
        "unit: web@9.service, port",
        15,
        "web@9.service: the lab starts no such unit",
        "web@1.service",
    ),
    ("port: 80, expect", "port: 81, expect", 15, "81: not one of the lab's ports", "add it to ports:"),
    ("  front: {down", "  fornt: {down", 17, "fornt: no such probe", "did you mean front?"),
    ("  front: {unit", "  etcd: {unit", 15, "etcd: is measured in any case", "another name"),
    ("1m30s", "soon", 17, "down-at-most: 'soon' is no duration", "30s"),
    (
        "break: unit:web@1",
        "break: unit:wbe@1",
        18,
        "break: wbe@1.service: the lab starts no such unit",
        "web@1.service",
    ),
    ("break: unit:web@1.service", "break: web", 18, "break: 'web' will not do", "such as core-02, or unit:NAME"),
    ("nodes: 3", "nodes: 3\nnodes: 4", 4, "found duplicate key", "YAML"),
    ("ports: [80]", "ports: [80", 5, "expected ',' or ']'", "YAML"),
]


@pytest.mark.parametrize(("old", "new", "line", "message", "remedy"), YAML_MISTAKES)
def test_a_mistake_in_lab_yaml_names_line_key_and_remedy(
    folder: Folder, old: str, new: str, line: int, message: str, remedy: str
) -> None:
    folder.change("lab.yaml", old, new)
    error = folder.refused()
    assert error.message.startswith(f"mylab/lab.yaml:{line}: ")
    assert message in error.message
    assert remedy in error.hint


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "message", "remedy"),
    [
        ("web@.service", "Conflicts", "Conflict", 4, "Conflict: fleet has no such option", "did you mean Conflicts?"),
        (
            "web@.service",
            "[X-Fleet]\nConflicts=web@*.service\n",
            "",
            2,
            "web@two.service and web@1.service would both take",
            "Conflicts=",
        ),
        (
            "web@.service",
            "-p 80:80",
            "-p 81:80",
            2,
            "publishes port 81, which lab.yaml does not name",
            "add 81 to ports:",
        ),
        (
            "web-sidekick@.service",
            "MachineOf=web@%i",
            "MachineOf=wbe@%i",
            6,
            "MachineOf=wbe@1.service: the lab starts no such",
            "web@1",
        ),
        (
            "web-sidekick@.service",
            "MachineOf=web@%i.service",
            "",
            2,
            "BindsTo=web@1.service: fleet may put the two",
            "add MachineOf=",
        ),
        ("watch.service", "[Service]", "[Sevice]", 1, "[Sevice]: no such section", "did you mean Service?"),
    ],
)
def test_a_mistake_in_a_unit_names_its_line(
    folder: Folder, file: str, old: str, new: str, line: int, message: str, remedy: str
) -> None:
    folder.change(f"units/{file}", old, new)
    error = folder.refused()
    assert error.message.startswith(f"mylab/units/{file}:{line}: ")
    assert message in error.message
    assert remedy in error.hint


def test_a_sidekick_that_is_listed_before_its_unit(folder: Folder) -> None:
    folder.change("lab.yaml", "units/web@.service", "units/SWAP")
    folder.change("lab.yaml", "units/web-sidekick@.service", "units/web@.service")
    folder.change("lab.yaml", "units/SWAP", "units/web-sidekick@.service")
    assert "MachineOf=web@1.service: that unit is started after web-sidekick@1.service" in folder.refused().message


def test_all_mistakes_are_told_at_once(folder: Folder) -> None:
    folder.change("lab.yaml", "nodes: 3", "nods: 3")
    folder.change("lab.yaml", "break:", "brake:")
    error = folder.refused()
    assert "lab.yaml:3" in error.message
    assert error.details == "mylab/lab.yaml:18: brake: no such key (did you mean break?)"


def test_an_empty_file(folder: Folder) -> None:
    folder.write("lab.yaml", "")
    assert folder.refused().message == "mylab/lab.yaml:1: lab.yaml: must be a mapping (name: value), not nothing"


def test_a_file_that_is_no_text(folder: Folder) -> None:
    (folder.path / "lab.yaml").write_bytes(b"\xff\xfe\x00")
    assert "not YAML" in folder.refused().message


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UsageError) as caught:
        catalog.load("ch33")
    assert caught.value.message.startswith("ch33: no such lab (there is: ch1, ch2, ch3")
    assert caught.value.hint.startswith("did you mean ch3? ")


def test_a_folder_must_be_named_as_a_path(folder: Folder) -> None:
    del folder
    with pytest.raises(UsageError) as caught:
        catalog.load("mylab")
    assert caught.value.hint == "say ./mylab for the folder"


def test_a_path_without_a_lab(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no lab\.yaml in it"):
        catalog.load(str(tmp_path))
    with pytest.raises(UsageError, match="no such folder"):
        catalog.load(str(tmp_path / "nothing"))


def test_a_lab_of_ones_own_may_not_bear_the_name_of_one_that_comes_with_lab(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a lab of that name comes with lab"):
        Folder(tmp_path / "ch3").load()


def test_a_folder_whose_name_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="called after its folder"):
        Folder(tmp_path / "My Lab").load()


@pytest.mark.parametrize("name", catalog.names())
def test_the_labs_that_come_with_it_are_right(name: str) -> None:
    lab = catalog.load(name)
    assert lab.name == name
    assert lab.target.startswith(("unit:", "core-"))
    assert set(lab.objectives) == {*(probe.name for probe in lab.probes), "etcd"}
    assert any((lab.folder / "checks").glob("test_*.py"))
    assert (lab.folder / "page.md").is_file()


def test_a_chapter_stands_for_its_parts() -> None:
    assert catalog.parts("ch4") == ["ch4-ceph", "ch4-flannel"]
    assert catalog.parts("ch4-ceph") == ["ch4-ceph"]
    assert catalog.parts("ch3") == ["ch3"]
    assert catalog.parts("ch44") == ["ch44"]
    assert catalog.parts("./mylab") == ["./mylab"]


def test_names_are_in_the_order_of_chapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ch10", "ch2", "ch1", "shared"):
        (tmp_path / name).mkdir()
    for name in ("ch10", "ch2", "ch1"):
        (tmp_path / name / "lab.yaml").touch()
    monkeypatch.setattr(settings, "data", lambda _name: tmp_path)
    assert catalog.names() == ["ch1", "ch2", "ch10"]


def test_a_setting_that_no_unit_has(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "mine")
    folder.write("lab.yaml", LAB + "settings:\n  window: how long\n")
    with pytest.raises(UsageError, match=r"lab\.yaml:20: window: no unit has WINDOW in an Environment= line"):
        catalog.load(str(folder.path))
    folder.write("units/watch.service", "[Service]\nEnvironment=WINDOW=5s\nExecStart=/bin/true\n")
    assert catalog.load(str(folder.path)).settings == {"window": "how long"}
    assert "| `window` | 5s | how long |" in catalog.page(catalog.load(str(folder.path)))
