"""A schedule's file: what it may say, and what is refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from coreos_lab.chaos.schedule import Step, kinds, load, step
from coreos_lab.errors import UsageError
from coreos_lab.model import FaultKind


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "storm.yaml"


def test_what_it_may_say(file: Path) -> None:
    file.write_text(
        "- break: core-01\n"
        "- break: [core-02, 'unit:nginx.service']\n"
        "  fault: partition\n"
        "  set: {port: 2380, way: in}\n"
        "  for: 20s\n"
        "  rest: 1m\n"
    )
    steps = load(file)
    assert steps == [
        Step(("core-01",), FaultKind.KILL, {}, 0.0, 0.0),
        Step(("core-02", "unit:nginx.service"), FaultKind.PARTITION, {"port": "2380", "way": "in"}, 20.0, 60.0),
    ]
    assert kinds([*steps, *steps]) == "kill, partition"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- break: core-01\n- brake: core-02\n", r"storm\.yaml:2: brake: no such key"),
        ("- break: core-01\n- break: core-02\n  fault: explode\n", r"storm\.yaml:2: --fault explode: no such fault"),
        ("- break: core-01\n  set: {x: y}\n", r"storm\.yaml:1: --set x=y: kill has no such parameter"),
        ("- break: core-01\n  for: soon\n", r"storm\.yaml:1: for: 'soon' is not a duration"),
        ("- break: []\n", r"storm\.yaml:1: break: is empty"),
        ("break: core-01\n", r"storm\.yaml:1: storm\.yaml: must be a list"),
        ("[]\n", r"storm\.yaml:1: storm\.yaml: is empty"),
    ],
)
def test_what_is_wrong_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        load(file)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(UsageError, match=r"storm\.yaml: no such file"):
        load(file)


def test_as_the_options_say_it() -> None:
    assert step(["core-01"], "stop", {"service": "docker"}, "3s") == Step(
        ("core-01",), FaultKind.STOP, {"service": "docker"}, 3.0
    )
    assert step(["core-01"], "kill", {}, None).lasting is None
