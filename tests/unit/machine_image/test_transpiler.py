"""The config transpiler is built from its pinned module, and is no part of what nodes have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run, settings
from coreos_lab.machine_image import host_programs, userland
from coreos_lab.machine_image.transpiler import CT, ensure_transpiler, transpiler_folder


def test_it_is_pinned_by_the_module_that_it_is_built_from() -> None:
    module = settings.data("userland") / CT.folder / "go.mod"
    assert f"github.com/coreos/container-linux-config-transpiler v{CT.version}\n" in module.read_text()
    assert CT.folder not in {program.folder for program in userland.PROGRAMS}


def test_nodes_do_not_change_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "userland"
    for folder in ("etcd", "ct"):
        (root / folder).mkdir(parents=True)
        (root / folder / "go.mod").write_text("module x\n")
    monkeypatch.setattr(settings, "data", lambda _name: root)
    nodes, before = userland.userland_hash(), transpiler_folder()
    (root / "ct" / "main.go").write_text("package main\n")
    assert userland.userland_hash() == nodes
    assert transpiler_folder() != before
    before = transpiler_folder()
    (root / "etcd" / "go.mod").write_text("module y\n")
    assert transpiler_folder() == before


def test_it_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def stream(argv: Sequence[str], **options: Any) -> run.Completed:
        assert options["cwd"] == settings.data("userland") / "ct"
        output = Path(argv[argv.index("-o") + 1])
        output.write_text("ct")
        built.append(output)
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(run, "stream", stream)
    monkeypatch.setattr(host_programs, "find_go", lambda: Path("/go"))
    assert ensure_transpiler() == ensure_transpiler()
    assert ensure_transpiler().read_text() == "ct"
    assert len(built) == 1
    assert [path.name for path in transpiler_folder().iterdir()] == ["ct"]
