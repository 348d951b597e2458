"""The ssh of shells after `eval "$(lab env)"`: the cluster's nodes by name, and the user's own ssh for all else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import run
from coreos_lab.clients import agent, ssh
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

SSH = '#!/bin/sh\nfor word; do printf "%s|" "$word"; done\nssh-add -l 2>/dev/null | grep -o "of the cluster"\nexit 7\n'
OURS = "-A|-o|ControlPath=none|-F|{config}|"

Call = Callable[..., run.Completed]


@pytest.fixture
def config(planned: Callable[..., Cluster]) -> Path:
    """The ssh_config of a cluster that has a key."""
    folder = ClusterFolder("core")
    folder.path.mkdir(parents=True)
    run.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of the cluster", "-f", folder.key])
    folder.ssh_config.write_text(ssh.render_config(planned(), folder.key, folder.control))
    return folder.ssh_config


@pytest.fixture
def call(config: Path, tmp_path: Path) -> Call:
    """Calls ssh from a PATH that has ours first (twice, as after two `eval`), and the user's own ssh after it."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "ssh").write_text(SSH)
    (own / "ssh").chmod(0o755)
    path = f"{agent.PATH}:{tmp_path}:{agent.PATH}:{own}:{os.environ['PATH']}"

    def ask(*words: str, **env: str) -> run.Completed:
        environment = {"PATH": path, "LAB_SSH_CONFIG": str(config), **env}
        return run.run([agent.PATH / "ssh", *words], env=environment, check=False)

    return ask


@pytest.mark.parametrize(
    "words",
    [
        ("core-01",),
        ("core-01", "uptime"),
        ("-tt", "-p22", "-o", "Port=22", "core@core-02", "ls", "-F", "/"),
        ("-L8080:localhost:80", "-N", "core-03"),
        ("ssh://core@core-03:22", "a b", "*"),
        ("--", "core-01"),
    ],
)
def test_a_node_is_reached_as_by_lab_ssh(call: Call, config: Path, words: tuple[str, ...]) -> None:
    done = call(*words)
    assert done.stdout.strip() == OURS.format(config=config) + "".join(f"{word}|" for word in words) + "of the cluster"
    assert done.returncode == 7, "its exit code is the command's"


@pytest.mark.parametrize(
    "words",
    [
        ("elsewhere", "core-01"),
        ("core-09",),
        ("core-01.example.org",),
        ("*",),
        (".*",),
        ("-F", "mine", "core-01"),
        ("-Fmine", "core-01"),
        ("-p", "core-01", "elsewhere"),
        ("-J", "core-01", "elsewhere"),
        ("-V",),
        (),
    ],
)
def test_every_other_call_is_the_users_own(call: Call, words: tuple[str, ...]) -> None:
    done = call(*words)
    assert done.stdout.strip() == "".join(f"{word}|" for word in words)
    assert done.returncode == 7


def test_without_a_cluster_it_is_the_users_own(call: Call, config: Path) -> None:
    assert call("core-01", LAB_SSH_CONFIG="").stdout == "core-01|"
    config.unlink()
    assert call("core-01").stdout == "core-01|"


def test_without_the_clusters_key_it_says_what_works(call: Call) -> None:
    ClusterFolder("core").key.unlink()
    done = call("core-01")
    assert (done.returncode, done.stdout) == (255, "")
    assert "sudo lab ssh core-01" in done.stderr


def test_a_machine_without_ssh(call: Call) -> None:
    done = call("elsewhere", PATH=str(agent.PATH))
    assert (done.returncode, done.stderr) == (127, "ssh: not found\n")
