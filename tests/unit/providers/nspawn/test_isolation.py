"""Whether nodes can be in user namespaces here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coreos_lab.commands.planning import require_able
from coreos_lab.errors import LabError
from coreos_lab.model import Finding
from coreos_lab.providers.nspawn import isolation
from coreos_lab.providers.nspawn.provider import NspawnProvider


@pytest.mark.parametrize(
    ("failed", "words", "remedy"),
    [
        (isolation.NAMESPACES, "No space left on device", "user.max_user_namespaces"),
        (isolation.IDMAP, "Invalid argument", "LAB_STATE_DIR"),
        (isolation.OVERLAY, "Invalid argument", "Linux 5.19"),
    ],
)
def test_what_fails_is_told_with_both_remedies(
    failed: str, words: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(isolation, "attempt", lambda where: (failed, f"{where}: {words}"))
    found = isolation.findings()
    assert [each.ok for each in found] == [True] * (len(found) - 1) + [False]
    assert all(each.userns for each in found)
    assert found[-1].name == failed
    assert words in found[-1].message
    assert remedy in found[-1].remedy
    assert "--no-userns" in found[-1].remedy


def test_up_refuses_unless_it_is_told_to_do_without(monkeypatch: pytest.MonkeyPatch) -> None:
    bad = Finding("idmapped mounts", False, "Invalid argument", "another file system, or --no-userns", userns=True)
    monkeypatch.setattr(NspawnProvider, "doctor", lambda _self: [bad])
    with pytest.raises(LabError, match="idmapped mounts: Invalid argument"):
        require_able(NspawnProvider())
    require_able(NspawnProvider(), userns=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_the_try_leaves_nothing(tmp_path: Path) -> None:
    isolation.attempt(tmp_path)
    assert list(tmp_path.iterdir()) == []
