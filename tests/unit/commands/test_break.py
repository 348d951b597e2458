"""What lab break refuses before it does anything, and what it heals when it is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.chaos import healing, injecting
from coreos_lab.chaos.schedule import Step
from coreos_lab.commands import break_ as command
from coreos_lab.commands import described, judged
from coreos_lab.definition import catalog
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import Cluster, FaultKind, Lab, NodeState
from coreos_lab.observed import programs, unit_places
from coreos_lab.observed.unit_states import NodeUnit
from coreos_lab.records import deployed, fault_journal, store
from coreos_lab.records.about import About

OPTIONS: dict[str, Any] = {
    "deadline": 1.0,
    "keep_quorum": False,
    "verify": False,
    "history": False,
    "junit": None,
    "dry_run": False,
    "as_json": False,
}


def kill(*targets: str) -> list[Step]:
    return [Step(targets, FaultKind.KILL)]


class Up:
    """A provider whose nodes all run, and answer nothing."""

    def state(self, *_args: object) -> NodeState:
        return NodeState.RUNNING


@pytest.fixture(autouse=True)
def cluster(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    store.save(planned())
    monkeypatch.setattr(command, "choose", lambda _name: Up())
    monkeypatch.setattr(programs, "versions", lambda _cluster, nodes: {"node": nodes[0].name, "etcd": "3.5"})


def of_break(steps: list[Step], schedule: Path | None, **options: bool) -> About:
    up: Any = Up()
    return described.of_break(store.require("core"), up, steps, schedule, 90.0, **options)


@pytest.mark.parametrize(
    ("step", "verify", "again"),
    [
        (Step(("core-02",), FaultKind.KILL), False, "lab break core-02 --fault kill"),
        (
            Step(("core-01", "unit:web"), FaultKind.LOSS, {"percent": "20"}, lasting=1_000_000.5),
            True,
            "lab break core-01 unit:web --fault loss --set percent=20 --for 1000000.5s --keep-quorum --verify"
            " --deadline 90s --history",
        ),
    ],
)
def test_the_record_has_the_command_that_does_it_again(step: Step, verify: bool, again: str) -> None:
    made = of_break([step], None, keep_quorum=verify, verify=verify, history=verify)
    assert (made.again, made.judged) == (again, verify)
    assert made.programs == {"node": "core-01", "etcd": "3.5"}


def test_a_broken_node_is_not_asked_for_its_programs() -> None:
    fault_journal.record(store.require("core"), FaultKind.PAUSE, "core-01")
    assert of_break(kill("core-02"), None, keep_quorum=False, verify=True, history=False).programs["node"] == "core-02"


def test_the_record_has_the_schedule_that_was_carried_out(tmp_path: Path) -> None:
    path = tmp_path / "steps.yaml"
    path.write_text("- break: core-02\n- break: core-03\n  fault: pause\n")
    steps = [*kill("core-02"), Step(("core-03",), FaultKind.PAUSE)]
    made = of_break(steps, path, keep_quorum=False, verify=True, history=False)
    assert made.what == "kill, pause of core-02, core-03"
    assert made.again == f"lab break --schedule {path} --verify --deadline 90s"
    assert made.files == {str(path): path.read_text()}


def test_a_report_needs_a_verdict(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="only a verdict can be reported"):
        command.break_("core", kill("core-01"), **{**OPTIONS, "junit": tmp_path / "report.xml"})


def test_a_history_needs_a_verdict() -> None:
    with pytest.raises(UsageError, match="--history: only a verdict judges it"):
        command.break_("core", kill("core-01"), **{**OPTIONS, "history": True})


def test_the_judge_is_built_before_anything_is_broken(
    made_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot() -> None:
        raise LabError("go: no toolchain of version 1.26 or later")

    monkeypatch.setattr(judged, "labs", lambda _cluster, _asked: [made_lab("ch3", "web.service")])
    monkeypatch.setattr(injecting, "require_able", lambda *_args: [])
    monkeypatch.setattr(command, "ensure_judge", cannot)
    with pytest.raises(LabError, match="no toolchain"):
        command.break_("core", kill("core-01"), **{**OPTIONS, "verify": True, "history": True})
    assert fault_journal.open_faults(store.require("core")) == []


def test_keep_quorum_refuses_a_break_that_costs_the_quorum() -> None:
    with pytest.raises(UsageError, match="core-01, core-03: etcd loses its quorum: 1 of 3 members is left"):
        command.break_("core", kill("core-01", "core-03"), **{**OPTIONS, "keep_quorum": True})


def test_the_plan_says_whether_the_quorum_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    command.break_("core", kill("core-01", "core-03", "core-01"), **{**OPTIONS, "dry_run": True})
    output = capsys.readouterr().out
    assert '"core-01",\n    "core-03"\n' in output, "each once"
    assert "etcd loses its quorum" in output
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
def test_an_interrupted_break_is_healed(
    monkeypatch: pytest.MonkeyPatch, lasting: float | None, ends: BaseException, healed: bool
) -> None:
    """Nothing stays broken unless the user asked for it, and earlier breaks are not healed."""
    healed_nodes: list[str] = []

    def inject(_provider: object, cluster: Cluster, _planned: object) -> None:
        fault_journal.record(cluster, FaultKind.KILL, "core-02")
        raise ends

    fault_journal.record(store.require("core"), FaultKind.KILL, "core-01")
    monkeypatch.setattr(injecting, "inject", inject)
    monkeypatch.setattr(healing, "heal", lambda _p, _c, left: healed_nodes.extend(fault.node for fault in left))
    with pytest.raises(type(ends)):
        command.break_("core", [Step(("core-02",), FaultKind.KILL, lasting=lasting)], **OPTIONS)
    assert healed_nodes == (["core-02"] if healed else [])


def test_a_lab_whose_folder_has_changed_is_not_judged(
    made_lab: Callable[..., Lab], planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verdict would judge the deployed units by new objectives, or look for new units."""
    deployed.record(planned(), made_lab("mine", "a.service", objectives={"etcd": 60.0}))
    edited = made_lab("mine", "a.service", objectives={"etcd": 600.0})
    monkeypatch.setattr(catalog, "load", lambda _folder: edited)
    with pytest.raises(LabError, match="mine: its folder has changed since it was deployed on core") as refused:
        command.break_("core", kill("core-01"), **{**OPTIONS, "verify": True})
    assert refused.value.hint == f"'lab deploy {edited.folder}' first"


def test_a_node_that_does_not_answer_may_run_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may run the unit even if another node runs it, or if all others do not."""
    up = NodeUnit("a.service", active="active")
    there: list[NodeUnit | None] = [None]
    monkeypatch.setattr(
        unit_places, "of", lambda _cluster, nodes, _unit: list(zip(nodes[: len(there)], there, strict=True))
    )
    for answers in ([None], [None, up], [None, NodeUnit("a.service", active="failed")]):
        there[:] = answers
        with pytest.raises(UnknownError, match=r"a\.service: core-01 does not answer, so where it runs is unknown"):
            command.break_("core", kill("unit:a"), **{**OPTIONS, "dry_run": True})
    there[:] = [None, up, up]
    with pytest.raises(UsageError, match="runs on core-02, core-03"):
        command.break_("core", kill("unit:a"), **{**OPTIONS, "dry_run": True})
