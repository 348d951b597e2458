"""What a verification carries out: breaks, and the order in which each of them begins and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from coreos_lab.chaos import numbering
from coreos_lab.chaos.schedule import Step, kinds

# Seconds within which a lab's checks must pass before anything is broken: on a busy host an answer may be late once,
# which is no unsteady state.
STEADY = 10.0


@dataclass(frozen=True)
class Act:
    """The break of this number, from 0, begins; or it ends, which means that it is healed."""

    number: int
    begins: bool


@dataclass(frozen=True)
class Course:
    """Breaks and the order of their acts. `what` are the breaks in words.

    No break begins later than `ends` seconds after the first act could begin. `patience` is within how many
    seconds the checks must pass before anything is broken. `may_lose_quorum`: the breaks may cost etcd its majority.
    """

    steps: tuple[Step, ...]
    acts: tuple[Act, ...]
    what: str
    ends: float | None = None
    patience: float = STEADY
    may_lose_quorum: bool = False

    def prefix(self, number: int) -> str:
        """How the names of a break's phases begin."""
        return numbering.prefix(number + 1, len(self.steps))


def one_by_one(steps: Sequence[Step]) -> Course:
    """Each break is healed before the next one begins."""
    acts = tuple(Act(number, begins) for number in range(len(steps)) for begins in (True, False))
    return Course(tuple(steps), acts, kinds(steps))


def by_time(steps: Sequence[Step]) -> tuple[Act, ...]:
    """The acts of breaks that have times. Of acts at the same time those that end a break come first.

    Whoever carries acts out in this order never has more broken at once than the times say, however late it is.
    """
    begins = [(step.at, 1, number) for number, step in enumerate(steps)]
    ends = [(step.at + (step.lasting or 0.0), 0, number) for number, step in enumerate(steps)]
    return tuple(Act(number, bool(order)) for _at, order, number in sorted([*begins, *ends]))
