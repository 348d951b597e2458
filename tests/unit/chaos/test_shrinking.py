"""Shrinking a plan: what is left fails, and nothing can be left out of it."""

from __future__ import annotations

import random

import pytest

from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.shrinking import Plan, compact, shrink
from coreos_lab.chaos.storm import CALM, FIRST
from coreos_lab.model import FaultKind


def steps(number: int) -> Plan:
    """Breaks one after the other, each of another node."""
    return tuple(
        Step((f"core-{each:02}",), FaultKind.KILL, lasting=20.0, at=3.0 + 30.0 * each) for each in range(number)
    )


class Cluster:
    """One that fails whenever all of some nodes were broken."""

    def __init__(self, *nodes: int) -> None:
        self._nodes = {f"core-{node:02}" for node in nodes}
        self.tried: list[list[str]] = []

    def fails(self, plan: Plan) -> bool:
        names = [step.targets[0] for step in plan]
        assert names not in self.tried, "a plan is tried once"
        self.tried.append(names)
        return self._nodes <= set(names)


def names(plan: Plan) -> list[str]:
    return [step.targets[0] for step in plan]


@pytest.mark.parametrize("seed", range(40))
def test_what_is_left_is_what_matters(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    number = chance.randint(2, 20)
    matter = sorted(chance.sample(range(number), chance.randint(1, min(4, number))))
    cluster = Cluster(*matter)
    assert names(shrink(steps(number), cluster.fails)) == [f"core-{node:02}" for node in matter]


def test_the_break_that_failed_is_tried_alone_first() -> None:
    cluster = Cluster(6)
    assert names(shrink(steps(9), cluster.fails, suspect=6)) == ["core-06"]
    assert cluster.tried == [["core-06"]]


def test_one_break_needs_no_attempt() -> None:
    cluster = Cluster(0)
    assert shrink(steps(1), cluster.fails, suspect=0) == steps(1)
    assert cluster.tried == []


def test_what_never_fails_again_is_left_as_it_was() -> None:
    assert shrink(steps(6), lambda _plan: False, suspect=5) == steps(6)


def test_idle_time_is_shortened_and_overlaps_stay() -> None:
    def at(begin: float, lasting: float) -> Step:
        return Step(("core-01",), FaultKind.KILL, lasting=lasting, at=begin)

    made = compact([at(100, 50), at(120, 10), at(300, 20), at(330, 20)])
    first, second = FIRST[1], FIRST[1] + 50 + CALM[1]
    assert [step.at for step in made] == [first, first + 20, second, second + 30]
    assert compact(made) == made
