"""The keys of a copy of etcd, from what the etcd that tried it has answered."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from coreos_lab.backup import etcd_copy
from coreos_lab.errors import LabError

NONE = {"errorCode": 100, "message": "Key not found"}
ENDS = {"expiration": "2026-11-27T05:00:00Z", "ttl": 3}


def archive(path: Path, keys: object, hidden: object) -> Path:
    with tarfile.open(path, "w:gz") as out:
        for name, answer in (("keys.json", keys), ("hidden.json", hidden)):
            content = json.dumps(answer).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    return path


def folder(name: str, *nodes: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"key": name, "dir": True, "nodes": list(nodes), **more}


def key(name: str, value: str, **more: object) -> dict[str, Any]:
    return {"key": name, "value": value, **more}


def test_keys_that_expire_do_not_count_nor_do_those_in_a_folder_that_does(tmp_path: Path) -> None:
    services = folder("/services", key("/services/1", "10.1.2.3", **ENDS), folder("/services/x", **ENDS))
    leased = folder("/leases", key("/leases/1", "a"), **ENDS)
    keys = {"node": folder("/", key("/a", "1"), services, leased)}
    hidden = {"node": folder("/_coreos.com", key("/_coreos.com/fleet/unit", "text"))}
    assert etcd_copy.keys_in(archive(tmp_path / "x", keys, hidden)) == {"/a": "1", "/_coreos.com/fleet/unit": "text"}


def test_a_tree_may_be_missing(tmp_path: Path) -> None:
    assert etcd_copy.keys_in(archive(tmp_path / "x", {"node": folder("/")}, NONE)) == {}


@pytest.mark.parametrize("answer", [{"errorCode": 300, "message": "Raft Internal Error"}, {}, []])
def test_another_answer_is_no_empty_tree(tmp_path: Path, answer: object) -> None:
    with pytest.raises(LabError, match="no whole copy of etcd"):
        etcd_copy.keys_in(archive(tmp_path / "x", answer, NONE))


def test_an_archive_that_is_cut_off_is_no_copy(tmp_path: Path) -> None:
    path = archive(tmp_path / "x", {"node": folder("/", key("/a", "1" * 4000))}, NONE)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(LabError, match="no whole copy of etcd"):
        etcd_copy.keys_in(path)
