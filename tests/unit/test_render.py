"""Cloud-config, as a machine would read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ruamel.yaml import YAML

from coreos_lab.model import Cluster, Stack
from coreos_lab.render import cloud_config

KEY = "ssh-ed25519 AAAA lab core"


def rendered(cluster: Cluster, number: int, joins: str = "", **more: Any) -> Any:
    text = cloud_config(cluster, cluster.nodes[number], KEY, "t0k3n", "172.17.8.1:5000", joins=joins, **more)
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


def drop_ins(config: Any, unit: str) -> str:
    (found,) = (each for each in config["coreos"]["units"] if each["name"] == unit)
    return "".join(each["content"] for each in found.get("drop-ins", []))


def test_docker_gets_the_clusters_registry_as_flags(planned: Callable[..., Cluster]) -> None:
    config = rendered(planned(), 0)
    (hosts,) = config["write_files"]
    assert (hosts["path"], hosts["content"]) == ("/etc/coreos/hosts", "172.17.8.1 registry.lab update.lab s3.lab\n")
    flags = "--registry-mirror=http://172.17.8.1:5000 --insecure-registry=172.17.8.1:5000"
    text = drop_ins(config, "docker.service")
    assert f'\nEnvironment="DOCKER_OPT_REGISTRY={flags} --insecure-registry=registry.lab:5808"\n' in text


def test_a_docker_that_takes_no_flags_gets_the_registry_in_its_file(planned: Callable[..., Cluster]) -> None:
    config = rendered(planned(), 0, docker_flags=False)
    (daemon,) = config["write_files"]
    settings = YAML(typ="safe").load(daemon["content"])
    assert daemon["path"] == "/etc/docker/daemon.json"
    assert settings["registry-mirrors"] == ["http://172.17.8.1:5000"]
    assert settings["insecure-registries"] == ["172.17.8.1:5000"]
    assert "--registry-mirror" not in drop_ins(config, "docker.service"), "dockerd refuses it in both"


def test_units_start_in_the_order_in_which_they_need_each_other(planned: Callable[..., Cluster]) -> None:
    units = [unit["name"] for unit in rendered(planned(), 0)["coreos"]["units"]]
    assert units.index("etcd2.service") < units.index("fleet.service") < units.index("locksmithd.service")


def test_every_key_of_a_member(planned: Callable[..., Cluster]) -> None:
    config = rendered(planned(agent_ttl="7s"), 0)
    assert set(config) == {"hostname", "ssh_authorized_keys", "coreos", "write_files"}
    coreos = config["coreos"]
    assert set(coreos) == {"etcd2", "fleet", "flannel", "locksmith", "units"}
    own = "http://$private_ipv4"
    assert coreos["etcd2"] == {
        "name": "core-01",
        "initial-cluster-token": "t0k3n",
        "initial-cluster": ",".join(f"core-0{n}=http://172.17.8.10{n}:2380" for n in (1, 2, 3)),
        "initial-cluster-state": "new",
        "listen-peer-urls": f"{own}:2380",
        "initial-advertise-peer-urls": f"{own}:2380",
        "advertise-client-urls": f"{own}:2379",
        "listen-client-urls": "http://0.0.0.0:2379,http://0.0.0.0:4001",
        "heartbeat-interval": 100,
        "election-timeout": 500,
    }
    assert coreos["fleet"] == {"public-ip": "$private_ipv4", "agent_ttl": "7s", "engine_reconcile_interval": 0.5}
    assert coreos["flannel"] == {"interface": "$private_ipv4"}
    assert coreos["locksmith"] == {"endpoint": "http://127.0.0.1:2379"}


def test_every_key_of_a_node_beyond_the_members(planned: Callable[..., Cluster]) -> None:
    config = rendered(planned(nodes=6), 5)
    assert set(config["coreos"]["etcd2"]) == {
        "name",
        "proxy",
        "initial-cluster",
        "listen-client-urls",
        "heartbeat-interval",
        "election-timeout",
    }
    assert config["hostname"] == "core-06"
    assert "core-06" not in config["coreos"]["etcd2"]["initial-cluster"]
    assert len(config["coreos"]["units"]) == len(rendered(planned(), 0)["coreos"]["units"])


def test_fleet_is_reached_from_outside(planned: Callable[..., Cluster]) -> None:
    units = {unit["name"]: unit for unit in rendered(planned(), 0)["coreos"]["units"]}
    assert "ListenStream=$private_ipv4:49153" in units["fleet.socket"]["drop-ins"][0]["content"]


def test_an_election_waits_for_several_heartbeats(planned: Callable[..., Cluster]) -> None:
    etcd = rendered(planned(), 0)["coreos"]["etcd2"]
    assert etcd["election-timeout"] >= 5 * etcd["heartbeat-interval"]


def test_machines_of_a_group_boot_from_one_text(planned: Callable[..., Cluster]) -> None:
    paper = planned(provider="aws", nodes=6)
    cluster = replace(paper, stack=Stack("aws", "us-west-2", "t2.small", discovery="https://discovery.etcd.io/x"))
    texts = {cloud_config(cluster, node, KEY, "t0k3n", "127.0.0.1:5808") for node in cluster.nodes}
    assert len(texts) == 1
    config = YAML(typ="safe").load(texts.pop())
    etcd = config["coreos"]["etcd2"]
    assert etcd["discovery"] == "https://discovery.etcd.io/x"
    assert not {"name", "proxy", "initial-cluster"} & set(etcd)
    assert "hostname" not in config
    assert config["coreos"]["fleet"]["public-ip"] == "$public_ipv4", "what the labs announce"
    assert "until curl --silent --fail --max-time 2 http://127.0.0.1:5808/v2/" in drop_ins(config, "fleet.service")
