"""The command line called from within: what each command says and returns without a machine."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from coreos_lab import __version__, deployed, screen, store
from coreos_lab.chaos import journal
from coreos_lab.cli import app, main
from coreos_lab.commands import labs as labs_command
from coreos_lab.errors import FailedError, LabError, UnknownError
from coreos_lab.model import Cluster, FaultKind, Finding, Lab
from coreos_lab.providers.nspawn import provider as nspawn

assert screen  # loaded here: its default stream must not be one of a test's own


@dataclass
class Result:
    code: object
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Result]


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    before = signal.getsignal(signal.SIGTERM)

    def call(*argv: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["lab", *argv])
        with pytest.raises(SystemExit) as ended:
            main()
        return Result(ended.value.code, *capsys.readouterr())

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def core(planned: Callable[..., Cluster]) -> Cluster:
    """A cluster that was planned and never booted."""
    cluster = planned()
    store.save(cluster)
    return cluster


def test_the_version(lab: Call) -> None:
    assert lab("--version").out == f"lab {__version__}\n"


@pytest.mark.parametrize("argv", [["frobnicate"], ["up", "--nope"], ["up", "extra"], ["show"], ["break"]])
def test_what_is_not_understood_leads_to_help(lab: Call, argv: list[str]) -> None:
    done = lab(*argv)
    assert (done.code, done.out) == (2, "")
    assert "lab --help" in done.err


@pytest.mark.parametrize(("error", "code"), [(LabError, 4), (FailedError, 1), (UnknownError, 3)])
def test_an_error_is_one_line_its_details_and_a_remedy(
    lab: Call, monkeypatch: pytest.MonkeyPatch, error: type[LabError], code: int
) -> None:
    def fails(**_options: object) -> None:
        raise error("core-01: no power", "plug it in", "first\nsecond")

    monkeypatch.setattr(labs_command, "labs", fails)
    done = lab("labs")
    assert (done.code, done.out) == (code, "")
    assert done.err == "lab: core-01: no power\n     | first\n     | second\n     plug it in\n"


def options() -> list[tuple[str, Any]]:
    def of(command: Any, path: str) -> Iterator[tuple[str, Any]]:
        for param in command.params:
            if param.param_type_name == "option":
                yield path, param
        for name, sub in getattr(command, "commands", {}).items():
            yield from of(sub, f"{path} {name}")

    return list(of(typer.main.get_command(app), "lab"))


def test_every_option_can_be_set_in_the_environment() -> None:
    # What only asks the program about itself, and --all: nobody should destroy everything by a variable left set.
    without = {"--help", "--version", "--all", "--install-completion", "--show-completion"}
    listed = options()
    assert len(listed) > 30
    assert [
        f"{path} {param.opts[0]}" for path, param in listed if not param.envvar and param.opts[0] not in without
    ] == []
    assert all(str(param.envvar).startswith("LAB_") for _path, param in listed if param.envvar)


def test_a_variable_stands_for_its_option_and_the_option_wins(lab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_NAME", "big")
    monkeypatch.setenv("LAB_DRY_RUN", "1")
    monkeypatch.setenv("LAB_AGENT_TTL", "7s")
    planned = lab("up").json
    assert (planned["name"], planned["agent_ttl"]) == ("big", "7s")
    assert lab("up", "--name", "small").json["name"] == "small"
    monkeypatch.setenv("LAB_NODES", "0")
    assert lab("up").code == 2


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--memory", "0"], "--memory 0"),
        (["--disk-size", "0"], "--disk-size 0"),
        (["--cpus", "nan"], "--cpus nan"),
        (["--cpus", "many"], "--cpus"),
        (["--agent-ttl", "soon"], "--agent-ttl: 'soon' is no duration"),
        (["--disks", "9"], "--disks 9"),
        (["--subnet", "10.1.2.3/24"], "--subnet 10.1.2.3/24"),
        (["--name", ""], "--name"),
    ],
)
def test_a_bad_value_is_named_with_its_option(lab: Call, argv: list[str], says: str) -> None:
    done = lab("up", "--dry-run", *argv)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_a_plan_that_is_only_looked_at_is_not_kept(lab: Call, state: Path) -> None:
    assert lab("up", "--dry-run").code == 0
    assert not state.exists()


@pytest.mark.usefixtures("core")
def test_a_cluster_is_grown_or_refused_in_a_plan(lab: Call) -> None:
    assert len(lab("up", "--dry-run", "--nodes", "5").json["nodes"]) == 5
    done = lab("up", "--dry-run", "--nodes", "2")
    assert done.code == 2
    assert "cluster core has 3 nodes already" in done.err
    other = lab("up", "--dry-run", "--name", "other").json["network"]["subnet"]
    assert other != "172.17.8.0/24"


@pytest.mark.parametrize("command", ["status", "heal", "env", "check", "fleetctl", "etcdctl"])
def test_a_cluster_that_is_not_there(lab: Call, planned: Callable[..., Cluster], core: Cluster, command: str) -> None:
    store.save(planned(name="big"))
    done = lab(command, "--name", "nope")
    assert (done.code, done.out) == (2, "")
    assert f"nope: no such cluster (there is: big, {core.name})" in done.err


@pytest.mark.parametrize("argv", [["ssh", "core-09"], ["break", "core-09"], ["render", "cloud-config", "core-09"]])
@pytest.mark.usefixtures("core")
def test_a_node_that_is_not_there(lab: Call, argv: list[str]) -> None:
    done = lab(*argv)
    assert done.code == 2
    assert "core-09: no such node in cluster core (there is: core-01, core-02, core-03)" in done.err


@pytest.mark.usefixtures("core")
def test_a_cluster_that_is_off_is_shown_and_what_cannot_be_asked_is_null(lab: Call) -> None:
    status = lab("status", "--json").json
    assert [node["state"] for node in status["nodes"]] == ["absent"] * 3
    assert (status["units"], status["labs"], status["faults"]) == (None, [], [])
    text = lab("status").out
    assert "core-02" in text
    assert "fleet does not answer" in text
    assert lab("list", "--json").json[0]["running"] == 0
    assert "0/3" in lab("list").out


def test_what_is_broken_is_shown(lab: Call, core: Cluster) -> None:
    journal.record(core, FaultKind.PAUSE, "core-02")
    assert [fault["node"] for fault in lab("status", "--json").json["faults"]] == ["core-02"]
    assert "Broken: core-02 (pause); 'lab heal' undoes it" in lab("status").out


@pytest.mark.usefixtures("core")
def test_nothing_to_heal_is_fine(lab: Call) -> None:
    assert "Nothing is on record" in lab("heal").out
    assert lab("heal", "--json").json == {"healed": []}


def test_who_changes_a_cluster_keeps_others_off(lab: Call, core: Cluster) -> None:
    with store.ClusterFolder(core.name).lock("lab up"):
        done = lab("heal")
    assert done.code == 4
    assert "core: busy: lab up (process" in done.err


@pytest.mark.usefixtures("core")
def test_programs_need_a_node_that_runs(lab: Call) -> None:
    for command in ("env", "fleetctl", "etcdctl"):
        done = lab(command)
        assert (done.code, done.out) == (4, "")
        assert "core: no node runs" in done.err
        assert "lab up" in done.err


@pytest.mark.usefixtures("core")
def test_a_break_can_be_looked_at(lab: Call, state: Path) -> None:
    plan = lab("break", "core-02", "--fault", "pause", "--dry-run").json
    assert plan == {"cluster": "core", "node": "core-02", "fault": "pause", "undo": "resume", "verify": False}
    assert not (state / "clusters" / "core" / "faults.jsonl").exists()
    assert lab("break", "nothing:else", "--dry-run").code == 2
    assert lab("break", "unit:", "--dry-run").code == 2


@pytest.mark.usefixtures("core")
def test_deploying_can_be_looked_at(lab: Call) -> None:
    steps = lab("deploy", "ch3", "--dry-run").json
    kinds = [step["step"] for step in steps]
    assert kinds == sorted(kinds, key=["container image", "start", "checks"].index)
    assert steps[-1] == {"step": "checks", "subject": "ch3"}
    assert lab("deploy", "ch3", "--dry-run", "--deadline", "later").code == 2


def test_a_lab_that_does_not_fit_is_refused_before_anything_is_done(
    lab: Call, planned: Callable[..., Cluster], core: Cluster, made_lab: Callable[..., Lab]
) -> None:
    store.save(planned(name="small", nodes=1))
    done = lab("deploy", "ch3", "--name", "small", "--dry-run")
    assert done.code == 2
    assert "ch3: needs 3 nodes, cluster small has 1" in done.err
    deployed.record(core, made_lab("other", "x.service", ports=(80,)))
    done = lab("deploy", "ch3", "--dry-run")
    assert done.code == 2
    assert "held by other" in done.err


@pytest.mark.usefixtures("core")
def test_what_is_no_lab(lab: Call, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for command in ("show", "deploy"):
        assert "no lab.yaml in it" in lab(command, str(tmp_path / "empty")).err
        assert "no such folder" in lab(command, str(tmp_path / "missing")).err
        unknown = lab(command, "ch99")
        assert unknown.code == 2
        assert "ch99: no such lab (there is: ch1, " in unknown.err


@pytest.mark.usefixtures("core")
def test_checking_nothing_is_no_pass(lab: Call) -> None:
    done = lab("check")
    assert done.code == 2
    assert "no lab is deployed" in done.err


def test_the_labs_and_a_page(lab: Call) -> None:
    listed = lab("labs", "--json").json
    assert "ch3" in [each["name"] for each in listed]
    assert all(each["name"] in lab("labs").out for each in listed)
    assert lab("show", "ch3").out.startswith("# ")


@pytest.mark.parametrize("ok", [True, False])
def test_doctor(lab: Call, monkeypatch: pytest.MonkeyPatch, ok: bool) -> None:
    found = [Finding("kernel", True, "6.1"), Finding("nft", ok, "here or not", "apt-get install nftables")]
    monkeypatch.setattr(nspawn, "findings", lambda: found)
    plain, machine = lab("doctor"), lab("doctor", "--json")
    assert plain.code == machine.code == (0 if ok else 4)
    assert machine.json["ok"] is ok
    assert [finding["name"] for finding in machine.json["findings"]] == ["kernel", "nft"]
    assert ("-> apt-get install nftables" in plain.out) is not ok
    assert ("conditions are not met: nft" in plain.err) is not ok


def test_a_machine_that_is_not_able_keeps_no_plan(lab: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("nft", False, "not found", "apt-get install nftables"), Finding("ip", False, "not found", "x")]
    monkeypatch.setattr(nspawn, "findings", lambda: found)
    done = lab("up")
    assert (done.code, done.out) == (4, "")
    assert "nft: not found (1 more: run 'lab doctor')" in done.err
    assert "apt-get install nftables" in done.err
    assert store.names() == []


def test_everything_is_destroyed_only_when_confirmed(lab: Call, core: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    done = lab("destroy", "--all")
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert store.load("core") == core


def test_destroying_what_is_not_there_is_fine(lab: Call) -> None:
    assert lab("destroy", "--json").json == {"destroyed": []}
    assert lab("destroy", "--all").out == "Nothing to destroy.\n"
    assert lab("destroy", "--name", "../x").code == 2


def test_half_of_a_cluster_is_destroyed_too(lab: Call) -> None:
    folder = store.ClusterFolder("core").path
    (folder / "nodes").mkdir(parents=True)
    assert lab("destroy").code == 0
    assert not folder.exists()


def test_a_cloud_config_before_and_after_the_boot(lab: Call, core: Cluster) -> None:
    before = lab("render", "cloud-config", "core-02").out
    assert YAML(typ="safe").load(before)["hostname"] == "core-02"
    booted = store.ClusterFolder("core").user_data(core.nodes[1])
    booted.parent.mkdir(parents=True)
    booted.write_text("#cloud-config\nas: booted\n")
    assert lab("render", "cloud-config", "core-02").out == "#cloud-config\nas: booted\n"
    assert "hostname: core-01" in lab("render", "cloud-config").out


def test_progress_is_not_on_stdout(lab: Call) -> None:
    for argv in (["list", "--json"], ["labs", "--json"], ["destroy", "--json"]):
        assert lab(*argv).json is not None
