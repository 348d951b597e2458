"""In which order resources are worked on, and what a failure does to those that are not begun yet."""

from __future__ import annotations

import threading

import pytest

from coreos_lab.cloud.formation.ordered import in_order
from coreos_lab.cloud.formation.stack import Leaving, Made
from coreos_lab.cloud.formation.worker import in_reverse


def leaving(name: str, *needs: str) -> Leaving:
    return Leaving(name, Made("AWS::EC2::VPC"), list(needs))


def names(*listed: Leaving) -> list[str]:
    return [each.logical for each in in_reverse(list(listed))]


def test_what_depends_on_others_is_deleted_first() -> None:
    vpc, subnet, machine = leaving("Vpc"), leaving("Subnet", "Vpc"), leaving("Machine", "Subnet", "Vpc")
    assert names(subnet, machine, vpc) == names(vpc, machine, subnet) == ["Machine", "Subnet", "Vpc"]


def test_what_depends_on_each_other_is_deleted_nevertheless() -> None:
    assert names(leaving("One", "Two"), leaving("Two", "One")) == ["Two", "One"]


def test_both_resources_of_one_name_go_before_what_they_need() -> None:
    assert names(leaving("Vpc"), leaving("Group", "Vpc"), leaving("Group", "Vpc"))[-1] == "Vpc"


def test_work_is_done_in_order_and_ends_with_a_failure() -> None:
    done: list[str] = []

    def act(name: str) -> None:
        done.append(name)
        if name == "b":
            raise ValueError(name)

    needs = {"a": set[str](), "b": {"a"}, "c": {"b"}}
    assert in_order(needs, act, lambda: False) == ["b"]
    assert done == ["a", "b"]
    with pytest.raises(ValueError, match="cycle"):
        in_order({"a": {"b"}, "b": {"a"}}, act, lambda: False)


def test_no_further_work_is_begun_once_it_is_stopped() -> None:
    stop, done = threading.Event(), []

    def act(name: str) -> None:
        done.append(name)
        stop.set()

    assert in_order({"a": set(), "b": {"a"}}, act, stop.is_set) == []
    assert done == ["a"]
