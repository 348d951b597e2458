"""The real fleetctl, etcdctl and toolbox, pointed at the cluster whatever the caller's environment says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.calls import Result, comes_to, destroy, environment, listed, until

Lab = Callable[..., Result]
ELSEWHERE = {
    "FLEETCTL_TUNNEL": "192.0.2.1",
    "FLEETCTL_CERT_FILE": "/nosuch.pem",
    "ETCDCTL_CERT_FILE": "/nosuch.pem",
    "ETCDCTL_DISCOVERY_SRV": "nosuch.example",
    "SSH_AUTH_SOCK": "/nosuch",
    **dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"), "http://192.0.2.1:3128"),
}


@pytest.fixture
def sleeper(cluster: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A unit that fleet runs, in an environment that was set up for other things."""
    for name, value in ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    unit = tmp_path / "sleeper.service"
    unit.write_text("[Service]\nExecStartPre=/bin/echo good morning\nExecStart=/bin/sleep infinity\n")
    try:
        cluster("fleetctl", "start", "--no-block", str(unit))
        until(lambda: "running" in listed(unit.name))
        yield unit.name
    finally:
        destroy(unit.name)


def test_fleetctl_over_ssh(cluster: Lab, sleeper: str) -> None:
    address = cluster("status", "--json").json["nodes"][1]["address"]
    assert "active (running)" in cluster("fleetctl", "status", sleeper).out
    assert "active (running)" in cluster("fleetctl", "stat", sleeper).out, "commands may be abbreviated"
    until(lambda: "good morning" in cluster("fleetctl", "jou", sleeper).out)
    comes_to(lambda: cluster("fleetctl", "--tunnel", address, "list-machines").out.count("172."), 3)
    assert cluster("fleetctl", "ssh", sleeper, "hostname").out.startswith("core-0")
    assert cluster("fleetctl", "ssh", sleeper, "false", code=None).code == 1, "the inner exit code comes through"


def test_what_is_set_for_another_cluster_is_not_followed(cluster: Lab, sleeper: str) -> None:
    until(lambda: cluster("etcdctl", "cluster-health", code=None).code == 0)
    cluster("up")
    subnet = cluster("status", "--json").json["subnet"]
    plain = f"{cluster('env').out}\nfleetctl list-units --no-legend; etcdctl cluster-health; echo $no_proxy"

    def shown() -> dict[str, bool]:
        done = subprocess.run(["sh", "-uc", plain], capture_output=True, text=True, env=environment(), check=False)
        return {each: each in done.stdout for each in (sleeper, "cluster is healthy", subnet)}

    comes_to(shown, dict.fromkeys((sleeper, "cluster is healthy", subnet), True))


def test_several_sessions_share_a_toolbox_and_the_last_one_ends_it(ch2: Lab) -> None:
    def on_node(script: str) -> str:
        return ch2("ssh", "core-01", "--", script).out

    try:
        said = on_node('(toolbox sh -c "exit 3"; echo "first $?") & toolbox sh -c "sleep 2; echo second"; wait')
        assert sorted(said.split("\n")) == ["", "first 3", "second"]
        assert on_node("for i in 1 2; do toolbox true & toolbox echo again; wait; done") == "again\nagain\n"
        assert "toolbox" not in on_node("docker ps")
        on_node("printf 'TOOLBOX_DOCKER_IMAGE=nginx\n' >.toolboxrc")
        on_node("toolbox test -d /etc/nginx")
        assert "toolbox-core-nginx-latest" in on_node("docker ps --all")
    finally:
        on_node("rm -f .toolboxrc; docker rm --force toolbox-core toolbox-core-nginx-latest 2>/dev/null; true")
        ch2("undeploy", "ch2")
