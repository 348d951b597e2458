"""What of the caller's environment reaches the programs that are started."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import environment, run
from coreos_lab.checks import runner
from coreos_lab.clients import agent, host_keys
from coreos_lab.commands import env as command
from coreos_lab.commands import tools
from coreos_lab.machine_image.userland import userland_folder
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

FOREIGN = {
    "FLEETCTL_TUNNEL": "10.0.0.1",
    "FLEETCTL_CERT_FILE": "/nosuch.pem",
    "ETCDCTL_CERT_FILE": "/nosuch.pem",
    "ETCDCTL_DISCOVERY_SRV": "example.com",
    "ETCD_NAME": "elsewhere",
    "DOCKER_HOST": "tcp://10.0.0.1",
    "BUILDAH_ISOLATION": "rootless",
    "STORAGE_DRIVER": "zfs",
    "REGISTRY_HTTP_ADDR": "0.0.0.0:1",
    "SSH_AUTH_SOCK": "/nosuch",
    "VAGRANT_CWD": "/elsewhere",
    "CDPATH": "/elsewhere",
    "GREP_OPTIONS": "-v",
    "BASH_ENV": "/nosuch",
    "ENV": "/nosuch",
    "NOTIFY_SOCKET": "/nosuch",
    "SYSTEMD_NSPAWN_LOCK": "0",
}
PROXIES = dict.fromkeys(("http_proxy", "HTTPS_PROXY", "ALL_PROXY", "no_proxy"), "proxy.example:3128")
KEPT = {"EDITOR": "vi", "VAGRANT_HOME": "/boxes"}
PRINT = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture
def _elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**FOREIGN, **PROXIES, **KEPT}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_PROXY", raising=False)


def test_what_is_not_ours_is_left_out() -> None:
    assert environment.ours({**FOREIGN, **PROXIES, **KEPT}) == KEPT
    assert environment.ours({**FOREIGN, **PROXIES}, outside=True) == PROXIES


@pytest.mark.usefixtures("_elsewhere")
def test_a_program_gets_what_it_is_given_and_no_proxy() -> None:
    out = run.run([sys.executable, "-c", PRINT], env={"FLEETCTL_DRIVER": "API", "EDITOR": None}).stdout
    assert '"FLEETCTL_DRIVER": "API"' in out
    assert not [name for name in (*FOREIGN, *PROXIES, "EDITOR") if f'"{name}"' in out]


@pytest.mark.usefixtures("_elsewhere")
def test_who_goes_outside_is_given_the_proxy(tmp_path: Path) -> None:
    call = [sys.executable, "-c", PRINT]
    for outside in (True, False):
        out = run.stream(call, log_file=tmp_path / "log", outside=outside).stdout
        assert [name for name in PROXIES if f'"{name}"' in out] == (list(PROXIES) if outside else [])
        assert not [name for name in FOREIGN if f'"{name}"' in out]


def test_checks_run_without_what_was_set_for_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONPATH", "PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        monkeypatch.setenv(name, "/nosuch")
    given = run._environment(runner._environment(Path("i"), Path("r"), 0.0))
    ours = {name: value for name, value in given.items() if name.startswith(("PYTHON", "PYTEST_"))}
    assert ours == {
        "PYTHONPATH": str(Path(runner.__file__).parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


@pytest.fixture
def shell(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """What a shell command prints after `eval "$(lab env)"`."""
    cluster = planned()
    monkeypatch.setattr(command, "running_nodes", lambda _cluster: list(cluster.nodes))
    monkeypatch.setattr(tools, "port_open", lambda *_args: True)
    (userland_folder() / "bin").mkdir(parents=True)
    monkeypatch.setattr(host_keys, "know", lambda *_args: None)

    def evaluate(line: str) -> str:
        return run.run(["sh", "-euc", f"{command.exports(cluster)}\n{line}"], env=dict(os.environ)).stdout.strip()

    return evaluate


@pytest.mark.usefixtures("_elsewhere")
def test_a_shell_is_pointed_at_the_cluster_and_nowhere_else(shell: Callable[[str], str]) -> None:
    assert shell("echo ${FLEETCTL_TUNNEL-}${ETCDCTL_CERT_FILE-}${ETCDCTL_DISCOVERY_SRV-}${FLEETCTL_CERT_FILE-}") == ""
    assert shell("echo $FLEETCTL_ENDPOINT") == "http://172.17.8.101:49153"
    value = shell("echo $no_proxy")
    assert value == f"{PROXIES['no_proxy']},172.17.8.0/24,172.17.8.101,172.17.8.102,172.17.8.103"
    assert shell("echo $NO_PROXY") == value


def test_a_shell_finds_an_ssh_that_knows_the_nodes(shell: Callable[[str], str]) -> None:
    assert shell("command -v ssh") == str(agent.PATH / "ssh")
    assert shell("echo $LAB_SSH_CONFIG") == str(ClusterFolder("core").ssh_config)


def test_addresses_are_not_added_again(shell: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    value = shell("echo $NO_PROXY")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, value)
    assert shell("echo $NO_PROXY") == value


def test_host_keys_are_asked_for_once(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> None:
    """One of three does not answer at first; another one is made anew later."""
    cluster = planned()
    calls: list[list[str]] = []

    def scan(argv: list[str], **_options: object) -> run.Completed:
        addresses = argv[argv.index("ed25519") + 1 :]
        calls.append(addresses)
        return run.Completed(tuple(argv), 0, "".join(f"{a} ssh-ed25519 KEY\n" for a in addresses[:2]), "")

    monkeypatch.setattr(run, "run", scan)
    for _ in range(3):
        host_keys.know(cluster, cluster.nodes)
    host_keys.forget(cluster, cluster.nodes[:1])
    host_keys.know(cluster, cluster.nodes)
    everyone = [node.address for node in cluster.nodes]
    assert calls == [everyone, everyone[2:], everyone[:1]]
