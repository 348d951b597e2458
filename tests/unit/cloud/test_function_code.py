"""Unpacked code of functions: it stays as long as a function or a process has it, and no longer."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import disk
from coreos_lab.cloud.functions import code
from coreos_lab.cloud.functions.kept import Function, Kept
from coreos_lab.cloud.functions.pool import Pool, _Used
from coreos_lab.cloud.functions.runner import Runner
from coreos_lab.model import Cloud


@dataclass
class Tried:
    """A runner without processes: `warm` gives it an environment that has some code."""

    runner: Runner
    folder: Path

    def unpack(self, text: str, number: int = 1) -> Path:
        archive = code.of_text("index.js", text)
        place = code.folder_of(self.folder, number, code.digest(archive))
        code.unpack(archive, place)
        return place

    def function(self, text: str, number: int = 1) -> Function:
        sha = code.digest(code.of_text("index.js", text))
        found = Function(f"f{number}", number, "arn", "nodejs22.x", "index.handler", "role", sha, 1, "now")
        self.runner.kept.functions.append(found)
        return found

    def warm(self, function: Function, place: Path) -> Any:
        class Environment:
            revision, rested = function.revision, 0.0

            class sandbox:  # noqa: N801 - what the pool uses of one
                class order:  # noqa: N801
                    code = place

        used = _Used(Environment, function.number)  # type: ignore[arg-type]
        self.runner.pool._used.append(used)
        return used


@pytest.fixture
def tried(tmp_path: Path) -> Tried:
    place, cloud = tmp_path / "functions", Cloud("a", "us-west-2", 0, "AKIA", "s")
    any_: Any = None
    runner = Runner(
        cloud,
        Kept(tmp_path / "functions.json"),
        threading.RLock(),
        engine=any_,
        logs=any_,
        places=any_,
        provider=any_,
        folder=place,
        say=print,
    )
    assert isinstance(runner.pool, Pool)
    return Tried(runner, place)


def test_code_that_was_updated_stays_while_a_process_has_it(tried: Tried) -> None:
    old, new = tried.unpack("1"), tried.unpack("2")
    function = tried.function("2")
    used = tried.warm(function, old)
    tried.runner.look()
    assert (old.is_dir(), new.is_dir()) == (True, True)
    tried.runner.pool._used.remove(used)
    tried.runner.look()
    assert (old.is_dir(), new.is_dir()) == (False, True)
    assert sorted(each.name for each in (tried.folder / "1").iterdir()) == [new.name, f"{new.name}.lock"]


def test_nothing_is_removed_while_a_process_is_being_started(tried: Tried) -> None:
    """It may have been told of the code that the function had a moment before."""
    old = tried.unpack("1")
    tried.unpack("2")
    tried.function("2")
    tried.runner.pool._starting = 1
    tried.runner.look()
    assert old.is_dir()
    tried.runner.pool._starting = 0
    tried.runner.look()
    assert not old.exists()


def test_what_a_process_that_was_killed_has_left_is_removed(tried: Tried) -> None:
    kept, lost = tried.unpack("1", 1), tried.unpack("1", 2)
    tried.function("1", 1)
    (tried.folder / "1" / "code-0123.draft").mkdir()
    (tried.folder / "1" / "code-0123.0a0a0a0a.gone").mkdir()
    (tried.folder / "3.0a0a0a0a.gone").mkdir()
    tried.runner.look()
    assert (kept.is_dir(), lost.exists()) == (True, False)
    assert [each.name for each in tried.folder.iterdir()] == ["1"]
    assert sorted(each.name for each in (tried.folder / "1").iterdir()) == [kept.name, f"{kept.name}.lock"]


def test_code_that_comes_back_while_the_old_one_is_removed_is_whole(
    tried: Tried, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function is updated to the code that it had, after that was set aside and before it is removed."""
    tried.unpack("2")
    function = tried.function("2")
    old = tried.unpack("1")
    removed = []
    real = disk.remove_tree

    def update(folder: Path) -> None:
        with tried.runner.lock:
            assert tried.unpack("1") == old
            function.sha = code.digest(code.of_text("index.js", "1"))
        real(folder)
        removed.append(folder.name)

    monkeypatch.setattr(disk, "remove_tree", update)
    tried.runner.look()
    assert (old / "index.js").read_text() == "1"
    assert len(removed) == 1
