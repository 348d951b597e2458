"""Mistakes in lab.yaml: each names file, line, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.definition import catalog
from coreos_lab.errors import UsageError
from tests.unit.definition.mylab import Folder

YAML_MISTAKES = [
    ("nodes: 3", "nods: 3", 3, "nods: no such key", "did you mean nodes?"),
    ("nodes: 3", "nodes: three", 3, "nodes: must be a whole number, not 'three'", "from 1 to 99"),
    ("nodes: 3", "nodes: 0", 3, "nodes: 0 is not valid", "from 1 to 99"),
    ("title: A web server\n", "", 1, "title: missing", "one line that names"),
    ("title: A web server", "tilte: A web server", 1, "tilte: no such key", "did you mean title?"),
    ("title: A web server", "title: ''", 1, "title: is empty", "one line that names"),
    ("ports: [80]", "ports: [80, 80]", 4, "ports: 80 is listed twice", "list it once"),
    ("ports: [80]", "ports: [80, 70000]", 4, "ports: 70000 is not valid", "from 1 to 65535"),
    ("ports: [80]", "ports: 80", 4, "ports: must be a list, not 80", "such as [80, 3000]"),
    ("  web: containers/web", "  Web: containers/web", 6, "Web: not a valid name here", "lower case"),
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
        "    instances: node\n  - units",
        11,
        "instances: 'node' is not valid",
        "a list of instances, or nodes for one on each node",
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
        "watch.service: is listed twice",
        "once",
    ),
    (
        "  - units/watch.service",
        "  - 7",
        12,
        "units: must be text or a mapping (name: value), not 7",
        "unit file's path",
    ),
    (
        "keys: [/services/web]",
        "keys: [/coreos.com/network]",
        13,
        "keys: '/coreos.com/network' is not valid",
        "such as /services/www",
    ),
    ("keys: [/services/web]", "keys: [/]", 13, "keys: '/' is not valid", "such as /services/www"),
    (
        "unit: web@1.service, port",
        "unit: web@9.service, port",
        15,
        "web@9.service: the lab starts no such unit",
        "web@1.service",
    ),
    ("port: 80, expect", "port: 81, expect", 15, "81: not one of the lab's ports", "add it to ports:"),
    ("  front: {down", "  fornt: {down", 17, "fornt: no such probe", "did you mean front?"),
    ("  front: {unit", "  etcd: {unit", 15, "etcd: this probe is built in", "another name"),
    ("1m30s", "soon", 17, "down-at-most: 'soon' is not a duration", "30s"),
    (
        "break: unit:web@1",
        "break: unit:wbe@1",
        18,
        "break: wbe@1.service: the lab starts no such unit",
        "web@1.service",
    ),
    ("break: unit:web@1.service", "break: web", 18, "break: 'web' is not valid", "such as core-02, or unit:NAME"),
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


def test_all_mistakes_are_told_at_once(folder: Folder) -> None:
    folder.change("lab.yaml", "nodes: 3", "nods: 3")
    folder.change("lab.yaml", "break:", "brake:")
    error = folder.refused()
    assert "lab.yaml:3" in error.message
    assert error.details == "mylab/lab.yaml:18: brake: no such key (did you mean break?)"


def test_an_empty_file(folder: Folder) -> None:
    folder.write("lab.yaml", "")
    assert folder.refused().message == "mylab/lab.yaml:1: lab.yaml: must be a mapping (name: value), not empty"


def test_a_file_that_is_no_text(folder: Folder) -> None:
    (folder.path / "lab.yaml").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in folder.refused().message


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (b"title: T\nsummary: !!x S\n", "lab.yaml:2: summary: neither text nor a number, a list or a mapping"),
        (b"title: 2026-01-01\nsummary: S\n", "lab.yaml:1: title: neither text nor a number, a list or a mapping"),
        (b"title: T\n1: S\n", "lab.yaml:2: 1: a key that is not text"),
        (b"title: T\nsummary: caf\xe9\n", "lab.yaml:2: not UTF-8"),
        (b"title: 2026-99-99\n", "lab.yaml:1: not YAML: month must be in 1..12"),
        (b"[" * 500, "lab.yaml:1: not YAML: maximum recursion depth exceeded"),
    ],
)
def test_yaml_that_no_schema_knows_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bytes, message: str
) -> None:
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "lab.yaml").write_bytes(written)
    monkeypatch.chdir(tmp_path / "trial")
    with pytest.raises(UsageError) as refused:
        catalog.load("../trial")
    assert refused.value.message.startswith(message)
