"""What a node gets of the reader's user-data, and what it must not get."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab.cluster import cloud_config
from coreos_lab.errors import UsageError
from coreos_lab.model import CloudConfig, Cluster, MachineMetadata
from coreos_lab.user_data import document, of_node

MADE = cloud_config.NOT_MADE_YET


@pytest.fixture
def with_config(planned: Callable[..., Cluster]) -> Callable[..., Cluster]:
    """A cluster with these cloud-configs, by node, and this metadata."""

    def make(configs: dict[str, str], metadata: dict[str, str] | None = None, **options: object) -> Cluster:
        given = tuple(CloudConfig(node, f"/m/{node}.yml", f"#cloud-config\n{body}") for node, body in configs.items())
        more = tuple(MachineMetadata(node, text) for node, text in (metadata or {}).items())
        return planned(cloud_configs=given, metadata=more, **options)

    return make


# As the chapters have it, with what is the lab's own written out.
CHAPTER = """
coreos:
  etcd2:
    advertise-client-urls: http://$public_ipv4:2379,http://$private_ipv4:4001
    initial-advertise-peer-urls: http://$private_ipv4:2380
    listen-client-urls: http://0.0.0.0:2379
    listen-peer-urls: http://$private_ipv4:2380,http://$private_ipv4:7001
  fleet:
    public-ip: $public_ipv4
    etcd-servers: http://127.0.0.1:2379
    metadata: "region=eu"
  flannel:
    interface: $public_ipv4
    etcd_endpoints: http://localhost:2379
  locksmith:
    endpoint: http://127.0.0.1:2379
    window-start: Thu 04:00
    window-length: 1h
  units:
    - name: etcd2.service
      command: start
    - name: fleet.socket
      drop-ins:
        - name: 30-ListenStream.conf
          content: |
            [Socket]
            ListenStream=127.0.0.1:49153
    - name: docker.service
      enable: true
      drop-ins:
        - name: 10-opts.conf
          content: "[Service]"
"""


@pytest.mark.parametrize("nodes", [3, 6])
def test_a_chapters_own_cloud_config_is_taken(with_config: Callable[..., Cluster], nodes: int) -> None:
    cluster = with_config({"": CHAPTER}, nodes=nodes)
    cloud_config.check(cluster)
    for node in cluster.nodes:
        found = document.read(cloud_config.text(cluster, node, *MADE), "merged").data
        assert found["hostname"] == node.name
        assert found["coreos"]["fleet"]["metadata"] == "region=eu"


def test_the_labs_own_text_stays_where_a_node_has_nothing(
    with_config: Callable[..., Cluster], planned: Callable[..., Cluster]
) -> None:
    cluster = with_config({"core-02": "coreos: {update: {group: beta}}\n"})
    plain = planned()
    assert cloud_config.text(cluster, cluster.nodes[0], *MADE) == cloud_config.text(plain, plain.nodes[0], *MADE)
    merged = cloud_config.text(cluster, cluster.nodes[1], *MADE)
    assert "group: beta" in merged
    assert "core-02 of cluster core: the lab's cloud-config, with /m/core-02.yml merged under it." in merged


def test_a_nodes_own_wins_over_that_for_all(with_config: Callable[..., Cluster]) -> None:
    cluster = with_config(
        {"core-02": "coreos: {update: {group: own}}\n", "": "coreos: {update: {group: all}}\n"},
        {"": "a=1,b=1", "core-02": "b=2"},
    )
    found = [document.read(cloud_config.text(cluster, node, *MADE), "x").data["coreos"] for node in cluster.nodes]
    assert [each["update"]["group"] for each in found] == ["all", "own", "all"]
    assert [each["fleet"]["metadata"] for each in found] == ["a=1,b=1", "a=1,b=2", "a=1,b=1"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("hostname: web\n", ":2: hostname: web: nodes have the names"),
        ("coreos:\n  etcd: {addr: x}\n", ":3: coreos: etcd: etcd 0.4 is not on the nodes"),
        ("coreos:\n  etcd2:\n    name: a\n", ":4: coreos: etcd2: name: a: nodes have the names"),
        (
            "coreos:\n  etcd2:\n    initial-cluster: a=http://10.0.0.1:2380\n",
            ":4: coreos: etcd2: initial_cluster: a=http",
        ),
        (
            "coreos:\n  etcd2:\n    listen-client-urls: http://127.0.0.1:2379\n",
            ":4: coreos: etcd2: listen_client_urls: ",
        ),
        (
            "coreos:\n  etcd2:\n    initial-advertise-peer-urls: http://$private_ipv4:7001\n",
            ":4: coreos: etcd2: initial_",
        ),
        ("coreos:\n  etcd2:\n    proxy: on\n", ":4: coreos: etcd2: proxy: on: the plan says"),
        ("coreos:\n  etcd2:\n    data-dir: /data\n", ":4: coreos: etcd2: data_dir: /data: "),
        ("coreos:\n  etcd2:\n    peer-trusted-ca-file: /a\n", ":4: coreos: etcd2: peer_trusted_ca_file: each node"),
        ("coreos:\n  etcd2:\n    client-cert-auth: true\n", ":4: coreos: etcd2: client_cert_auth: each node"),
        ("coreos:\n  etcd2:\n    force-new-cluster: true\n", ":4: coreos: etcd2: force_new_cluster: True: each boot"),
        ("coreos:\n  fleet:\n    public-ip: 10.0.0.1\n", ":4: coreos: fleet: public_ip: 10.0.0.1: nodes have"),
        ("coreos:\n  fleet:\n    agent-ttl: 30s\n", ":4: coreos: fleet: agent_ttl: 30s: the lab's deadlines"),
        ("coreos:\n  fleet:\n    etcd_servers: http://10.0.0.1:2379\n", ":4: coreos: fleet: etcd_servers: http"),
        ("coreos:\n  fleet:\n    etcd_cafile: /a\n", ":4: coreos: fleet: etcd_cafile: each node"),
        ("coreos:\n  flannel:\n    interface: eth9\n", ":4: coreos: flannel: interface: eth9"),
        ("coreos:\n  flannel:\n    etcd_prefix: /mine\n", ":4: coreos: flannel: etcd_prefix: /mine"),
        ("coreos:\n  locksmith:\n    endpoint: http://10.0.0.1:2379\n", ":4: coreos: locksmith: endpoint: http"),
        ("coreos:\n  units:\n    - {name: sshd.socket, mask: true}\n", ":4: sshd.socket: mask: without this unit"),
        ("coreos:\n  units:\n    - {name: etcd2.service, command: stop}\n", ":4: etcd2.service: command: without"),
        ("coreos:\n  units:\n    - {name: dbus.service, content: x}\n", ":4: dbus.service: content: without"),
        ("coreos:\n  units:\n    - {name: systemd-logind.service, mask: true}\n", ":4: systemd-logind.service: mask"),
        ("coreos:\n  units:\n    - {name: 10-eth1.network, content: x}\n", ":4: 10-eth1.network: nodes' networks"),
        (
            "coreos:\n  units:\n    - {name: fleet.socket, drop-ins: [{name: a, content: ListenStream=49153}]}\n",
            ":4: fleet.socket: the lab asks fleet",
        ),
        (
            "coreos:\n  units:\n    - {name: fleet.socket, drop-ins: [{name: 30-tcp.conf, content: a}]}\n",
            ":4: fleet.socket: 30-tcp.conf: the lab has",
        ),
        ("write_files:\n  - {path: /etc/ssh/ssh_host_rsa_key}\n", ":3: /etc/ssh/ssh_host_rsa_key: nodes depend"),
        ("write_files:\n  - {path: /etc//coreos/../coreos/hosts}\n", ":3: /etc/coreos/hosts: nodes depend"),
        ("write_files:\n  - {path: etc/environment}\n", ":3: /etc/environment: nodes depend"),
        ("write_files:\n  - {path: /home/core/.ssh/authorized_keys}\n", ":3: /home/core/.ssh/authorized_keys: nodes"),
        (
            "write_files:\n  - {path: /etc/systemd/system/dbus.service}\n",
            ":3: /etc/systemd/system/dbus.service: nodes",
        ),
        ("write_files:\n  - {path: /etc/sudoers.d/core}\n", ":3: /etc/sudoers.d/core: the lab needs"),
        ("coreos:\n  units:\n    - {name: lab-start.service}\n", ":4: lab-start.service: the lab has a unit of that"),
        (
            "coreos:\n  units:\n    - {name: lab-ignition.service, mask: true}\n",
            ":4: lab-ignition.service: the lab has",
        ),
        (
            "coreos:\n  units:\n    - {name: lab-ignition-core-02.service}\n",
            ":4: lab-ignition-core-02.service: the lab",
        ),
        ("write_files:\n  - {path: /etc/lab-ignition-core-02.sh}\n", ":3: /etc/lab-ignition-core-02.sh: the lab has"),
        (
            "write_files:\n  - {path: /run/systemd/system/lab-start.service.d/a.conf}\n",
            ":3: /run/systemd/system/lab-start.service.d/a.conf: the lab has a file",
        ),
        (
            "users:\n  - {name: a, coreos-ssh-import-github: a}\n",
            ":3: coreos_ssh_import_github: keys from the Internet",
        ),
    ],
)
def test_what_would_cut_off_a_node_is_refused_by_name(
    with_config: Callable[..., Cluster], body: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        cloud_config.check(with_config({"core-02": body}))
    assert caught.value.message.startswith(f"/m/core-02.yml{message}")
    assert caught.value.hint


@pytest.mark.parametrize(
    "body",
    [
        "write_files:\n  - {path: /etc/systemd/system/docker.service.d/10-mine.conf, content: a}\n",
        "write_files:\n  - {path: /etc/sudoers.d/mine, content: a}\n",
        "write_files:\n  - {path: /etc/docker/daemon.json, content: '{}'}\n",
        "coreos:\n  units:\n    - {name: flanneld.service, mask: true}\n",
        "coreos:\n  units:\n    - {name: fleet.service, command: restart, enable: yes, runtime: yes}\n",
        "coreos:\n  units:\n    - {name: fleet.socket, drop-ins: [{name: a, content: ListenStream=/run/mine}]}\n",
        "hostname: core-02\n",
        "coreos:\n  etcd2: {advertise-client-urls: 'http://172.17.8.102:2379/'}\n",
        "coreos:\n  fleet: {agent-ttl: 10s, disable-engine: true, etcd_request_timeout: 5}\n",
        "users:\n  - {name: core, passwd: x}\n",
        "coreos:\n  units:\n    - {name: lab-ignitions.service, content: a}\n",
    ],
)
def test_what_leaves_a_node_reachable_is_the_readers(with_config: Callable[..., Cluster], body: str) -> None:
    cloud_config.check(with_config({"core-02": body}))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("coreos:\n  units:\n    - {name: docker.service, content: x}\n", ":4: docker.service: content: replaces the"),
        ("write_files:\n  - {path: /etc/ssh/sshd_config}\n", ":3: /etc/ssh/sshd_config: replaces the file"),
        ("write_files:\n  - {path: /etc//resolv.conf}\n", ":3: /etc/resolv.conf: replaces the file"),
        (
            "write_files:\n  - {path: /run/systemd/system/etcd2.service}\n",
            ":3: /run/systemd/system/etcd2.service: replaces the unit",
        ),
    ],
)
def test_what_may_cut_off_a_node_is_a_risk(with_config: Callable[..., Cluster], body: str, message: str) -> None:
    cluster = with_config({"core-02": body})
    cloud_config.check(cluster)
    (risk,) = of_node.risky(cluster.cloud_configs)
    assert str(risk).startswith(f"/m/core-02.yml{message}")
    assert risk.remedy


def test_without_a_risk_there_is_nothing_to_ask(with_config: Callable[..., Cluster]) -> None:
    assert of_node.risky(with_config({"": CHAPTER, "core-01": "hostname: core-01\n"}).cloud_configs) == []
