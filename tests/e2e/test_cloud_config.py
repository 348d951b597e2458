"""A cluster that boots with a reader's own unit, user, file and metadata, and gets them changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import NAME, Result, lab

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
    assert on("core-01", "systemctl is-system-running --wait") == "running"
    assert "ETCD_SNAPSHOT_COUNT=5000" in on("core-01", "systemctl show --property Environment etcd2")
    assert on("core-01", "grep STRATEGY /etc/coreos/update.conf; systemctl is-enabled locksmithd || true").split() == [
        "REBOOT_STRATEGY=off",
        "masked-runtime",
    ]
    assert machines() == {"101": "disk=hdd,region=eu,zone=a", "102": "disk=ssd,region=eu,zone=a"}
    (tmp_path / "chosen.service").write_text(UNIT)
    lab("fleetctl", "--name", OWN, "start", "--block-attempts=60", str(tmp_path / "chosen.service"))
    assert ".102" in lab("fleetctl", "--name", OWN, "list-units", "--no-legend", "--fields=machine,unit", "--full").out


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
