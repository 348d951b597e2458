"""A cluster that boots with a reader's own unit, user, file and metadata, and gets them changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, Result, comes_to, lab, until

Lab = Callable[..., Result]
OWN = f"{NAME}-own"[:24]
MINE = """#cloud-config
users:
  - name: reader
    groups: [docker]
write_files:
  - path: /etc/reader
    permissions: 0640
    content: |
      made for $private_ipv4
coreos:
  etcd2:
    listen-client-urls: http://0.0.0.0:2379,http://0.0.0.0:4001
    snapshot-count: 5000
  fleet:
    metadata: region=eu,disk=hdd
    token_limit: 1
  update:
    reboot-strategy: off
  units:
    - name: reader.service
      command: start
      content: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh -c 'hostname >/run/reader'
    - name: docked.service
      command: start
      content: |
        [Unit]
        Requires=docker.service
        After=docker.service
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/bin/docker info
"""
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n[X-Fleet]\nMachineMetadata=disk=ssd\n"


def on(node: str, line: str) -> str:
    """What a shell on a node prints."""
    return lab("ssh", "--name", OWN, node, "--", line).out.strip()


def machines() -> dict[str, str]:
    """fleet's metadata by the last number of a machine's address."""
    rows = lab("fleetctl", "--name", OWN, "list-machines", "--no-legend").out.splitlines()
    return {row.split()[1].rpartition(".")[2]: row.split()[2] for row in rows}


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file that a cluster of two nodes was made with."""
    file = tmp_path_factory.mktemp("own") / "mine.yml"
    file.write_text(MINE)
    try:
        more = ("--cloud-config", str(file), "--metadata", "core-02:disk=ssd", "--metadata", "zone=a")
        lab("up", "--name", OWN, "--nodes", "2", *more)
        yield file
    finally:
        lab("destroy", "--name", OWN)


def test_what_the_reader_wrote_is_on_the_nodes(mine: Path, tmp_path: Path) -> None:
    del mine
    assert on("core-02", "cat /run/reader; stat -c %a /etc/reader; sudo cat /etc/reader; id -nG reader").split(
        "\n"
    ) == [
        "core-02",
        "640",
        f"made for {on('core-02', '. /etc/environment; echo $COREOS_PRIVATE_IPV4')}",
        "reader docker",
    ]
    assert on("core-01", "systemctl is-system-running --wait; systemctl is-active docked").split() == [
        "running",
        "active",
    ]
    assert "ETCD_SNAPSHOT_COUNT=5000" in on("core-01", "systemctl show --property Environment etcd2")
    assert on("core-01", "grep STRATEGY /etc/coreos/update.conf; systemctl is-enabled locksmithd || true").split() == [
        "REBOOT_STRATEGY=off",
        "masked-runtime",
    ]
    comes_to(machines, {"101": "disk=hdd,region=eu,zone=a", "102": "disk=ssd,region=eu,zone=a"})
    (tmp_path / "chosen.service").write_text(UNIT)
    lab("fleetctl", "--name", OWN, "start", "--no-block", str(tmp_path / "chosen.service"))
    rows = ("list-units", "--no-legend", "--fields=machine,unit", "--full")
    until(lambda: ".102" in lab("fleetctl", "--name", OWN, *rows).out)


def test_a_change_reaches_new_nodes_at_once_and_running_ones_on_request(mine: Path) -> None:
    mine.write_text(MINE.replace("made for", "changed for"))
    said = lab("up", "--name", OWN, "--cloud-config", str(mine)).out
    assert "core-01, core-02: the new cloud-config is applied at the next boot" in said
    assert on("core-01", "sudo cat /etc/reader").startswith("made for")
    lab("scale", "3", "--name", OWN)
    assert on("core-03", "sudo cat /etc/reader").startswith("changed for")
    applied = lab("up", "--name", OWN, "--apply", "--metadata", "core-01:disk=nvme").out
    assert on("core-01", "sudo cat /etc/reader").startswith("changed for")
    assert "core-01: has new settings of fleet.service, used after" in applied
    assert on("core-01", "sudo systemctl restart fleet; sudo systemctl show --property ActiveState fleet").endswith(
        "active"
    )
    assert "initial_cluster_state: existing" in lab("render", "cloud-config", "core-03", "--name", OWN).out


def test_what_would_cut_nodes_off_changes_nothing(mine: Path) -> None:
    for body, line, words in (
        ("coreos:\n  update:\n    reboot-strategy: never\n", 4, "coreos-cloudinit: invalid value never"),
        ("hostname: web\n", 2, "hostname: web"),
        ("coreos:\n\tunits: []\n", 3, "a tab indents this line"),
    ):
        mine.write_text(f"#cloud-config\n{body}")
        error = lab("up", "--name", OWN, "--cloud-config", str(mine), "--apply", code=2).err
        assert f"{mine}:{line}: {words}" in error
    lab("up", "--name", OWN, "--metadata", "core-09:a=b", code=2)
    assert "changed for" in lab("render", "cloud-config", "core-01", "--name", OWN).out


CONTAINER_LINUX = """
passwd:
  groups: [{name: web, gid: 1500}]
  users:
    - name: core
      groups: [web]
    - name: reader
      groups: [docker, web]
storage:
  directories:
    - {path: /srv/reader, filesystem: root, mode: 0750, user: {name: reader}, group: {name: web}}
  files:
    - path: /srv/reader/file
      filesystem: root
      mode: 0640
      user: {name: reader}
      group: {name: web}
      contents: {inline: "as it is: $private_ipv4"}
  links:
    - {path: /srv/link, filesystem: root, target: reader/file}
systemd:
  units:
    - name: reader.service
      enabled: true
      contents: |
        [Unit]
        Requires=docker.service
        After=docker.service multi-user.target
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'docker info >/dev/null && cat /proc/sys/kernel/random/boot_id >>/var/lib/reader'
        [Install]
        WantedBy=multi-user.target
    - name: locksmithd.service
      mask: true
etcd:
  version: 3.3.0
  name: "{HOSTNAME}"
  snapshot_count: 5000
  quota_backend_bytes: 1000000000
flannel:
  interface: "{PRIVATE_IPV4}"
docker:
  flags: ["--debug"]
"""
CT = f"{NAME}-ct"[:24]


@pytest.fixture
def with_ct(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """What a shell prints on the one node of a cluster that was made with a Container Linux Config."""
    (tmp_path / "mine.ct").write_text(CONTAINER_LINUX)
    try:
        lab("up", "--name", CT, "--nodes", "1", "--cloud-config", str(tmp_path / "mine.ct"))
        yield lambda line: lab("ssh", "--name", CT, "core-01", "--", line).out.strip()
    finally:
        lab("destroy", "--name", CT)


def test_a_container_linux_config_is_what_a_node_boots_from(with_ct: Callable[[str], str], tmp_path: Path) -> None:
    assert with_ct("id -nG reader; id -nG core; getent group web | cut -d: -f3").split() == [
        *("reader", "docker", "web"),
        *("core", "sudo", "systemd-journal", "docker", "web", "1500"),
    ]
    assert with_ct("cd /srv && sudo stat -c '%a %U %G' reader reader/file; sudo cat link").split("\n") == [
        "750 reader web",
        "640 reader web",
        "as it is: $private_ipv4",
    ]
    assert with_ct("systemctl is-enabled locksmithd.service || true; pgrep -a dockerd").startswith("masked\n")
    assert "--debug" in with_ct("pgrep -a dockerd")
    etcd = with_ct("systemctl show --property Environment etcd2").split()
    assert {"ETCD_SNAPSHOT_COUNT=5000", "ETCD_QUOTA_BACKEND_BYTES=1000000000"} <= set(etcd)
    # Enabled by the first boot, which is over before the unit begins; and from then on as any unit is.
    until(lambda: with_ct("cat /var/lib/reader || true"))
    lab("break", "core-01", "--name", CT, "--fault", "reboot")
    lab("heal", "--name", CT)
    until(lambda: len(with_ct("cat /var/lib/reader").split()) > 1)
    first, second = with_ct("cat /var/lib/reader").split()
    assert first != second == with_ct("cat /proc/sys/kernel/random/boot_id")
    assert with_ct("systemctl is-system-running --wait") == "running"

    risky = tmp_path / "risky.yml"
    risky.write_text("#cloud-config\nwrite_files:\n  - path: /etc/resolv.conf\n    content: nameserver 192.0.2.1\n")
    call = ("up", "--name", CT, "--cloud-config", f"core-01:{risky}", "--apply")
    error = lab(*call, code=2, stdin="").err
    assert f"lab: {risky}:3: /etc/resolv.conf: replaces the file of the node" in error
    assert "not confirmed" in error
    assert "192.0.2.1" not in with_ct("cat /etc/resolv.conf || true")
    lab(*call, "--yes")
    assert with_ct("cat /etc/resolv.conf") == "nameserver 192.0.2.1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("storage:\n  disks:\n    - {device: /dev/sdb}\n", ":2: storage: disks: a node's disks are the plan's"),
        ("systemd:\n  unitz: []\n", ":2: unitz: no key of a Container Linux Config at this place"),
        ('{"ignition": {"version": "3.1.0"}}', ":1: no version that nodes take"),
        ("variant: fcos\nversion: 1.0.0\n", ":1: variant: a Butane config"),
    ],
)
def test_what_a_node_cannot_do_is_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text(text)
    for call in (("up", "--dry-run"), ("render", "cloud-config")):
        assert f"{tmp_path / 'mine'}{message}" in lab(*call, "--cloud-config", str(tmp_path / "mine"), code=2).err
