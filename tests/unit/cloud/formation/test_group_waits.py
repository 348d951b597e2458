"""How long a stack waits for the instances of its groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

import pytest

from coreos_lab.cloud.formation import scaling_kinds
from coreos_lab.cloud.formation.call import Call
from coreos_lab.cloud.formation.errors import invalid
from coreos_lab.cloud.sigv4 import RefusedError

GROUP = scaling_kinds.KINDS["AWS::AutoScaling::AutoScalingGroup"]
ITS = {
    "AutoScalingGroupName": "mine",
    "LaunchConfigurationName": "mine",
    "VPCZoneIdentifier": ["subnet-1"],
    "MinSize": "1",
    "MaxSize": "1",
}


def call(instances: list[dict[str, Any]], late: int) -> tuple[Call, list[str]]:
    """Clients of a group whose waits pass without its instances `late` times, and what was waited for."""
    waits: list[str] = []

    def wait(true: Callable[[], bool], missing: str, patience: float = 120.0) -> None:
        waits.append(missing)
        if len(waits) <= late:
            raise invalid(f"{missing} within {patience:g} s")

    api = MagicMock()
    api.describe_scaling_activities.return_value = {"Activities": []}
    api.describe_instances.return_value = {"Reservations": [{"Instances": instances}]}
    return Call(lambda _service: api, (), wait), waits


def test_instances_that_boot_slowly_are_waited_for_again() -> None:
    own, waits = call([{"InstanceId": "i-1"}], late=2)
    GROUP.make(own, ITS)
    assert len(waits) == 3


def test_instances_that_never_boot_are_given_up() -> None:
    own, waits = call([{"InstanceId": "i-1"}], late=1000)
    with pytest.raises(RefusedError, match="they have not started yet"):
        GROUP.make(own, ITS)
    assert len(waits) == scaling_kinds.ROUNDS


def test_an_instance_that_has_failed_is_not_waited_for_again() -> None:
    why = {"Code": "Server.InternalError", "Message": "no console"}
    own, waits = call([{"InstanceId": "i-1", "StateReason": why}], late=1000)
    with pytest.raises(RefusedError, match="i-1: no console"):
        GROUP.make(own, ITS)
    assert len(waits) == 1
