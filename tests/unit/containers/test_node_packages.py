"""The calls of npm before a container image is built. No npm runs here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.containers.node_packages import prepared
from coreos_lab.errors import LabError
from coreos_lab.run import CommandError, Completed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a program and its lock file."""
    made = tmp_path / "web"
    (made / "node_modules" / "theirs").mkdir(parents=True)
    (made / "package.json").write_text("{}")
    (made / "package-lock.json").write_text("{}")
    (made / "web.js").write_text("")
    return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """npm's calls, with their folder: its arguments after those that contain it."""
    made: list[list[str]] = []

    def stream(argv: Sequence[str | Path], *, cwd: Path, **_: object) -> Completed:
        words = [str(word) for word in argv]
        made.append([cwd.name, *words[words.index("npm") + 1 :]])
        return Completed(tuple(words), 0, "", "")

    monkeypatch.setattr(run, "stream", stream)
    return made


def test_a_folder_without_a_lock_file_is_copied_whole(folder: Path, tmp_path: Path, calls: list[list[str]]) -> None:
    (folder / "package-lock.json").unlink()
    (folder / "web.js").chmod(0o600)
    draft = prepared(folder, tmp_path / "draft", tmp_path / "log")
    assert sorted(path.name for path in draft.iterdir()) == ["node_modules", "package.json", "web.js"]
    assert (draft / "web.js").stat().st_mode & 0o777 == 0o644, "whoever checked it out, whatever user reads it there"
    assert calls == []


def test_packages_are_installed_in_a_copy_without_what_only_a_build_needs(
    folder: Path, tmp_path: Path, calls: list[list[str]]
) -> None:
    draft = prepared(folder, tmp_path / "draft", tmp_path / "log")
    assert sorted(path.name for path in draft.iterdir()) == ["package-lock.json", "package.json", "web.js"]
    ((where, *words),) = calls
    assert where == "draft"
    assert words[:2] == ["ci", "--ignore-scripts"]
    assert "--omit=dev" in words


def test_a_build_script_is_run_with_all_packages(folder: Path, tmp_path: Path, calls: list[list[str]]) -> None:
    (folder / "package.json").write_text('{"scripts": {"build": "esbuild"}}')
    prepared(folder, tmp_path / "draft", tmp_path / "log")
    assert "--omit=dev" not in calls[0]
    assert [words[1:] for words in calls[1:]] == [["run", "build"]]


def test_a_failure_names_the_lock_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stream(argv: Sequence[str | Path], **_: object) -> Completed:
        raise CommandError(Completed(tuple(map(str, argv)), 1, "ENOTFOUND", ""), "the log")

    monkeypatch.setattr(run, "stream", stream)
    with pytest.raises(LabError, match=r"web/package-lock\.json: npm ci failed") as caught:
        prepared(folder, tmp_path / "draft", tmp_path / "log")
    assert caught.value.details == "ENOTFOUND"
