"""Snapshots: whole or not there, and no node left standing still. With a provider of paper, and real folders."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.cluster import lifecycle, running_units, snapshots
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Lab, Node, NodeState
from coreos_lab.node_plans import shrunk
from coreos_lab.providers import cables
from coreos_lab.providers.base import SnapshotProvider
from coreos_lab.providers.nspawn import cgroup, copies
from coreos_lab.providers.nspawn.provider import NspawnProvider
from coreos_lab.records import deployed, fault_journal, store
from coreos_lab.records.store import ClusterFolder
from tests.unit.paper import stands_for

Planned = Callable[..., Cluster]


@stands_for(SnapshotProvider)
class Disks:
    """A provider whose machines are entries and whose disks are one file a node; it notes what was done."""

    name = "disks"
    boot_deadline = 1.0
    boots_at_once: int | None = None
    own_clocks = False

    def __init__(self, cluster: Cluster) -> None:
        self.states = {node.name: NodeState.RUNNING for node in cluster.nodes}
        self.done: list[str] = []
        self.breaks = ""
        for node in cluster.nodes:
            self.path(node).parent.mkdir(parents=True, exist_ok=True)
            self.path(node).write_text("clean")

    def __getattr__(self, name: str) -> Any:
        ends = {"pause": NodeState.PAUSED, "resume": NodeState.RUNNING, "kill": NodeState.STOPPED}

        def act(cluster: Cluster, node: Node) -> None:
            self.done.append(f"{name} {node.name}")
            if name == "pause":
                on_record = [fault.node for fault in fault_journal.open_faults(cluster)]
                assert on_record == [each.name for each in cluster.nodes], "all on record before the first is stopped"
            self.states[node.name] = ends[name]

        return act

    @staticmethod
    def path(node: Node) -> Path:
        return ClusterFolder("core").node(node) / "disk"

    def state(self, _cluster: Cluster, node: Node) -> NodeState:
        return self.states.get(node.name, NodeState.ABSENT)

    def destroy(self, _cluster: Cluster, nodes: list[Node]) -> None:
        for node in nodes:
            self.done.append(f"destroy {node.name}")
            self.states.pop(node.name, None)

    def snapshot_size(self, _cluster: Cluster) -> int:
        return 1000

    def save_snapshot(self, cluster: Cluster, folder: Path) -> None:
        assert set(self.states.values()) == {NodeState.PAUSED}
        self._maybe_break("save")
        for node in cluster.nodes:
            shutil.copyfile(self.path(node), folder / node.name)

    def restore_snapshot(self, cluster: Cluster, folder: Path) -> None:
        assert NodeState.RUNNING not in self.states.values()
        assert snapshots.interrupted(cluster) == folder.name, "on record before a disk is touched"
        self._maybe_break("restore")
        for node in cluster.nodes:
            self.path(node).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / node.name, self.path(node))

    def _maybe_break(self, where: str) -> None:
        if self.breaks == where:
            raise KeyboardInterrupt


@pytest.fixture
def cluster(planned: Planned) -> Cluster:
    made = planned()
    store.save(made)
    return made


@pytest.fixture(autouse=True)
def tables(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The tables of faults that are in the kernel."""
    found: set[str] = set()
    monkeypatch.setattr(
        cables, "cuts", lambda network: [each for each in found if each.startswith(f"{network.index} ")]
    )
    monkeypatch.setattr(cables, "mend", found.remove)
    return found


@pytest.fixture
def disks(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Any:
    provider = Disks(cluster)

    def bring_up(target: Cluster, _provider: object) -> list[Node]:
        provider.done.append("up")
        provider.states = {node.name: NodeState.RUNNING for node in target.nodes}
        return list(target.nodes)

    monkeypatch.setattr(lifecycle, "bring_up", bring_up)
    monkeypatch.setattr(running_units, "wanted", lambda _cluster: set())
    monkeypatch.setattr(running_units, "wait_for", lambda _cluster, _names: {})
    return provider


def save(cluster: Cluster, provider: Any, name: str) -> snapshots.Snapshot:
    def heal(_provider: object, healed: Cluster, opened: Sequence[fault_journal.OpenFault]) -> Cluster:
        for fault in opened:
            fault_journal.healed(healed, fault)
        return healed

    return snapshots.save(cluster, provider, name, heal)


def test_all_stand_still_while_they_are_copied_and_go_on(cluster: Cluster, disks: Any) -> None:
    made = save(cluster, disks, "clean")
    assert disks.done == [f"{what} core-0{i}" for what in ("pause", "resume") for i in (1, 2, 3)]
    assert fault_journal.open_faults(cluster) == []
    assert (made.nodes, made.labs) == (3, ())
    assert snapshots.snapshots(cluster) == [made]


def test_a_save_that_fails_leaves_nothing_and_nobody_standing(cluster: Cluster, disks: Any) -> None:
    disks.breaks = "save"
    with pytest.raises(KeyboardInterrupt):
        save(cluster, disks, "clean")
    assert set(disks.states.values()) == {NodeState.RUNNING}
    assert list(ClusterFolder("core").snapshots.iterdir()) == []
    disks.breaks = ""
    save(cluster, disks, "clean")


def test_a_draft_that_a_killed_save_left_is_no_snapshot(cluster: Cluster, disks: Any) -> None:
    draft = ClusterFolder("core").snapshots / ".clean.draft"
    draft.mkdir(parents=True)
    (draft / "snapshot.json").write_text("{}")
    assert snapshots.snapshots(cluster) == []
    save(cluster, disks, "clean")
    assert [path.name for path in ClusterFolder("core").snapshots.iterdir()] == ["clean"]


def test_back_to_what_was(cluster: Cluster, disks: Any, made_lab: Callable[..., Lab]) -> None:
    for age, name in enumerate(["b", "a"]):
        deployed.record(cluster, made_lab(name, f"{name}.service"))
        os.utime(ClusterFolder("core").deployed / f"{name}.json", (age, age))
    save(cluster, disks, "clean")
    deployed.forget(cluster, "a")
    deployed.record(cluster, made_lab("c", "c.service"))
    fault_journal.record(cluster, FaultKind.KILL, "core-02")
    Disks.path(cluster.nodes[0]).write_text("damaged")
    assert snapshots.restore(cluster, disks, "clean") == cluster
    assert Disks.path(cluster.nodes[0]).read_text() == "clean"
    assert deployed.names(cluster) == ["b", "a"]
    assert fault_journal.open_faults(cluster) == []
    assert disks.done[-1] == "up"
    assert snapshots.interrupted(cluster) == ""


def test_a_cable_is_whole_again_after_a_restore(cluster: Cluster, disks: Any, tables: set[str]) -> None:
    """The rules are the host's, and their undo is struck off the record with what was broken."""
    save(cluster, disks, "clean")
    fault_journal.record(cluster, FaultKind.ISOLATE, "core-02")
    tables |= {"0 f00d", "7 of another cluster"}
    snapshots.restore(cluster, disks, "clean")
    assert tables == {"7 of another cluster"}
    assert fault_journal.open_faults(cluster) == []


def test_a_restored_node_has_no_limit_of_a_fault(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its cgroup outlives its processes, and limits that the plan does not have would stay in there."""
    monkeypatch.setattr(cgroup, "hierarchies", lambda: cgroup.Hierarchies(tmp_path / "v2", {"cpu": tmp_path / "cpu"}))
    monkeypatch.setattr(copies, "restore", lambda _pairs: None)
    for node in cluster.nodes:
        cgroup.make(cluster, node)
    NspawnProvider().restore_snapshot(cluster, tmp_path)
    assert list(tmp_path.glob("*/coreos-lab/core/core-0*")) == []


def test_back_to_as_many_nodes_as_there_were(cluster: Cluster, disks: Any, planned: Planned) -> None:
    save(cluster, disks, "three")
    five = planned(nodes=5)
    store.save(five)
    disks.states |= {"core-04": NodeState.RUNNING, "core-05": NodeState.PAUSED}
    assert snapshots.restore(five, disks, "three") == cluster
    assert store.load("core") == cluster
    assert {"destroy core-04", "destroy core-05"} <= set(disks.done)


def test_a_restore_that_was_interrupted_is_gone_on_with(cluster: Cluster, disks: Any) -> None:
    save(cluster, disks, "clean")
    disks.breaks = "restore"
    with pytest.raises(KeyboardInterrupt):
        snapshots.restore(cluster, disks, "clean")
    assert snapshots.interrupted(cluster) == "clean"
    with pytest.raises(LabError, match="snapshot clean is being restored"):
        save(cluster, disks, "other")
    with pytest.raises(LabError, match="clean: is being restored"):
        snapshots.delete(cluster, "clean")
    disks.breaks = ""
    assert snapshots.finish(cluster, disks) == cluster
    assert snapshots.interrupted(cluster) == ""
    before = list(disks.done)
    assert snapshots.finish(cluster, disks) == cluster
    assert disks.done == before


def test_no_node_is_made_on_disks_that_are_half_put_back(planned: Planned) -> None:
    cluster = planned()
    ClusterFolder("core").path.mkdir(parents=True)
    ClusterFolder("core").restoring.write_text("clean\n")

    class Off:
        def state(self, *_: object) -> NodeState:
            return NodeState.ABSENT

    with pytest.raises(LabError, match="its disks are being restored from snapshot clean"):
        lifecycle.bring_up(cluster, Off())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "Clean", ".hidden", "a/b", "..", "a b", "a" * 41, "-x"])
def test_a_name_that_is_none(cluster: Cluster, disks: Any, name: str) -> None:
    for call in (save, snapshots.restore):
        with pytest.raises(UsageError, match="not a snapshot's name"):
            call(cluster, disks, name)


def test_names_that_are_there_and_names_that_are_not(cluster: Cluster, disks: Any) -> None:
    save(cluster, disks, "clean")
    with pytest.raises(UsageError, match="clean: cluster core has a snapshot of that name") as refused:
        save(cluster, disks, "clean")
    assert "lab snapshot delete clean" in refused.value.hint
    for call in (lambda: snapshots.restore(cluster, disks, "x"), lambda: snapshots.delete(cluster, "x")):
        with pytest.raises(UsageError, match=r"x: no such snapshot of cluster core .there is: clean."):
            call()
    snapshots.delete(cluster, "clean")
    assert snapshots.snapshots(cluster) == []
    assert list(ClusterFolder("core").snapshots.iterdir()) == []


def test_what_is_not_settled_is_refused(cluster: Cluster, disks: Any) -> None:
    with pytest.raises(LabError, match="core-03: is being taken away"):
        save(shrunk(cluster, 2), disks, "clean")
    disks.states["core-02"] = NodeState.ABSENT
    with pytest.raises(LabError, match="core-02: is absent"):
        save(cluster, disks, "clean")
    fault_journal.record(cluster, FaultKind.KILL, "core-02")
    with pytest.raises(LabError, match=r"core-02: is broken .kill."):
        save(cluster, disks, "clean")
    assert disks.done == []


def test_no_room_is_said_before_a_node_is_touched(
    cluster: Cluster, disks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(cluster, disks, "clean")
    disks.done.clear()
    usage = type(shutil.disk_usage("/"))(2**40, 2**40 - 2**20, 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    for call, name in ((save, "more"), (snapshots.restore, "clean")):
        with pytest.raises(LabError, match="1 MiB free, the snapshot needs"):
            call(cluster, disks, name)
    assert disks.done == []
    assert snapshots.interrupted(cluster) == ""


def test_a_provider_that_cannot_is_refused(cluster: Cluster) -> None:
    class Other:
        name = "other"

    with pytest.raises(UsageError, match="other: this provider takes no snapshots"):
        snapshots.able(Other())  # type: ignore[arg-type]
    assert snapshots.able(NspawnProvider()).name == "nspawn"


def test_a_copy_keeps_what_overlays_need_and_leaves_out_what_a_boot_makes(tmp_path: Path) -> None:
    source, copy, back = tmp_path / "core-01", tmp_path / "copy", tmp_path / "back"
    for name in ("upper/etc", "docker", "work/work", "root"):
        (source / name).mkdir(parents=True)
    (source / "cgroup").write_text("/sys/fs/cgroup/x")
    (source / "user-data").write_text("#cloud-config")
    (source / "user-data").chmod(0o600)
    (source / "upper/etc/link").symlink_to("/nowhere")
    os.link(source / "user-data", source / "upper/same")
    with (source / "sdb.img").open("wb") as out:
        out.truncate(2**26)
    copies.save([(source, copy)], extra_disks=True)
    assert sorted(path.name for path in copy.iterdir()) == ["docker", "sdb.img", "upper", "user-data"]
    assert (copy / "user-data").stat().st_mode & 0o777 == 0o600
    assert (copy / "user-data").stat().st_ino == (copy / "upper/same").stat().st_ino
    assert (copy / "sdb.img").stat().st_size == 2**26
    assert (copy / "sdb.img").stat().st_blocks < 100, "holes stay holes"
    back.mkdir()
    (back / "work").mkdir()
    (back / "half").write_text("what an interrupted one left")
    copies.restore([(copy, back)])
    assert sorted(path.name for path in back.iterdir()) == ["docker", "sdb.img", "upper", "user-data"]
    assert (back / "upper/etc/link").readlink() == Path("/nowhere")
    assert copies.size([source]) < 2**20


def test_a_plan_from_before_there_were_such_nodes_is_read(cluster: Cluster) -> None:
    path = ClusterFolder("core").plan
    path.write_text(path.read_text().replace(',\n      "joins": false,\n      "leaving": false', ""))
    assert "joins" not in path.read_text()
    assert store.load("core") == replace(cluster)
