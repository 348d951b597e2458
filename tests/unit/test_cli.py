"""The command line as a user meets it: exit codes, one clear line, nothing touched."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ENTRY = "from coreos_lab.cli import main; main()"


def lab(*argv: str, entry: str = ENTRY) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", entry, *argv], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["up", "--nodse", "3"], "--nodse"),
        (["up", "--nodes", "0", "--dry-run"], "--nodes 0: must be from 1 to 99"),
        (["up", "--nodes", "three"], "'--nodes'"),
        (["up", "--memory", "much"], "--memory: 'much' is no size"),
        (["up", "--name", "Core"], "--name Core: not a cluster name"),
        (["status"], "core: no such cluster (there is: none)"),
        (["deploy", "ch33"], "ch33"),
        (["show", "nosuchlab"], "nosuchlab"),
        (["break", "core-01", "--fault", "explode"], "--fault explode: no such fault"),
        (["break", "core-01", "--for", "long"], "--for: 'long' is no duration"),
        (["ssh", "core-07", "--name", "big", "--", "ls"], "--name: stands after the node"),
        (["doctor", "--provider", "cloud"], "--provider cloud: no such provider (there is: nspawn, vagrant)"),
        (["ssh", "core-01"], "core: no such cluster"),
        (["scale", "0"], "scale 0: must be from 1 to 99"),
        (["scale", "three"], "'N'"),
        (["scale"], "'N'"),
        (["scale", "3"], "core: no such cluster"),
        (["snapshot", "save", "a/b"], "a/b: not a snapshot's name"),
        (["snapshot", "save"], "'SNAPSHOT'"),
        (["snapshot", "restore", "clean"], "core: no such cluster"),
        (["snapshot", "list"], "core: no such cluster"),
        (["snapshot", "delete", "clean"], "core: no such cluster"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_code_2(argv: list[str], says: str, state: Path) -> None:
    done = lab(*argv)
    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (state / "clusters").exists() or not any((state / "clusters").glob("*/cluster.json"))


def test_help_lists_every_command() -> None:
    text = lab("--help").stdout
    for command in [
        "doctor",
        "up",
        "status",
        "list",
        "labs",
        "show",
        "deploy",
        "undeploy",
        "check",
        "break",
        "heal",
        "ssh",
        "fleetctl",
        "etcdctl",
        "journal",
        "env",
        "render",
        "scale",
        "snapshot",
        "destroy",
    ]:
        assert f"\n  {command} " in text, command


def test_the_plan_can_be_looked_at() -> None:
    planned = json.loads(lab("up", "--dry-run", "--nodes", "2", "--disks", "1").stdout)
    assert [node["name"] for node in planned["nodes"]] == ["core-01", "core-02"]
    assert planned["nodes"][0]["disks"] == [{"device": "/dev/sdb", "size": 2**30}]


def test_every_option_has_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_NODES", "4")
    assert len(json.loads(lab("up", "--dry-run").stdout)["nodes"]) == 4


def test_nothing_there_is_fine_to_list_and_to_destroy() -> None:
    assert "No clusters" in lab("list").stdout
    assert json.loads(lab("list", "--json").stdout) == []
    assert "Nothing to destroy" in lab("destroy").stdout


def test_a_bug_of_ours_is_code_70_with_a_log_to_send() -> None:
    entry = "import coreos_lab.commands.labs as m\ndef labs(**_): raise RuntimeError('oops')\nm.labs = labs\n" + ENTRY
    done = lab("labs", entry=entry)
    assert done.returncode == 70
    log = Path(done.stderr.split("report it with ")[1].strip())
    assert "RuntimeError: oops" in log.read_text()
    log.unlink()


def test_a_full_disk_is_no_bug_of_ours() -> None:
    entry = (
        "import coreos_lab.commands.labs as m, errno\n"
        "def labs(**_): raise OSError(errno.ENOSPC, 'No space left on device', '/x')\nm.labs = labs\n" + ENTRY
    )
    done = lab("labs", entry=entry)
    assert (done.returncode, done.stderr) == (4, "lab: /x: No space left on device\n")


def test_ctrl_c_is_code_130() -> None:
    sleeps = "def labs(**_): print(1, flush=True); time.sleep(30)"
    # Who runs the tests in the background of a shell has Ctrl-C ignored, and so would what they start.
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    entry = f"{heeds}\nimport coreos_lab.commands.labs as m, time\n{sleeps}\nm.labs = labs\n{ENTRY}"
    call = [sys.executable, "-c", entry, "labs"]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"interrupted" in err


def test_ctrl_c_while_a_thread_starts_is_no_bug_of_ours() -> None:
    entry = (
        "import coreos_lab.commands.labs as m\n"
        "def labs(**_):\n"
        "    try:\n        raise KeyboardInterrupt\n"
        "    finally:\n        raise RuntimeError('release unlocked lock')\n"
        "m.labs = labs\n" + ENTRY
    )
    done = lab("labs", entry=entry)
    assert done.returncode == 130
    assert "interrupted" in done.stderr
