"""Values that many tests need."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import hints, run, settings, wait
from coreos_lab.cluster import transpiling
from coreos_lab.errors import LabError
from coreos_lab.machine_image.go_toolchain import find_go
from coreos_lab.machine_image.judge import JUDGE
from coreos_lab.machine_image.transpiler import CT
from coreos_lab.machine_image.userland import Program, build_command, build_environment
from coreos_lab.model import CloudConfig, Cluster, Lab, LabUnit, Node
from coreos_lab.plan import Request, plan
from coreos_lab.user_data import kinds


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, nothing in the host's /run, and no option from the caller's environment."""
    for name in [name for name in os.environ if name.startswith("LAB_") and not name.startswith("LAB_TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(settings, "run_dir", lambda: tmp_path / "run")
    return tmp_path / "state"


@pytest.fixture(autouse=True)
def _without_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses to build userland or machine image: a test that does so passes where Go's caches are warm only."""
    stream = run.stream

    def guarded(argv: Sequence[str | Path], **options: Any) -> run.Completed:
        builder = {"-trimpath", "mmdebstrap"} & {str(word) for word in argv}
        assert not builder, f"a unit test builds userland or machine image: {argv}"
        return stream(argv, **options)

    monkeypatch.setattr(run, "stream", guarded)


@pytest.fixture(autouse=True)
def _of_its_own_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """One test's cluster, and whether its machines are emulated, is not the next one's."""
    monkeypatch.setattr(wait, "patience", 1.0)
    monkeypatch.setattr(hints, "_call", hints.Call())


@pytest.fixture(scope="session")
def ct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real config transpiler. Without Go, the tests that need it are skipped."""
    return built(CT, tmp_path_factory.mktemp("ct"))


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real judge of histories. Without Go, the tests that need it are skipped."""
    return built(JUDGE, tmp_path_factory.mktemp("judge"))


def built(program: Program, folder: Path) -> Path:
    """A program that runs on the host, built anew."""
    binary = folder / program.name
    try:
        call = build_command(find_go(), program, binary)
        environment = {**os.environ, **build_environment(program)}
        source = settings.data("userland") / program.folder
        subprocess.run(call, check=True, capture_output=True, env=environment, cwd=source)
    except (LabError, subprocess.CalledProcessError) as error:
        if os.environ.get("LAB_TEST_WITH_GO"):
            raise
        pytest.skip(f"{program.name} cannot be built here: {error}")
    return binary


@pytest.fixture
def by_ct(ct: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., CloudConfig]:
    """Has the real ct read a config, of file mine.yml."""
    monkeypatch.setattr(transpiling, "ensure_transpiler", lambda: ct)

    def read(text: str, node: str = "") -> CloudConfig:
        kinds.check(text, "mine.yml")
        (config,) = transpiling.transpiled((CloudConfig(node, "mine.yml", text),)) or ()
        return config

    return read


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
