"""What virsh and VBoxManage answer, and what it means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab import run
from coreos_lab.model import Cluster, NodeState
from coreos_lab.providers.vagrant import hypervisors
from tests.unit.providers.vagrant.paper_machines import answering


@pytest.mark.parametrize(
    ("code", "output", "state"),
    [
        (0, "running\n\n", NodeState.RUNNING),
        (0, "in shutdown\n", NodeState.RUNNING),
        (0, "paused\n", NodeState.PAUSED),
        (0, "shut off\n", NodeState.STOPPED),
        (1, "error: failed to get domain 'x'\n", NodeState.ABSENT),
    ],
)
def test_what_virsh_says_of_a_machine(
    monkeypatch: pytest.MonkeyPatch, code: int, output: str, state: NodeState
) -> None:
    monkeypatch.setattr(run, "run", lambda *_a, **_o: run.Completed(("virsh",), code, output, output))
    assert hypervisors.of("libvirt").state("x") is state


def test_a_libvirt_that_does_not_answer_is_no_absent_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    done = run.Completed(("virsh",), 1, "", "error: failed to connect to the hypervisor")
    monkeypatch.setattr(run, "run", lambda *_a, **_o: done)
    with pytest.raises(run.CommandError):
        hypervisors.of("libvirt").state("x")


@pytest.mark.parametrize(
    ("code", "output", "state"),
    [
        (0, 'name="x"\nVMState="running"\n', NodeState.RUNNING),
        (0, 'VMState="paused"\n', NodeState.PAUSED),
        (0, 'VMState="poweroff"\n', NodeState.STOPPED),
        (0, 'VMState="aborted"\n', NodeState.STOPPED),
        (1, "VBoxManage: error: Details: code VBOX_E_OBJECT_NOT_FOUND (0x80bb0001)", NodeState.ABSENT),
    ],
)
def test_what_vboxmanage_says_of_a_machine(
    monkeypatch: pytest.MonkeyPatch, code: int, output: str, state: NodeState
) -> None:
    monkeypatch.setattr(run, "run", lambda *_a, **_o: run.Completed(("VBoxManage",), code, output, output))
    assert hypervisors.of("virtualbox").state("x") is state


def test_only_what_is_a_clusters_own(monkeypatch: pytest.MonkeyPatch, planned: Callable[..., Cluster]) -> None:
    listed = "lab-core-core-01\nlab-core2-core-01\nlab-core-two-core-01\nsomebody\n\n"
    monkeypatch.setattr(run, "run", lambda *_a, **_o: run.Completed(("virsh",), 0, listed, ""))
    found = hypervisors.of("libvirt").machines()
    assert hypervisors.own_machines(planned(), found) == ["lab-core-core-01"]
    assert hypervisors.own_machines(planned(name="core-two"), found) == ["lab-core-two-core-01"]


def test_networks_of_a_cluster_with_a_longer_name_are_left_alone(planned: Callable[..., Cluster]) -> None:
    listed = ["lab-core", "lab-core-mgmt", "lab-core-two", "lab-core-two-mgmt", "default"]
    assert hypervisors.own_networks(planned(), listed) == ["lab-core", "lab-core-mgmt"]
    assert hypervisors.own_networks(planned(name="core-two"), listed) == ["lab-core-two", "lab-core-two-mgmt"]


def test_what_an_interruption_left_of_a_machine_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        " lab-core-core-01.img         /p/lab-core-core-01.img\n"
        " lab-core-core-01-sdb.qcow2   /p/lab-core-core-01-sdb.qcow2\n"
        " lab-core-core-011.img        /p/x\n"
        " box.img                      /p/box.img\n"
    )
    made = answering(monkeypatch, list="lab-core-core-02\n", vol_list=listed)
    hypervisors.of("libvirt").remove("lab-core-core-01")
    assert [call[5] for call in made if call[4] == "vol-delete"] == [
        "lab-core-core-01.img",
        "lab-core-core-01-sdb.qcow2",
    ]
    assert not any(call[4] in ("destroy", "undefine") for call in made)
