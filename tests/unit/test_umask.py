"""The umask of what the lab makes, and of programs that it becomes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from coreos_lab import run, umask


@pytest.fixture
def closed_umask(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process's umask is a hardened server's, and the lab has not set its own yet."""
    monkeypatch.setattr(umask, "_users", None)
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("closed_umask")
def test_what_we_make_and_start_does_not_depend_on_the_users_umask(tmp_path: Path) -> None:
    umask.fix()
    (tmp_path / "ours").mkdir()
    run.run(["mkdir", tmp_path / "theirs"])
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {"ours": 0o755, "theirs": 0o755}


@pytest.mark.usefixtures("closed_umask")
def test_a_program_that_we_become_has_the_users_umask(monkeypatch: pytest.MonkeyPatch) -> None:
    umask.fix()
    umask.fix()
    at_exec: list[int] = []
    monkeypatch.setattr("os.execve", lambda *_call: at_exec.append(os.umask(0)))
    run.replace(["sh", "-c", "true"])
    assert at_exec == [0o077]
