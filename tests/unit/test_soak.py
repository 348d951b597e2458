"""make soak: its rounds can be repeated, and what it calls exists."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from coreos_lab.chaos.faults import FAULTS
from coreos_lab.cli import VERBS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def soak() -> ModuleType:
    spec = importlib.util.spec_from_file_location("soak", ROOT / "scripts" / "soak.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["soak"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def seeded(seed: object) -> random.Random:
    return random.Random(str(seed))  # noqa: S311 - the same again from a seed


def test_a_seed_gives_the_same_calls_again(soak: ModuleType) -> None:
    assert soak.some_calls(seeded("1 2 soak-a")) == soak.some_calls(seeded("1 2 soak-a"))
    assert soak.some_calls(seeded("1 2 soak-a")) != soak.some_calls(seeded("1 3 soak-a"))


def test_every_call_is_one_that_the_command_knows(soak: ModuleType) -> None:
    called = set()
    for number in range(300):
        for call in soak.some_calls(seeded(number)):
            called.add(call.argv[0])
            assert call.argv[0] in VERBS
            if "--fault" in call.argv:
                assert call.argv[call.argv.index("--fault") + 1] in {kind.value for kind in FAULTS}
    assert {"break", "heal", "deploy", "undeploy", "scale", "snapshot", "up", "destroy"} <= called


def test_what_a_cluster_leaves_is_a_line_more_than_before(soak: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    host = soak.Host(["lab7 "])
    monkeypatch.setattr(host, "_calls", lambda: [["ip", "route"]])
    monkeypatch.setattr(host, "_mounts", list)
    monkeypatch.setattr(host, "_cgroups", list)
    said: list[str] = []
    monkeypatch.setattr(host, "_output", lambda _call: said)
    before = host.lines()
    said.append("172.17.15.0/24 dev lab7 proto kernel")
    said.append("default via 10.0.0.1 dev eth0")
    assert host.lines() - before == {"172.17.15.0/24 dev lab7 proto kernel"}
