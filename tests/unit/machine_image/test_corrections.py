"""Mistakes in pinned modules are put right, and what is no longer there is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run
from coreos_lab.errors import LabError
from coreos_lab.machine_image.corrections import Correction, correct

WATCH = Correction("example.org/net", "subnet/watch.go", "a && !b", "!a && b")


@pytest.fixture
def module(tmp_path: Path) -> Path:
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "go.mod").write_text("module net\n", encoding="utf-8")
    return folder


def corrected(module: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file after the correction, when the module's own has this text."""
    copy = module.parent / "copy"
    file = copy / "vendor/example.org/net/subnet/watch.go"

    def vendor(argv: Sequence[str], **options: Any) -> run.Completed:
        assert argv[-2:] == ["mod", "vendor"]
        assert (options["cwd"], options["outside"]) == (copy, True)
        assert (copy / "go.mod").is_file()
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        return run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(run, "stream", vendor)
    correct((WATCH,), Path("go"), module, copy, log_file=module.parent / "log", env={})
    return file.read_text(encoding="utf-8")


def test_a_copy_is_corrected(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert corrected(module, "if a && !b {}\n", monkeypatch) == "if !a && b {}\n"
    assert [path.name for path in module.iterdir()] == ["go.mod"], "the sources stay as they are"


@pytest.mark.parametrize("text", ["if a {}\n", "if a && !b {}\nif a && !b {}\n"])
def test_another_version_of_the_module_is_named(module: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LabError, match=r"^example\.org/net: subnet/watch\.go: .* once: a && !b$"):
        corrected(module, text, monkeypatch)
