"""The command line as users see it: exit codes, errors of one line, help, completion."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coreos_lab import cli, commands
from coreos_lab.model import Cluster
from coreos_lab.records import store

ENTRY = "from coreos_lab.cli import main; main()"


def lab(*argv: str, entry: str = ENTRY) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", entry, *argv], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["up", "--nodse", "3"], "--nodse"),
        (["up", "--nodes", "0", "--dry-run"], "--nodes 0: must be from 1 to 99"),
        (["up", "--nodes", "three"], "'--nodes'"),
        (["up", "--memory", "much"], "--memory: 'much' is not a size"),
        (["up", "--name", "Core"], "--name Core: not a cluster's name"),
        (["status"], "core: no such cluster (there is: none)"),
        (["check", "--junit", "/"], "'--junit'"),
        (["break", "core-01", "--verify", "--junit", "/"], "'--junit'"),
        (["deploy", "ch33"], "ch33"),
        (["show", "nosuchlab"], "nosuchlab"),
        (["checklist", "nosuchlab"], "nosuchlab: no such lab"),
        (["checklist", "./nosuchlab"], "./nosuchlab: no such folder"),
        (["checklist"], "'LAB'"),
        (["break", "core-01", "--fault", "explode"], "--fault explode: no such fault"),
        (["break", "core-01", "--for", "long"], "--for: 'long' is not a duration"),
        (["ssh", "core-07", "--name", "big", "--", "ls"], "--name: must stand before the node"),
        (["doctor", "--provider", "cloud"], "--provider cloud: no such provider (there is: nspawn, vagrant, aws)"),
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


def test_help_lists_every_verb_with_the_first_line_of_its_own_help() -> None:
    done = subprocess.run([sys.executable, "-c", ENTRY, "--help"], capture_output=True, text=True, check=True)
    rows = [line.split(maxsplit=1) for line in done.stdout.partition("Commands:\n")[2].splitlines()]
    assert [verb for verb, _summary in rows] == list(cli.VERBS)
    for verb, summary in rows:
        text = str(cli.Verb(verb).load().help)
        assert text.splitlines()[0].startswith(summary.removesuffix("...")), verb


def test_every_verb_is_a_module_that_is_no_other_verbs() -> None:
    modules = {cli.Verb(verb).module for verb in cli.VERBS}
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")}
    shared = {
        "__init__",
        "again",
        "cloud_images",
        "confirm",
        "deploying",
        "described",
        "judged",
        "on_aws",
        "options",
        "planning",
        "restoring",
    }
    shared |= {"starting_point", "storming", "table", "targets", "tools", "trial", "view", "webhooks"}
    assert files - modules == shared
    assert modules <= files


def test_the_collector_works_while_a_verb_does_and_leaves_out_what_was_imported() -> None:
    entry = (
        "import gc\n"
        "from coreos_lab.commands import labs\n"
        "labs.app.registered_commands[0].callback = lambda: print(gc.isenabled(), gc.get_freeze_count() > 10_000)\n"
        "from coreos_lab.start import main; main()"
    )
    assert lab("labs", entry=entry).stdout.split() == ["True", "True"]


@pytest.mark.parametrize(
    ("argv", "imported"), [(["--help"], set()), (["nosuch"], set()), (["labs"], {"labs", "table"}), (["box"], {"box"})]
)
def test_only_the_module_of_the_verb_that_is_called_is_imported(argv: list[str], imported: set[str]) -> None:
    """Importing all of them takes several times as long as the rest of `lab --help`."""
    entry = (
        "import atexit, sys\n"
        "begins = 'coreos_lab.commands.'\n"
        "names = lambda: sorted(name.removeprefix(begins) for name in sys.modules if name.startswith(begins))\n"
        f"atexit.register(lambda: print('imported', *names()))\n{ENTRY}"
    )
    assert lab(*argv, entry=entry).stdout.splitlines()[-1].split() == ["imported", *sorted({*imported, "options"})]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("lab sta", ["status"]),
        ("lab snapshot re", ["restore"]),
        ("lab up --no", ["--nodes", "--no-userns", "--no-keep"]),
        ("lab show ch4-", ["ch4-ceph", "ch4-firewall", "ch4-flannel"]),
        ("lab check --name o", ["other"]),
        ("lab ssh --name other core-0", ["core-01", "core-02"]),
        ("lab break core-01 --name other core-0", ["core-01", "core-02"]),
        ("lab snapshot restore --name other c", ["clean"]),
    ],
)
def test_a_shell_completes_verbs_options_and_names(
    typed: str, offered: list[str], planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(planned(name="other", nodes=2))
    snapshot = store.ClusterFolder("other").path / "snapshots" / "clean"
    snapshot.mkdir(parents=True)
    (snapshot / "snapshot.json").write_text('{"name": "clean", "wall": 0, "size": 0, "nodes": 3, "labs": []}')
    monkeypatch.setenv("_LAB_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split()) - 1))
    done = lab(entry=f"import sys; sys.argv[0] = 'lab'; {ENTRY}")
    assert done.stdout.split() == offered, done.stderr


def test_dry_run_prints_the_plan() -> None:
    planned = json.loads(lab("up", "--dry-run", "--nodes", "2", "--disks", "1").stdout)
    assert [node["name"] for node in planned["nodes"]] == ["core-01", "core-02"]
    assert planned["nodes"][0]["disks"] == [{"device": "/dev/sdb", "size": 2**30}]


def test_every_option_has_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_NODES", "4")
    assert len(json.loads(lab("up", "--dry-run").stdout)["nodes"]) == 4


def test_listing_and_destroying_nothing_is_no_error() -> None:
    assert "No clusters" in lab("list").stdout
    assert json.loads(lab("list", "--json").stdout) == []
    assert "Nothing to destroy" in lab("destroy").stdout


def test_a_bug_is_code_70_with_a_log_to_send() -> None:
    entry = "import coreos_lab.commands.labs as m\ndef labs(**_): raise RuntimeError('oops')\nm.labs = labs\n" + ENTRY
    done = lab("labs", entry=entry)
    assert done.returncode == 70
    log = Path(done.stderr.split("report it with ")[1].strip())
    assert "RuntimeError: oops" in log.read_text()
    log.unlink()


def test_a_full_disk_is_no_bug_of_lab() -> None:
    entry = (
        "import coreos_lab.commands.labs as m, errno\n"
        "def labs(**_): raise OSError(errno.ENOSPC, 'No space left on device', '/x')\nm.labs = labs\n" + ENTRY
    )
    done = lab("labs", entry=entry)
    assert (done.returncode, done.stderr) == (4, "lab: /x: No space left on device\n")


@pytest.mark.parametrize("argv", [("lint", "./{}"), ("lint", "{}"), ("lint", "./{}/{}")])
def test_a_path_that_is_too_long_is_no_bug_of_lab(argv: tuple[str, ...]) -> None:
    done = lab(*(word.format("x" * 300, "\n") for word in argv))
    assert done.returncode in (2, 4), done.stderr
    assert done.stderr.startswith("lab: ")
    assert "bug" not in done.stderr


def test_ctrl_c_is_code_130() -> None:
    sleeps = "def labs(**_): print(1, flush=True); time.sleep(30)"
    # In the background of a shell Ctrl-C is ignored, and so it would be by what the test starts.
    default = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    entry = f"{default}\nimport coreos_lab.commands.labs as m, time\n{sleeps}\nm.labs = labs\n{ENTRY}"
    call = [sys.executable, "-c", entry, "labs"]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    _out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert b"interrupted" in err


def test_ctrl_c_before_the_options_are_read_names_no_cluster() -> None:
    entry = (
        "from coreos_lab import cli\n"
        "class Group(cli.TyperGroup):\n"
        "    def resolve_command(self, *_args): raise KeyboardInterrupt\n"
        "cli.app.__class__ = Group\ncli.main()"
    )
    done = lab("heal", "--name", "other", entry=entry)
    assert (done.returncode, done.stderr) == (130, "lab: interrupted; no cluster was changed\n")


def test_ctrl_c_later_names_the_cluster_of_the_call() -> None:
    entry = f"import coreos_lab.commands.heal as m\ndef heal(*_, **__): raise KeyboardInterrupt\nm.heal = heal\n{ENTRY}"
    done = lab("heal", "--name", "other", entry=entry)
    assert done.returncode == 130
    assert "lab heal --name other' undoes faults" in done.stderr
    assert "lab destroy --name other' removes the cluster" in done.stderr


def test_ctrl_c_while_a_thread_starts_is_no_bug() -> None:
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


def test_every_command_runs_with_the_same_umask(tmp_path: Path) -> None:
    made = tmp_path / "made"
    entry = f"import os; from coreos_lab import cli; cli.app = lambda **_: os.mkdir({str(made)!r}); cli.main()"
    subprocess.run([sys.executable, "-c", entry], umask=0o077, check=True)
    assert made.stat().st_mode & 0o777 == 0o755
