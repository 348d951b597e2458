"""`lab update` up to its first act."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from coreos_lab import disk
from coreos_lab.commands import update as command
from coreos_lab.errors import LabError, UsageError
from coreos_lab.machine_image import editions
from coreos_lab.model import Cluster, Offer
from coreos_lab.records import store
from coreos_lab.updating import before


@pytest.fixture
def cluster(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that was updated once; two of its nodes can be asked."""
    made = replace(planned(), image="k-2", offers=(Offer("", "k-2", "k", done=True),))
    store.save(made)
    has = {"core-01": "k-2", "core-02": "k-2"}
    monkeypatch.setattr(before, "nodes", lambda *_args: before.Nodes(made.nodes[:2], has))
    monkeypatch.setattr(editions, "following", lambda image: f"{image}+")
    return made


def call(*, back: bool = False, group: str = "", dry_run: bool = True) -> None:
    command.update("core", back=back, group=group, dry_run=dry_run, as_json=False)


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        ({}, {"before": "k-2", "image": "k-2+", "group": ""}),
        ({"back": True}, {"before": "k-2", "image": "k", "group": ""}),
        ({"group": "beta"}, {"before": "k-2", "image": "k-2+", "group": "beta"}),
    ],
)
def test_a_dry_run_says_what_would_be_done(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], options: dict[str, Any], plan: dict[str, object]
) -> None:
    call(**options)
    printed = json.loads(capsys.readouterr().out)
    assert printed == {
        "cluster": "core",
        **plan,
        "resumed": False,
        "nodes": ["core-01", "core-02"],
        "has": {"core-01": "k-2", "core-02": "k-2"},
    }
    assert store.require("core") == cluster, "nothing is written"


def test_a_cluster_of_virtual_machines_is_refused(planned: Callable[..., Cluster]) -> None:
    store.save(planned(provider="vagrant"))
    with pytest.raises(UsageError, match="vagrant: virtual machines of this provider have one system partition"):
        call(dry_run=False)


@pytest.mark.usefixtures("cluster")
def test_one_at_a_time_changes_a_cluster() -> None:
    with store.ClusterFolder("core").lock("lab scale 5"), pytest.raises(LabError, match="busy: lab scale 5"):
        call(dry_run=False)
    assert disk.last_lines(store.ClusterFolder("core").plan, 1) == "}"
