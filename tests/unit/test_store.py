"""What is kept about clusters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab import settings, store
from coreos_lab.errors import LabError, UsageError
from coreos_lab.model import Cluster
from coreos_lab.store import ClusterFolder

Planned = Callable[..., Cluster]


def test_a_cluster_is_read_as_it_was_written(planned: Planned, state: Path) -> None:
    plain = planned()
    special = replace(
        planned(name="big", nodes=7, disks=2, memory=2**30, cpus=1.5, agent_ttl="7s", subnet="10.9.0.0/16"), image="abc"
    )
    for cluster in (plain, special):
        store.save(cluster)
        assert store.load(cluster.name) == cluster
    assert list(store.clusters()) == [special, plain]
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
    key, token = store.ensure_key(folder), store.ensure_token(folder)
    assert key.startswith("ssh-ed25519 ")
    assert key.endswith(" lab core")
    assert len(token) == 16
    assert (store.ensure_key(folder), store.ensure_token(folder)) == (key, token)
    assert {path.stat().st_mode & 0o777 for path in (folder.key, folder.token)} == {0o600}
    assert store.ensure_token(ClusterFolder("other")) != token


def test_another_versions_plan_still_says_which_network_is_taken(planned: Callable[..., Cluster]) -> None:
    cluster = planned()
    store.save(cluster)
    path = ClusterFolder(cluster.name).plan
    path.write_text(path.read_text().replace('"agent_ttl"', '"of_tomorrow"'))
    with pytest.raises(LabError, match="does not understand the plan"):
        store.load(cluster.name)
    assert store.network_index(cluster.name) == cluster.network.index
    path.write_text("{}")
    assert store.network_index(cluster.name) is None
