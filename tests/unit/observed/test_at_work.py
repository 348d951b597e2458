"""Which command works on a cluster."""

from __future__ import annotations

import os

import pytest

from coreos_lab.observed import at_work
from coreos_lab.records.store import ClusterFolder

pytestmark = pytest.mark.skipif(not at_work.LOCKS.exists(), reason="needs Linux")


def test_the_command_that_holds_the_lock_is_seen_without_touching_it() -> None:
    folder = ClusterFolder("core")
    assert at_work.on("core") == ""
    with folder.lock("lab scale 5"):
        assert at_work.on("core") == f"lab scale 5 (process {os.getpid()})"
        assert at_work.on("other") == ""
    assert at_work.on("core") == ""


def test_words_that_a_killed_command_has_left_are_nothing() -> None:
    path = ClusterFolder("core").lock_file
    path.parent.mkdir(parents=True)
    path.write_text("lab scale 5 (process 1)\n")
    assert at_work.on("core") == ""
    path.write_text(f"lab scale 5 (process {os.getpid()})\n")
    assert at_work.on("core") == ""
    path.write_text("")
    assert at_work.on("core") == ""
