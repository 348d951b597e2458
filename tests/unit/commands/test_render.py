"""What `lab render cloud-config` shows: what a node booted from, or what would come of a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from coreos_lab.commands.render import cloud_config
from coreos_lab.errors import UsageError
from coreos_lab.model import CloudConfig, Cluster, MachineMetadata
from coreos_lab.plan import Request
from coreos_lab.records import store
from coreos_lab.records.store import ClusterFolder

MINE = (CloudConfig("", "/m/mine.yml", "#cloud-config\nwrite_files: [{path: /etc/mine, content: a}]\n"),)


def test_it_shows_what_would_come_of_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    cloud_config(Request(cloud_configs=MINE, metadata=(MachineMetadata("core-02", "a=b"),)), "core-02")
    shown = capsys.readouterr().out
    assert "hostname: core-02" in shown
    assert "path: /etc/mine" in shown
    assert "metadata: a=b" in shown
    assert store.names() == []
    wrong = replace(MINE[0], text="#cloud-config\nhostname: web\n")
    with pytest.raises(UsageError, match="/m/mine.yml:2: hostname"):
        cloud_config(Request(cloud_configs=(wrong,)), "core-01")


def test_it_shows_what_a_node_booted_from(planned: Callable[..., Cluster], capsys: pytest.CaptureFixture[str]) -> None:
    cluster = planned(cloud_configs=MINE)
    store.save(cluster)
    booted = ClusterFolder("core").user_data(cluster.nodes[0])
    booted.parent.mkdir(parents=True)
    booted.write_text("#cloud-config\n# as it booted\n")
    cloud_config(Request(), "core-01")
    assert capsys.readouterr().out == "#cloud-config\n# as it booted\n"
    cloud_config(Request(), "core-02")  # not made yet
    assert "path: /etc/mine" in capsys.readouterr().out
    cloud_config(Request(metadata=(MachineMetadata("", "a=b"),)), "core-01")
    assert "metadata: a=b" in capsys.readouterr().out
    assert store.require("core") == cluster
