"""The plan of a storm: what it depends on, and what it never does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from coreos_lab.chaos.faults import FAULTS
from coreos_lab.chaos.schedule import Step
from coreos_lab.chaos.storm import CALM, FIRST, LASTING, SHORTEST, USUAL, Choice, Request, plan
from coreos_lab.model import Cluster, FaultKind

FRONT = "unit:helloworld-nginx.service"
SEEDS = range(30)
Asked = Callable[..., Request]


@pytest.fixture
def asked(planned: Callable[..., Cluster]) -> Asked:
    def make(nodes: int = 3, **more: object) -> Request:
        usual = tuple(Choice(kind, defaults(kind)) for kind in USUAL)
        cluster = planned(nodes=nodes)
        return replace(Request(7, 600.0, cluster.nodes, (FRONT,), usual), **more)  # type: ignore[arg-type]

    return make


def defaults(kind: FaultKind) -> dict[str, str]:
    return {parameter.name: parameter.default for parameter in FAULTS[kind].parameters}


def moments(steps: tuple[Step, ...]) -> Iterator[list[Step]]:
    """What is broken at once, whenever one more is."""
    for step in steps:
        yield [each for each in steps if each.at <= step.at < each.at + (each.lasting or 0.0)]


def test_a_seed_is_a_plan_for_ever(asked: Asked) -> None:
    """Another version of Python or of lab must not make another plan of a seed that is on record somewhere."""
    drawn = [(step.at, step.lasting, step.targets[0], step.kind.value) for step in plan(asked(seconds=120.0))]
    assert drawn == [
        (2.6, 11.3, "core-03", "task-limit"),
        (23.8, 29.3, "core-02", "loss"),
        (70.7, 24.1, "core-02", "crash-loop"),
    ]


def test_the_plan_depends_on_the_request_alone(asked: Asked) -> None:
    request = asked()
    assert plan(request) == plan(request)
    turned = replace(request, choices=tuple(reversed(request.choices)))
    assert plan(turned) == plan(request), "the order in which faults are named means nothing"
    others = [replace(request, seed=8), replace(request, units=()), asked(nodes=5), replace(request, max_broken=2)]
    assert all(plan(other) != plan(request) for other in others)


def test_one_at_a_time_with_calm_between(asked: Asked) -> None:
    for seed in SEEDS:
        steps = plan(asked(seed=seed))
        assert len(steps) > 5
        assert FIRST[0] <= steps[0].at <= FIRST[1]
        until = 0.0
        for step in steps:
            assert step.lasting is not None
            assert LASTING[0] <= step.lasting <= LASTING[1]
            if until:
                assert CALM[0] - 0.1 <= step.at - until <= CALM[1] + 0.1
            until = step.at + step.lasting
        assert until <= 600.0


@pytest.mark.parametrize(("nodes", "max_broken"), [(3, 2), (5, 2), (5, 3), (7, 4)])
def test_what_overlaps_never_costs_the_majority(asked: Asked, nodes: int, max_broken: int) -> None:
    request = asked(nodes=nodes, max_broken=max_broken)
    members = {node.name for node in request.nodes if node.member}
    for broken in (broken for seed in SEEDS for broken in moments(plan(replace(request, seed=seed)))):
        assert len(broken) <= max_broken
        targets = [step.targets[0] for step in broken]
        assert len(set(targets)) == len(targets), "a node is broken twice"
        assert FRONT not in targets or len(targets) == 1, "the unit's machine may be one that is broken already"
        lost = [
            step
            for step in broken
            if step.targets[0] in {*members, FRONT} and not FAULTS[step.kind].spares_etcd(defaults(step.kind))
        ]
        assert len(lost) <= (len(members) - 1) // 2


def test_faults_overlap_where_that_is_allowed(asked: Asked) -> None:
    plans = [plan(asked(nodes=5, seed=seed, max_broken=2)) for seed in SEEDS]
    assert any(len(broken) == 2 for steps in plans for broken in moments(steps))
    assert any(step.targets == (FRONT,) for steps in plans for step in steps)


def test_the_majority_is_lost_where_that_is_asked_for(asked: Asked) -> None:
    plans = [plan(asked(seed=seed, max_broken=3, may_lose_quorum=True)) for seed in SEEDS]
    at_once = [broken for steps in plans for broken in moments(steps)]
    assert any(len(broken) == 3 for broken in at_once)
    for broken in at_once:
        lost = [step for step in broken if not FAULTS[step.kind].spares_etcd(defaults(step.kind))]
        needs = [step for step in broken if FAULTS[step.kind].needs_quorum]
        assert len(lost) < 2 or not needs, "it could not be undone"


def test_each_fault_is_for_a_node_that_can_have_it(asked: Asked, planned: Callable[..., Cluster]) -> None:
    disk = (Choice(FaultKind.LOSE_DISK, {"disk": "sdb"}),)
    assert plan(asked(choices=disk)) == ()
    assert plan(replace(asked(choices=disk), nodes=planned(disks=1).nodes))
    member = (Choice(FaultKind.LOSE_DATA, {}),)
    seven = [step.targets[0] for seed in SEEDS for step in plan(asked(nodes=7, choices=member, seed=seed))]
    assert set(seven) == {f"core-0{number}" for number in range(1, 6)}, "the others are no members"


def test_a_short_storm_has_one_fault_that_ends_in_time(asked: Asked) -> None:
    for seed in SEEDS:
        (step,) = plan(asked(seed=seed, seconds=SHORTEST))
        assert LASTING[0] <= (step.lasting or 0.0) <= SHORTEST - step.at


def test_a_cluster_that_can_lose_no_member(asked: Asked) -> None:
    assert plan(asked(nodes=1)) == ()
    assert plan(asked(nodes=1, choices=(Choice(FaultKind.STOP, {"service": "docker"}),)))
    assert plan(asked(nodes=1, may_lose_quorum=True, choices=(Choice(FaultKind.KILL, {}),)))
