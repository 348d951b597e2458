"""What keeps a backup from being restored, and which member a backup is taken of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.backup import fitting, take
from coreos_lab.backup.manifest import DataPart, EtcdPart, File, LabPart, Manifest
from coreos_lab.clients import etcd
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster, FaultKind, Lab, NodeState
from coreos_lab.observed.observation import Observation
from coreos_lab.records import deployed, fault_journal, restores
from coreos_lab.records.restores import Restore

Planned = Callable[..., Cluster]
OWN = {"/coreos.com/network/config": "{}"}


def backup(*labs: LabPart, data: tuple[DataPart, ...] = ()) -> Manifest:
    return Manifest("core", "nspawn", 3, 1.0, EtcdPart("core-01", 1, "", False, ()), labs, data)


def now(cluster: Cluster, *off: str) -> Observation:
    states = {n.name: NodeState.STOPPED if n.name in off else NodeState.RUNNING for n in cluster.nodes}
    return Observation(cluster, states, tuple(fault_journal.open_faults(cluster)))


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What etcd and fleet have; `silent`: they do not answer."""
    found: dict[str, Any] = {"keys": OWN, "units": [], "silent": False}

    class Etcd:
        def __init__(self, _addresses: object) -> None: ...

        def lasting(self, _key: str) -> dict[str, str]:
            if found["silent"]:
                raise CannotCheckError("etcd: no node answers")
            return dict(found["keys"])

    class Fleet(Etcd):
        def units(self) -> list[object]:
            return list(found["units"])

    monkeypatch.setattr(fitting, "Etcd", Etcd)
    monkeypatch.setattr(fitting, "Fleet", Fleet)
    return found


@pytest.mark.usefixtures("there")
def test_a_new_cluster_is_empty(planned: Planned, tmp_path: Path) -> None:
    fitting.refuse_full(now(planned()), tmp_path)


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ({"keys": {**OWN, "/mine": "1"}}, "etcd has 1 key, such as /mine"),
        ({"units": ["a.service"]}, "fleet has 1 unit"),
        ({"silent": True}, "whether it is empty is unknown"),
    ],
)
def test_what_would_be_lost_is_named(
    planned: Planned, tmp_path: Path, there: dict[str, Any], what: dict[str, Any], says: str
) -> None:
    there |= what
    with pytest.raises(LabError, match=says) as refused:
        fitting.refuse_full(now(planned()), tmp_path)
    assert "--replace" in refused.value.hint


@pytest.mark.usefixtures("there")
def test_a_deployed_lab_is_something(planned: Planned, tmp_path: Path, made_lab: Callable[..., Lab]) -> None:
    cluster = planned()
    deployed.begin(cluster, made_lab("mine", "a.service"), {})
    with pytest.raises(LabError, match="core: is not empty: mine is deployed"):
        fitting.refuse_full(now(cluster), tmp_path)
    with pytest.raises(LabError, match="mine is deployed, and the backup does not have it"):
        fitting.refuse_others(cluster, backup())
    fitting.refuse_others(cluster, backup(LabPart("mine", "/mine", {})))


def test_a_broken_cluster_is_healed_first(planned: Planned) -> None:
    cluster = planned()
    fitting.refuse_broken(cluster)
    fault_journal.record(cluster, FaultKind.KILL, "core-02")
    with pytest.raises(LabError, match=r"core-02: is broken \(kill\)"):
        fitting.refuse_broken(cluster)


def test_another_restore_is_finished_first(tmp_path: Path) -> None:
    begun, second = Restore(str(tmp_path / "first"), etcd=True, backup="a"), Restore(str(tmp_path / "second"))
    fitting.refuse_another(Restore(begun.folder, backup="a"), begun, replace=False)
    fitting.refuse_another(second, begun, replace=True)
    with pytest.raises(LabError, match="first was interrupted"):
        fitting.refuse_another(second, begun, replace=False)


def test_another_backup_in_the_same_folder_does_not_go_on_where_the_first_was_interrupted(tmp_path: Path) -> None:
    begun, other = Restore(str(tmp_path), etcd=True, backup="a"), Restore(str(tmp_path), backup="b")
    with pytest.raises(LabError, match="was interrupted, and another backup lies there by now"):
        fitting.refuse_another(other, begun, replace=False)
    assert fitting.is_another(other, begun), "etcd would stay as the first backup has it"
    assert not fitting.is_another(other, Restore(str(tmp_path), etcd=True)), (
        "a record from before there was an identity"
    )


def test_two_labs_never_have_the_same_file() -> None:
    first = take.file_of("ch10", "backup-x", [])
    assert (first, take.file_of("ch10-backup", "x", [first])) == ("ch10-backup-x", "ch10-backup-x-1")


def test_a_restore_is_on_record_until_it_is_over(planned: Planned) -> None:
    cluster = planned()
    assert restores.load(cluster) is None
    restores.save(cluster, Restore("/b", etcd=True, data=("ch7/store",)))
    assert restores.load(cluster) == Restore("/b", etcd=True, data=("ch7/store",))
    restores.forget(cluster)
    assert restores.load(cluster) is None


def test_the_labs_of_a_backup_are_read_with_their_settings(planned: Planned) -> None:
    data = DataPart("ch7", "store", 1, File("ch7-store", 1, ""))
    (lab,) = fitting.labs(planned(), backup(LabPart("ch7", "/gone/ch7", {"window": "20s"}), data=(data,)))
    assert (lab.name, [each.name for each in lab.backups]) == ("ch7", ["store"])


@pytest.mark.parametrize(
    ("part", "data", "says"),
    [
        (LabPart("mine", "/gone/mine", {}), "", "/gone/mine: no such folder"),
        (LabPart("ch7", "", {"no": "1"}), "", "ch7 has no such setting"),
        (LabPart("ch7", "", {}), "files", "ch7: has no backup files any more"),
    ],
)
def test_a_lab_that_does_not_fit_any_more(planned: Planned, part: LabPart, data: str, says: str) -> None:
    parts = (DataPart(part.name, data, 1, File("x", 1, "")),) if data else ()
    with pytest.raises(UsageError, match=says):
        fitting.labs(planned(), backup(part, data=parts))


@pytest.mark.parametrize(
    ("healthy", "off", "stale", "member", "says"),
    [
        (("core-01", "core-02", "core-03"), (), False, "core-01", ""),
        (("core-02", "core-03"), ("core-01",), False, "core-02", ""),
        ((), ("core-01", "core-02"), False, "", "etcd has no majority: what a member has may be stale"),
        ((), ("core-01", "core-02"), True, "core-03", ""),
        ((), ("core-01", "core-02", "core-03"), True, "", "no member of etcd runs"),
    ],
)
def test_the_member_that_is_copied(
    planned: Planned,
    monkeypatch: pytest.MonkeyPatch,
    healthy: tuple[str, ...],
    off: tuple[str, ...],
    stale: bool,
    member: str,
    says: str,
) -> None:
    cluster = planned()
    well = {node.address for node in cluster.nodes if node.name in healthy}
    monkeypatch.setattr(etcd, "is_healthy", lambda address: address in well)
    if says:
        with pytest.raises(LabError, match=says):
            take.source(now(cluster, *off), stale=stale)
        return
    found = take.source(now(cluster, *off), stale=stale)
    assert (found.member.name, found.stale) == (member, not healthy)


def test_a_member_that_is_broken_on_purpose_is_not_copied(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = planned()
    fault_journal.record(cluster, FaultKind.PARTITION, "core-01")
    monkeypatch.setattr(etcd, "is_healthy", lambda _address: True)
    assert take.source(now(cluster), stale=False).member.name == "core-02"


def test_a_backup_gets_an_empty_folder_of_its_owners(tmp_path: Path) -> None:
    take.make_folder(tmp_path / "new" / "one")
    assert (tmp_path / "new" / "one").stat().st_mode & 0o077 == 0
    (tmp_path / "there").mkdir(mode=0o755)
    take.make_folder(tmp_path / "there")
    assert (tmp_path / "there").stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="is not empty"):
        take.make_folder(tmp_path / "new")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file: File exists"):
        take.make_folder(tmp_path / "file")
