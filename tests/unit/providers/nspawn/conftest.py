"""Folders in the place of the kernel's cgroups."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.providers.nspawn import cgroup


@pytest.fixture
def hierarchies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cgroup.Hierarchies:
    """Folders in the place of cgroups. Their `v1` may be filled."""
    found = cgroup.Hierarchies(tmp_path / "v2", {})
    monkeypatch.setattr(cgroup, "hierarchies", lambda: found)
    return found
