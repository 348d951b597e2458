"""The host keys that fleetctl checks: gathered once, and known on the nodes, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.clients import host_keys, ssh
from coreos_lab.model import Cluster, Node

Planned = Callable[..., Cluster]


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The addresses that were asked for their keys; each has one."""
    calls: list[list[str]] = []

    def scan(argv: list[str], **_options: object) -> run.Completed:
        calls.append(argv[argv.index("ed25519") + 1 :])
        return run.Completed(tuple(argv), 0, "".join(f"{each} ssh-ed25519 KEY\n" for each in calls[-1]), "")

    monkeypatch.setattr(run, "run", scan)
    return calls


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nodes onto which keys were written, in that order; a node that begins with ! did not answer."""
    nodes: list[str] = []

    def ask(_cluster: Cluster, node: Node, argv: Sequence[str], **_options: object) -> run.Completed | None:
        silent = node.name == "core-03"
        nodes.append(f"!{node.name}" if silent else node.name)
        return None if silent else run.Completed(tuple(argv), 0, "", "")

    monkeypatch.setattr(ssh, "ask", ask)
    return nodes


@pytest.mark.usefixtures("scans")
def test_a_node_gets_the_others_keys_once(planned: Planned, written: list[str]) -> None:
    cluster = planned()
    for node in (*cluster.nodes, *cluster.nodes):
        host_keys.introduce(cluster, node, cluster.nodes)
    assert written == ["core-01", "core-02", "!core-03", "!core-03"]
    host_keys.forget(cluster, cluster.nodes[:1])  # made anew
    for node in cluster.nodes[:2]:
        host_keys.introduce(cluster, node, cluster.nodes)
    assert written[4:] == ["core-01"], "the others' list is the same once it has a key again"


def test_keys_are_asked_for_again_only_where_a_command_has_needed_them(
    planned: Planned, scans: list[list[str]]
) -> None:
    cluster = planned()
    host_keys.know_again(cluster, cluster.nodes)
    assert scans == []
    host_keys.know(cluster, cluster.nodes[:1])
    host_keys.know_again(cluster, cluster.nodes)
    assert scans == [[cluster.nodes[0].address], [node.address for node in cluster.nodes[1:]]]


def test_a_nodes_own_entries_stay_and_old_keys_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The script that runs on a node, with a home of the test's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    known = tmp_path / ".fleetctl/known_hosts"
    for text in ("172.17.8.101 ssh-ed25519 ONE\n", "172.17.8.101 ssh-ed25519 NEW\n172.17.8.102 ssh-ed25519 TWO\n"):
        run.run(["sh", "-c", host_keys.INTRODUCE, "sh", text])
        with known.open("a") as out:
            out.write("elsewhere ssh-rsa MINE\n")
    assert known.read_text().splitlines() == [
        "172.17.8.101 ssh-ed25519 NEW",
        "172.17.8.102 ssh-ed25519 TWO",
        "elsewhere ssh-rsa MINE",
        "elsewhere ssh-rsa MINE",
    ]
    assert [path.name for path in known.parent.iterdir()] == ["known_hosts"]
