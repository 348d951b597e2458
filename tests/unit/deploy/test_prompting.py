"""fleetd is prompted where a machine has not loaded what fleet has given it."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from coreos_lab.clients.fleet import Fleet
from coreos_lab.deploy.prompting import Prompter

LATE = [("a.service", "core-02"), ("b.service", "core-03")]


@pytest.fixture
def fleet() -> Mock:
    return Mock(Fleet)


def test_only_what_lasts_is_prompted_and_one_unit_is_enough(fleet: Mock) -> None:
    prompter = Prompter(fleet, 3)
    prompter.prompt(LATE, now=0.0)
    prompter.prompt(LATE, now=0.9)
    assert not fleet.want.called, "fleetd may still be about to look"
    prompter.prompt(LATE, now=1.0)
    fleet.want.assert_called_once_with("a.service", "launched")
    prompter.prompt(LATE, now=1.4)
    assert fleet.want.call_count == 1, "a look of fleetd takes a second"
    prompter.prompt(LATE[1:], now=2.5)
    fleet.want.assert_called_with("b.service", "launched")


def test_what_was_loaded_meanwhile_is_not_prompted(fleet: Mock) -> None:
    prompter = Prompter(fleet, 3)
    prompter.prompt(LATE, now=0.0)
    prompter.prompt([], now=0.5)
    prompter.prompt(LATE, now=1.0)
    assert not fleet.want.called


def test_many_machines_are_left_more_time(fleet: Mock) -> None:
    prompter = Prompter(fleet, 50)
    for now in (0.0, 2.0, 4.9):
        prompter.prompt(LATE, now=now)
    assert not fleet.want.called
    prompter.prompt(LATE, now=5.0)
    assert fleet.want.called
