"""Cloud-config, as a machine would read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ruamel.yaml import YAML

from coreos_lab.model import Cluster
from coreos_lab.render import cloud_config

KEY = "ssh-ed25519 AAAA lab core"


def rendered(cluster: Cluster, number: int, joins: str = "") -> Any:
    text = cloud_config(cluster, cluster.nodes[number], KEY, "t0k3n", "172.17.8.1:5000", joins=joins)
    assert text.startswith("#cloud-config\n")
    return YAML(typ="safe").load(text)


def test_a_member_knows_the_whole_cluster(planned: Callable[..., Cluster]) -> None:
    config = rendered(planned(), 1)
    etcd = config["coreos"]["etcd2"]
    assert config["hostname"] == etcd["name"] == "core-02"
    assert config["ssh_authorized_keys"] == [KEY]
    assert etcd["initial-cluster"].split(",")[2] == "core-03=http://172.17.8.103:2380"
    assert etcd["initial-cluster-state"] == "new"
    assert "proxy" not in etcd
    assert config["coreos"]["fleet"]["agent_ttl"] == "10s"


def test_a_node_beyond_the_members_passes_on(planned: Callable[..., Cluster]) -> None:
    etcd = rendered(planned(nodes=6), 5)["coreos"]["etcd2"]
    assert etcd["proxy"] == "on"
    assert etcd["initial-cluster"].count("=") == 5
    assert "listen-peer-urls" not in etcd


def test_a_member_that_joins_says_existing(planned: Callable[..., Cluster]) -> None:
    etcd = rendered(planned(), 2, joins="core-03=http://172.17.8.103:2380")["coreos"]["etcd2"]
    assert etcd["initial-cluster-state"] == "existing"
    assert etcd["initial-cluster"] == "core-03=http://172.17.8.103:2380"


def test_docker_asks_the_clusters_mirror(planned: Callable[..., Cluster]) -> None:
    files = rendered(planned(), 0)["write_files"]
    daemon = next(f for f in files if f["path"] == "/etc/docker/daemon.json")
    settings = YAML(typ="safe").load(daemon["content"])
    assert settings["registry-mirrors"] == ["http://172.17.8.1:5000"]
    assert settings["insecure-registries"] == ["172.17.8.1:5000"]


def test_units_start_in_the_order_in_which_they_need_each_other(planned: Callable[..., Cluster]) -> None:
    units = [unit["name"] for unit in rendered(planned(), 0)["coreos"]["units"]]
    assert units.index("etcd2.service") < units.index("fleet.service") < units.index("locksmithd.service")
