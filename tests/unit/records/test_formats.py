"""Versions of what lies on disk: taken over, or refused in one line that says what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import records
from coreos_lab.cluster import snapshots
from coreos_lab.commands.destroy import destroy
from coreos_lab.model import Cluster, FaultKind, Lab
from coreos_lab.providers.nspawn import user_ids
from coreos_lab.records import deployed, fault_journal, store
from coreos_lab.records.formats import Format, OtherVersionError, Record
from coreos_lab.records.outline import Outline, outline
from coreos_lab.records.store import ClusterFolder

Planned = Callable[..., Cluster]


def cpus_were_text(record: Record) -> Record:
    """Version 1 of an example: `cpus` was a text."""
    return {**record, "cpus": float(record["cpus"])}


def limits_were_flat(record: Record) -> Record:
    """Version 2 of the example: limits had no object of their own."""
    return {"name": record["name"], "limits": {"cpus": record["cpus"]}}


EXAMPLE = Format("example", version=3, upgrades={1: cpus_were_text, 2: limits_were_flat})


def test_the_rooms_list_has_what_writes_each_kind_of_record() -> None:
    package = Path(records.__file__).parents[1]
    writers = [
        path for path in package.rglob("*.py") if re.search(r"^FORMAT = Format\(", path.read_text(), re.MULTILINE)
    ]
    names = {path.relative_to(package).as_posix().removeprefix("records/") for path in writers}
    assert {name for name in names if f"`{name}`" not in str(records.__doc__)} == set()


@pytest.mark.parametrize(
    "written",
    [
        {"name": "core", "cpus": "1.5"},
        {"version": 1, "name": "core", "cpus": "1.5"},
        {"version": 2, "name": "core", "cpus": 1.5},
        {"version": 3, "name": "core", "limits": {"cpus": 1.5}},
    ],
)
def test_an_older_record_is_taken_over_step_by_step(written: Record, tmp_path: Path) -> None:
    path = tmp_path / "example.json"
    path.write_text(json.dumps(written))
    now = EXAMPLE.read(path, dict)
    assert now == {"name": "core", "limits": {"cpus": 1.5}}
    EXAMPLE.write(path, now)
    assert json.loads(path.read_text()) == {"version": 3, **now}


@pytest.mark.parametrize(
    ("written", "says", "remedy"),
    [
        ({"version": 4}, "the example has version 4, and this lab reads versions up to 3", "a newer lab wrote it"),
        ({"version": "4"}, "the example has version 4, and this lab reads versions up to 3", "a newer lab wrote it"),
        ({"version": 0}, "the example has version 0, which this lab does not take over", "an older lab wrote it"),
        ({"version": 3}, "this lab does not understand the example: 'name'", "made by another version of lab"),
        ({"cpus": "many"}, "this lab does not understand the example: could not", "made by another version of lab"),
        ([], "this lab does not understand the example: not a JSON object", "made by another version of lab"),
    ],
)
def test_what_is_not_understood_is_refused(written: Any, says: str, remedy: str) -> None:
    with pytest.raises(OtherVersionError, match=rf"^file: {says}") as refused:
        EXAMPLE.parse(written, "file", lambda record: record["name"])
    assert refused.value.hint == f"{remedy}: use that one, also to heal or destroy the cluster"


def of_tomorrow(path: Path, key: str = "version") -> None:
    """Makes a record one of the next version."""
    record = json.loads(path.read_text())
    assert record[key] == 1
    path.write_text(json.dumps({**record, key: 2}))


def test_a_newer_plan_is_refused_and_destroy_says_what_to_do(planned: Planned) -> None:
    store.save(planned())
    path = ClusterFolder("core").plan
    of_tomorrow(path)
    for call in (lambda: store.require("core"), lambda: destroy("core", every=False, yes=True, as_json=False)):
        with pytest.raises(OtherVersionError) as refused:
            call()
        assert refused.value.message == f"{path}: the plan has version 2, and this lab reads versions up to 1"
        assert refused.value.hint == "a newer lab wrote it: use that one, also to heal or destroy the cluster"
    assert path.exists()
    assert outline(path) == Outline("nspawn", "172.17.8.0/24", 0, 3), "its network stays taken"


def test_a_plan_without_a_version_has_version_1(planned: Planned) -> None:
    cluster = planned()
    store.save(cluster)
    path = ClusterFolder("core").plan
    path.write_text(path.read_text().replace('"version": 1,', ""))
    assert "version" not in path.read_text()
    assert store.load("core") == cluster


def test_every_record_that_outlives_a_command_has_a_version(
    planned: Planned, made_lab: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    folder = ClusterFolder("core")
    store.save(cluster)

    deployed.record(cluster, made_lab("ch9", "web.service"), "a-lab's-own-version")
    of_tomorrow(folder.deployed / "ch9.json", key="format")
    with pytest.raises(OtherVersionError, match="the record of a deployed lab has version 2"):
        deployed.load(cluster, "ch9")

    fault_journal.record(cluster, FaultKind.KILL, "core-01")
    of_tomorrow(folder.journal)
    with pytest.raises(OtherVersionError, match=r"faults\.jsonl:1: the fault has version 2"):
        fault_journal.open_faults(cluster)

    made = snapshots.Snapshot("clean", 1.0, 2, 3, ("ch9",))
    (folder.snapshots / "clean").mkdir(parents=True)
    snapshots.FORMAT.write(folder.snapshots / "clean/snapshot.json", vars(made))
    assert snapshots.snapshots(cluster) == [made]
    of_tomorrow(folder.snapshots / "clean/snapshot.json")
    with pytest.raises(OtherVersionError, match="the record of a snapshot has version 2"):
        snapshots.snapshots(cluster)

    first = user_ids.of_cluster(cluster)
    assert user_ids.of_cluster(cluster) == first
    of_tomorrow(user_ids.record(cluster))
    with pytest.raises(OtherVersionError, match="the record of user numbers has version 2"):
        user_ids.of_cluster(cluster)


def test_what_lies_on_disk_today_has_version_1(planned: Planned, made_lab: Callable[..., Lab]) -> None:
    """As labs wrote it before records had versions."""
    cluster = planned()
    lab = made_lab("ch9", "web.service")
    folder = ClusterFolder("core")
    folder.deployed.mkdir(parents=True)
    old = {
        "name": "ch9",
        "folder": str(lab.folder),
        "units": ["web.service"],
        "keys": [],
        "ports": [],
        "version": "abc",
    }
    (folder.deployed / "ch9.json").write_text(json.dumps(old))
    expected = replace(deployed.of(lab), version="abc")
    assert deployed.load(cluster, "ch9") == expected
    folder.journal.write_text('{"id": "1", "kind": "kill", "node": "core-01", "wall": 1.0}\n')
    assert fault_journal.open_faults(cluster) == [fault_journal.OpenFault("1", FaultKind.KILL, "core-01", 1.0)]
    user_ids.record(cluster).write_text('{"first": 536870912, "count": 6488064}')
    assert user_ids.of_cluster(cluster) == 536870912
