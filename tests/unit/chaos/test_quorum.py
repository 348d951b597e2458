"""What a break does to etcd's majority."""

from __future__ import annotations

from collections.abc import Callable

from coreos_lab.chaos import quorum
from coreos_lab.model import Cluster


def test_the_majority_of_three_and_of_five(planned: Callable[..., Cluster]) -> None:
    three, five = planned().members, planned(nodes=7).members
    assert quorum.lost_by(three, {"core-02"}) == ""
    assert quorum.lost_by(three, {"core-01", "core-02"}) == (
        "etcd loses its quorum: 1 of 3 members is left, 2 are needed"
    )
    assert quorum.lost_by(five, {"core-01", "core-02", "core-06", "core-07"}) == "", "clients do not vote"
    assert "2 of 5 members are left, 3 are needed" in quorum.lost_by(five, {"core-01", "core-02", "core-03"})
