"""What lab break refuses before it does anything, and what it mends when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import store
from coreos_lab.chaos import faults, journal
from coreos_lab.chaos.schedule import Step
from coreos_lab.commands import break_ as command
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, NodeState

OPTIONS: dict[str, Any] = {
    "deadline": 1.0,
    "keep_quorum": False,
    "verify": False,
    "junit": None,
    "dry_run": False,
    "as_json": False,
}


def kill(*targets: str) -> list[Step]:
    return [Step(targets, FaultKind.KILL)]


class Up:
    """A provider whose nodes all run."""

    def state(self, *_args: object) -> NodeState:
        return NodeState.RUNNING


@pytest.fixture(autouse=True)
def cluster(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(planned())
    monkeypatch.setattr(command, "choose", lambda _name: Up())


def test_without_a_verdict_there_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only a verdict can be reported"):
        command.break_("core", kill("core-01"), **{**OPTIONS, "junit": tmp_path / "report.xml"})


def test_the_quorum_is_kept_when_asked_to() -> None:
    with pytest.raises(UsageError, match="core-01, core-03: etcd loses its quorum: 1 of 3 members is left"):
        command.break_("core", kill("core-01", "core-03"), **{**OPTIONS, "keep_quorum": True})


def test_the_plan_says_what_it_costs(capsys: pytest.CaptureFixture[str]) -> None:
    command.break_("core", kill("core-01", "core-03", "core-01"), **{**OPTIONS, "dry_run": True})
    said = capsys.readouterr().out
    assert '"core-01",\n    "core-03"\n' in said, "each once"
    assert "etcd loses its quorum" in said
    command.break_("core", kill("core-01"), **{**OPTIONS, "dry_run": True, "keep_quorum": True})
    assert '"quorum": null' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lasting", "ends", "healed"),
    [
        (60.0, KeyboardInterrupt(), True),
        (None, KeyboardInterrupt(), True),
        (60.0, LabError("core-02: no effect of kill is seen"), True),
        (None, LabError("core-02: no effect of kill is seen"), False),
    ],
)
def test_interrupted_before_the_effect_was_seen(
    monkeypatch: pytest.MonkeyPatch, lasting: float | None, ends: BaseException, healed: bool
) -> None:
    """Nothing stays broken that the user did not ask for, nor what was broken before this command mended by it."""
    mended: list[str] = []

    def inject(_provider: object, cluster: Cluster, _planned: object) -> None:
        journal.record(cluster, FaultKind.KILL, "core-02")
        raise ends

    journal.record(store.require("core"), FaultKind.KILL, "core-01")
    monkeypatch.setattr(faults, "inject", inject)
    monkeypatch.setattr(faults, "heal", lambda _p, _c, left: mended.extend(fault.node for fault in left))
    with pytest.raises(type(ends)):
        command.break_("core", [Step(("core-02",), FaultKind.KILL, lasting=lasting)], **OPTIONS)
    assert mended == (["core-02"] if healed else [])
