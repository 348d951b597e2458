"""Units that fleet does not start are started, when they are idle for long enough."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from coreos_lab.clients import ssh
from coreos_lab.clients.fleet import Unit
from coreos_lab.deploy.irregular import Irregular
from coreos_lab.deploy.picture import Picture
from coreos_lab.deploy.starter import TRIES, Starter
from coreos_lab.model import Cluster, Node
from coreos_lab.observed.lasting import LASTING
from coreos_lab.observed.standing import Standing
from coreos_lab.observed.unit_states import NodeUnit

PLACE = ("a.service", "core-02")
INACTIVE = NodeUnit("a.service", "loaded", "inactive", "dead", "simple", "run1", "new", "1.0")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is called on nodes."""
    made: list[str] = []

    def ask(_cluster: Cluster, node: Node, call: Sequence[str]) -> None:
        made.append(f"{node.name}: {' '.join(call)}")

    monkeypatch.setattr(ssh, "ask", ask)
    return made


def held(current: str) -> list[Unit]:
    return [Unit("a.service", "launched", current, "m2", ())]


def test_units_that_had_failed_or_ended_are_started_again(planned: Callable[..., Cluster], calls: list[str]) -> None:
    failed = replace(INACTIVE, name="b.service", active="failed")
    resting = [
        replace(INACTIVE, name="stopped.service", stopped=True),
        replace(INACTIVE, name="once.service", type="oneshot"),
        replace(INACTIVE, name="now-and-then.service"),
        replace(INACTIVE, name="by-timer.service"),
        replace(INACTIVE, name="up.service", active="active"),
        replace(INACTIVE, name="never.service", invocation=""),
    ]
    cluster = planned()
    units = {unit.name: unit for unit in (INACTIVE, failed, *resting)}
    irregular = Irregular(frozenset({"now-and-then.service"}), frozenset({"by-timer.service"}))
    Starter(cluster, cluster.nodes).retry({"core-01": units}, irregular)
    assert calls == [
        "core-01: sudo systemctl start --no-block a.service",
        "core-01: sudo systemctl restart --no-block b.service",
    ]


def test_an_idle_unit_is_started_a_few_times_and_then_given_up(
    planned: Callable[..., Cluster], calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    made = Starter(cluster, cluster.nodes)
    idle = Picture({PLACE: Standing.IDLE}, {PLACE: INACTIVE})
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    assert made.start_idle(idle, held("launched")) is None
    assert calls == [], "fleet may be about to start it"
    for tries in range(1, TRIES + 1):
        now[0] += LASTING
        assert made.start_idle(idle, held("launched")) is None
        assert calls == ["core-02: sudo systemctl start --no-block a.service"] * tries
        assert made.start_idle(idle, held("launched")) is None
    now[0] += LASTING
    assert made.start_idle(idle, held("launched")) == PLACE
    assert len(calls) == TRIES


def test_what_fleet_has_not_launched_is_left_to_it(
    planned: Callable[..., Cluster], calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = planned()
    made = Starter(cluster, cluster.nodes)
    for moment in (0.0, LASTING, 2 * LASTING):
        monkeypatch.setattr(time, "monotonic", lambda moment=moment: moment)
        assert made.start_idle(Picture({PLACE: Standing.IDLE}, {PLACE: INACTIVE}), held("loaded")) is None
    assert calls == []
