"""Values that many tests need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import settings, wait
from coreos_lab.model import Cluster, Lab, LabUnit, Node
from coreos_lab.plan import Request, plan


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, and nothing in the host's /run."""
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(settings, "run_dir", lambda: tmp_path / "run")
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """One test's emulated machines are not the next one's."""
    monkeypatch.setattr(wait, "patience", 1.0)


@pytest.fixture
def planned() -> Callable[..., Cluster]:
    """Plans a cluster as `lab up` with these options would."""

    def make(**options: object) -> Cluster:
        return plan(Request(**options), None, set())  # type: ignore[arg-type]

    return make


@pytest.fixture
def node(planned: Callable[..., Cluster]) -> Node:
    """The first node of a cluster with one extra disk."""
    return planned(disks=1).nodes[0]


@pytest.fixture
def made_lab(tmp_path: Path) -> Callable[..., Lab]:
    """A lab value of these units; `web@1.service` stands for the instance 1 of its template."""

    def make(name: str, *units: str, **more: object) -> Lab:
        found = []
        for unit in units:
            prefix, at, rest = unit.partition("@")
            instance = rest.removesuffix(".service")
            file = f"{prefix}@.service" if at else unit
            found.append(LabUnit(file, tmp_path / file, (instance,) if at else ()))
        return Lab(name, name, name, tmp_path / name, tuple(found), {}, **more)  # type: ignore[arg-type]

    return make
