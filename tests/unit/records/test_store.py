"""What is kept about clusters."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import settings
from coreos_lab.cluster import lifecycle
from coreos_lab.commands.destroy import destroy
from coreos_lab.commands.list_ import list_
from coreos_lab.errors import LabError, UnknownError, UsageError
from coreos_lab.model import CloudConfig, Cluster, MachineMetadata
from coreos_lab.records import identity, state_folders, store
from coreos_lab.records.outline import Outline, outline
from coreos_lab.records.store import ClusterFolder

Planned = Callable[..., Cluster]
NOBODY = 65534


def test_a_cluster_is_read_as_it_was_written(planned: Planned, state: Path) -> None:
    plain = planned()
    special = replace(
        planned(name="big", nodes=7, disks=2, memory=2**30, cpus=1.5, agent_ttl="7s", subnet="10.9.0.0/16"), image="abc"
    )
    own = planned(
        name="own",
        cloud_configs=(CloudConfig("", "/m.yml", "#cloud-config\nusers: []\n"),),
        metadata=(MachineMetadata("core-01", "disk=ssd"),),
    )
    for cluster in (plain, special, own):
        store.save(cluster)
        assert store.load(cluster.name) == cluster
    assert [store.load(name) for name in store.names()] == [special, plain, own]
    modes = {name: ClusterFolder(name).plan.stat().st_mode & 0o777 for name in ("core", "own")}
    assert modes == {"core": 0o644, "own": 0o600}  # a cloud-config may have passwords
    assert sorted(path.name for path in (state / "clusters" / "core").iterdir()) == ["cluster.json"]


def test_none_of_that_name_lists_the_names(planned: Planned) -> None:
    assert store.load("core") is None
    with pytest.raises(UsageError, match=r"core: no such cluster .there is: none.") as refused:
        store.require("core")
    assert "lab up" in refused.value.hint
    store.save(planned(name="b"))
    store.save(planned(name="a"))
    with pytest.raises(UsageError, match=r"core: no such cluster .there is: a, b."):
        store.require("core")


def test_a_folder_without_a_plan_is_no_cluster(planned: Planned) -> None:
    store.save(planned())
    ClusterFolder("half").path.mkdir(parents=True)
    assert store.names() == ["core"]


def test_a_plan_that_goes_while_somebody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`lab list` reads the plans of all clusters, and another command may destroy one of them."""
    monkeypatch.setattr(Path, "exists", lambda _path: True)
    assert store.load("core") is None


def test_a_plan_that_is_damaged_is_named(planned: Planned) -> None:
    store.save(planned())
    plan = ClusterFolder("core").plan
    plan.write_text(plan.read_text()[:20])
    with pytest.raises(LabError, match=f"{plan}: not valid JSON"):
        store.load("core")


def test_a_plan_of_another_version_is_named(planned: Planned) -> None:
    cluster = planned()
    store.save(cluster)
    path = store.ClusterFolder(cluster.name).plan
    path.write_text(path.read_text().replace('"memory"', '"brains"'))
    with pytest.raises(LabError, match=r"cluster\.json: this lab does not understand the plan: .*brains"):
        store.load(cluster.name)


def test_a_node_by_its_name(planned: Planned) -> None:
    cluster = planned(nodes=2)
    assert store.require_node(cluster, "core-02") == cluster.nodes[1]
    with pytest.raises(UsageError, match=r"core-3: no such node in cluster core .there is: core-01, core-02."):
        store.require_node(cluster, "core-3")


def test_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_STATE_DIR", "here")
    assert ClusterFolder("x").path == tmp_path / "here" / "clusters" / "x"
    monkeypatch.delenv("LAB_STATE_DIR")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert settings.state_dir() == Path("/var/lib/coreos-lab")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "/xdg")
    assert settings.state_dir() == Path("/xdg/coreos-lab")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/jo")
    assert settings.state_dir() == Path("/home/jo/.local/state/coreos-lab")


def test_what_comes_with_the_product_is_there() -> None:
    for name in ("labs", "templates", "userland"):
        assert settings.data(name).is_dir()


def test_shared_connections_fit_into_a_sockets_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "run_dir", lambda: Path("/run"))
    controls = set()
    for state in ("a" * 200, "b" * 200):
        monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / state))
        controls.add(ClusterFolder("core").control)
    assert len(controls) == 2, "two states may each have a cluster of that name"
    assert all(len(f"{control}/core-99.0123456789abcdef") <= 107 for control in controls)


def test_one_command_changes_a_cluster_at_a_time(planned: Planned) -> None:
    store.save(planned())
    with ClusterFolder("core").lock("lab up"):
        with ClusterFolder("other").lock("lab up"):
            pass
        with pytest.raises(LabError, match=r"^core: busy: lab up .process \d+.$"), ClusterFolder("core").lock("x"):
            pass


def test_a_key_and_a_token_are_made_once_and_kept_from_others() -> None:
    folder = ClusterFolder("core")
    key, token = identity.ensure_key(folder), identity.ensure_token(folder)
    assert key.startswith("ssh-ed25519 ")
    assert key.endswith(" lab core")
    assert len(token) == 16
    assert (identity.ensure_key(folder), identity.ensure_token(folder)) == (key, token)
    assert {path.stat().st_mode & 0o777 for path in (folder.key, folder.token)} == {0o600}
    assert identity.ensure_token(ClusterFolder("other")) != token


def test_another_versions_plan_still_says_which_network_is_taken(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    store.save(cluster)
    path = ClusterFolder(cluster.name).plan
    path.write_text(path.read_text().replace('"agent_ttl"', '"of_tomorrow"'))
    with pytest.raises(LabError, match="does not understand the plan"):
        store.load(cluster.name)
    assert outline(path) == Outline("nspawn", "172.17.8.0/24", 0, 3)
    for text in ("{}", "[]", "no JSON", '{"network": 7, "nodes": {}}'):
        path.write_text(text)
        assert outline(path) == Outline(None, None, None, None)
        with pytest.raises(LabError):
            store.load(cluster.name)


@pytest.fixture
def of_tomorrow(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two clusters, the first of which another version of lab has made; returns what is taken down."""
    for name in ("a-new-one", "core"):
        store.save(planned(name=name))
    path = ClusterFolder("a-new-one").plan
    path.write_text(path.read_text().replace('"agent_ttl"', '"of_tomorrow"'))
    taken: list[str] = []
    monkeypatch.setattr(lifecycle, "take_down", lambda cluster, _provider: taken.append(cluster.name))
    return taken


def test_a_cluster_of_another_version_hides_no_other(
    of_tomorrow: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    del of_tomorrow
    list_(as_json=False)
    said = capsys.readouterr()
    assert [line.split() for line in said.out.splitlines()[1:]] == [
        ["a-new-one", "nspawn", "172.17.9.0/24", "?/3", "?"],
        ["core", "nspawn", "172.17.8.0/24", "0/3", "-"],
    ]
    assert said.err == "lab: a-new-one: made by another version of lab\n"
    list_(as_json=True)
    new, core = json.loads(capsys.readouterr().out)
    assert (new["cluster"], new["running"], new["trouble"]) == ("a-new-one", None, "made by another version of lab")
    assert (core["cluster"], core["running"], core["trouble"]) == ("core", 0, None)


def test_all_that_can_be_destroyed_is_and_what_cannot_be_is_told(
    of_tomorrow: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LabError, match="a-new-one/cluster.json: this lab does not understand the plan"):
        destroy("core", every=True, yes=True, as_json=True)
    assert of_tomorrow == ["core"]
    told = json.loads(capsys.readouterr().out)
    assert (told["destroyed"], list(told["failed"])) == (["core"], ["a-new-one"])


def test_states_know_of_each_others_plans(
    planned: Planned, state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "is_root", lambda: True)
    with state_folders.planning():
        store.save(planned())
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / "other"))
    with state_folders.planning():
        assert state_folders.plans() == [state / "clusters/core/cluster.json"]
    shutil.rmtree(state)
    with state_folders.planning():
        assert state_folders.plans() == []
    (tmp_path / "run/coreos-lab-states.json").write_text("7")
    assert state_folders.plans() == []


@contextmanager
def becoming(user: int) -> Iterator[None]:
    """Another user, for as long as the block runs."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """A user who is not root, for as long as the test runs."""
    with becoming(NOBODY):
        yield


@pytest.fixture
def roots_state(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state of root's with a cluster, and nothing of one's own."""
    store.save(planned())
    state = settings.state_dir()
    monkeypatch.delenv("LAB_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", "/nosuch")
    monkeypatch.setattr(settings, "ROOTS_STATE", state)
    return state


@pytest.mark.usefixtures("roots_state", "as_nobody")
@pytest.mark.parametrize("as_json", [False, True])
def test_roots_clusters_are_not_said_to_be_none(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownError, match="no cluster of yours") as unseen:
        list_(as_json=as_json)
    assert unseen.value.hint == "root's clusters cannot be seen by another user: sudo lab list"
    with pytest.raises(UsageError, match="core: no such cluster of yours") as refused:
        store.require("core")
    assert refused.value.hint == unseen.value.hint
    with pytest.raises(UnknownError, match="no cluster of yours to destroy"):
        destroy("core", every=True, yes=True, as_json=as_json)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("mode", [0o700, 0o755])
def test_a_state_that_is_another_users_is_refused(planned: Planned, tmp_path: Path, mode: int) -> None:
    store.save(planned())
    tmp_path.chmod(0o755)
    for folder in (settings.state_dir(), settings.clusters_dir()):
        folder.chmod(mode)
    for look in (
        store.names,
        lambda: store.load("core"),
        lambda: destroy("core", every=False, yes=True, as_json=False),
    ):
        with becoming(NOBODY), pytest.raises(LabError, match=f"{settings.state_dir()}: is ") as refused:
            look()
        assert refused.value.hint == "put sudo before the command"
    assert store.names() == ["core"]


def test_without_a_state_of_roots_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LAB_STATE_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(settings, "ROOTS_STATE", tmp_path / "nosuch")
    monkeypatch.setattr(settings, "is_root", lambda: False)
    assert state_folders.of_root() == ""
