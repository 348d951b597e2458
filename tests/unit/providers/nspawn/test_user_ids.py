"""Which of the host's user numbers a cluster's nodes get."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from coreos_lab.errors import LabError
from coreos_lab.model import NODES_MAX, Cluster, to_json
from coreos_lab.providers.nspawn import user_ids
from coreos_lab.providers.nspawn.boot import RANGE
from coreos_lab.providers.nspawn.user_ids import FIRST, LAST, SIZE, choose
from coreos_lab.records import state_folders, store


def test_no_two_nodes_of_any_two_clusters_share_a_number() -> None:
    firsts = [choose(index, []) for index in range(200)]
    assert len(set(firsts)) == 200
    assert all(abs(a - b) >= SIZE for a, b in itertools.pairwise(firsts))
    assert all(first >= FIRST and first + NODES_MAX * RANGE - 1 <= LAST for first in firsts)


@pytest.mark.parametrize(("begin", "count"), [(FIRST, 1), (FIRST - 5, 6), (FIRST + SIZE - 1, 65536), (0, FIRST + 1)])
def test_a_range_in_use_is_left_alone(begin: int, count: int) -> None:
    first = choose(0, [(begin, count)])
    assert first + SIZE <= begin or begin + count <= first


def test_nothing_is_free() -> None:
    with pytest.raises(LabError, match="consecutive user ids") as failed:
        choose(0, [(0, 2**31)])
    assert "--no-userns" in failed.value.hint


def test_subordinate_users_and_maps_are_read() -> None:
    text = "# a comment\nann:100000:65536\nbob:537000000:65536 \nodd\n1000:7:9\n"
    assert user_ids.parse_sub(text) == [(100000, 65536), (537000000, 65536), (7, 9)]
    assert user_ids.parse_map("         0 536870912      65536\n2147483646 0 1\n") == [(536870912, 65536), (0, 1)]
    assert user_ids.parse_map("         0          0 4294967295\n") == [], "that of the host itself"


def test_a_choice_lasts_and_other_clusters_keep_off_it(planned: Callable[..., Cluster]) -> None:
    one, other = planned(name="one"), planned(name="other")
    for cluster in (one, other):
        store.save(cluster)
    first = user_ids.of_node(one, one.nodes[0])
    assert user_ids.of_node(one, one.nodes[2]) == first + 2 * RANGE
    assert user_ids.of_cluster(replace(one, network=replace(one.network, index=77))) == first, "written down"
    assert abs(user_ids.of_cluster(other) - first) >= SIZE, "though both were planned with the same network"


def test_clusters_of_another_state_folder_keep_off_it_too(
    planned: Callable[..., Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that start at the same time: no process of either has the numbers yet."""
    firsts = []
    for state in ("one", "other"):
        monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path / state))
        cluster = planned()
        with state_folders.planning():
            store.save(cluster)
        firsts.append(user_ids.of_cluster(cluster))
    assert abs(firsts[0] - firsts[1]) >= SIZE, "though both were planned with the same network, as those of clouds are"


def test_root_may_stay_the_hosts(planned: Callable[..., Cluster]) -> None:
    bare = planned(no_userns=True)
    assert user_ids.of_node(bare, bare.nodes[0]) == 0
    assert not user_ids.record(bare).exists()


def test_a_plan_of_an_older_lab_is_read(planned: Callable[..., Cluster]) -> None:
    raw = to_json(planned())
    del raw["userns"]
    path = store.ClusterFolder("core").plan
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(raw))
    assert store.require("core").userns
