"""The configuration and the calls of OpenSSH's client, which reads them itself where that can be tried."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.clients import ssh
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

Planned = Callable[..., Cluster]


@pytest.fixture
def control(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where shared connections are kept, in the test's own folder."""
    monkeypatch.setattr(ClusterFolder, "control", tmp_path / "control")
    return tmp_path / "control"


def as_ssh_reads_it(config: Path, host: str) -> dict[str, str]:
    lines = run.run(["ssh", "-G", "-F", config, host]).stdout.splitlines()
    return dict(reversed([line.split(" ", 1) for line in lines if " " in line]))


@pytest.mark.parametrize("folder", ["plain", "two words", "100%h"])
def test_openssh_reads_the_configuration(planned: Planned, tmp_path: Path, folder: str) -> None:
    base = tmp_path / folder
    base.mkdir()
    (base / "config").write_text(ssh.render_config(planned(), base / "key", base / "c"))
    read = as_ssh_reads_it(base / "config", "core-02")
    assert (read["hostname"], read["user"], read["batchmode"]) == ("172.17.8.102", "core", "yes")
    assert read["identityfile"].replace("%%", "%") == str(base / "key")
    assert read["controlpath"] == str(base / "c" / "core-02")
    assert read["stricthostkeychecking"] in ("no", "false")
    assert read["userknownhostsfile"] == "/dev/null"
    assert int(read["serveraliveinterval"]) * int(read["serveralivecountmax"]) <= 4


def test_every_node_has_its_host(planned: Planned) -> None:
    lines = ssh.render_config(planned(nodes=4), Path("/k"), Path("/c")).splitlines()
    assert [line for line in lines if line.startswith("Host ")] == [
        *(f"Host core-0{n}" for n in (1, 2, 3, 4)),
        "Host *",
    ]


@pytest.mark.parametrize("argv", [["ls", "a b"], ["sh", "-c", "echo $HOME; exit 3"], ["echo", "it's", "*", ""]])
def test_a_nodes_shell_gets_back_the_same_words(planned: Planned, argv: Sequence[str]) -> None:
    cluster = planned()
    *call, node, command = ssh.command(cluster, cluster.nodes[0], argv)
    assert call == ["ssh", "-F", str(ClusterFolder("core").ssh_config)]
    assert node == "core-01"
    assert shlex.split(command) == argv
    assert run.run(["sh", "-c", f"printf '%s\\0' {command}"]).stdout.split("\0")[:-1] == argv


def test_a_restart_of_the_host_takes_no_connection_along(planned: Planned, control: Path) -> None:
    """/run is empty then, and ssh would not start without the folder of its sockets."""
    cluster = planned()
    ssh.write_config(cluster)
    control.rmdir()
    ssh.command(cluster, cluster.nodes[0], ["true"])
    assert control.is_dir()


def test_a_state_that_was_moved_is_still_reached(
    planned: Planned, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    ssh.write_config(cluster)
    state.rename(tmp_path / "moved")
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "moved"))
    config = Path(ssh.command(cluster, cluster.nodes[0])[2])
    assert as_ssh_reads_it(config, "core-01")["identityfile"] == str(tmp_path / "moved/clusters/core/id_ed25519")


def test_without_a_command_it_is_a_login(planned: Planned) -> None:
    cluster = planned()
    assert ssh.command(cluster, cluster.nodes[2])[-1] == "core-03"
    assert "-t" in ssh.command(cluster, cluster.nodes[2], ["top"], tty=True)
    assert "-t" not in ssh.command(cluster, cluster.nodes[2], ["top"])


def test_shared_connections_are_for_nobody_else(planned: Planned, control: Path) -> None:
    ssh.write_config(planned())
    assert ClusterFolder("core").ssh_config.read_text().startswith("# ssh -F")
    assert control.stat().st_mode & 0o777 == 0o700


def test_connections_of_a_node_or_of_all_are_forgotten(
    planned: Planned, control: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    def ends(argv: Sequence[str | Path], **_options: object) -> run.Completed:
        ended.append(str(argv[-1]))
        return run.Completed((), 255, "", "no such connection")

    monkeypatch.setattr(run, "run", ends)
    cluster = planned()
    control.mkdir()
    (control / "core-01").touch()
    (control / "core-03").touch()
    ssh.forget(cluster, cluster.nodes[0])
    assert [path.name for path in control.iterdir()] == ["core-03"]
    ssh.forget(cluster)
    assert list(control.iterdir()) == []
    assert ended == ["core-01", "core-03"], "nobody is asked to end what is not there"
