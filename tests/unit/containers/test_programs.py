"""Programs of the userland for a container image: asked for by name, hashed, and put beside the Dockerfile."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab import settings
from coreos_lab.containers import programs
from coreos_lab.errors import UsageError
from coreos_lab.machine_image import host_programs, program_sets
from coreos_lab.machine_image.userland import Program

ONE, TWO = Program("one", "f", ".", "1"), Program("two", "f", ".", "1")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Dockerfile's folder; there are two program sets that share a program."""
    monkeypatch.setattr(programs, "SETS", {"first": (ONE,), "both": (ONE, TWO)})
    folder = tmp_path / "image"
    folder.mkdir()
    return folder


def test_most_folders_ask_for_none(folder: Path) -> None:
    assert programs.named(folder) == ()
    assert programs.inputs(folder) == []
    assert programs.ensure(folder) == []


def test_sets_are_named_by_line_and_each_program_comes_once(folder: Path) -> None:
    (folder / "programs").write_text("# tools\nfirst\n\nboth # and another\n")
    assert programs.named(folder) == (ONE, TWO)


def test_an_unknown_set_is_refused_with_its_line(folder: Path) -> None:
    (folder / "programs").write_text("first\nfirts\n")
    with pytest.raises(UsageError, match=r"programs:2: firts: no such program set \(there is: first, both\)") as caught:
        programs.named(folder)
    assert caught.value.hint == "did you mean first?"


def test_the_inputs_change_with_a_programs_sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "programs").write_text("first\n")
    sources = folder.parent / "sources"
    (sources / "f").mkdir(parents=True)
    monkeypatch.setattr(settings, "data", lambda _name: sources)
    (sources / "f/main.go").write_text("package main\n")
    before = programs.inputs(folder)
    (sources / "f/main.go").write_text("package main // other\n")
    assert before[0].startswith("one=")
    assert programs.inputs(folder) != before


def test_what_was_built_is_put_beside_the_dockerfile(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "programs").write_text("both\n")

    def ensure(program: Program, place: str) -> Path:
        path = folder.parent / place / program.name
        path.parent.mkdir(exist_ok=True)
        path.write_text(program.name)
        return path

    monkeypatch.setattr(host_programs, "ensure", ensure)
    context = folder.parent / "context"
    context.mkdir()
    programs.put(programs.ensure(folder), context)
    placed = sorted((context / "userland").iterdir())
    assert [(path.name, path.read_text(), path.stat().st_mode & 0o777) for path in placed] == [
        ("one", "one", 0o755),
        ("two", "two", 0o755),
    ]


def test_each_set_is_known_by_the_names_that_its_programs_have() -> None:
    names = [program.name for each in program_sets.SETS.values() for program in each]
    assert len(names) == len(set(names)), "two programs of one name: a Dockerfile could not tell them apart"
