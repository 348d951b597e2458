"""The versions of a node's programs, of the first node that answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coreos_lab import run
from coreos_lab.clients import ssh
from coreos_lab.model import Cluster, Node
from coreos_lab.observed import programs

SAID = """\
etcd=etcd Version: 3.5.35
fleetd=fleetd version 1.0.0
flanneld=0.15.1
docker=Docker version 20.10.24+dfsg1, build 297e128
systemctl=systemd 252 (252.39-1~deb12u1)
image=8f9d2bf613e389c2-2
"""


def test_versions_in_what_programs_say() -> None:
    assert programs.parse(SAID) == {
        "etcd": "3.5.35",
        "fleet": "1.0.0",
        "flannel": "0.15.1",
        "Docker": "20.10.24+dfsg1",
        "systemd": "252",
        "machine image": "8f9d2bf613e389c2-2",
    }
    assert programs.parse("etcd=none\nimage=\n") == {}


def test_the_question_is_answered_by_a_shell() -> None:
    """This machine has some of the programs only: those that it lacks say nothing, least of all their shell's error."""
    done = run.run(["env", "PATH=/usr/bin:/bin", "sh", "-c", programs.ASK], check=False)
    assert done.returncode == 0
    found = programs.parse(done.stdout)
    assert found["machine image"]
    assert "flannel" not in found


def test_a_node_that_does_not_answer_is_passed_over(
    planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ask(_cluster: Cluster, node: Node, argv: list[str], **_options: object) -> run.Completed | None:
        asked.append(node.name)
        return run.Completed(tuple(argv), 0, SAID, "") if node.name == answers else None

    monkeypatch.setattr(ssh, "ask", ask)
    cluster, answers = planned(nodes=5), "core-02"
    assert programs.versions(cluster, cluster.nodes)["node"] == "core-02"
    answers = "core-05"
    assert programs.versions(cluster, cluster.nodes) == {}
    assert asked == ["core-01", "core-02", "core-01", "core-02", "core-03"], (
        "a cluster that is down is no reason to wait"
    )
