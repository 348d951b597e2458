"""What lab deploy leaves on a cluster and in its records if another version of the lab is deployed already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coreos_lab import run, wait
from coreos_lab.chaos import journals
from coreos_lab.chaos import verdict as verdicts
from coreos_lab.clients.etcd import Etcd
from coreos_lab.clients.http import CannotCheckError
from coreos_lab.cluster import mirror
from coreos_lab.commands import deploy as command
from coreos_lab.commands import deploying
from coreos_lab.deploy import containers, ending, take_off
from coreos_lab.errors import LabError, UnknownError
from coreos_lab.model import CheckResult, Cluster, Lab, Node, NodeState, Outcome
from coreos_lab.observed import node_states
from coreos_lab.records import deployed, runs, store
from coreos_lab.report import index, sources
from coreos_lab.report.markdown import markdown
from coreos_lab.report.page import html
from coreos_lab.report.values import Report
from tests.unit.report.pages import Page

Made = Callable[..., Lab]


class Killed(BaseException):
    """Stands for a signal that ends the command."""


class World:
    """A cluster without machines: records which units are started and destroyed, and the lab's record meanwhile."""

    def __init__(self, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster = cluster
        self.unloaded: list[str] = []
        self.destroyed: list[str] = []
        self.started: list[str] = []
        self.records: list[deployed.Deployed] = []
        self.answers: dict[str, int] = {}  # exit codes of ssh by node's name
        self.killed_at_start = False
        self.late: list[str] = []  # units that do not run, and what is said of them
        self.trouble: LabError | None = None
        world = self

        class Fleet:
            def __init__(self, *_args: object, **_options: object) -> None:
                pass

            def want(self, unit: str, state: str) -> None:
                assert state == "inactive"
                world.unloaded.append(unit)

            def destroy(self, unit: str) -> None:
                assert unit in world.unloaded or "@." in unit, "fleetd hears of an unloaded unit at once"
                world.destroyed.append(unit)

            def states(self) -> list[Any]:
                return []

        class Rollout:
            def __init__(self, *_args: object) -> None:
                self.late = world.late

            def refuse(self) -> None:
                pass

            def start(self, lab: Lab) -> None:
                world.keep_record()
                if world.killed_at_start:
                    raise Killed
                world.started += lab.unit_names

            def wait(self, _deadline: float) -> None:
                world.keep_record()
                if world.trouble:
                    raise world.trouble

            def lasted(self) -> bool:
                return True

        def on_node(argv: list[str], **_options: object) -> run.Completed:
            node = next((word for word in argv if cluster.node(str(word))), "")
            return run.Completed(tuple(map(str, argv)), self.answers.get(str(node), 0), "", "")

        monkeypatch.setattr(ending, "Fleet", Fleet)
        monkeypatch.setattr(deploying, "Rollout", Rollout)
        monkeypatch.setattr(deploying, "choose", lambda _name: self)
        monkeypatch.setattr(deploying, "run_checks", lambda *_args, **_options: [])
        monkeypatch.setattr(mirror, "provide", lambda *_args: {})
        monkeypatch.setattr(node_states, "require_running", lambda cluster, _provider: list(cluster.nodes))
        monkeypatch.setattr(run, "run", on_node)

    def state(self, _cluster: Cluster, _node: Node) -> NodeState:
        return NodeState.RUNNING

    def journal_folders(self, _cluster: Cluster, _node: Node) -> list[Path]:
        return []

    def keep_record(self) -> None:
        found = deployed.load(self.cluster, "mine")
        assert found is not None
        self.records.append(found)

    def deploy(self, lab: Lab, secrets: dict[str, str] | None = None) -> None:
        deploying.Deployment(self.cluster, lab, {}, {}, secrets or {}, 1.0).carry_out()


@pytest.fixture
def world(planned: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> World:
    cluster = planned()
    store.save(cluster)
    return World(cluster, monkeypatch)


@pytest.fixture
def lab(made_lab: Made, tmp_path: Path) -> Made:
    def make(*units: str, **more: object) -> Lab:
        for file in ("web@.service", "old.service", "new.service"):
            if not (tmp_path / file).exists():
                (tmp_path / file).write_text("[Service]\nExecStart=/bin/sleep 1d\n")
        return made_lab("mine", *units, **more)

    return make


def test_units_that_the_lab_no_longer_has_are_taken_off(world: World, lab: Made) -> None:
    world.deploy(lab("old.service", "web@1.service", keys=("/old",), ports=(80,)))
    assert world.destroyed == []
    world.records.clear()
    world.deploy(lab("new.service", "web@1.service", keys=("/new",), ports=(81,)))
    assert world.destroyed == ["old.service"], "it is gone before its replacement is started"
    assert "old.service" not in world.records[0].units
    found = deployed.load(world.cluster, "mine")
    assert found is not None
    assert found.units == ("new.service", "web@1.service", "web@.service")
    assert (found.keys, found.ports) == (("/new", "/old"), (81,)), "undeploying removes the old key as well"


def test_containers_under_a_former_name_are_removed(
    world: World, lab: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker run -d` leaves a container that its unit's end does not end."""
    removed: list[tuple[str, tuple[str, ...]]] = []
    monkeypatch.setattr(
        containers, "remove", lambda _cluster, node, made, _others: removed.append((node.name, made.names))
    )
    unit = tmp_path / "new.service"
    unit.write_text("[Service]\nExecStart=/usr/bin/docker run -d --name first nginx\n")
    world.deploy(lab("new.service"))
    unit.write_text("[Service]\nExecStart=/usr/bin/docker run -d --name second nginx\n")
    world.killed_at_start = True
    with pytest.raises(Killed):
        world.deploy(lab("new.service"))
    assert removed == []
    world.killed_at_start = False
    world.deploy(lab("new.service"))
    assert removed == [(node.name, ("first",)) for node in world.cluster.nodes]
    found = deployed.load(world.cluster, "mine")
    assert found is not None
    assert found.container_names == ("second",)


def test_an_instance_fewer(world: World, lab: Made) -> None:
    world.deploy(lab("web@1.service", "web@2.service"))
    world.deploy(lab("web@1.service"))
    assert world.destroyed == ["web@2.service"]


def test_what_could_not_be_taken_off_stays_on_the_record(world: World, lab: Made) -> None:
    world.deploy(lab("old.service"))
    world.answers = {"core-02": 255}
    with pytest.raises(LabError, match=r"core-02: whether old\.service still runs there is unknown") as error:
        world.deploy(lab("new.service"))
    assert "then deploy it again" in error.value.hint
    found = deployed.load(world.cluster, "mine")
    assert found is not None
    assert set(found.units) == {"old.service", "new.service"}
    world.answers = {}
    world.deploy(lab("new.service"))
    assert deployed.left_out(world.cluster, lab("new.service")) == ()


def test_undeploying_needs_every_nodes_answer(world: World, lab: Made) -> None:
    world.deploy(lab("old.service"))
    world.answers = {"core-03": 255}
    with pytest.raises(LabError, match="core-03: whether old.service still runs there is unknown"):
        take_off.take_off(world.cluster, world, "mine")  # type: ignore[arg-type]
    assert world.destroyed == []
    assert deployed.names(world.cluster) == ["mine"]
    assert deployed.difference(world.cluster, lab("old.service")), "a half undeployed lab is not judged"


def test_a_killed_deployment_does_not_count_as_deployed(world: World, lab: Made) -> None:
    world.killed_at_start = True
    with pytest.raises(Killed):
        world.deploy(lab("new.service"))
    assert deployed.difference(world.cluster, lab("new.service")) == "mine: its deployment on core was not finished"
    world.killed_at_start = False
    world.deploy(lab("new.service"))
    assert deployed.difference(world.cluster, lab("new.service")) == ""


def test_a_folder_that_has_changed_since_is_reported(world: World, lab: Made, tmp_path: Path) -> None:
    mine = lab("new.service")
    world.deploy(mine)
    (tmp_path / "new.service").write_text("[Service]\nExecStart=/bin/sleep 2d\n")
    assert deployed.difference(world.cluster, mine) == "mine: its folder has changed since it was deployed on core"
    world.deploy(mine)
    assert deployed.difference(world.cluster, mine) == ""
    assert deployed.difference(world.cluster, lab("new.service", objectives={"etcd": 1.0}))


def test_a_file_that_is_edited_while_it_is_deployed(world: World, lab: Made, tmp_path: Path) -> None:
    mine = lab("new.service")
    world.keep_record = lambda: (tmp_path / "new.service").write_text("[Service]\nExecStart=/bin/true\n")  # type: ignore[assignment,method-assign]
    world.deploy(mine)
    assert "has changed since" in deployed.difference(world.cluster, mine)


def test_the_plan_lists_what_is_taken_off(world: World, lab: Made) -> None:
    world.deploy(lab("old.service"))
    planned = command.steps(world.cluster, lab("new.service"), {}, {})
    assert {"step": "take off", "subject": "old.service"} in planned


def test_keys_are_removed_once_etcd_answers(world: World, lab: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    troubles = [True, True, False]
    removed: list[str] = []

    def remove(_etcd: Etcd, key: str) -> None:
        if troubles and troubles.pop(0):
            raise CannotCheckError("etcd: nobody answers")
        removed.append(key)

    monkeypatch.setattr(Etcd, "remove", remove)
    monkeypatch.setattr(Etcd, "remove_empty_folders_above", lambda *_args: None)
    world.deploy(lab("old.service", keys=("/one",)))
    take_off.take_off(world.cluster, world, "mine")  # type: ignore[arg-type]
    assert (removed, deployed.names(world.cluster)) == (["/one"], [])

    world.deploy(lab("old.service", keys=("/one",)))
    troubles += [True] * 3
    monkeypatch.setattr(take_off, "SUBMIT_DEADLINE", 0.0)
    with pytest.raises(wait.DeadlineError):
        take_off.take_off(world.cluster, world, "mine")  # type: ignore[arg-type]
    assert deployed.names(world.cluster) == ["mine"]


def test_a_secret_is_in_etcd_before_the_units_and_in_no_file(
    world: World, lab: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys: dict[str, str] = {}
    at_start: list[dict[str, str]] = []
    answers = iter([False, True, True])

    def get(_etcd: Etcd, key: str) -> str | None:
        if not next(answers):
            raise CannotCheckError("etcd: a leader election")
        return keys.get(key)

    def set_(_etcd: Etcd, key: str, value: str) -> None:
        assert key not in keys, "its watchers would be told of a change"
        keys[key] = value

    monkeypatch.setattr(Etcd, "get", get)
    monkeypatch.setattr(Etcd, "set", set_)
    world.keep_record = lambda: at_start.append(dict(keys))  # type: ignore[method-assign]
    world.deploy(lab("new.service"), {"/config/auth": "hush"})
    world.deploy(lab("new.service"), {"/config/auth": "hush"})
    assert at_start[0] == {"/config/auth": "hush"}
    written = [path.read_text() for path in store.ClusterFolder("core").path.rglob("*") if path.is_file()]
    assert written
    assert "hush" not in "".join([*written, *capsys.readouterr()])


def last_record() -> tuple[Path, Report]:
    """The last run's folder and its report."""
    folder = runs.ordered("core")[-1]
    return folder, sources.read(sources.find("core", None))


def test_a_deployment_is_a_run_with_a_report(world: World, lab: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [CheckResult("web", Outcome.PASS, lab="mine"), CheckResult("keys", Outcome.PASS, lab="mine")]
    monkeypatch.setattr(deploying, "run_checks", lambda *_args, **_options: checks)
    world.deploy(lab("web@1.service", "new.service"))
    folder, report = last_record()
    assert (report.outcome, report.what, report.sentence) == (Outcome.PASS, "deploy of mine", "2 checks pass.")
    assert [(part.name, part.outcome) for part in report.parts] == [
        ("container images", Outcome.PASS),
        ("units handed in", Outcome.PASS),
        ("units run", Outcome.PASS),
        ("checks", Outcome.PASS),
        ("units stay up", Outcome.PASS),
    ]
    assert report.parts[3].checks == tuple(checks)
    text = html(report, "1.0")
    assert Page(text).wrong == []
    assert "the fault is there" not in text, "nothing was broken"
    assert markdown(report).startswith("## ✅ PASS: deploy of mine")
    assert report.again.startswith("lab deploy ")
    assert report.again.endswith(" --deadline 1s")
    assert not runs.is_going_on(folder)
    assert (folder / runs.EVENTS).exists()
    assert verdicts.derived(verdicts.load(folder), ()).outcome is Outcome.PASS
    assert [row.fault for row in index.rows([(folder, "core")])[0]] == ["deploy"]


def test_units_that_do_not_run_are_a_fail_with_their_journals(
    world: World, lab: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    around: list[journals.Moment] = []
    monkeypatch.setattr(journals, "record", lambda _p, _c, moments, _path: around.extend(moments))
    world.late, world.trouble = ["new.service"], LabError("new.service: failed on core-02", details="no such image")
    with pytest.raises(LabError, match="failed on core-02"):
        world.deploy(lab("web@1.service", "new.service"))
    _folder, report = last_record()
    assert report.outcome is Outcome.FAIL
    assert report.sentence == "It failed at “units run”: new.service: failed on core-02: no such image."
    assert around[0].units == ("new.service",)
    assert around[0].since is not None
    assert around[1].what == "units run: fail"


def test_whether_units_run_may_be_unknown(world: World, lab: Made) -> None:
    world.trouble = UnknownError("fleet: nobody answers")
    with pytest.raises(UnknownError):
        world.deploy(lab("new.service"))
    _folder, report = last_record()
    assert report.sentence == "It could not be judged at “units run”: fleet: nobody answers."


def test_checks_that_fail_have_all_units_journals(world: World, lab: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first phase of a break's verdict turns a failed check into unknown: a deployment's does not."""
    around: list[journals.Moment] = []
    monkeypatch.setattr(journals, "record", lambda _p, _c, moments, _path: around.extend(moments))
    failed = [CheckResult("web", Outcome.FAIL, "HTTP 500", lab="mine")]
    monkeypatch.setattr(deploying, "run_checks", lambda *_args, **_options: failed)
    world.deploy(lab("web@1.service", "new.service"))
    _folder, report = last_record()
    assert (report.outcome, report.sentence) == (Outcome.FAIL, "It failed at “checks”: mine: web: HTTP 500.")
    assert around[0].units == ("web@1.service", "new.service")


@pytest.mark.parametrize("trouble", [UnknownError("fleet: nobody answers"), LabError("no space left")])
def test_what_could_not_be_done_is_unknown(
    world: World, lab: Made, monkeypatch: pytest.MonkeyPatch, trouble: LabError
) -> None:
    def fail(*_args: object) -> None:
        raise trouble

    monkeypatch.setattr(mirror, "provide", fail)
    with pytest.raises(LabError):
        world.deploy(lab("new.service"))
    _folder, report = last_record()
    assert report.sentence == f"It could not be judged at “container images”: {trouble.message}."


def test_a_deployment_that_was_killed_has_a_report_of_its_steps(world: World, lab: Made) -> None:
    world.killed_at_start = True
    with pytest.raises(Killed):
        world.deploy(lab("new.service"))
    _folder, report = last_record()
    assert report.outcome is Outcome.UNKNOWN
    assert report.sentence.startswith("There is no verdict")
