"""The order in which a lab is taken off."""

from __future__ import annotations

from coreos_lab.deploy.take_off import groups


def test_units_are_stopped_in_groups() -> None:
    units = ["a@1.service", "a@2.service", "b.service", "a-sidekick@1.service", "a@.service", "a-sidekick@.service"]
    assert groups(units) == [["a@1.service", "a@2.service"], ["b.service"], ["a-sidekick@1.service"]]
