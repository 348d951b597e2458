"""What coreos-cloudinit says of cloud-configs, and what existing nodes boot from after a change."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.clients import ssh
from coreos_lab.cluster import applying, cloud_config
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import CloudConfig, Cluster, MachineMetadata, NodeState
from coreos_lab.records import identity
from coreos_lab.records.store import ClusterFolder
from coreos_lab.user_data import document

Planned = Callable[..., Cluster]
BEFORE = '2026/11/26 10:20:13 Fetching user-data from datasource of type "local-file"\n'


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, int], None]:
    """Makes coreos-cloudinit print this, and end with that code."""

    def answer(report: str, code: int) -> None:
        def validate(argv: list[object], **_more: object) -> run.Completed:
            assert Path(str(argv[2]).partition("=")[2]).read_text().startswith("#cloud-config")
            return run.Completed(tuple(map(str, argv)), code, "", BEFORE + report)

        monkeypatch.setattr(run, "run", validate)

    monkeypatch.setattr(cloud_config, "ensure_userland", lambda: tmp_path)
    answer("", 0)
    return answer


@pytest.fixture
def _identified(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "ensure_key", lambda _folder: "ssh-ed25519 AAAA lab")
    monkeypatch.setattr(identity, "ensure_token", lambda _folder: "t0k3n")


MINE = CloudConfig("", "/m/mine.yml", "#cloud-config\n")


def test_what_the_program_finds_is_named_with_file_and_line(judged: Callable[[str, int], None]) -> None:
    cloud_config.judge([MINE])
    judged('2026/11/26 10:20:13 line 8: warning: deprecated key "etcd2" (etcd2 is no longer shipped)\n', 1)
    cloud_config.judge([MINE])
    judged("2026/11/26 line 9: error: invalid value never\n2026/11/26 line 3: warning: a\n", 1)
    with pytest.raises(UsageError) as caught:
        cloud_config.judge([MINE])
    assert caught.value.message == "/m/mine.yml:3: coreos-cloudinit: a"
    assert caught.value.details == "/m/mine.yml:9: coreos-cloudinit: invalid value never"


def test_a_program_that_stops_before_its_report_has_not_accepted_it(judged: Callable[[str, int], None]) -> None:
    judged('2026/11/26 10:20:13 Failed while validating user_data ("unhandled kind")\n', 1)
    with pytest.raises(run.CommandError):
        cloud_config.judge([MINE])


@pytest.mark.usefixtures("judged", "_identified")
def test_a_change_is_written_for_the_next_boot_and_keeps_how_a_node_joined(planned: Planned) -> None:
    cluster = planned()
    for node in cluster.nodes[:2]:
        cloud_config.write(cluster, node, joins="" if node.name == "core-01" else "core-02=http://172.17.8.102:2380")
    states = dict.fromkeys(("core-01", "core-02"), NodeState.RUNNING) | {"core-03": NodeState.ABSENT}
    assert applying.renew(cluster, states) == []
    changed = replace(cluster, metadata=(MachineMetadata("core-02", "a=b"),))
    assert applying.renew(changed, states) == [cluster.nodes[1]]
    path = ClusterFolder("core").user_data(cluster.nodes[1])
    coreos = document.read(path.read_text(), "x").data["coreos"]
    assert coreos["fleet"]["metadata"] == "a=b"
    assert coreos["etcd2"]["initial_cluster"] == "core-02=http://172.17.8.102:2380"
    assert coreos["etcd2"]["initial_cluster_state"] == "existing"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not ClusterFolder("core").user_data(cluster.nodes[2]).exists()


@pytest.mark.usefixtures("judged", "_identified")
def test_services_with_new_settings_are_named_not_restarted(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = planned()
    for node in cluster.nodes:
        cloud_config.write(cluster, node)
    calls = []

    def on_node(_cluster: Cluster, node: object, argv: list[str], **more: object) -> run.Completed:
        calls.append((node, argv[:3], more["input_text"]))
        return run.Completed(tuple(argv), 0, "etcd2.service\nfleet.service\n" if len(calls) == 1 else "", "log")

    monkeypatch.setattr(ssh, "node_run", on_node)
    assert applying.apply(cluster, cluster.nodes) == [
        "core-01: has new settings of etcd2.service, fleet.service, used after "
        "'lab ssh core-01 -- sudo systemctl restart etcd2.service fleet.service'."
    ]
    assert [call[1] for call in calls] == [["sudo", "bash", "-c"]] * 3
    assert str(calls[1][2]).startswith("#cloud-config\n# core-02 ")


@pytest.mark.usefixtures("judged", "_identified")
def test_a_node_on_which_it_fails_is_named(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = planned()
    cloud_config.write(cluster, cluster.nodes[0])
    failed = run.Completed((), 1, "", "a\nFailed to apply cloud-config: exit status 6\n")
    monkeypatch.setattr(ssh, "node_run", lambda *_args, **_more: failed)
    with pytest.raises(LabError, match="core-01: coreos-cloudinit has failed") as caught:
        applying.apply(cluster, cluster.nodes)
    assert "exit status 6" in caught.value.details


def test_the_script_is_one_that_bash_reads() -> None:
    subprocess.run(["bash", "-n", "-c", applying.APPLY], check=True)
    assert "flanneld.service) echo /run/flannel/options.env ;;" in applying.APPLY


@pytest.mark.usefixtures("judged", "_identified")
def test_configs_that_are_as_long_as_they_may_be_are_rewritten_together(planned: Planned) -> None:
    long = "#cloud-config\nwrite_files: [{path: /PATH, content: '" + "x" * (document.SIZE_MAX - 60) + "'}]\n"
    texts = {node: long.replace("PATH", node or "all") for node in ("", "core-01")}
    cluster = planned(cloud_configs=tuple(CloudConfig(node, "/m/mine.yml", text) for node, text in texts.items()))
    cloud_config.write(cluster, cluster.nodes[0])
    assert cloud_config.rewrite(cluster, cluster.nodes[0]) is False
    assert ClusterFolder("core").user_data(cluster.nodes[0]).stat().st_size > document.SIZE_MAX
