"""An SSH agent for the length of one command."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import run, wait
from coreos_lab.clients import agent
from coreos_lab.model import Cluster
from coreos_lab.records.store import ClusterFolder

SHOW = 'ssh-add -l; echo "$SSH_AGENT_PID"; exit 3'


@pytest.fixture
def cluster(planned: Callable[..., Cluster]) -> Cluster:
    """A cluster with a key."""
    key = ClusterFolder("core").key
    key.parent.mkdir(parents=True)
    run.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of the cluster", "-f", key])
    return planned()


def is_gone(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def test_the_command_has_the_key_and_the_agent_ends_with_it(cluster: Cluster) -> None:
    done = run.run(agent.with_agent(cluster, ["sh", "-c", SHOW]), check=False)
    shown, pid = done.stdout.splitlines()
    assert "of the cluster (ED25519)" in shown
    assert done.returncode == 3
    # By itself it would look for its command every ten seconds.
    wait.until(lambda: is_gone(int(pid)), deadline=5, missing="the agent runs on")


def test_the_command_is_the_process_that_was_started_and_its_death_ends_the_agent(cluster: Cluster) -> None:
    call = agent.with_agent(cluster, ["sh", "-c", 'echo "$$ $SSH_AGENT_PID"; exec sleep 60'])
    with subprocess.Popen(call, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        own, pid = map(int, process.stdout.readline().split())
        assert own == process.pid
        os.kill(own, signal.SIGKILL)
    wait.until(lambda: is_gone(pid), deadline=5, missing="the agent runs on")


def test_without_the_key_nothing_is_run_and_no_agent_stays(planned: Callable[..., Cluster], tmp_path: Path) -> None:
    done = run.run(agent.with_agent(planned(), ["touch", tmp_path / "run"]), check=False)
    assert done.returncode != 0
    assert str(ClusterFolder("core").key) in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_program_for_the_users_path(cluster: Cluster) -> None:
    folder = agent.write_program(cluster, "show", ["sh", "-c", 'ssh-add -l >/dev/null && printf "%s|" "$@"', "it's"])
    assert folder == ClusterFolder("core").programs
    assert run.run([folder / "show", "a b", "*"]).stdout == "a b|*|"


def test_a_user_who_cannot_read_the_key_has_the_program_without_an_agent(planned: Callable[..., Cluster]) -> None:
    folder = agent.write_program(planned(), "show", ["sh", "-c", 'printf "%s|" "${SSH_AUTH_SOCK-none}" "$@"', "sh"])
    assert run.run([folder / "show", "a b"]).stdout == "none|a b|"
