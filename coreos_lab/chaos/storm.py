"""The plan of a storm: random faults of random nodes, from a seed. The same request always makes the same plan."""

from __future__ import annotations

import heapq
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from coreos_lab.chaos.faults import FAULTS
from coreos_lab.chaos.schedule import Step
from coreos_lab.model import FaultKind, Node

T = TypeVar("T")

# Seconds, from the least to the most.
FIRST = (1.0, 5.0)  # until the first fault
LASTING = (10.0, 30.0)  # of a fault
CALM = (5.0, 20.0)  # from the end of a fault to the next one in its place
SHORTEST = FIRST[1] + LASTING[0]  # of a storm: there is always time for one fault
LONGEST = 2 * 3600.0  # the samples are kept in memory, and every number that was written in etcd
# What labs are to survive, with the parameters' defaults. The other faults are not possible everywhere: they need a
# certain provider or kernel, an extra disk, a parameter, or keys that name the node; and a limit of memory that a node
# never reaches has no effect.
USUAL = (
    *(FaultKind.KILL, FaultKind.HALT, FaultKind.REBOOT, FaultKind.PAUSE, FaultKind.CRASH_LOOP),
    *(FaultKind.ISOLATE, FaultKind.PARTITION, FaultKind.BANDWIDTH, FaultKind.LOSS, FaultKind.READ_ONLY),
    *(FaultKind.CPU_QUOTA, FaultKind.TASK_LIMIT),
    *(FaultKind.STOP, FaultKind.CRASH, FaultKind.KEEP_CRASHING, FaultKind.FREEZE),
    *(FaultKind.LOSE_DATA, FaultKind.CORRUPT_DATA, FaultKind.REMOVE_MEMBER),
)


@dataclass(frozen=True)
class Choice:
    """A fault that may be drawn, with the value of each of its parameters."""

    kind: FaultKind
    values: Mapping[str, str]


@dataclass(frozen=True)
class Request:
    """All that a plan depends on. `units` are the targets unit:NAME whose machine may be broken, too."""

    seed: int
    seconds: float
    nodes: tuple[Node, ...]
    units: tuple[str, ...]
    choices: tuple[Choice, ...]
    max_broken: int = 1
    may_lose_quorum: bool = False


def plan(request: Request) -> tuple[Step, ...]:
    """The breaks with their times, in the order in which they begin; none where no choice is possible.

    As many nodes as are allowed are broken independently of each other: after each fault there is calm in its place,
    then comes the next one. So faults overlap, but never on one node, and the majority of etcd's members is kept.
    """
    chance = random.Random(f"storm {request.seed}")  # noqa: S311 - the same again from a seed
    begins = [(_between(chance, FIRST), place) for place in range(request.max_broken)]
    heapq.heapify(begins)
    planned: list[Step] = []
    # In an order that does not depend on how they were asked for.
    choices = sorted(request.choices, key=lambda choice: (choice.kind.value, sorted(choice.values.items())))
    while begins:
        at, place = heapq.heappop(begins)
        lasting = min(_between(chance, LASTING), round(request.seconds - at, 1))
        if lasting < LASTING[0]:
            continue
        there = [step for step in planned if step.at + (step.lasting or 0.0) > at]
        possible = [(choice, targets) for choice in choices if (targets := _targets(request, choice, there))]
        until = at
        if possible:
            choice, targets = _one_of(chance, possible)
            planned.append(Step((_one_of(chance, targets),), choice.kind, dict(choice.values), lasting, at=at))
            until = at + lasting
        heapq.heappush(begins, (round(until + _between(chance, CALM), 1), place))
    return tuple(planned)


def _targets(request: Request, choice: Choice, there: Sequence[Step]) -> list[str]:
    """What may be broken in this way while the breaks in `there` last.

    Which machine runs a unit is known when its turn has come. So nothing else is broken while that one is.
    """
    taken = {target for step in there for target in step.targets}
    if not taken.isdisjoint(request.units):
        return []
    fault = FAULTS[choice.kind]
    fitting = [node for node in request.nodes if fault.fits(node, choice.values)]
    found = [node.name for node in fitting if node.name not in taken]
    if not there and len(fitting) == len(request.nodes):
        found += request.units
    return [target for target in found if _is_bearable(request, choice, target, there)]


def _is_bearable(request: Request, choice: Choice, target: str, there: Sequence[Step]) -> bool:
    """Whether etcd keeps its majority, or may lose it."""
    voters = [node.name for node in request.nodes if node.member]
    breaks = [(target, choice.kind, choice.values), *((step.targets[0], step.kind, step.values) for step in there)]
    lost = sum(_costs_vote({*voters, *request.units}, *each) for each in breaks)
    if lost <= (len(voters) - 1) // 2:
        return True
    return request.may_lose_quorum and not any(FAULTS[kind].needs_quorum for _target, kind, _values in breaks)


def _costs_vote(voters: Collection[str], target: str, kind: FaultKind, values: Mapping[str, str]) -> bool:
    """Whether a break may cost a member's vote: by silencing it, or by making it too slow."""
    return target in voters and not FAULTS[kind].spares_etcd(values)


def _between(chance: random.Random, span: tuple[float, float]) -> float:
    """A number of seconds in tenths. Only `random()` is sure to give the same numbers with every version of Python."""
    return round(span[0] + (span[1] - span[0]) * chance.random(), 1)


def _one_of(chance: random.Random, values: Sequence[T]) -> T:
    return values[int(chance.random() * len(values))]
