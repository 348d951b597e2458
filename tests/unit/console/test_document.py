"""The document that is made of one look."""

from __future__ import annotations

from collections.abc import Callable

from coreos_lab.console import document
from coreos_lab.model import Cluster, FaultKind
from coreos_lab.records import fault_journal


def test_nodes_units_and_faults_are_by_name(planned: Callable[..., Cluster]) -> None:
    cluster = planned(nodes=1)
    node = {
        "name": "core-01",
        "address": "172.17.8.101",
        "state": "running",
        "etcd": "member",
        "etcd_healthy": True,
        "fleet": True,
        "memory_bytes": 3 * 2**20 + 5,
        "disks": [],
        "image": "abc",
        "isolated": True,
    }
    row = {"name": "a.service", "node": "core-01", "active": "active", "sub": "running", "load": "loaded"}
    open_fault = fault_journal.record(cluster, FaultKind.ISOLATE, "core-01")
    made = document.of(cluster, {"nodes": [node], "units": [row]}, [open_fault], "core-01")
    assert made["nodes"]["core-01"]["memory"] == 3
    assert made["units"] == {
        "a.service core-01": {
            "name": "a.service",
            "node": "core-01",
            "active": "active",
            "sub": "running",
            "reason": "",
        }
    }
    (fault,) = made["faults"].values()
    assert (fault["node"], fault["kind"], fault["family"]) == ("core-01", "isolate", "network")
    assert fault["text"].startswith("isolate: the machine's network cable is unplugged")


def test_units_that_are_not_known_are_not_an_empty_list(planned: Callable[..., Cluster]) -> None:
    assert document.of(planned(), {"nodes": [], "units": None}, [], "")["units"] is None
