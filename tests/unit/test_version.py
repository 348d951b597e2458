"""The version of a checkout, an archive and a build, as git's tags say it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import version
from coreos_lab.version import Version

Git = Callable[..., str]
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """git in a new repository with one commit, without a user's settings."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "nobody")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "nobody@example.org")
    tree = tmp_path / "tree"
    tree.mkdir()

    def call(*argv: str) -> str:
        return subprocess.run(["git", *argv], cwd=tree, check=True, capture_output=True, text=True).stdout.strip()

    call("init", "--quiet")
    for file in (version.ARCHIVED, ".gitattributes"):
        shutil.copy(version.ROOT / file, tree)
    call("add", ".")
    call("commit", "--quiet", "--message", "first")
    return call


def test_a_tagged_commit_is_the_release(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2.0")
    assert version.current(tmp_path / "tree") == Version("1.2.0", git("rev-parse", "--short=12", "HEAD"))


def test_commits_after_a_release_are_counted(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2.0rc1")
    git("tag", "something-else")
    git("commit", "--quiet", "--allow-empty", "--message", "second")
    git("commit", "--quiet", "--allow-empty", "--message", "third")
    assert version.current(tmp_path / "tree") == Version("1.2.0rc1.post2", git("rev-parse", "--short=12", "HEAD"))


def test_what_is_not_committed_is_told(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2.0")
    (tmp_path / "tree" / ".gitattributes").write_text("\n", encoding="utf-8")
    found = version.current(tmp_path / "tree")
    assert found.modified
    assert str(found) == f"1.2.0 (commit {git('rev-parse', '--short=12', 'HEAD')}, modified)"


def test_without_a_tag_the_commit_says_it_all(git: Git, tmp_path: Path) -> None:
    assert version.current(tmp_path / "tree") == Version(commit=git("rev-parse", "--short=12", "HEAD"))


def test_a_shallow_clone_knows_its_commit(git: Git, tmp_path: Path) -> None:
    git("tag", "v1.2.0")
    git("commit", "--quiet", "--allow-empty", "--message", "second")
    git("clone", "--quiet", "--depth", "1", f"file://{tmp_path}/tree", str(tmp_path / "shallow"))
    assert version.current(tmp_path / "shallow") == Version(commit=git("rev-parse", "--short=12", "HEAD"))


@pytest.mark.parametrize(("more", "number"), [(0, "1.2.0"), (1, "1.2.0.post1")])
def test_a_source_archive_knows_what_it_was_made_of(git: Git, tmp_path: Path, more: int, number: str) -> None:
    git("tag", "v1.2.0")
    for _ in range(more):
        git("commit", "--quiet", "--allow-empty", "--message", "more")
    git("archive", "--output", str(tmp_path / "it.tar"), "HEAD")
    with tarfile.open(tmp_path / "it.tar") as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    found = version.current(tmp_path / "unpacked")
    assert found.number == number
    assert found.commit
    assert git("rev-parse", "HEAD").startswith(found.commit)


def test_a_copy_of_the_files_alone_knows_nothing(tmp_path: Path) -> None:
    shutil.copy(version.ROOT / version.ARCHIVED, tmp_path)
    assert str(version.current(tmp_path)) == "0.0.dev0 (commit unknown)"


def test_without_git_the_commit_is_unknown(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git("tag", "v1.2.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("coreos_lab.run.which", lambda _program: None)
    assert version.current(tmp_path / "tree") == Version()


def test_a_build_says_what_was_written_into_it(tmp_path: Path) -> None:
    (tmp_path / "coreos_lab").mkdir()
    made = Version("1.2.0", "0123456789ab", modified=True)
    (tmp_path / version.BUILT).write_text(made.as_json(), encoding="utf-8")
    assert version.current(tmp_path) == made


def test_the_command_prints_it() -> None:
    call = [sys.executable, "-c", "from coreos_lab.cli import main; main()", "--version"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    assert done.stdout == f"lab {version.current()}\n"
