"""A node has what Container Linux had, so that what a reader types works."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coreos_lab.containers import storage
from coreos_lab.records import store
from coreos_lab.records.store import ClusterFolder
from tests.e2e.calls import LONGEST, NAME, Result, comes_to, destroy, environment, lab, listed, until

Lab = Callable[..., Result]
TOOLS = ("tcpdump", "strace", "nmap", "vim", "git", "curl", "dig")
CLOUD_CONFIG = """#cloud-config
manage_etc_hosts: localhost
users:
  - name: reader
coreos:
  units:
    - name: docker.service
      drop-ins:
        - name: 50-insecure-registry.conf
          content: |
            [Service]
            Environment='DOCKER_OPTS=--insecure-registry="10.0.1.0/24" --registry-mirror=http://10.9.9.9:5000'
write_files:
  - path: /etc/docker/daemon.json
    content: '{"insecure-registries": ["mine.example:5000"]}'
"""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKERFILE = 'FROM debian\nRUN echo mine >/mine\nCMD ["cat", "/mine"]\n'
WEB = """[Unit]
After=docker.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/usr/bin/docker pull e2e/mine
ExecStart=/usr/bin/docker run --rm e2e/mine
[X-Fleet]
MachineID={machine}
"""


def on(node: str, line: str, **options: object) -> str:
    return lab("ssh", node, "--", line, **options).out  # type: ignore[arg-type]


def agents() -> list[str]:
    """The agents that hold the cluster's key."""
    key = str(ClusterFolder(NAME).key)
    done = subprocess.run(["pgrep", "-af", f"ssh-agent.*{key}"], capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


@pytest.fixture
def remote(cluster: Lab, tmp_path: Path) -> Iterator[str]:
    """A node without the unit e2e-hello.service, which another one runs."""
    unit = tmp_path / "e2e-hello.service"
    unit.write_text("[Service]\nExecStartPre=/bin/echo good morning\nExecStart=/bin/sleep infinity\n")

    def place() -> str | None:
        """Where it runs, as fleet says it."""
        _name, machine, _active, sub = listed(unit.name).split() or [""] * 4
        return machine if sub == "running" else None

    try:
        cluster("fleetctl", "start", "--no-block", str(unit))
        machine = until(place)
        nodes = cluster("status", "--json").json["nodes"]
        yield next(node["name"] for node in nodes if not machine.endswith(node["address"]))
    finally:
        destroy(unit.name)


def test_fleetctl_from_a_node_and_from_a_shell_of_the_host(
    cluster: Lab, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: "good morning" in on(remote, "fleetctl journal e2e-hello", code=None))
    assert "active (running)" in on(remote, "fleetctl status e2e-hello")
    where = on(remote, "fleetctl ssh e2e-hello hostname </dev/null").strip()
    assert where != remote
    assert lab("ssh", remote, "--", "fleetctl ssh e2e-hello false", code=None).code == 1
    address = next(node["address"] for node in cluster("status", "--json").json["nodes"] if node["name"] == remote)
    script = f"""{cluster("env").out}
    fleetctl status e2e-hello; fleetctl ssh e2e-hello hostname; fleetctl journal e2e-hello
    FLEETCTL_TUNNEL={address} fleetctl list-machines -l; fleetctl --tunnel {address} list-units | grep e2e-hello
    """

    def shown() -> int:
        done = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, env=environment(), check=True)
        assert "active (running)" in done.stdout
        assert f"\n{where}\n" in done.stdout
        return done.stdout.count("172.17.")

    comes_to(shown, 4)  # three machines, and one unit's
    monkeypatch.setenv("FLEETCTL_TUNNEL", address)
    comes_to(lambda: cluster("fleetctl", "list-machines").out.count("172.17."), 3)
    until(lambda: not agents())


def test_conventions_of_container_linux(cluster: Lab, tmp_path: Path) -> None:
    del cluster
    programs = on("core-01", "for p in vim git wget rsync lsof; do command -v $p; done; git --version; vim --version")
    assert programs.count("/usr/bin/") == 5
    assert "git version" in programs
    conf = "/etc/coreos/update.conf"
    on("core-01", f"echo SERVER=disabled | sudo tee -a {conf}")
    try:
        why = on("core-01", "update_engine_client -check_for_update; sleep 1")
        assert why.strip() == f"No update: SERVER=disabled in {conf}, so no server is asked."
    finally:
        on("core-01", f"sudo sed -i /SERVER=disabled/d {conf}")
    assert "UPDATE_STATUS_IDLE" in on("core-01", "update_engine_client -status")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of a reader", "-f", key], check=True)
    lab("ssh", "core-01", "--", "update-ssh-keys -a reader", stdin=key.with_suffix(".pub").read_text())
    try:
        listed = on("core-01", "update-ssh-keys -l")
        assert listed.index("coreos-cloudinit:") < listed.index("reader:") < listed.index("of a reader (ED25519)")
    finally:
        on("core-01", "update-ssh-keys -d reader")
    banner = subprocess.run(
        ["script", "--quiet", "--command", f"ssh -tt -F {ClusterFolder(NAME).ssh_config} core-01", "/dev/null"],
        input="exit\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    ).stdout
    assert "Container Linux in a lab, machine image " in banner


def test_a_cloud_config_adds_to_docker_and_hosts(cluster: Lab) -> None:
    lab("ssh", "core-03", "--", "cat >config", stdin=CLOUD_CONFIG)
    try:
        on("core-03", "sudo coreos-cloudinit --from-file=config >/dev/null 2>&1; sudo systemctl restart docker")
        assert on("core-03", "getent passwd reader").strip().endswith(":/bin/bash")
        until(lambda: {"127.0.0.1 core-03", "192.0.2.1 docker.io"} <= set(on("core-03", "cat /etc/hosts").split("\n")))
        listed = on("core-03", "docker info 2>/dev/null")
        for each in ("10.0.1.0/24", "mine.example:5000", "registry.lab:5808", "http://10.9.9.9:5000/"):
            assert f"  {each}\n" in listed
        on("core-03", "docker pull --quiet toolbox")
    finally:
        undo = "rm -rf /etc/docker/daemon.json /etc/systemd/system/docker.service.d/50-insecure-registry.conf"
        on("core-03", f"sudo {undo}; sudo userdel --remove reader; sudo systemctl daemon-reload")
        on("core-03", "sudo systemctl restart docker")
    del cluster


def test_toolbox_needs_no_lab(cluster: Lab) -> None:
    del cluster
    try:
        found = on(
            "core-02", f"toolbox sh -c 'for p in {' '.join(TOOLS)}; do command -v $p; done; dnf install -y nmap'"
        )
        assert found.splitlines() == [*(f"/usr/bin/{name}" for name in TOOLS), "nmap is installed already."]
    finally:
        on("core-02", "docker rm --force toolbox-core >/dev/null 2>&1; true")


def test_what_a_node_pushes_is_what_units_pull(cluster: Lab, tmp_path: Path) -> None:
    name = "registry.lab:5808/e2e/mine"
    lab("ssh", "core-01", "--", "mkdir -p mine && cat >mine/Dockerfile", stdin=DOCKERFILE)
    machine = on("core-02", "cat /etc/machine-id").strip()
    unit = tmp_path / "e2e-mine.service"
    unit.write_text(WEB.format(machine=machine))
    try:
        on("core-01", f"docker build --quiet --tag {name} mine && docker push --quiet {name}")
        assert on("core-02", f"docker run --rm {name}") == "mine\n"
        cluster("fleetctl", "start", "--no-block", str(unit))
        until(lambda: "exited" in listed(unit.name))
        until(lambda: re.search(r": mine$", on("core-03", "fleetctl journal e2e-mine", code=None), re.M))
        url = f"http://{store.require(NAME).network.gateway}:5808/v2/e2e/mine/manifests/latest"
        manifest = json.loads(on("core-01", f"curl -sf -H 'Accept: {MANIFEST}' {url}"))
        own = [manifest["config"]["digest"], manifest["layers"][-1]["digest"]]
        # Other tests build container images meanwhile, so there may be more than before.
        assert not any(storage.blob(each).exists() for each in own), "other clusters have nothing of it"
    finally:
        destroy(unit.name)
        on("core-01", f"docker rmi --force {name}; rm -rf mine")
